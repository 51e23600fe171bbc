//! Sentences that several forms of the report share.

use std::collections::BTreeSet;

use super::{
    compared,
    figure::{RIVALS_MAX, ROWS_MAX, crowded, facets},
    notices::ALIKE_NAMED_MAX,
    numbers::{count, rate_spread, whole},
};
use crate::aggregate::document::{
    Against, ConfigurationReport, DatasetSummary, DrawSummary, EvaluationReport, Report, StageReport,
};

/// "table3 on MNIST pairs".
pub(super) fn title(report: &Report) -> String {
    format!("{} on {}", report.study, report.dataset.title)
}

/// What was trained on.
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
    let mut shares: Vec<f64> = counts.map(|[positives, pairs]| 100.0 * positives as f64 / pairs as f64).collect();
    shares.sort_by(f64::total_cmp);
    let ends = [shares.first(), shares.last()].into_iter().flatten();
    let mut ends: Vec<String> = ends.map(|share| format!("{share:.1}")).collect();
    ends.dedup();
    if ends.is_empty() { String::new() } else { format!(" ({} % of class 1)", ends.join(" to ")) }
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

/// "1 to 10, 15".
pub(super) fn ranges(seeds: &[u64]) -> String {
    seeds
        .chunk_by(|a, b| a.checked_add(1) == Some(*b))
        .map(|run| match run {
            [first, .., last] if run.len() > 2 => format!("{first} to {last}"),
            _ => run.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// The best of these configurations; None while each lacks results.
pub(super) fn best<'a>(rows: impl IntoIterator<Item = &'a ConfigurationReport>) -> Option<&'a ConfigurationReport> {
    rows.into_iter().filter(|row| row.can_be_best).min_by_key(|row| row.rank)
}

/// The configuration of the lowest mean error, in a sentence.
pub(super) fn best_sentence(stage: &StageReport) -> Option<String> {
    let Some(row) = best(&stage.configurations) else {
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

/// Whether a configuration may be called the best as well as `best`: both have the same mean error.
pub(super) fn is_as_good(row: &ConfigurationReport, best: &ConfigurationReport) -> bool {
    let mean = |row: &ConfigurationReport| row.error.spread.mean.filter(|_| row.can_be_best);
    mean(row).is_some() && mean(row) == mean(best)
}

/// The others that are as good as the best one.
fn ties<'a>(stage: &'a StageReport, best: &ConfigurationReport) -> Vec<&'a ConfigurationReport> {
    stage.configurations.iter().filter(|row| row.number != best.number && is_as_good(row, best)).collect()
}

/// A cell about all units of a configuration: one that diverged comes after every number.
pub(super) fn unless_diverged(row: &ConfigurationReport, cell: String) -> String {
    if row.diverged() { "diverged".to_owned() } else { cell }
}

/// Each model's best configuration (the first by rank, where none is the best), in the order of the models.
pub(super) fn best_of_models(stage: &StageReport) -> Vec<&ConfigurationReport> {
    let rows = &stage.configurations;
    let best = facets(stage).into_iter().filter_map(|facet| {
        facet.best.or_else(|| facet.members.iter().copied().min_by_key(|&member| rows[member].rank))
    });
    best.map(|index| &rows[index]).collect()
}

/// Whether the stage selected this configuration for later stages.
pub(super) fn is_selected(stage: &StageReport, row: &ConfigurationReport) -> bool {
    stage.selection.as_ref().is_some_and(|made| made.models.iter().any(|model| model.selected == Some(row.number)))
}

/// Whether it selected any.
pub(super) fn selects(stage: &StageReport) -> bool {
    stage.configurations.iter().any(|row| is_selected(stage, row))
}

/// The rows that a short table shows: all, or of many each model's of the lowest mean error and what was selected.
pub(super) fn shown(stage: &StageReport) -> Vec<&ConfigurationReport> {
    let best = best_of_models(stage);
    let is_shown = |row: &&ConfigurationReport| {
        !crowded(stage) || best.iter().any(|best| best.number == row.number) || is_selected(stage, row)
    };
    stage.configurations.iter().filter(is_shown).collect()
}

/// What [`shown`] leaves out, in a sentence; None where that is nothing.
pub(super) fn left_out(stage: &StageReport) -> Option<String> {
    let all = stage.configurations.len();
    (shown(stage).len() < all).then(|| {
        format!(
            "Each model's best configuration{}; report.html and configurations.csv have all {}.",
            if selects(stage) { " and what was selected" } else { "" },
            whole(all)
        )
    })
}

fn units(stage: &StageReport, n: usize) -> String {
    match stage.evaluation {
        EvaluationReport::Holdout if stage.data_seeds.len() == 1 => count(n, "seed"),
        EvaluationReport::Holdout | EvaluationReport::Folds(_) => count(n, "unit"),
    }
}

/// Whether a model is there more than once, so that tables have a heading for each model.
pub(super) fn has_variants(stage: &StageReport) -> bool {
    stage.configurations.iter().any(|row| !row.variant.is_empty())
}

/// What the columns of a stage's main table mean: all of them are about single networks.
pub(super) fn columns(stage: &StageReport) -> String {
    format!(
        "{} AUC and AP: area under the ROC curve and average precision of single networks, as mean ± sample standard deviation over the same \
         units, each on the pairs that it scores. n: how many of the planned units are in the means.{}",
        first_columns(stage),
        draw(stage)
    )
}

fn first_columns(stage: &StageReport) -> String {
    let over = match stage.evaluation {
        EvaluationReport::Holdout if stage.data_seeds.len() > 1 => {
            "the share of test pairs classified wrongly, as mean ± sample standard deviation over draws of the data and seeds"
        }
        EvaluationReport::Folds(_) if stage.data_seeds.len() > 1 => {
            "the share of validation pairs classified wrongly, as mean ± sample standard deviation over draws of the data, folds and \
             seeds"
        }
        EvaluationReport::Holdout => {
            "the share of test pairs classified wrongly, as mean ± sample standard deviation over the seeds"
        }
        EvaluationReport::Folds(_) => {
            "the share of validation pairs classified wrongly, as mean ± sample standard deviation over folds and seeds"
        }
    };
    let without = stage.configurations.iter().filter(|row| row.n > 0 && !row.diverged());
    let reasons = where_none("interval", without.filter_map(|row| row.error.interval.reason.as_deref()));
    format!(
        "Error is {over}. The 95 % interval of the mean {}.{reasons} A rare kind of seed that none of these is, as one in ten that gets stuck, is in no \
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
    let ends = ratios.fold(None, |ends: Option<(f64, f64)>, ratio| {
        Some(ends.map_or((ratio, ratio), |(low, high)| (low.min(ratio), high.max(ratio))))
    });
    let Some((low, high)) = ends else { return String::new() };
    let times = if format!("{low:.1}") == format!("{high:.1}") {
        format!("{high:.1}")
    } else {
        format!("{low:.1} to {high:.1}")
    };
    format!(
        " The 95 % interval of the mean is {times} times as wide as one over the seeds on these very test pairs, which configurations.csv has as well: that one covers \
         the choice of the seeds alone."
    )
}

/// What the figure of pairs shows.
pub(super) const DIGITS_CAPTION: &str = "The first training pairs of each class, as the networks see them before pixels become inputs: two \
     images of 14 x 14 pixels, ink dark. Below each pair: its digits, which the auxiliary losses name, and its place among the training pairs.";

/// What the figure of networks shows.
pub(super) const NETWORKS_CAPTION: &str = "Each model's network, from left to right. Below a box: the shape of what comes out of it. Dashed lines \
     join layers that share their weights: one tower reads both images. Blue: the comparison, whose two outputs say whether the first digit \
     is at most the second; orange: auxiliary outputs, ten for each digit, which are used in training only. Losses are added up with the \
     weights that are written beside them.";

/// What a stage's figures show.
pub(super) struct Captions {
    pub(super) errors: String,
    pub(super) roc: String,
    pub(super) precision_recall: String,
    pub(super) learning: String,
    pub(super) comparisons: String,
}

/// The captions of a stage's figures.
pub(super) fn captions(stage: &StageReport) -> Captions {
    let several = stage.data_seeds.len() > 1;
    let (pairs, dots) = match stage.evaluation {
        EvaluationReport::Holdout if several => ("test pair", "draw of the data and seed"),
        EvaluationReport::Holdout => ("test pair", "seed"),
        EvaluationReport::Folds(_) if several => ("training pair", "draw of the data, fold and seed"),
        EvaluationReport::Folds(_) => ("training pair", "fold and seed"),
    };
    let facets = |named: &str| match crowded(stage) {
        true => format!(" Blue: the model's configuration of the lowest mean error{named}; grey: its others."),
        false => String::new(),
    };
    let (facets, learning_facets) = (facets(", which is named"), facets(""));
    let bands = if stage.seeds.len() > 1 {
        " Bands and the thin lines in them: mean ± one standard deviation of the single seeds' own curves at each point of the \
         horizontal axis. An ensemble is usually better than its networks, so its line may leave the band."
    } else {
        ""
    };
    let out_of_fold = match stage.evaluation {
        EvaluationReport::Holdout => "",
        EvaluationReport::Folds(_) => " by the network that was trained without it",
    };
    let (of, averaged, whose) = match stage.seeds.len() > 1 {
        true => ("the ensemble of the seeds: ", ", averaged over the seeds", "the ensemble's"),
        false => ("", "", "the network's"),
    };
    let curve = format!("{of}each {pairs}'s predicted probability{out_of_fold}{averaged}");
    Captions {
        errors: format!(
            "A dot is one {dots}; the black mark is the mean and the bar its 95 % interval, which {}.{}",
            covers(stage),
            if stage.configurations.len() > ROWS_MAX {
                format!(" Only the {} best configurations are shown.", ROWS_MAX)
            } else {
                String::new()
            }
        ),
        roc: format!("Of {curve}. AUC: {whose}, the area under the curve. Dashed diagonal: chance.{bands}{facets}"),
        precision_recall: format!(
            "Of {curve}. AP: {whose} average precision, the area under the steps. Dashed level: chance, the share of class 1.{bands}{facets}"
        ),
        comparisons: comparisons(stage),
        learning: format!(
            "Losses and errors as seen in training, with dropout active. Thick: mean over the units still in training, as long as at \
             least half of them are; thin: single units; dotted: diverged units, which are in no mean. A triangle at the upper edge: \
             a line goes on above. Models with auxiliary losses minimise other sums: losses of one panel compare, those of several do not.\
             {learning_facets}"
        ),
    }
}

fn comparisons(stage: &StageReport) -> String {
    let (what, shown) = match stage.comparisons.against {
        Against::EachOther => {
            let what = "Mean error of the upper configuration minus that of the lower one, with its simultaneous 95 % interval: left of 0, \
                        the upper one errs less."
                .to_owned();
            (what, String::new())
        }
        Against::Best => {
            let best = stage.comparisons.best.map_or_else(String::new, |best| compared::heading(stage, best));
            let shown = match stage.comparisons.pairs.len() {
                pairs if pairs > RIVALS_MAX => format!(" Only the {RIVALS_MAX} smallest differences are shown."),
                _ => String::new(),
            };
            (format!("Mean error minus that of {best}, the lowest one, with its simultaneous 95 % interval."), shown)
        }
    };
    let together = "All of the stage's intervals together hold their differences with 95 %.";
    format!(
        "{what} {together} Blue, filled: corrected p of the t test below {}; grey, hollow: not.{shown}",
        compared::LEVEL
    )
}

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
