//! Shrinks a failing run to the fewest faults with which it still fails.

use std::collections::BTreeSet;

use super::{Run, numbered_faults::Faults, simulate};

/// Most runs of one shrinking.
const RUNS_MAX: usize = 400;

/// The failing run of `seed` with as few faults as can be found; it still fails.
pub fn shrink(seed: u64, failing: Run) -> Run {
    let mut best = failing;
    let mut left_out = BTreeSet::new();
    let mut runs = 0;
    let mut fails = |left_out: &BTreeSet<u64>, limit: u64| {
        runs += 1;
        let run = simulate(seed, Faults::new(seed, left_out.clone(), limit));
        (runs <= RUNS_MAX && run.violation.is_some()).then_some(run)
    };
    // Faults after the violation do not matter.
    let mut limit = best.faults.last().map_or(0, |(number, _)| number + 1);
    // Tries to leave out halves, then quarters, down to single faults.
    let mut size = best.faults.len().div_ceil(2).max(1);
    loop {
        let numbers: Vec<u64> = best.faults.iter().map(|(number, _)| *number).collect();
        for chunk in numbers.chunks(size) {
            let mut fewer = left_out.clone();
            fewer.extend(chunk);
            if let Some(run) = fails(&fewer, limit) {
                (left_out, best) = (fewer, run);
                limit = limit.min(best.faults.last().map_or(0, |(number, _)| number + 1));
            }
        }
        if size == 1 {
            return best;
        }
        size = size.div_ceil(2);
    }
}
