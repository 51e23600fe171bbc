//! Comparisons between configurations.

use super::{figures, stage_input::Part};
use crate::{
    aggregate::report_json::{Against, ComparisonReport, ConfigurationReport, EvaluationReport, StageReport},
    report::{
        document::{Block, Field, Kind, Section, Table, Tone},
        numbers::{NONE, count, p_value, rate_spread, signed, signed_interval, signed_rate, whole},
        shown_and_best_rows::{self, LEVEL, ROWS_MAX, heading, marked, unless_diverged},
    },
};

/// Most pairs that one remark names; comparisons.csv has all.
const NAMED_MAX: usize = 6;
/// Rows that are shown at once; a longer table opens on demand. LaTeX shows as many.
const ROWS_OPEN_MAX: usize = 30;

/// Which pairs there are, as figure and table.
pub(super) fn blocks(part: &Part<'_>) -> Vec<Block> {
    let stage = part.stage;
    let mut blocks = vec![Block::Text(Tone::Plain, which(stage))];
    if stage.comparisons.pairs.is_empty() {
        return blocks;
    }
    blocks.extend(part.figures(&[figures::COMPARISONS]));
    let table = Block::Table(table(part));
    let pairs = stage.comparisons.pairs.len();
    blocks.push(match pairs > ROWS_OPEN_MAX {
        true => {
            let title = format!("All {} comparisons", whole(pairs));
            Section::new(format!("pairs-{}", part.number), title, vec![table]).folded().unlisted().into()
        }
        false => table,
    });
    blocks
}

fn table(part: &Part<'_>) -> Table {
    let stage = part.stage;
    let comparisons = &stage.comparisons;
    let mut pairs: Vec<&ComparisonReport> = comparisons.pairs.iter().collect();
    if comparisons.against == Against::Best {
        let difference = |pair: &ComparisonReport| pair.difference.unwrap_or(f64::INFINITY);
        pairs.sort_by(|a, b| difference(a).total_cmp(&difference(b)));
    }
    let all = pairs.len();
    pairs.truncate(ROWS_MAX);
    let mut table = Table::new(Kind::Other, &stage.name, &fields(stage), pairs.iter().copied());
    table.rows.iter_mut().skip(ROWS_OPEN_MAX).for_each(|row| row.long = true);
    let first = |shown: usize| format!("The first {} of {}; comparisons.csv has all.", whole(shown), whole(all));
    let cut = (all > pairs.len()).then(|| first(pairs.len()));
    Table {
        label: part.label("comparisons"),
        caption: format!("{} Comparisons. {}", part.caption(), which(stage)),
        notes: notes(stage),
        remarks: remarks(stage).into_iter().chain(cut).collect(),
        left_out: (all > ROWS_OPEN_MAX).then(|| first(ROWS_OPEN_MAX)),
        ..table
    }
}

/// Whether any pair has McNemar's test, and whether any has that of areas.
fn tested(stage: &StageReport) -> [bool; 2] {
    let any = |has: fn(&ComparisonReport) -> bool| stage.comparisons.pairs.iter().any(has);
    [
        any(|pair| pair.mcnemar.p.is_some() || pair.mcnemar.first_only_wrong.is_some()),
        any(|pair| pair.auc_test.p.is_some()),
    ]
}

fn fields(stage: &StageReport) -> Vec<Field<'_, ComparisonReport>> {
    let is_best = stage.comparisons.against == Against::Best;
    let [mcnemar, areas] = tested(stage);
    let alone = |pair: &ComparisonReport| {
        let alone = pair.mcnemar.first_only_wrong.zip(pair.mcnemar.second_only_wrong);
        alone.map_or_else(|| NONE.to_owned(), |(first, second)| format!("{} : {}", whole(first), whole(second)))
    };
    type Of = ComparisonReport;
    let name = |title, of: fn(&Of) -> usize| Field::name(title, move |pair: &Of| marked(stage, of(pair)));
    let first = if is_best { "Configuration" } else { "First" };
    let all = [
        (true, name(first, |pair| pair.first)),
        // Where it is always the best one, the text above has named it.
        (!is_best, name("Second", |pair| pair.second)),
        (true, Field::number("Difference", |pair: &Of| signed_rate(pair.difference))),
        (true, Field::number("Simultaneous 95 % interval", |pair: &Of| signed_interval(pair.t_test.ci95_simultaneous))),
        (true, Field::number("Hedges' g", |pair: &Of| signed(pair.hedges_g, 2))),
        (true, Field::number("p (t)", |pair: &Of| p_value(pair.t_test.p_holm))),
        (mcnemar, Field::number("Wrong alone", alone)),
        (mcnemar, Field::number("p (McNemar)", |pair: &Of| p_value(pair.mcnemar.p_holm))),
        (areas, Field::number("p (AUC)", |pair: &Of| p_value(pair.auc_test.p_holm))),
    ];
    all.into_iter().filter(|(there, _)| *there).map(|(_, field)| field).collect()
}

/// How many pairs differ, in a sentence; None where nothing was tested.
pub(super) fn summary(stage: &StageReport) -> Option<String> {
    let pairs = &stage.comparisons.pairs;
    let tested = pairs.iter().filter(|pair| pair.t_test.p_holm.is_some()).count();
    let differ = pairs.iter().filter(|pair| pair.t_test.p_holm.is_some_and(|p| p < LEVEL)).count();
    let with = match (stage.comparisons.against, stage.comparisons.best) {
        (Against::Best, Some(best)) => format!(" with {}", heading(stage, best)),
        (Against::Best, None) | (Against::EachOther, _) => String::new(),
    };
    (tested > 0).then(|| {
        format!(
            "Of {}{with} {} {} a difference (corrected p of the t test below {LEVEL}).",
            count(tested, "comparison"),
            if differ == 0 { "none".to_owned() } else { whole(differ) },
            if differ > 1 { "show" } else { "shows" }
        )
    })
}

/// Which pairs there are, in a sentence.
fn which(stage: &StageReport) -> String {
    let comparisons = &stage.comparisons;
    match (&comparisons.reason, comparisons.against, comparisons.best) {
        (Some(reason), _, _) => format!("Nothing is compared: {reason}."),
        (None, Against::EachOther, _) => "Every configuration is compared with every other.".to_owned(),
        (None, Against::Best, best) => {
            let named = |best: &ConfigurationReport| {
                format!("{} ({})", best.heading(), unless_diverged(best, rate_spread(&best.error.spread)))
            };
            let best =
                best.and_then(|best| shown_and_best_rows::row(stage, best)).map_or_else(|| NONE.to_owned(), named);
            format!(
                "{} configurations are too many for all pairs: each is compared with the one of the lowest mean error, {best}. That one \
                 was chosen for its errors on these very pairs, so the comparisons flatter it a little.",
                whole(stage.configurations.len())
            )
        }
    }
}

/// The meaning of the columns.
fn notes(stage: &StageReport) -> String {
    let covers = stage.comparisons.pairs.iter().max_by_key(|pair| pair.t_test.seeds);
    let covers = covers.map_or("nothing", |pair| pair.t_test.covers.as_str());
    let [mcnemar, areas] = tested(stage);
    let mut tests = String::new();
    if mcnemar {
        tests += " Wrong alone: test pairs that only the first's averaged prediction classifies wrongly, and only the second's; p (McNemar): the \
                  exact test of these, about the draw of the test pairs, for these trained networks.";
    }
    if areas {
        tests += " p (AUC): DeLong's test of the averaged predictions' areas under the ROC curve, about the same draw.";
    }
    if has_one_classifier(stage) {
        tests += " comparisons.csv also has the t test on these very test pairs, which is about the choice of the seeds alone.";
    }
    format!(
        "Difference: mean error of the first minus that of the second, seed by seed; Hedges' g is the same in standard deviations of \
         single units. p (t) and the interval cover {covers}.{tests} p values are two-sided and corrected by Holm's method for all pairs \
         that are tested. All intervals of the table together hold their differences with 95 % (Bonferroni); comparisons.csv has p values \
         and intervals uncorrected too."
    )
}

/// Whether a seed is one classifier, which McNemar's test can be about; every fold or draw has its own.
fn has_one_classifier(stage: &StageReport) -> bool {
    stage.evaluation == EvaluationReport::Holdout && !shown_and_best_rows::has_several_draws(stage)
}

/// Notes about single pairs: fewer units than planned, and tests that could not be made.
fn remarks(stage: &StageReport) -> Vec<String> {
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
        if let (Some(reason), true) = (&pair.mcnemar.reason, has_one_classifier(stage)) {
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
