//! Estimates the cost of units, at first from the networks' sizes, later from measured times.

use crate::scheduler::forecast::Bounds;

/// The middle four fifths of a normal distribution lie within this many standard deviations of its mean.
const FOUR_FIFTHS: f64 = 1.2816;
/// The smallest assumed error of a mean of times, as a share of the mean.
const MARGIN: f64 = 0.25;
/// The smallest assumed error of a mean that was measured on other groups.
const OTHERS_MARGIN: f64 = 0.5;

/// The expected cost of a unit of each group.
#[derive(Clone, Debug, Default)]
pub struct Estimates {
    groups: Vec<Group>,
    measured_seconds: f64,
    measured_cost: f64,
    /// Seconds per unit of cost, of each measured unit.
    rates: Tally,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    /// The cost from the network's size, in any unit of measure.
    cost: f64,
    seconds: Tally,
}

/// The source of a group's expected cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Basis {
    /// The mean of its own times, in seconds.
    Measured(f64),
    /// The network's size, at whatever rate is measured elsewhere.
    Network(f64),
}

impl Basis {
    pub(super) fn number(self) -> f64 {
        match self {
            Self::Measured(seconds) => seconds,
            Self::Network(cost) => cost,
        }
    }
}

/// The mean and the spread of some numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    count: u32,
    sum: f64,
    squares: f64,
}

impl Tally {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self) -> f64 {
        self.sum / f64::from(self.count.max(1))
    }

    /// The half-width of the middle four fifths, as a share of the mean.
    fn spread(&self) -> f64 {
        let variance = self.squares / f64::from(self.count.max(1)) - self.mean() * self.mean();
        if self.mean() > 0.0 { FOUR_FIFTHS * variance.max(0.0).sqrt() / self.mean() } else { 0.0 }
    }
}

impl Estimates {
    /// Adds groups with these expected costs, all in one unit of measure.
    pub fn add(&mut self, costs: Vec<f64>) {
        self.groups.extend(costs.into_iter().map(|cost| Group { cost, seconds: Tally::default() }));
    }

    /// Adds the measured time of a unit of `group`. Invalid times are ignored: they come from workers.
    pub fn measured(&mut self, group: usize, seconds: f64) {
        let Some(entry) = self.groups.get_mut(group) else { return };
        if seconds.is_finite() && seconds >= 0.0 {
            entry.seconds.add(seconds);
            self.measured_seconds += seconds;
            self.measured_cost += entry.cost;
            if entry.cost > 0.0 {
                self.rates.add(seconds / entry.cost);
            }
        }
    }

    /// Seconds of a unit of `group` on one slot: the group's mean, or the group's cost at the rate of other groups.
    /// Without measurements, the cost itself, which serves comparisons only (see [`Self::seconds`]).
    pub fn expected(&self, group: usize) -> f64 {
        let Some(entry) = self.groups.get(group) else { return 0.0 };
        if entry.seconds.count > 0 {
            entry.seconds.mean()
        } else if self.measured_cost > 0.0 {
            entry.cost * self.measured_seconds / self.measured_cost
        } else {
            entry.cost
        }
    }

    /// The source of a group's expected cost.
    pub(super) fn basis(&self, group: usize) -> Basis {
        match self.groups.get(group) {
            Some(entry) if entry.seconds.count > 0 => Basis::Measured(entry.seconds.mean()),
            Some(entry) => Basis::Network(entry.cost),
            None => Basis::Network(0.0),
        }
    }

    /// Like [`Self::expected`], with bounds; None without measurements. The bounds have the spread of the group's
    /// measurements, or of all measurements where the group has none.
    pub fn seconds(&self, group: usize) -> Option<Bounds> {
        if self.measured_cost <= 0.0 {
            return None;
        }
        let own = self.groups.get(group).map(|entry| entry.seconds).filter(|seconds| seconds.count > 0);
        let share = own.map_or_else(|| self.rates.spread().max(OTHERS_MARGIN), |own| own.spread().max(MARGIN));
        let expected = self.expected(group);
        Some(Bounds { low: expected / (1.0 + share), expected, high: expected * (1.0 + share) })
    }
}

#[cfg(test)]
mod tests {
    use super::Estimates;

    fn expected(estimates: &Estimates, group: usize) -> Option<f64> {
        estimates.seconds(group).map(|seconds| seconds.expected)
    }

    #[test]
    fn costs_rank_until_times_are_measured() {
        let mut estimates = Estimates::default();
        estimates.add(vec![1.0, 8.0, 2.0]);
        assert!(estimates.expected(1) > estimates.expected(2));
        assert_eq!(estimates.seconds(1), None);
        estimates.measured(0, 10.0);
        estimates.measured(0, 20.0);
        assert_eq!(expected(&estimates, 0), Some(15.0));
        assert_eq!(expected(&estimates, 2), Some(30.0), "twice the cost of what took 15 s");
        estimates.measured(1, f64::NAN);
        assert_eq!(expected(&estimates, 1), Some(120.0));
    }

    #[test]
    fn the_ends_are_as_far_apart_as_what_was_measured() {
        let mut estimates = Estimates::default();
        estimates.add(vec![1.0, 1.0]);
        for seconds in [10.0, 10.0, 10.0] {
            estimates.measured(0, seconds);
        }
        let alike = estimates.seconds(0).unwrap();
        assert_eq!((alike.low, alike.high), (8.0, 12.5), "few times do not feign certainty");
        let other = estimates.seconds(1).unwrap();
        assert!(other.high > alike.high, "of a group of which nothing was measured less is known: {other:?}");
        for seconds in [1.0, 40.0] {
            estimates.measured(0, seconds);
        }
        let unlike = estimates.seconds(0).unwrap();
        assert!(unlike.high > 2.0 * unlike.expected && unlike.low < unlike.expected / 2.0, "{unlike:?}");
    }
}
