//! How often workers may hand over the state of one unit, so that taking in those of all units in training costs a coordinator little,
//! however many there are. Pure.

use std::time::Duration;

/// Taking in all states takes one part in so many of the time, at most.
const PARTS: u32 = 20;
/// Of units so many, or on a disk so slow, that it would be more, states come at this pace all the same.
const SLOWEST: Duration = Duration::from_secs(30);
/// The assumed cost of taking in a state, until it is measured.
const ASSUMED: Duration = Duration::from_millis(10);
/// By which part of the difference what is known moves towards each new value.
const SMOOTHING: u32 = 8;

/// The measured cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadInterval {
    cost: Duration,
}

impl Default for UploadInterval {
    fn default() -> Self {
        Self { cost: ASSUMED }
    }
}

impl UploadInterval {
    /// Another state has been taken in, which took this long.
    pub fn took(&mut self, cost: Duration) {
        // One that hung for minutes must not slow all others down for hours.
        let cost = cost.min(SLOWEST);
        self.cost = (self.cost * (SMOOTHING - 1) + cost) / SMOOTHING;
    }

    /// The shortest time between two states of one unit, of so many in training.
    pub fn allowed(&self, in_training: u32) -> Duration {
        self.cost.saturating_mul(PARTS).saturating_mul(in_training).min(SLOWEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_all_units_take_a_twentieth_of_the_time_at_most() {
        let pace = UploadInterval::default();
        for (units, allowed_ms) in [(0, 0), (1, 200), (2, 400), (16, 3_200), (100, 20_000)] {
            assert_eq!(pace.allowed(units).as_millis(), allowed_ms, "{units} units");
        }
    }

    #[test]
    fn thousands_of_workers_are_as_slow_as_they_were() {
        for units in [200, 4_000, u32::MAX] {
            assert_eq!(UploadInterval::default().allowed(units), SLOWEST);
        }
    }

    #[test]
    fn the_cost_is_learnt_and_one_that_hung_is_forgotten() {
        let mut pace = UploadInterval::default();
        (0..100).for_each(|_| pace.took(Duration::from_millis(80)));
        let slow = pace.allowed(2).as_millis();
        assert!((3_100..=3_200).contains(&slow), "{slow}");
        pace.took(Duration::from_secs(3_600));
        (0..60).for_each(|_| pace.took(Duration::from_millis(1)));
        let fast = pace.allowed(2).as_millis();
        assert!((40..100).contains(&fast), "{fast}");
    }
}
