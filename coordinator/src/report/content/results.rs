//! Tables of a stage's configurations. Each is a name, the settings that tell configurations apart, and some numbers.

use super::{
    doubtful,
    part::Part,
    wording::{self, covers, where_none},
};
use crate::{
    aggregate::document::{ConfigurationReport, EvaluationReport, StageReport},
    report::{
        document::{Block, Cell, Column, Holds, Kind, Row, Table, Tone},
        facts::{self, unless_diverged},
        numbers::{NONE, count, count_spread, interval, rate, rate_spread, whole},
    },
};

/// The title of the table of ensembles.
pub(super) const ENSEMBLES: &str = "Ensembles: predictions averaged over the seeds";

/// A table of the stage's configurations: these columns after names and settings, and their cells.
fn table(
    part: &Part<'_>,
    kind: Kind,
    columns: Vec<Column>,
    cells: impl Fn(&ConfigurationReport) -> Vec<Cell>,
) -> Table {
    let stage = part.stage;
    let names = facts::setting_names(stage);
    let settings = names.iter().map(|name| Column::new(Holds::Settings, *name));
    let (shown, best) = (facts::shown(stage), best(stage));
    let rows: Vec<Row> = facts::in_tables(stage)
        .into_iter()
        .map(|row| {
            let settings = names.iter().map(|name| facts::setting(row, name).unwrap_or_else(|| NONE.to_owned()));
            let is_best = |best: &&ConfigurationReport| best.model == row.model || !facts::has_variants(stage);
            Row {
                cells: std::iter::once(row.title.clone()).chain(settings).map(Cell::from).chain(cells(row)).collect(),
                variant: row.variant.clone(),
                selected: facts::is_selected(stage, row),
                best: kind == Kind::Results && best.iter().any(|best| is_best(best) && facts::is_as_good(row, best)),
                long: !shown.contains(&row.number),
            }
        })
        .collect();
    let all = stage.configurations.len();
    let remarks = (rows.len() < all)
        .then(|| format!("The {} best of {}; configurations.csv has all.", whole(rows.len()), whole(all)));
    Table {
        kind,
        of: stage.name.clone(),
        label: None,
        caption: part.caption(),
        columns: std::iter::once(Column::new(Holds::Names, "Model")).chain(settings).chain(columns).collect(),
        rows,
        notes: String::new(),
        remarks: remarks.into_iter().collect(),
        left_out: facts::left_out(stage),
    }
}

/// The best configuration, or each model's where there are several of one model.
fn best(stage: &StageReport) -> Vec<&ConfigurationReport> {
    match facts::has_variants(stage) {
        true => facts::best_of_models(stage),
        false => facts::best(&stage.configurations).into_iter().collect(),
    }
}

fn numbers<const N: usize>(titles: [&str; N]) -> Vec<Column> {
    titles.map(|title| Column::new(Holds::Numbers, title)).into()
}

/// The stage's main table, and what terminals say below it.
pub(super) fn results(part: &Part<'_>) -> Vec<Block> {
    let stage = part.stage;
    let mut columns = numbers(["Error", "95 % interval", "Epochs", "AUC", "AP", "n"]);
    for (column, rank) in [(2, 3), (3, 1), (4, 2)] {
        columns[column].rank = rank;
    }
    let results = table(part, Kind::Results, columns, |row| {
        let n = Cell {
            text: format!("{} of {}", row.n, row.counts.planned),
            link: part.curves.map(|_| format!("curves-of-{}-{}", part.number, row.number)),
            alert: row.n + row.counts.skipped < row.counts.planned,
        };
        let numbers = [
            unless_diverged(row, rate_spread(&row.error.spread)),
            interval(row.error.interval.ci95),
            count_spread(&row.epochs),
            unless_diverged(row, rate_spread(&row.auc.spread)),
            unless_diverged(row, rate_spread(&row.average_precision.spread)),
        ];
        numbers.map(Cell::from).into_iter().chain([n]).collect()
    });
    let of_each = if facts::has_variants(stage) { " of each model" } else { "" };
    let notes = format!("{} Bold: the lowest mean error{of_each}.", wording::columns(stage));
    let doubtful: String = doubtful::of_stage(stage).into_iter().map(|notice| format!(" {}", notice.text)).collect();
    let caption = format!("{} {}{doubtful}", results.caption, wording::evaluation(stage));
    let results = Table { label: part.label("results"), caption, notes, ..results };
    let ensembles = ensembles_in_short(stage).map(|text| Block::Text(Tone::Terminal, text));
    [Block::Table(results)].into_iter().chain(ensembles).collect()
}

/// The ensembles of the configurations that a short table shows, where there are any, as a sentence.
fn ensembles_in_short(stage: &StageReport) -> Option<String> {
    let shown = facts::shown(stage);
    let rows = stage.configurations.iter().filter(|row| shown.contains(&row.number) && row.averaged.seeds.len() > 1);
    let named: Vec<String> = rows
        .map(|row| {
            format!(
                "{} ({}) error {}, AUC {}, AP {}",
                row.heading(),
                count(row.averaged.seeds.len(), "network"),
                rate(row.averaged.error),
                rate(row.roc.auc),
                rate(row.precision_recall.average_precision)
            )
        })
        .collect();
    (!named.is_empty()).then(|| format!("Ensembles (predictions averaged over the seeds): {}.", named.join("; ")))
}

/// The ensembles: apart from single networks.
pub(super) fn ensembles(part: &Part<'_>) -> Vec<Block> {
    let columns =
        numbers(["Networks", "Ensemble error", "Ensemble AUC", "95 % interval", "Ensemble AP", "95 % interval"]);
    let ensembles = table(part, Kind::Other, columns, |row| {
        let numbers = [
            row.averaged.seeds.len().to_string(),
            unless_diverged(row, rate(row.averaged.error)),
            unless_diverged(row, rate(row.roc.auc)),
            interval(row.roc.ci95),
            unless_diverged(row, rate(row.precision_recall.average_precision)),
            interval(row.precision_recall.ci95),
        ];
        numbers.map(Cell::from).into()
    });
    let caption = format!("{} {ENSEMBLES}.", ensembles.caption);
    vec![Block::Table(Table {
        label: part.label("ensembles"),
        caption,
        notes: about_ensembles(part.stage),
        ..ensembles
    })]
}

fn about_ensembles(stage: &StageReport) -> String {
    let pairs = match stage.evaluation {
        EvaluationReport::Holdout => "test pairs",
        EvaluationReport::Folds(_) => "training pairs, each scored by the network that was trained without it",
    };
    let without = stage.configurations.iter().filter(|row| row.roc.auc.is_some() && row.roc.ci95.is_none());
    let reasons = where_none("interval", without.filter_map(|row| row.roc.ci95_reason.as_deref()));
    let intervals = match stage.configurations.iter().any(|row| row.roc.ci95.is_some()) || reasons.is_empty() {
        true => format!(
            " The 95 % intervals are about the draw of the {pairs}: percentiles of up to 10,000 resamples of them, for these trained networks."
        ),
        false => String::new(),
    };
    format!(
        "An ensemble predicts a pair by the probabilities of all seeds, averaged, as in the paper. It is usually better than its networks, and \
         says nothing about one of them: do not compare these columns with those of single networks. AUC and AP: area under the ROC curve and \
         average precision of the averaged prediction.{intervals}{reasons}"
    )
}

/// Several draws of the data; nothing where there is one.
pub(super) fn draws(part: &Part<'_>) -> Vec<Block> {
    let stage = part.stage;
    if !facts::has_several_draws(stage) {
        return Vec::new();
    }
    let columns = numbers(["Error", "95 % interval", "Std over draws", "Std over seeds", "Means of single draws"]);
    let draws = table(part, Kind::Other, columns, |row| {
        let means = || row.draws.iter().filter_map(|draw| draw.error);
        let ends = means().reduce(f64::min).zip(means().reduce(f64::max)).map(|(low, high)| [low, high]);
        let numbers = [
            unless_diverged(row, rate_spread(&row.error.spread)),
            interval(row.error.interval.ci95),
            rate(row.draw.draws_std),
            rate(row.draw.seeds_std),
            interval(ends),
        ];
        numbers.map(Cell::from).into()
    });
    let rows = stage.configurations.iter().filter(|row| row.n > 0 && !row.diverged());
    let reasons = where_none("deviation", rows.filter_map(|row| row.draw.components_reason.as_deref()));
    let notes = format!(
        "Error: mean ± standard deviation over draws and seeds together. The 95 % interval of the mean {}. Std over draws: how much the draw of the \
         data alone moves an error. Std over seeds: how much the seed moves it on one draw.{reasons} Means of single draws: the lowest and the \
         highest.",
        covers(stage)
    );
    let caption = format!("{} Draws of the data.", draws.caption);
    vec![Block::Table(Table { label: part.label("draws"), caption, notes, ..draws })]
}

/// All hyper-parameters, the stopping rule and the inputs of every configuration.
pub(super) fn settings(part: &Part<'_>) -> Vec<Block> {
    let mut names: Vec<&str> = Vec::new();
    for name in part.stage.configurations.iter().flat_map(|row| row.hyperparameters.keys()) {
        if !names.contains(&name.as_str()) && !facts::setting_names(part.stage).contains(&name.as_str()) {
            names.push(name);
        }
    }
    let words = ["Stopping rule", "Inputs"].map(|title| Column::new(Holds::Words, title));
    let columns = names.iter().map(|name| Column::new(Holds::Words, *name)).chain(words).collect();
    let settings = table(part, Kind::Other, columns, |row| {
        let value = |name: &&str| row.hyperparameters.get(*name).map_or_else(|| NONE.to_owned(), ToString::to_string);
        names.iter().map(value).chain([wording::stop(row), facts::normalize(row).to_owned()]).map(Cell::from).collect()
    });
    vec![Block::Table(settings)]
}
