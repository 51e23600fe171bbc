//! What units are expected to cost, from the networks' sizes first and from measured times as they come in.

/// Expected cost of a unit of each group.
#[derive(Clone, Debug, Default)]
pub struct Estimates {
    groups: Vec<Group>,
    measured_seconds: f64,
    measured_cost: f64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    /// From the network's size, in any unit of measure.
    cost: f64,
    seconds: f64,
    count: u32,
}

impl Estimates {
    /// Adds groups of these expected costs, in one unit of measure for all.
    pub fn add(&mut self, costs: Vec<f64>) {
        self.groups.extend(costs.into_iter().map(|cost| Group { cost, seconds: 0.0, count: 0 }));
    }

    /// A unit of `group` took this long. Times that are no times are ignored: they come from workers.
    pub fn measured(&mut self, group: usize, seconds: f64) {
        let Some(entry) = self.groups.get_mut(group) else { return };
        if seconds.is_finite() && seconds >= 0.0 {
            entry.seconds += seconds;
            entry.count += 1;
            self.measured_seconds += seconds;
            self.measured_cost += entry.cost;
        }
    }

    /// Seconds that a unit of `group` takes on one slot: its group's mean, or its cost at the rate measured elsewhere; where
    /// nothing was measured, its cost itself, good for comparisons only (see [`Self::seconds`]).
    pub fn expected(&self, group: usize) -> f64 {
        let Some(entry) = self.groups.get(group) else { return 0.0 };
        if entry.count > 0 {
            entry.seconds / f64::from(entry.count)
        } else if self.measured_cost > 0.0 {
            entry.cost * self.measured_seconds / self.measured_cost
        } else {
            entry.cost
        }
    }

    /// Like [`Self::expected`], but None while nothing was measured.
    pub fn seconds(&self, group: usize) -> Option<f64> {
        (self.measured_cost > 0.0).then(|| self.expected(group))
    }
}

#[cfg(test)]
mod tests {
    use super::Estimates;

    #[test]
    fn costs_rank_until_times_are_measured() {
        let mut estimates = Estimates::default();
        estimates.add(vec![1.0, 8.0, 2.0]);
        assert!(estimates.expected(1) > estimates.expected(2));
        assert_eq!(estimates.seconds(1), None);
        estimates.measured(0, 10.0);
        estimates.measured(0, 20.0);
        assert_eq!(estimates.seconds(0), Some(15.0));
        assert_eq!(estimates.seconds(2), Some(30.0), "twice the cost of what took 15 s");
        estimates.measured(1, f64::NAN);
        assert_eq!(estimates.seconds(1), Some(120.0));
    }
}
