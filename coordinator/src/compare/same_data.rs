//! Whether two runs' stages are trained and scored on the same data. Pure.

use super::document::StageData;
use crate::{
    aggregate::{
        Report,
        report_json::{DrawSummary, StageReport},
    },
    report::{data_seeds, numbers::count},
};

/// A stage's draws in a run, by data seed.
fn draws<'a>(report: &'a Report, stage: &StageReport) -> Vec<&'a DrawSummary> {
    report.dataset.draws.iter().filter(|draw| stage.data_seeds.contains(&draw.seed)).collect()
}

/// The data of each run's stage.
pub(super) fn of_stages(reports: [&Report; 2], stages: [&StageReport; 2]) -> StageData {
    let [first, second] = [draws(reports[0], stages[0]), draws(reports[1], stages[1])];
    StageData {
        same: first == second,
        first: words(reports[0], &first, &second),
        second: words(reports[1], &second, &first),
    }
}

/// Whether runs without a common stage have the same draws.
pub(super) fn of_runs(reports: [&Report; 2]) -> bool {
    reports[0].dataset.draws == reports[1].dataset.draws
}

/// Example: "MNIST pairs, 1,000 training and 1,000 test pairs, data seed 0", with digests if only they differ from the
/// `others`.
fn words(report: &Report, draws: &[&DrawSummary], others: &[&DrawSummary]) -> String {
    let drawn = draws.first().copied().unwrap_or(&report.dataset.drawn);
    let seeds = data_seeds(&draws.iter().map(|draw| draw.seed).collect::<Vec<_>>());
    let sizes = |draws: &[&DrawSummary]| -> Vec<_> {
        draws.iter().map(|draw| (draw.seed, draw.train_pairs, draw.test_pairs)).collect()
    };
    let digests = if draws != others && sizes(draws) == sizes(others) {
        let digests: Vec<&str> = draws.iter().filter_map(|draw| draw.digest.get(..8)).collect();
        format!(", digest {}", digests.join(", "))
    } else {
        String::new()
    };
    format!(
        "{}, {} and {}, {seeds}{digests}",
        report.dataset.title,
        count(drawn.train_pairs, "training pair"),
        count(drawn.test_pairs, "test pair")
    )
}
