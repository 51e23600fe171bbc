//! The difference of two configurations' mean errors, with an interval. Pure. docs/cli.md lists the covered sources of
//! chance.

use super::document::{Difference, Method};
use crate::aggregate::{
    Paired, StageErrors, half_width,
    report_json::{ConfigurationReport, IntervalMethod, StageReport},
};

/// A configuration of one of the runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) stage: &'a StageReport,
    pub(super) row: &'a ConfigurationReport,
    pub(super) errors: &'a StageErrors,
}

/// The second's mean error minus the first's. On the same data it is paired, by common seeds and by the examples, folds
/// or draws. Otherwise both count as independent, each with its own seeds and data.
pub(super) fn between(parts: [Part<'_>; 2], same_data: bool) -> Difference {
    let difference = of_done(parts, same_data);
    if parts.iter().any(|part| part.row.diverged()) {
        // A diverged unit ranks after every error, so a mean with one is not a number.
        let reason = Some("units of one of the two diverged".to_owned());
        return Difference { mean: None, ci95: None, reason, ..difference };
    }
    difference
}

fn of_done([first, second]: [Part<'_>; 2], same_data: bool) -> Difference {
    if same_data && first.stage.evaluation == second.stage.evaluation {
        let places = [first, second].map(|part| part.row.number - 1);
        let Paired { seeds, difference, tested } = second.errors.paired(places[1], first.errors, places[0]);
        if seeds > 0 {
            let method = match second.errors.method() {
                IntervalMethod::SeedsExamples | IntervalMethod::Seeds => Method::PairedExamples,
                IntervalMethod::SeedsFolds => Method::PairedFolds,
                IntervalMethod::SeedsDraws => Method::PairedDraws,
            };
            let covers = second.errors.covers(seeds);
            let (ci95, reason) = match tested {
                Ok(test) => (Some(test.ci95), None),
                Err(reason) => (None, Some(reason)),
            };
            return Difference {
                mean: difference,
                ci95,
                method,
                seeds_first: seeds,
                seeds_second: seeds,
                covers,
                reason,
            };
        }
    }
    independent([first, second])
}

fn independent(parts: [Part<'_>; 2]) -> Difference {
    let [first, second] = parts.map(|part| part.row.error.spread.mean);
    let mean = first.zip(second).map(|(first, second)| second - first);
    let sure = parts.map(|part| part.row.error.interval.standard_error.zip(part.row.error.interval.freedom));
    let (ci95, reason) = match (mean, sure) {
        (Some(mean), [Some(first), Some(second)]) => {
            let half = half_width(&[first, second], 0.025);
            if half > 0.0 {
                (Some([(mean - half).max(-1.0), (mean + half).min(1.0)]), None)
            } else {
                (None, Some("neither run's error varies".to_owned()))
            }
        }
        (None, _) => (None, Some("it needs a done unit of each".to_owned())),
        (Some(_), _) => (None, Some("it needs an interval of each".to_owned())),
    };
    let [seeds_first, seeds_second] = parts.map(|part| part.row.done_seeds);
    let covers = "both runs as if they had drawn their seeds and their data independently".to_owned();
    Difference { mean, ci95, method: Method::Independent, seeds_first, seeds_second, covers, reason }
}
