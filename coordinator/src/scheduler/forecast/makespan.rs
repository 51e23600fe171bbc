//! The duration of work on several slots. Pure: a list schedule like the queue's, longest expected units first, where
//! units may have to wait for others.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

/// Units with equal durations and equal predecessors.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Seconds of each unit on one slot.
    pub seconds: f64,
    /// The number of units.
    pub units: usize,
    /// The indices of the batches that must have ended before one of these units may begin.
    pub after: BTreeSet<usize>,
}

/// A number of seconds that is never NaN, and so can be ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seconds(f64);

impl Eq for Seconds {}

impl PartialOrd for Seconds {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Seconds {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Seconds until every unit has ended on this many slots. Batches that wait for each other in a cycle never begin.
pub fn makespan(batches: &[Batch], slots: usize) -> f64 {
    // For each batch: units that have not begun, units that have not ended, and batches for which it still waits.
    let mut waiting: Vec<usize> = batches.iter().map(|batch| batch.units).collect();
    let mut left = waiting.clone();
    let mut awaited: Vec<usize> = vec![0; batches.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); batches.len()];
    let mut ready: BinaryHeap<(Seconds, Reverse<usize>)> = BinaryHeap::new();
    for (place, batch) in batches.iter().enumerate() {
        for &before in batch.after.iter().filter(|&&before| left.get(before).is_some_and(|left| *left > 0)) {
            awaited[place] += 1;
            followers[before].push(place);
        }
        if awaited[place] == 0 && batch.units > 0 {
            ready.push((Seconds(batch.seconds), Reverse(place)));
        }
    }
    let mut running: BinaryHeap<Reverse<(Seconds, usize)>> = BinaryHeap::new();
    let mut now = 0.0;
    loop {
        while running.len() < slots.max(1) {
            let Some(&(seconds, Reverse(place))) = ready.peek() else { break };
            running.push(Reverse((Seconds(now + seconds.0), place)));
            waiting[place] -= 1;
            if waiting[place] == 0 {
                ready.pop();
            }
        }
        let Some(Reverse((Seconds(end), place))) = running.pop() else { return now };
        now = end;
        left[place] -= 1;
        if left[place] > 0 {
            continue;
        }
        for &next in &followers[place] {
            awaited[next] -= 1;
            if awaited[next] == 0 && batches[next].units > 0 {
                ready.push((Seconds(batches[next].seconds), Reverse(next)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn batch(seconds: f64, units: usize, after: &[usize]) -> Batch {
        Batch { seconds, units, after: after.iter().copied().collect() }
    }

    #[test]
    fn one_slot_does_all_of_the_work() {
        assert_eq!(makespan(&[batch(2.0, 3, &[]), batch(1.0, 4, &[])], 1), 10.0);
        assert_eq!(makespan(&[], 4), 0.0);
    }

    #[test]
    fn the_longest_unit_bounds_what_slots_can_do() {
        assert_eq!(makespan(&[batch(10.0, 1, &[]), batch(1.0, 8, &[])], 64), 10.0);
        // Longest first: 3 and 2 + 2, not 2 and 2 + 3.
        assert_eq!(makespan(&[batch(2.0, 2, &[]), batch(3.0, 1, &[])], 2), 4.0);
    }

    #[test]
    fn later_stages_wait_for_the_last_unit_of_their_selection() {
        // Nine units on four slots leave three slots idle at the end; the next stage begins only then.
        assert_eq!(makespan(&[batch(1.0, 9, &[]), batch(5.0, 4, &[0])], 4), 3.0 + 5.0);
        // Units without predecessors fill the gap.
        assert_eq!(makespan(&[batch(1.0, 9, &[]), batch(5.0, 4, &[0]), batch(0.5, 6, &[])], 4), 3.0 + 5.0);
        assert_eq!(makespan(&[batch(1.0, 2, &[]), batch(1.0, 2, &[0]), batch(1.0, 2, &[1])], 64), 3.0);
    }

    #[test]
    fn what_is_done_is_not_waited_for() {
        assert_eq!(makespan(&[batch(7.0, 0, &[]), batch(2.0, 1, &[0])], 1), 2.0);
    }

    fn any_batches() -> impl Strategy<Value = Vec<Batch>> {
        let one = (0.0..10.0_f64, 0_usize..6, any::<u8>());
        prop::collection::vec(one, 0..8).prop_map(|all| {
            let batches = all.into_iter().enumerate();
            batches
                .map(|(place, (seconds, units, bits))| {
                    batch(seconds, units, &(0..place).filter(|before| bits >> before & 1 == 1).collect::<Vec<_>>())
                })
                .collect()
        })
    }

    /// The longest chain of dependent units.
    fn critical_path(batches: &[Batch]) -> f64 {
        let mut ends: Vec<f64> = Vec::new();
        for batch in batches {
            let begins = batch.after.iter().filter(|&&before| batches[before].units > 0).map(|&before| ends[before]);
            let begins = begins.fold(0.0, f64::max);
            ends.push(if batch.units > 0 { begins + batch.seconds } else { 0.0 });
        }
        ends.into_iter().fold(0.0, f64::max)
    }

    proptest! {
        /// Graham (1966): a list schedule is never better than work / slots or the critical path, nor worse than their sum.
        #[test]
        fn within_grahams_bounds(batches in any_batches(), slots in 1_usize..9) {
            let found = makespan(&batches, slots);
            let work: f64 = batches.iter().map(|batch| batch.seconds * batch.units as f64).sum();
            let path = critical_path(&batches);
            prop_assert!(found >= path - 1e-9 && found >= work / slots as f64 - 1e-9, "{found} {path} {work}");
            prop_assert!(found <= work / slots as f64 + path + 1e-9, "{found} {path} {work}");
        }
    }
}
