//! Tables of a stage's configurations. Each is a name, the settings that tell configurations apart, and some numbers.

use super::{
    stage_input::Part,
    untrained_and_stuck,
    wording::{self, covers, where_none},
};
use crate::{
    aggregate::report_json::{ConfigurationReport, EvaluationReport, StageReport},
    report::{
        document::{Block, Cell, Field, Holds, Kind, Table, Tone},
        numbers::{NONE, count, count_spread, ends, interval, rate, rate_spread, whole},
        shown_and_best_rows::{self, unless_diverged},
    },
};

/// The title of the table of ensembles.
pub(super) const ENSEMBLES: &str = "Ensembles: predictions averaged over the seeds";

/// The first fields of tables whose rows are about one configuration: its model, and the settings that distinguish it.
pub(super) fn named<'a, T>(
    stage: &'a StageReport,
    of: impl Fn(&T) -> &ConfigurationReport + Copy + 'a,
) -> Vec<Field<'a, T>> {
    let setting = |name: &'a str| {
        let cell =
            move |subject: &T| shown_and_best_rows::setting(of(subject), name).unwrap_or_else(|| NONE.to_owned());
        Field::new(Holds::Settings, name, cell)
    };
    let model = Field::name("Model", move |subject: &T| of(subject).title.clone());
    std::iter::once(model).chain(shown_and_best_rows::setting_names(stage).into_iter().map(setting)).collect()
}

/// A table of the stage's configurations: these fields after names and settings.
fn table<'a>(part: &Part<'a>, kind: Kind, fields: Vec<Field<'a, ConfigurationReport>>) -> Table {
    let stage = part.stage;
    let (shown, best, rows) = (shown_and_best_rows::shown(stage), best(stage), shown_and_best_rows::in_tables(stage));
    let fields: Vec<_> = named(stage, |row| row).into_iter().chain(fields).collect();
    let mut table = Table::new(kind, &stage.name, &fields, rows.iter().copied());
    for (line, row) in table.rows.iter_mut().zip(&rows) {
        let is_best =
            |best: &&ConfigurationReport| best.model == row.model || !shown_and_best_rows::has_variants(stage);
        line.variant.clone_from(&row.variant);
        line.selected = shown_and_best_rows::is_selected(stage, row);
        line.best = kind == Kind::Results
            && best.iter().any(|best| is_best(best) && shown_and_best_rows::is_as_good(row, best));
        line.long = !shown.contains(&row.number);
    }
    let all = stage.configurations.len();
    let remarks = (rows.len() < all)
        .then(|| format!("The {} best of {}; configurations.csv has all.", whole(rows.len()), whole(all)));
    Table {
        caption: part.caption(),
        remarks: remarks.into_iter().collect(),
        left_out: shown_and_best_rows::left_out(stage),
        ..table
    }
}

type Of = ConfigurationReport;

/// A field of numbers that a configuration with a diverged unit does not have.
fn number<'a>(title: &str, cell: impl Fn(&ConfigurationReport) -> String + 'a) -> Field<'a, ConfigurationReport> {
    Field::number(title, move |row: &ConfigurationReport| unless_diverged(row, cell(row)))
}

/// The best configuration, or each model's where there are several of one model.
fn best(stage: &StageReport) -> Vec<&ConfigurationReport> {
    match shown_and_best_rows::has_variants(stage) {
        true => shown_and_best_rows::best_of_models(stage),
        false => shown_and_best_rows::best(&stage.configurations).into_iter().collect(),
    }
}

/// The stage's main table, and what terminals say below it.
pub(super) fn results(part: &Part<'_>) -> Vec<Block> {
    let stage = part.stage;
    let n = |row: &ConfigurationReport| Cell {
        text: format!("{} of {}", row.n, row.counts.planned),
        link: (part.drawings && part.drawn > 0).then(|| format!("curves-of-{}-{}", part.number, row.number)),
        alert: row.n + row.counts.skipped < row.counts.planned,
    };
    let fields = vec![
        number("Error", |row| rate_spread(&row.error.spread)),
        Field::number("95 % interval", |row: &Of| interval(row.error.interval.ci95)),
        Field::number("Epochs", |row: &Of| count_spread(&row.epochs)).rank(3),
        number("AUC", |row| rate_spread(&row.auc.spread)).rank(1),
        number("AP", |row| rate_spread(&row.average_precision.spread)).rank(2),
        Field::number("n", n),
    ];
    let results = table(part, Kind::Results, fields);
    let of_each = if shown_and_best_rows::has_variants(stage) { " of each model" } else { "" };
    let notes = format!("{} Bold: the lowest mean error{of_each}.", wording::columns(stage));
    let doubtful: String =
        untrained_and_stuck::of_stage(part).into_iter().map(|notice| format!(" {}", notice.text)).collect();
    let caption = format!("{} {}{doubtful}", results.caption, wording::evaluation(stage));
    let results = Table { label: part.label("results"), caption, notes, ..results };
    let ensembles = ensembles_in_short(stage).map(|text| Block::Text(Tone::Terminal, text));
    [Block::Table(results)].into_iter().chain(ensembles).collect()
}

/// The ensembles of the configurations that a short table shows, where there are any, as a sentence.
fn ensembles_in_short(stage: &StageReport) -> Option<String> {
    let shown = shown_and_best_rows::shown(stage);
    let rows = stage.configurations.iter().filter(|row| shown.contains(&row.number) && row.averaged.seeds > 1);
    let named: Vec<String> = rows
        .map(|row| {
            format!(
                "{} ({}) error {}, AUC {}, AP {}",
                row.heading(),
                count(row.averaged.seeds, "network"),
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
    let fields = vec![
        Field::number("Networks", |row: &Of| row.averaged.seeds.to_string()),
        number("Ensemble error", |row| rate(row.averaged.error)),
        number("Ensemble AUC", |row| rate(row.roc.auc)),
        Field::number("95 % interval", |row: &Of| interval(row.roc.ci95)),
        number("Ensemble AP", |row| rate(row.precision_recall.average_precision)),
        Field::number("95 % interval", |row: &Of| interval(row.precision_recall.ci95)),
    ];
    let ensembles = table(part, Kind::Other, fields);
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
    if !shown_and_best_rows::has_several_draws(stage) {
        return Vec::new();
    }
    let fields = vec![
        number("Error", |row| rate_spread(&row.error.spread)),
        Field::number("95 % interval", |row: &Of| interval(row.error.interval.ci95)),
        Field::number("Std over draws", |row: &Of| rate(row.draw.draws_std)),
        Field::number("Std over seeds", |row: &Of| rate(row.draw.seeds_std)),
        Field::number("Means of single draws", |row: &Of| {
            interval(ends(row.draws.iter().filter_map(|draw| draw.error)))
        }),
    ];
    let draws = table(part, Kind::Other, fields);
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
    let columns = shown_and_best_rows::setting_names(part.stage);
    let mut names: Vec<&str> = Vec::new();
    for name in part.stage.configurations.iter().flat_map(|row| row.hyperparameters.keys()) {
        if !names.contains(&name.as_str()) && !columns.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let value = |row: &ConfigurationReport, name: &str| row.hyperparameters.get(name).map(ToString::to_string);
    let named = names
        .into_iter()
        .map(|name| Field::words(name, move |row: &Of| value(row, name).unwrap_or_else(|| NONE.to_owned())));
    let others = [Field::words("Stopping rule", wording::stop), Field::words("Inputs", shown_and_best_rows::normalize)];
    let settings = table(part, Kind::Other, named.chain(others).collect());
    vec![Block::Table(settings)]
}
