//! The groups with waiting units, in the order of the expected cost of a unit, the highest first.
//!
//! Each measured time changes what every group without one is expected to cost, but not their order: so groups with measured times and groups
//! without them are kept apart, each in an order that changes only where a group's own times do.

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeSet,
    iter::Peekable,
};

use super::cost_estimate::{Basis, Estimates};

/// A cost that can be compared: never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost(f64);

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A group's place. Among equal costs, the older group comes first.
type Place = (Reverse<Cost>, usize);

/// Groups in order.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupsByCost {
    measured: BTreeSet<Place>,
    unmeasured: BTreeSet<Place>,
    /// Where each group stands, if it does.
    places: Vec<Option<(Basis, Place)>>,
}

impl GroupsByCost {
    /// A group has waiting units from now on, or none any more; or what is known of its times has changed.
    pub(super) fn set(&mut self, group: usize, waits: bool, estimates: &Estimates) {
        if self.places.len() <= group {
            self.places.resize(group + 1, None);
        }
        let place = waits.then(|| estimates.basis(group)).map(|basis| (basis, (Reverse(Cost(basis.number())), group)));
        if self.places[group] == place {
            return;
        }
        if let Some((basis, place)) = self.places[group].take() {
            self.group(basis).remove(&place);
        }
        if let Some((basis, place)) = place {
            self.group(basis).insert(place);
        }
        self.places[group] = place;
    }

    fn group(&mut self, basis: Basis) -> &mut BTreeSet<Place> {
        match basis {
            Basis::Measured(_) => &mut self.measured,
            Basis::Network(_) => &mut self.unmeasured,
        }
    }

    /// The groups, the one that is expected to cost most first.
    pub(super) fn iter<'a>(&'a self, estimates: &'a Estimates) -> impl Iterator<Item = usize> + 'a {
        let group = |(_, group): &Place| *group;
        let mut measured = self.measured.iter().map(group).peekable();
        let mut unmeasured = self.unmeasured.iter().map(group).peekable();
        std::iter::from_fn(move || next_of(&mut measured, &mut unmeasured, estimates))
    }
}

fn next_of(
    measured: &mut Peekable<impl Iterator<Item = usize>>,
    unmeasured: &mut Peekable<impl Iterator<Item = usize>>,
    estimates: &Estimates,
) -> Option<usize> {
    let (Some(one), Some(other)) = (measured.peek().copied(), unmeasured.peek().copied()) else {
        return measured.next().or_else(|| unmeasured.next());
    };
    let first = match estimates.expected(one).total_cmp(&estimates.expected(other)) {
        Ordering::Greater => true,
        Ordering::Equal => one < other,
        Ordering::Less => false,
    };
    if first { measured.next() } else { unmeasured.next() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The order is that of the expected costs, for any measured times and any waiting groups.
        #[test]
        fn groups_stand_in_the_order_of_their_expected_costs(
            costs in proptest::collection::vec(0_u8..6, 1..8),
            events in proptest::collection::vec((0_usize..8, proptest::option::of(0_u8..6)), 0..40),
        ) {
            let mut estimates = Estimates::default();
            estimates.add(costs.iter().map(|cost| f64::from(*cost)).collect());
            let mut by_cost = GroupsByCost::default();
            let mut waits = vec![false; costs.len()];
            for (group, seconds) in events.into_iter().filter(|(group, _)| *group < costs.len()) {
                match seconds {
                    Some(seconds) => estimates.measured(group, f64::from(seconds)),
                    None => waits[group] ^= true,
                }
                by_cost.set(group, waits[group], &estimates);
                let found: Vec<usize> = by_cost.iter(&estimates).collect();
                prop_assert!(found.iter().map(|group| estimates.expected(*group)).is_sorted_by(|one, next| one >= next));
                let found: BTreeSet<usize> = found.into_iter().collect();
                prop_assert!(found.into_iter().eq((0..costs.len()).filter(|group| waits[*group])));
            }
        }
    }
}
