//! The comparison of two runs as text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use seedgrid_common::terminal::lines;

use super::document::{
    ComparedConfiguration, ComparedStage, ComparedUnits, Comparison, Difference, Found, Lone, RunSummary, Setting,
    StageData,
};
use crate::{
    aggregate::report_json::Estimate,
    report::{
        numbers::{NONE, count, count_mean, rate, rate_spread, signed_interval, signed_rate, whole},
        text_table::{Column, Table},
    },
};

/// Specs' differences, configurations of one run and contradictions that are named; `--format json` has all.
const NAMED_MAX: usize = 12;
/// Configurations of a stage that are all shown.
const ROWS_MAX: usize = 24;

/// The comparison as text, in lines of at most this many columns.
pub fn text(comparison: &Comparison, width: usize) -> String {
    let mut text = String::new();
    let paragraph = |text: &mut String, words: &str| {
        lines(words, width).iter().for_each(|line| {
            let _ = writeln!(text, "{line}");
        });
    };
    for sentence in head(comparison) {
        paragraph(&mut text, &sentence);
    }
    for stage in &comparison.stages {
        text.push('\n');
        text += &table(stage).render(width);
        for sentence in remarks(stage) {
            paragraph(&mut text, &format!("  {sentence}"));
        }
    }
    text
}

/// The facts about both runs as wholes, one sentence each. Lines of lists begin with two spaces.
pub(super) fn head(comparison: &Comparison) -> Vec<String> {
    let mut lines = vec![run("A", &comparison.first), run("B", &comparison.second)];
    lines.extend(data(comparison));
    lines.extend(specs(&comparison.spec_differences));
    lines.extend(units(&comparison.units));
    for (run, stages) in [("A", &comparison.only_first), ("B", &comparison.only_second)] {
        if !stages.is_empty() {
            lines.push(format!("stages of {run} alone: {}", stages.join(", ")));
        }
    }
    lines
}

fn run(name: &str, run: &RunSummary) -> String {
    let list = |words: &[String]| if words.is_empty() { NONE.to_owned() } else { words.join(", ") };
    let counts = &run.units;
    let trained = counts.planned - counts.missing();
    let state = match (run.complete, counts.diverged) {
        (true, 0) => count(counts.planned, "unit"),
        (true, diverged) => format!("{}, {} diverged", count(counts.planned, "unit"), whole(diverged)),
        (false, _) => format!("unfinished: {} of {} trained", whole(trained), count(counts.planned, "unit")),
    };
    format!(
        "{name}: {} ({}), {state}; seedgrid {}, numerics {}",
        run.path.display(),
        run.study,
        list(&run.versions),
        list(&run.numerics_classes)
    )
}

/// One sentence for stages that have the same draws.
fn data(comparison: &Comparison) -> Vec<String> {
    let mut kinds: Vec<(&StageData, Vec<&str>)> = Vec::new();
    for stage in &comparison.stages {
        match kinds.iter_mut().find(|(data, _)| **data == stage.data) {
            Some((_, stages)) => stages.push(&stage.name),
            None => kinds.push((&stage.data, vec![&stage.name])),
        }
    }
    if kinds.is_empty() {
        let same = if comparison.same_dataset { "the same" } else { "different" };
        return vec![format!("data: {same}, and no stage that both runs have")];
    }
    let all = kinds.len() == 1;
    let line = |(data, stages): (&StageData, Vec<&str>)| {
        let of = if all { String::new() } else { format!(" of {}", stages.join(", ")) };
        if data.same {
            format!("data{of}: the same ({})", data.first)
        } else {
            format!("data{of}: different. A: {}. B: {}", data.first, data.second)
        }
    };
    kinds.into_iter().map(line).collect()
}

fn specs(differences: &[Setting]) -> Vec<String> {
    if differences.is_empty() {
        return vec!["specs: the same".to_owned()];
    }
    let mut lines = vec![format!("specs: {}", count(differences.len(), "difference"))];
    lines.extend(differences.iter().take(NAMED_MAX).map(|one| format!("  {}", setting(one))));
    if differences.len() > NAMED_MAX {
        lines.push(format!("  {}", more(differences.len() - NAMED_MAX)));
    }
    lines
}

/// The end of a list that omits this many names.
fn more(rest: usize) -> String {
    format!("and {} more: `--format json` has all", whole(rest))
}

/// Example: "learning_rate: 0.1 in A, 0.05 in B".
pub(super) fn setting(setting: &Setting) -> String {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
    format!("{}: {} in A, {} in B", setting.name, value(&setting.first), value(&setting.second))
}

fn units(units: &ComparedUnits) -> Vec<String> {
    let mut line = format!("units: {} in both", whole(units.shared));
    for (run, only) in [("A", units.only_first), ("B", units.only_second)] {
        if only > 0 {
            let _ = write!(line, ", {} in {run} alone", whole(only));
        }
    }
    let mut lines = vec![line];
    if units.trained > 0 {
        let mut line = format!(
            "results of the {} that both have trained: {} bit-identical",
            whole(units.trained),
            if units.identical == units.trained { "all".to_owned() } else { whole(units.identical) }
        );
        if units.other_class > 0 {
            let _ =
                write!(line, ", {} different in another numerics class, where they may be", whole(units.other_class));
        }
        lines.push(line);
    }
    let contradicting = &units.contradicting;
    if !contradicting.is_empty() {
        lines.push(format!(
            "error: {} of one numerics class {} different results, which must not be; one of the runs is damaged, or a model or kernel \
             changed without a new revision",
            count(contradicting.len(), "unit"),
            if contradicting.len() == 1 { "has" } else { "have" }
        ));
        let named = contradicting.iter().take(NAMED_MAX);
        lines.extend(named.map(|one| format!("  {} ({})", one.label, one.unit)));
        if contradicting.len() > NAMED_MAX {
            lines.push(format!("  {}", more(contradicting.len() - NAMED_MAX)));
        }
    }
    lines
}

/// Two rows for each configuration, or one for identical results in both runs.
fn table(stage: &ComparedStage) -> Table {
    let mut table = Table::new([
        Column::text(&stage.name),
        Column::left(""),
        Column::right("error ± std"),
        Column::right("epochs").rank(2),
        Column::right("AUC").rank(1),
        Column::right("n"),
    ]);
    let row = |table: &mut Table, name: String, run: &str, found: &Found| {
        table.row([vec![name, run.to_owned()], cells(found).to_vec()].concat());
    };
    let mut group = None;
    for one in shown(stage) {
        // As in reports, a model with several configurations has a line of its own.
        let name = if one.variant.is_empty() { one.title.clone() } else { format!("  {}", one.variant) };
        if !one.variant.is_empty() && group.replace(&one.title) != Some(&one.title) {
            table.span(&one.title);
        }
        if identical(one) {
            row(&mut table, name, "=", &one.first);
        } else {
            row(&mut table, name, "A", &one.first);
            row(&mut table, format!("    {}", difference(one)), "B", &one.second);
        }
    }
    table
}

/// Mean error and deviation, mean epochs, area, units.
pub(super) fn cells(found: &Found) -> [String; 4] {
    [
        error(found.diverged, &found.error),
        count_mean(found.epochs.mean),
        rate(found.auc),
        format!("{}/{}", whole(found.n), whole(found.planned)),
    ]
}

/// A mean error and its deviation; a diverged unit ranks after every number.
fn error(diverged: usize, error: &Estimate) -> String {
    if diverged > 0 { "diverged".to_owned() } else { rate_spread(&error.spread) }
}

/// Whether both are the same units with the same results.
fn identical(configuration: &ComparedConfiguration) -> bool {
    let ComparedConfiguration { units, first, second, .. } = configuration;
    let all = [first.planned, second.planned, units.trained, units.identical];
    units.trained > 0 && all.iter().all(|count| *count == units.trained)
}

/// Example: "B − A: +0.0012 (−0.0041 to +0.0152)", with the number of common seeds if the means have more, or a note
/// about identical results.
pub(super) fn difference(configuration: &ComparedConfiguration) -> String {
    let difference = &configuration.difference;
    let over = configuration.common_seeds().map(|seeds| format!(" over {}", count(seeds, "common seed")));
    let over = over.unwrap_or_default();
    match difference.mean {
        _ if identical(configuration) => "the same, bit for bit".to_owned(),
        None => "nothing to compare".to_owned(),
        Some(mean) if difference.ci95.is_none() => format!("B − A: {}{over}", signed_rate(Some(mean))),
        Some(mean) => format!("B − A: {} ({}){over}", signed_rate(Some(mean)), signed_interval(difference.ci95)),
    }
}

/// All configurations; of many, each model's best in either run, and those whose interval excludes 0.
pub(super) fn shown(stage: &ComparedStage) -> Vec<&ComparedConfiguration> {
    let all = &stage.configurations;
    if all.len() <= ROWS_MAX {
        return all.iter().collect();
    }
    // The best rank of each model in each run.
    let mut best: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for one in all {
        let lowest = best.entry(&one.model).or_insert([usize::MAX; 2]);
        for (lowest, found) in lowest.iter_mut().zip([&one.first, &one.second]) {
            *lowest = (*lowest).min(if found.can_be_best { found.rank } else { usize::MAX });
        }
    }
    let stands_out = |one: &&ComparedConfiguration| {
        let [first, second] = best[one.model.as_str()];
        one.first.rank == first || one.second.rank == second || differs(one)
    };
    all.iter().filter(stands_out).take(ROWS_MAX).collect()
}

/// Whether the interval excludes 0.
fn differs(configuration: &ComparedConfiguration) -> bool {
    configuration.difference.ci95.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
}

/// Remarks about a stage's rows.
pub(super) fn remarks(stage: &ComparedStage) -> Vec<String> {
    let all = &stage.configurations;
    let mut remarks = Vec::new();
    let shown = shown(stage);
    if shown.len() < all.len() {
        remarks.push(format!(
            "Of {} configurations these are each model's best in either run, and up to {ROWS_MAX} in all whose interval leaves 0 out; \
             `--format json` has all.",
            whole(all.len())
        ));
    }
    if stage.evaluations[0] != stage.evaluations[1] {
        remarks.push("The runs score this stage differently.".to_owned());
    }
    for one in shown.iter().filter(|one| !one.settings.is_empty()) {
        let settings: Vec<String> = one.settings.iter().map(setting).collect();
        remarks.push(format!("{}: not one configuration. {}.", one.heading(), settings.join("; ")));
    }
    let alike = all.iter().filter(|one| identical(one)).count();
    if alike > 0 {
        remarks.push(format!(
            "{} of {} came out the same in both runs, bit for bit (=).",
            whole(alike),
            whole(all.len())
        ));
    }
    let others = || all.iter().filter(|one| !identical(one)).map(|one| &one.difference);
    let tested: Vec<&Difference> = others().filter(|difference| difference.ci95.is_some()).collect();
    if !tested.is_empty() {
        let methods: BTreeSet<String> = tested
            .iter()
            .map(|difference| format!("{}; it covers {}", difference.method.words(), difference.covers))
            .collect();
        remarks.push(format!(
            "B − A: difference of the mean errors with its 95 % interval ({}). {} of {} leave 0 out; about one in twenty would by chance.",
            methods.into_iter().collect::<Vec<_>>().join(". Or "),
            whole(all.iter().filter(|one| differs(one)).count()),
            whole(tested.len())
        ));
    }
    if all.iter().any(|one| !identical(one) && one.common_seeds().is_some()) {
        remarks.push(
            "Over common seeds: B − A is of the seeds that both runs have done, and the means of A and B are over all of each, so their difference \
             may be another one."
                .to_owned(),
        );
    }
    let reasons: BTreeSet<&str> = others().filter_map(|difference| difference.reason.as_deref()).collect();
    remarks.extend(reasons.into_iter().map(|reason| format!("Where there is no interval: {reason}.")));
    for (run, rows) in [("A", &stage.only_first), ("B", &stage.only_second)] {
        remarks.extend(alone(run, rows));
    }
    remarks.extend(doubtful("A", stage, |one| &one.first, &stage.only_first));
    remarks.extend(doubtful("B", stage, |one| &one.second, &stage.only_second));
    remarks
}

/// Names a run's configurations with untrained or stuck units in their means.
fn doubtful(
    run: &str,
    stage: &ComparedStage,
    found: fn(&ComparedConfiguration) -> &Found,
    alone: &[Lone],
) -> Option<String> {
    let of_both = stage.configurations.iter().map(|one| (one.heading(), found(one).untrained, found(one).stuck));
    let all = of_both.chain(alone.iter().map(|one| (one.heading.clone(), one.untrained, one.stuck)));
    let doubtful: Vec<String> = all
        .filter(|(_, untrained, stuck)| untrained + stuck > 0)
        .map(|(heading, untrained, stuck)| {
            let words = [(untrained, "untrained"), (stuck, "stuck")].into_iter().filter(|(number, _)| *number > 0);
            let words: Vec<String> = words.map(|(number, word)| format!("{} {word}", whole(number))).collect();
            format!("{heading}: {}", words.join(", "))
        })
        .collect();
    let rest = doubtful.len().saturating_sub(NAMED_MAX);
    let mut named: Vec<String> = doubtful.into_iter().take(NAMED_MAX).collect();
    if rest > 0 {
        named.push(more(rest));
    }
    (!named.is_empty())
        .then(|| format!("Doubtful: means of {run} have units that show no learning in them ({}).", named.join("; ")))
}

fn alone(run: &str, rows: &[Lone]) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let mut names: Vec<String> = rows
        .iter()
        .take(NAMED_MAX)
        .map(|row| format!("{}: {}", row.heading, error(row.diverged, &row.error)))
        .collect();
    if rows.len() > NAMED_MAX {
        names.push(more(rows.len() - NAMED_MAX));
    }
    Some(format!("In {run} alone: {}.", names.join("; ")))
}
