//! Sentences that several forms of the report share.

use std::collections::BTreeSet;

use seedgrid_common::{data, model::SIDE, training::StopLoss};

use super::seed_and_unit_names::{ALIKE_NAMED_MAX, ranges};
use crate::{
    aggregate::report_json::{ConfigurationReport, Counts, DatasetSummary, DrawSummary, EvaluationReport, StageReport},
    report::{
        numbers::{count, count_mean, ends, rate_spread, whole},
        shown_and_best_rows::{self, heading},
    },
};

/// The task in one sentence: the inputs and the prediction.
pub(super) fn task(data: &DatasetSummary) -> String {
    let summary =
        data::find(&data.kind).map_or_else(String::new, |kind| format!(" ({}: {})", data.title, kind.summary));
    format!(
        "Each network predicts from a pair of {SIDE} x {SIDE} images of digits{summary} whether the first digit is at most the second (class 1) \
         or larger (class 0): {}.",
        dataset(data)
    )
}

/// "50 of 50 units are done".
pub(super) fn progress(counts: &Counts) -> String {
    let verb = if counts.planned == 1 { "is" } else { "are" };
    let skipped = match counts.skipped {
        0 => String::new(),
        skipped => format!(", {} skipped by races", whole(skipped)),
    };
    format!("{} of {} {verb} done{skipped}", whole(counts.done), count(counts.planned, "unit"))
}

/// How many examples there are, and from which draws.
pub(super) fn dataset(dataset: &DatasetSummary) -> String {
    let drawn = &dataset.drawn;
    let draws = if dataset.draws.is_empty() { std::slice::from_ref(drawn) } else { &dataset.draws };
    let seeds: Vec<u64> = draws.iter().map(|draw| draw.seed).collect();
    format!(
        "{}{}, {}{}, {}",
        count(drawn.train_pairs, "training pair"),
        share_of_class_1(draws, |draw| [draw.train_positives, draw.train_pairs]),
        count(drawn.test_pairs, "test pair"),
        share_of_class_1(draws, |draw| [draw.test_positives, draw.test_pairs]),
        data_seeds(&seeds)
    )
}

/// " (48.2 % of class 1)", and of several draws the lowest share and the highest; nothing of no pairs. `of` gives how many pairs of a draw are of
/// class 1, and how many there are.
fn share_of_class_1(draws: &[DrawSummary], of: impl Fn(&DrawSummary) -> [usize; 2]) -> String {
    let counts = draws.iter().map(of).filter(|[_, pairs]| *pairs > 0);
    let shares = ends(counts.map(|[positives, pairs]| 100.0 * positives as f64 / pairs as f64));
    shares.map_or_else(String::new, |ends| format!(" ({} % of class 1)", one_decimal(ends)))
}

/// "48.2", or "48.2 to 51.0".
fn one_decimal(ends: [f64; 2]) -> String {
    let [low, high] = ends.map(|end| count_mean(Some(end)));
    if low == high { low } else { format!("{low} to {high}") }
}

/// "data seed 0", "data seeds 0 and 1", "data seeds 0 to 3, 7 and 9". They ascend.
pub(crate) fn data_seeds(seeds: &[u64]) -> String {
    let ranges = ranges(seeds);
    let listed = match ranges.rsplit_once(", ") {
        Some((first, last)) => format!("{first} and {last}"),
        None => ranges,
    };
    format!("data {} {listed}", if seeds.len() == 1 { "seed" } else { "seeds" })
}

/// How a stage was scored.
pub(super) fn evaluation(stage: &StageReport) -> String {
    let seeds = match stage.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} ({})", count(seeds.len(), "seed"), ranges(seeds)),
    };
    let seeds = match stage.data_seeds.as_slice() {
        [] | [_] => seeds,
        draws => {
            format!("{seeds} on each of {} of the data ({})", count(draws.len(), "draw"), data_seeds(draws))
        }
    };
    match stage.evaluation {
        EvaluationReport::Holdout => {
            format!(
                "Each configuration is trained on all training pairs with {seeds} and scored once on the test pairs."
            )
        }
        EvaluationReport::Folds(folds) => format!(
            "Each configuration is scored by {folds}-fold cross-validation on the training pairs with {seeds}. The test pairs are \
             not used."
        ),
    }
}

/// The configuration of the lowest mean error, in a sentence.
pub(super) fn best(stage: &StageReport) -> Option<String> {
    let Some(row) = shown_and_best_rows::best(&stage.configurations) else {
        let has_results = stage.configurations.iter().any(|row| row.n > 0);
        return has_results.then(|| {
            "No configuration has a result of each of its units, so none has the lowest mean error.".to_owned()
        });
    };
    let heading = row.heading();
    if row.diverged() {
        let diverged = &row.counts.diverged;
        return Some(format!(
            "No configuration has a mean error: units of each diverged, or have no result. The fewest diverged of {heading}, {} of {}.",
            whole(*diverged),
            units(stage, row.counts.planned)
        ));
    }
    let error = rate_spread(&row.error.spread);
    let ties = ties(stage, row);
    let share = match ties.as_slice() {
        [] => String::new(),
        [one] => format!(" {} has the same mean error.", one.heading()),
        many if many.len() > ALIKE_NAMED_MAX => format!(" {} others have the same mean error.", whole(many.len())),
        few => {
            let headings: Vec<String> = few.iter().map(|row| row.heading()).collect();
            format!(" {} have the same mean error.", headings.join("; "))
        }
    };
    Some(format!("Lowest mean error: {heading}, {error} over {}.{share}", units(stage, row.n)))
}

/// The selection of a stage for later stages, in a sentence; None without a selection.
pub(super) fn selected(stage: &StageReport) -> Option<String> {
    let selection = stage.selection.as_ref()?;
    let selected = selection.models.iter().filter_map(|model| model.selected).map(|number| heading(stage, number));
    let selected: Vec<String> = selected.collect();
    let rule = match selection.rule.as_str() {
        "one-standard-error" => "the smallest network within one standard error of the lowest mean validation error",
        _ => "the lowest mean validation error",
    };
    let diverged = match stage.counts.diverged {
        0 => "",
        _ => " (a configuration with a diverged unit comes after every one without)",
    };
    (!selected.is_empty()).then(|| {
        format!("Selected in stage {} for later stages, by {rule}{diverged}: {}.", stage.name, selected.join("; "))
    })
}

/// The others that are as good as the best one.
fn ties<'a>(stage: &'a StageReport, best: &ConfigurationReport) -> Vec<&'a ConfigurationReport> {
    stage
        .configurations
        .iter()
        .filter(|row| row.number != best.number && shown_and_best_rows::is_as_good(row, best))
        .collect()
}

fn units(stage: &StageReport, n: usize) -> String {
    match stage.evaluation {
        EvaluationReport::Holdout if stage.data_seeds.len() == 1 => count(n, "seed"),
        EvaluationReport::Holdout | EvaluationReport::Folds(_) => count(n, "unit"),
    }
}

/// The meaning of the columns of a stage's main table: all are about single networks.
pub(super) fn columns(stage: &StageReport) -> String {
    format!(
        "{} AUC and AP: area under the ROC curve and average precision of single networks, as mean ± sample standard deviation over the same \
         units, each on the pairs that it scores. n: how many of the planned units are in the means.{}",
        first_columns(stage),
        draw(stage)
    )
}

fn first_columns(stage: &StageReport) -> String {
    let several = shown_and_best_rows::has_several_draws(stage);
    let (pairs, units) = match stage.evaluation {
        EvaluationReport::Holdout if several => ("test", "draws of the data and seeds"),
        EvaluationReport::Holdout => ("test", "the seeds"),
        EvaluationReport::Folds(_) if several => ("validation", "draws of the data, folds and seeds"),
        EvaluationReport::Folds(_) => ("validation", "folds and seeds"),
    };
    let without = stage.configurations.iter().filter(|row| row.n > 0 && !row.diverged());
    let reasons = where_none("interval", without.filter_map(|row| row.error.interval.reason.as_deref()));
    format!(
        "Error is the share of {pairs} pairs classified wrongly, as mean ± sample standard deviation over {units}. The 95 % interval of the mean {}.{reasons} A rare kind of seed that none of these is, as one in ten that gets stuck, is in no \
         interval. Epochs are those trained until the stopping rule or its maximum.",
        covers(stage)
    )
}

/// Why there is no such number in some rows, each reason in a sentence after others.
pub(super) fn where_none<'a>(number: &str, reasons: impl Iterator<Item = &'a str>) -> String {
    let reasons: BTreeSet<&str> = reasons.collect();
    reasons.into_iter().map(|reason| format!(" Where there is no {number}: {reason}.")).collect()
}

/// "covers the choice of the seeds and ...": about the intervals of a stage's mean errors.
pub(super) fn covers(stage: &StageReport) -> String {
    // All configurations have the same kind; one that lacks seeds says so itself.
    let most = stage.configurations.iter().max_by_key(|row| row.error.spread.n);
    most.map_or_else(String::new, |row| format!("covers {}", row.error.interval.covers))
}

/// How much narrower the intervals are that take the test pairs as given, as a sentence after others; nothing where there are none.
fn draw(stage: &StageReport) -> String {
    let width = |ends: Option<[f64; 2]>| ends.map(|[low, high]| high - low);
    let ratios = stage.configurations.iter().filter_map(|row| {
        let given = width(row.error.given_examples.as_ref()?.ci95)?;
        Some(width(row.error.interval.ci95)? / given)
    });
    let Some(times) = ends(ratios).map(one_decimal) else { return String::new() };
    format!(
        " The 95 % interval of the mean is {times} times as wide as one over the seeds on these very test pairs, which configurations.csv has as well: that one covers \
         the choice of the seeds alone."
    )
}

/// A stopping rule in words: "loss changes by less than 0.001; or 300 epochs".
pub(super) fn stop(row: &ConfigurationReport) -> String {
    let rule = &row.stop;
    let most = count(rule.max_epochs, "epoch");
    if !rule.can_converge() {
        return most;
    }
    let what = match rule.loss {
        StopLoss::Mean => "loss",
        StopLoss::BatchSum => "loss, summed over batches,",
    };
    let mut text = format!("{what} changes by less than {}", rule.loss_delta);
    if rule.patience > 1 {
        text += &format!(" in {} epochs in a row", rule.patience);
    }
    if rule.min_epochs > 1 {
        text += &format!(", not before epoch {}", rule.min_epochs);
    }
    if rule.loss_drop > 0.0 {
        text += &format!(", once it fell by {} % from the first epoch's", 100.0 * rule.loss_drop);
    }
    text += &format!("; or {most}");
    text
}

/// Definitions, in the order in which a reader meets the words.
pub(super) const MEANINGS: [(&str, &str); 8] = [
    (
        "Unit",
        "One configuration trained with one seed (and, in cross-validation, on one fold). The seed decides initial weights, the order \
         of the pairs and dropout.",
    ),
    (
        "± and interval",
        "± is the sample standard deviation: how much single units differ. The 95 % interval is about their mean; the text below each \
         table says what may be drawn anew so that it still holds. The draw of the test pairs alone gives an error rate e of n pairs a standard \
         error of up to \u{221a}(e (1 - e) / n), 0.013 for e = 0.2 and n = 1,000.",
    ),
    (
        "Ensemble",
        "The averaged prediction: the probability of class 1 (first digit at most the second) averaged over the seeds, pair by pair. Its error \
         is usually below the mean error of single networks, and its areas above theirs. A seed with a missing fold is not in it.",
    ),
    (
        "AUC and AP",
        "The area under the ROC curve is the share of pairs of a class-1 and a class-0 example that are ranked rightly, ties counting \
         half. Average precision is the sum of precisions weighted by the recall gained at each threshold, without interpolation. Main tables \
         show those of single networks, each on the pairs that it scores; the ensemble's stand apart.",
    ),
    (
        "Comparisons",
        "p is the probability of a difference at least this large between two configurations that do not differ. Of many p values some \
         are small by chance alone; Holm's correction makes up for that within one table. A small p does not make a difference large: the \
         interval, in error rates, and Hedges' g, in standard deviations of single units, say how large it is.",
    ),
    (
        "Verdict",
        "A reference differs where the difference of the two mean errors is larger than half the width of its 95 % interval; the text below the \
         table says what that covers. One in twenty would without any cause.",
    ),
    (
        "Diverged",
        "A training loss became infinite or not a number. Such a unit is final: it is never trained again. It comes after every error, so that a \
         mean over units with such a one is no number, and a configuration with one ranks after all without.",
    ),
    (
        "k of n",
        "How many of the planned units are in the means. Where it is less than all, means are over the rest, which may flatter a \
         configuration whose bad seeds are the missing ones.",
    ),
];

#[cfg(test)]
mod tests {
    use super::{data_seeds, ranges};

    #[test]
    fn seeds_are_named_in_runs() {
        assert_eq!(ranges(&[1, 2, 3, 4, 9, 11, 12]), "1 to 4, 9, 11, 12");
        assert_eq!(ranges(&[u64::MAX]), u64::MAX.to_string());
        assert_eq!(
            [&[4][..], &[0, 1], &[0, 1, 2], &[0, 1, 2, 7]].map(data_seeds),
            ["data seed 4", "data seeds 0 and 1", "data seeds 0 to 2", "data seeds 0 to 2 and 7"]
        );
    }
}
