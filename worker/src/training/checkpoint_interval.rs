//! The interval between saved states of a unit in training: as short as possible while saving takes at most a hundredth
//! of the time. In a worker's first seconds it is so short that at most half of its training can be lost. Pure;
//! docs/worker.md describes it for people.

use std::time::Duration;

/// A save may take one part in so many of the time between two saves.
const PARTS: u32 = 100;
/// The shortest interval, however little saving costs.
const SHORTEST: Duration = Duration::from_millis(500);

/// The bounds on the time between two states of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointInterval {
    /// The time that the newest save took, in the slot and in transfer; zero: unknown. [`Duration::MAX`]: it is still
    /// under way, or the state was not kept.
    pub cost: Duration,
    /// The time for which this worker has trained any units so far.
    pub trained: Duration,
    /// The longest interval, however long a save takes.
    pub longest: Duration,
    /// The shortest interval that the coordinator allows, which depends on its number of workers.
    pub allowed: Duration,
}

impl CheckpointInterval {
    /// Whether the state is due, this long after the last save or after training began.
    pub fn is_due(&self, since: Duration) -> bool {
        since >= self.interval(since)
    }

    fn interval(&self, since: Duration) -> Duration {
        let before = self.trained.saturating_sub(since);
        self.cost.saturating_mul(PARTS).min(before).max(SHORTEST).min(self.longest).max(self.allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bounds in a worker that has trained for long.
    const FREE: CheckpointInterval = CheckpointInterval {
        cost: Duration::ZERO,
        trained: Duration::MAX,
        longest: Duration::from_secs(30),
        allowed: Duration::ZERO,
    };

    fn interval_ms(spacing: CheckpointInterval) -> u128 {
        spacing.interval(Duration::ZERO).as_millis()
    }

    #[test]
    fn a_save_takes_a_hundredth_of_the_time_at_most() {
        for (cost_ms, interval) in [(0, 500), (1, 500), (5, 500), (6, 600), (20, 2_000), (299, 29_900)] {
            let spacing = CheckpointInterval { cost: Duration::from_millis(cost_ms), ..FREE };
            assert_eq!(interval_ms(spacing), interval, "{cost_ms} ms");
            assert!(spacing.is_due(Duration::from_millis(interval as u64)));
            assert!(!spacing.is_due(Duration::from_millis(interval as u64 - 1)));
        }
    }

    #[test]
    fn however_slow_it_is_states_are_saved_at_last() {
        for cost in [Duration::from_secs(1), Duration::from_secs(900), Duration::MAX] {
            assert_eq!(interval_ms(CheckpointInterval { cost, ..FREE }), 30_000);
        }
        let longest = Duration::from_millis(100);
        assert_eq!(
            interval_ms(CheckpointInterval { longest, ..FREE }),
            100,
            "who asks for more often than that gets it"
        );
    }

    #[test]
    fn a_coordinator_with_many_workers_has_the_last_word() {
        let allowed = Duration::from_secs(12);
        assert_eq!(interval_ms(CheckpointInterval { allowed, ..FREE }), 12_000);
        assert_eq!(interval_ms(CheckpointInterval { allowed, longest: Duration::from_secs(1), ..FREE }), 12_000);
        assert_eq!(interval_ms(CheckpointInterval { allowed, cost: Duration::from_millis(200), ..FREE }), 20_000);
    }

    #[test]
    fn a_young_worker_saves_what_it_has_done_so_far() {
        // Even with slow saving: after half a second, one, two, four and so on.
        let slow = CheckpointInterval { cost: Duration::MAX, ..FREE };
        let (mut saved, mut last) = (Vec::new(), 0);
        for now in 0..=40_000 {
            let spacing = CheckpointInterval { trained: Duration::from_millis(now), ..slow };
            if spacing.is_due(Duration::from_millis(now - last)) {
                saved.push(now);
                last = now;
            }
        }
        assert_eq!(saved, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
    }

    /// Kills come after 1 to 12 s, of which half a second is for starting; units train for 20 s. With saves every 30 s
    /// nothing would ever be saved.
    #[test]
    fn work_moves_forward_under_kills_every_few_seconds() {
        let life = |second: u64| Duration::from_millis(1_000 + second * 7_919 % 11_000 - 500);
        let lives = |spacing: CheckpointInterval| {
            let (mut saved, mut lives) = (Duration::ZERO, 0);
            while saved < Duration::from_secs(20) && lives < 1_000 {
                lives += 1;
                let (life, mut last, mut cost) = (life(lives), Duration::ZERO, Duration::ZERO);
                // Training advances in steps of 10 ms; a completely saved state is never lost.
                for step in 1.. {
                    let now = Duration::from_millis(10) * step;
                    if now > life {
                        break;
                    }
                    if (CheckpointInterval { cost, trained: now, ..spacing }).is_due(now - last) {
                        (saved, last, cost) = (saved + now - last, now, spacing.cost);
                    }
                }
            }
            lives
        };
        // 20 s of training in runs of 6 s on average, minus the loss at each end.
        assert!(lives(CheckpointInterval { cost: Duration::from_millis(10), ..FREE }) <= 6);
        assert!(lives(CheckpointInterval { cost: Duration::from_millis(500), ..FREE }) <= 10);
        assert_eq!(
            lives(CheckpointInterval { longest: Duration::MAX, allowed: Duration::from_secs(30), ..FREE }),
            1_000,
            "as it was"
        );
    }
}
