//! The number of units whose curves the page draws.

use crate::aggregate::{
    Aggregate, Curves, UnitHistory,
    report_json::{ConfigurationReport, UnitReport},
};

/// Most units whose curves the page draws: of more, as many as fit of each configuration. A unit takes some 1.5 kB.
const DRAWN_MAX: usize = 4_000;

/// How many units of each configuration are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn(usize);

impl Drawn {
    pub(super) fn from_aggregate(aggregate: &Aggregate) -> Self {
        let configurations = || aggregate.curves.iter().flatten();
        Self::among(configurations().map(|curves| curves.learning.units.len()).sum(), configurations().count())
    }

    fn among(units: usize, configurations: usize) -> Self {
        Self(if units <= DRAWN_MAX { usize::MAX } else { DRAWN_MAX / configurations.max(1) })
    }

    /// The units of a configuration that are drawn: each one's place among its planned units (0-based), and its history.
    pub(super) fn units<'a>(
        self,
        row: &'a ConfigurationReport,
        curves: &'a Curves,
    ) -> impl Iterator<Item = (usize, &'a UnitReport, &'a UnitHistory)> {
        let mut histories = curves.learning.units.iter().peekable();
        let found = row.units.iter().enumerate().filter_map(move |(place, unit)| {
            let history = histories.next_if(|history| history.unit == unit.unit)?;
            Some((place, unit, history))
        });
        found.take(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_draws_a_bounded_number_of_units() {
        assert_eq!(Drawn::among(1_170, 130).0, usize::MAX, "the paper's study has all");
        assert_eq!(Drawn::among(DRAWN_MAX, 1).0, usize::MAX);
        assert_eq!(Drawn::among(100_000, 1_000).0, 4);
        assert_eq!(Drawn::among(100_000, 50_000).0, 0);
    }
}
