//! Comparisons between configurations, in the words and cells that every form of the report shows.

use super::{
    draws,
    numbers::{NONE, p_value, rate_spread, signed, signed_interval, signed_rate, whole},
    wording,
};
use crate::aggregate::document::{Against, ComparisonReport, ConfigurationReport, EvaluationReport, StageReport};

/// Most pairs that one remark names; comparisons.csv has all.
const NAMED_MAX: usize = 6;

/// Below this, a corrected p value is called a difference.
pub(super) const LEVEL: f64 = 0.05;

/// A table's header.
pub(super) const HEADER: [&str; 9] = [
    "First",
    "Second",
    "Difference",
    "Simultaneous 95 % interval",
    "Hedges' g",
    "p (t)",
    "Wrong alone",
    "p (McNemar)",
    "p (AUC)",
];

/// The row of the stage's table with this number.
fn row(stage: &StageReport, number: usize) -> Option<&ConfigurationReport> {
    stage.configurations.iter().find(|row| row.number == number)
}

/// A configuration by its number.
pub(super) fn heading(stage: &StageReport, number: usize) -> String {
    row(stage, number).map_or_else(|| NONE.to_owned(), ConfigurationReport::heading)
}

/// A comparison's cells below [`HEADER`].
pub(super) fn cells(stage: &StageReport, pair: &ComparisonReport) -> [String; 9] {
    let alone = pair.mcnemar.first_only_wrong.zip(pair.mcnemar.second_only_wrong);
    [
        heading(stage, pair.first),
        heading(stage, pair.second),
        signed_rate(pair.difference),
        signed_interval(pair.t_test.ci95_simultaneous),
        signed(pair.hedges_g, 2),
        p_value(pair.t_test.p_holm),
        alone.map_or_else(|| NONE.to_owned(), |(first, second)| format!("{} : {}", whole(first), whole(second))),
        p_value(pair.mcnemar.p_holm),
        p_value(pair.auc_test.p_holm),
    ]
}

/// Which pairs there are, in a sentence.
pub(super) fn which(stage: &StageReport) -> String {
    let comparisons = &stage.comparisons;
    match (&comparisons.reason, comparisons.against, comparisons.best) {
        (Some(reason), _, _) => format!("Nothing is compared: {reason}."),
        (None, Against::EachOther, _) => "Every configuration is compared with every other.".to_owned(),
        (None, Against::Best, best) => {
            let best = best.and_then(|best| row(stage, best));
            format!(
                "{} configurations are too many for all pairs: each is compared with the one of the lowest mean error, {}. That one \
                 was chosen for its errors on these very pairs, so the comparisons flatter it a little.",
                whole(stage.configurations.len()),
                best.map_or_else(
                    || NONE.to_owned(),
                    |best| {
                        let error = wording::unless_diverged(best, rate_spread(&best.error.spread));
                        format!("{} ({error})", best.heading())
                    }
                )
            )
        }
    }
}

/// What the columns mean.
pub(super) fn columns(stage: &StageReport) -> String {
    let covers = stage.comparisons.pairs.iter().max_by_key(|pair| pair.t_test.seeds);
    let covers = covers.map_or("nothing", |pair| pair.t_test.covers.as_str());
    let tests = match stage.evaluation {
        EvaluationReport::Holdout if !draws::are_several(stage) => {
            "Wrong alone: test pairs that only the first's averaged prediction classifies wrongly, and only the second's; p (McNemar): the exact \
             test of these. p (AUC): DeLong's test of the averaged predictions' areas under the ROC curve. Both are about the draw of the \
             test pairs, for these trained networks. comparisons.csv also has the t test on these very test pairs, which is about the choice \
             of the seeds alone."
        }
        EvaluationReport::Holdout | EvaluationReport::Folds(_) => {
            "McNemar's test and that of AUC are for one classifier each; here every fold or draw has its own."
        }
    };
    format!(
        "Difference: mean error of the first minus that of the second, seed by seed; Hedges' g is the same in standard deviations of \
         single units. p (t) and the interval cover {covers}. {tests} p values are two-sided and corrected by Holm's method for all pairs \
         that are tested. All intervals of the table together hold their differences with 95 % (Bonferroni); comparisons.csv has p values \
         and intervals uncorrected too."
    )
}

/// What must be known about single pairs: fewer units than planned, and tests that could not be made.
pub(super) fn remarks(stage: &StageReport) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&ComparisonReport>)> = Vec::new();
    let mut note = |what: String, pair| match groups.iter_mut().find(|(other, _)| *other == what) {
        Some((_, pairs)) => pairs.push(pair),
        None => groups.push((what, vec![pair])),
    };
    for pair in &stage.comparisons.pairs {
        let test = &pair.t_test;
        if let Some(reason) = &test.reason {
            note(format!("No t test, as {reason}"), pair);
        }
        if pair.difference.is_some() && test.seeds < stage.seeds.len() {
            note("Over fewer seeds than planned".to_owned(), pair);
        }
        let tested = stage.evaluation == EvaluationReport::Holdout && !draws::are_several(stage);
        if let (Some(reason), true) = (&pair.mcnemar.reason, tested) {
            note(format!("No McNemar test, as {reason}"), pair);
        }
    }
    groups.into_iter().map(|(what, pairs)| format!("{what}: {}.", named(stage, &pairs))).collect()
}

fn named(stage: &StageReport, pairs: &[&ComparisonReport]) -> String {
    let name =
        |pair: &&ComparisonReport| format!("{} against {}", heading(stage, pair.first), heading(stage, pair.second));
    let mut names: Vec<String> = pairs.iter().take(NAMED_MAX).map(name).collect();
    if pairs.len() > NAMED_MAX {
        names.push(format!("and {} more, in comparisons.csv", whole(pairs.len() - NAMED_MAX)));
    }
    names.join("; ")
}
