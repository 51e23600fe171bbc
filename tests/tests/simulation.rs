//! The simulated cluster, over many seeds. scripts/simulate.sh runs it for hours.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Instant,
};

use seedgrid_tests::simulation::{Run, Violation, numbered_faults::Faults, shrink::shrink, simulate};

/// A number that scripts/simulate.sh sets.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn told(seed: u64, run: &Run) -> String {
    let Violation(what) = run.violation.as_ref().unwrap();
    let faults: String = run.faults.iter().map(|(number, what)| format!("\n  {number:>4} {what}")).collect();
    format!(
        "seed {seed}: {what}\nafter {} steps and {} ms, with these faults:{faults}\nthe last steps:\n{}\nagain: \
         SEEDGRID_SIMULATION_FIRST={seed} SEEDGRID_SIMULATION_SEEDS=1 cargo test --release --test simulation",
        run.steps,
        run.ended_at,
        run.last_steps.join("\n")
    )
}

#[test]
fn in_spite_of_all_faults_nothing_is_lost_and_every_unit_ends() {
    let (first, count) = (setting("SEEDGRID_SIMULATION_FIRST", 1), setting("SEEDGRID_SIMULATION_SEEDS", 2_500));
    let next = AtomicU64::new(first);
    let (steps, faults, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let began = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let Ok(run) = catch_unwind(AssertUnwindSafe(|| simulate(seed, Faults::all(seed)))) else {
                        failed.store(true, Ordering::Relaxed);
                        println!("seed {seed}: a panic, see above");
                        return;
                    };
                    steps.fetch_add(run.steps, Ordering::Relaxed);
                    faults.fetch_add(run.faults.len() as u64, Ordering::Relaxed);
                    if run.violation.is_some() && !failed.swap(true, Ordering::Relaxed) {
                        println!("{}", told(seed, &shrink(seed, run)));
                    }
                }
            });
        }
    });
    let (steps, faults, seconds) = (steps.into_inner(), faults.into_inner(), began.elapsed().as_secs_f64());
    println!("{count} seeds, {steps} steps, {faults} faults in {seconds:.1} s: {:.0} seeds/s", count as f64 / seconds);
    assert!(!failed.into_inner(), "see above");
    assert!(faults > 5 * count, "{faults} faults are too few to say much");
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in 1..=20 {
        let [first, second] = [(); 2].map(|()| simulate(seed, Faults::all(seed)));
        assert_eq!((first.trace, first.steps, first.faults.len()), (second.trace, second.steps, second.faults.len()));
        assert_ne!(first.trace, simulate(seed + 1000, Faults::all(seed + 1000)).trace);
    }
}

#[test]
fn without_faults_it_is_calm() {
    for seed in 1..=20 {
        let run = simulate(seed, Faults::none(seed));
        assert_eq!((run.violation, run.faults.len()), (None, 0), "seed {seed}");
    }
}
