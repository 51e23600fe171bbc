//! Tables for programs: RFC 4180 with `\n` line ends, UTF-8, every digit of every number, empty where there is no value.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Display,
    io::{self, Write},
};

use seedgrid_common::{classification, unit::UnitId};
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    folder::File,
    provenance::{Provenance, WorkerRecord},
    shown_and_best_rows,
    streamed_rows::Rows,
};
use crate::aggregate::{
    Aggregate, Band, Curves, UnitReport,
    report_json::{ConfigurationReport, ReferenceReport, Report, StageReport},
};

/// All files. Rows of units, epochs and attempts are written one at a time, since there may be millions.
pub(super) fn files<'a>(aggregate: &'a Aggregate, provenance: &'a Provenance, rows: &'a dyn Rows) -> Vec<File<'a>> {
    let report = &aggregate.report;
    vec![
        File::rows("configurations.csv", move |out| configurations(report, out)),
        File::rows("seeds.csv", move |out| seeds(aggregate, out)),
        File::rows("units.csv", move |out| units(aggregate, out)),
        File::rows("comparisons.csv", move |out| comparisons(report, out)),
        File::rows("references.csv", move |out| references(report, out)),
        File::rows("epochs.csv", move |out| epochs(aggregate, rows, out)),
        File::rows("learning.csv", move |out| learning(aggregate, out)),
        File::rows("roc.csv", move |out| roc(aggregate, out)),
        File::rows("roc-band.csv", move |out| {
            let columns = ["false_positive_rate", "true_positive_rate"];
            band(aggregate, columns, |curves| curves.roc_band.as_ref(), out)
        }),
        File::rows("pr.csv", move |out| precision_recall(aggregate, out)),
        File::rows("pr-band.csv", move |out| {
            band(aggregate, ["recall", "precision"], |curves| curves.precision_recall_band.as_ref(), out)
        }),
        File::rows("attempts.csv", move |out| attempts(provenance, rows, out)),
    ]
}

/// Writes a cell, quoted where it must be. A text that a spreadsheet would compute gets an apostrophe before it.
pub(crate) fn push_cell(text: &mut String, cell: &str) {
    if cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err() {
        return push_cell(text, &format!("'{cell}"));
    }
    if cell.contains([',', '"', '\n', '\r']) || cell.trim() != cell {
        text.push('"');
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}

fn write_row<T: AsRef<str>>(out: &mut dyn Write, cells: impl IntoIterator<Item = T>) -> io::Result<()> {
    let mut line = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        push_cell(&mut line, cell.as_ref());
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// Every digit of a number, and no long rows of zeros.
pub(crate) fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-5 { format!("{value:e}") } else { value.to_string() }
}

fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The value at a path of report.json's object of a row: keys and places joined by dots. Of a list, its length.
fn value_at(object: &Json, path: &str) -> String {
    fn step<'a>(value: &'a Json, key: &str) -> Option<&'a Json> {
        match value {
            Json::Object(fields) => {
                debug_assert!(fields.contains_key(key), "report.json has no {key}");
                fields.get(key)
            }
            Json::Array(list) => list.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }
    match path.split('.').try_fold(object, step) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(list)) => list.len().to_string(),
        Some(Json::Number(number)) if number.is_f64() => cell(number.as_f64()),
        Some(value) => value.to_string(),
    }
}

const KEYS: [&str; 4] = ["stage", "configuration", "model", "variant"];

fn keys(stage: &StageReport, row: &ConfigurationReport) -> Vec<String> {
    vec![stage.name.clone(), row.number.to_string(), row.model.clone(), row.variant.clone()]
}

/// Writes a table of things, whose rows begin with cells under `first`. `columns` are separated by blanks: `NAME`, or `NAME=PATH` where
/// report.json has the value elsewhere in the thing's object.
fn table<'a, T: Serialize + 'a>(
    out: &mut dyn Write,
    first: impl IntoIterator<Item = String>,
    columns: &str,
    rows: impl IntoIterator<Item = (Vec<String>, &'a T)>,
) -> io::Result<()> {
    let columns: Vec<(&str, &str)> =
        columns.split_whitespace().map(|column| column.split_once('=').unwrap_or((column, column))).collect();
    write_row(out, first.into_iter().chain(columns.iter().map(|(name, _)| (*name).to_owned())))?;
    for (first, thing) in rows {
        let object = serde_json::to_value(thing)?;
        write_row(out, first.into_iter().chain(columns.iter().map(|(_, path)| value_at(&object, path))))?;
    }
    Ok(())
}

/// Every configuration with its stage.
fn rows(report: &Report) -> impl Iterator<Item = (&StageReport, &ConfigurationReport)> {
    report.stages.iter().flat_map(|stage| stage.configurations.iter().map(move |row| (stage, row)))
}

/// Every hyper-parameter that any configuration has.
fn hyperparameters(report: &Report) -> BTreeSet<&str> {
    rows(report).flat_map(|(_, row)| row.hyperparameters.keys().map(String::as_str)).collect()
}

/// The keys, a column, and a column for each hyper-parameter.
fn with_hyperparameters<'a>(names: &'a BTreeSet<&str>, column: &'a str) -> impl Iterator<Item = String> + 'a {
    let names = names.iter().map(|name| format!("hyperparameters.{name}"));
    KEYS.into_iter().chain([column]).map(str::to_owned).chain(names)
}

const CONFIGURATION: &str = "normalize stop.loss_delta stop.max_epochs stop.min_epochs stop.patience stop.loss_drop stop.loss
    planned=counts.planned done=counts.done diverged=counts.diverged not_trained=counts.not_trained failed=counts.failed
    cancelled=counts.cancelled converged untrained stuck
    error_mean=error.mean error_std=error.std error_ci95_low=error.interval.ci95.0 error_ci95_high=error.interval.ci95.1
    error_min=error.min error_max=error.max epochs_mean=epochs.mean epochs_std=epochs.std loss_mean=loss.mean loss_std=loss.std
    train_loss_mean=train_loss.mean train_loss_std=train_loss.std train_error_mean=train_error.mean train_error_std=train_error.std
    auc_mean=auc.mean auc_std=auc.std average_precision_mean=average_precision.mean average_precision_std=average_precision.std
    areas_undefined=auc.undefined
    ensemble_seeds=averaged.seeds ensemble_error=averaged.error ensemble_auc=roc.auc
    seeds_auc_mean=roc.seeds.mean seeds_auc_std=roc.seeds.std ensemble_average_precision=precision_recall.average_precision
    seeds_average_precision_mean=precision_recall.seeds.mean seeds_average_precision_std=precision_recall.seeds.std
    error_standard_error=error.interval.standard_error error_freedom=error.interval.freedom error_interval=error.interval.method
    error_given_examples_ci95_low=error.given_examples.ci95.0 error_given_examples_ci95_high=error.given_examples.ci95.1
    draw_pairs=draw.pairs draw_standard_error=draw.standard_error ensemble_auc_ci95_low=roc.ci95.0 ensemble_auc_ci95_high=roc.ci95.1
    ensemble_average_precision_ci95_low=precision_recall.ci95.0 ensemble_average_precision_ci95_high=precision_recall.ci95.1
    data_draws=draws draws_std=draw.draws_std seeds_std=draw.seeds_std skipped=counts.skipped rank";

/// configurations.csv: one row a configuration.
fn configurations(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let names = hyperparameters(report);
    let rows = rows(report).map(|(stage, row)| {
        let values = names.iter().map(|name| cell(row.hyperparameters.get(*name)));
        (keys(stage, row).into_iter().chain([row.title.clone()]).chain(values).collect(), row)
    });
    table(out, with_hyperparameters(&names, "title"), CONFIGURATION, rows)
}

const UNIT: [&str; 15] = [
    "fold",
    "seed",
    "ending",
    "error",
    "auc",
    "average_precision",
    "loss",
    "epochs",
    "converged",
    "train_loss",
    "train_error",
    "data_seed",
    "untrained",
    "stuck",
    "areas_reason",
];

/// units.csv: one row a unit; a unit that several configurations share stands in each of them.
fn units(aggregate: &Aggregate, out: &mut dyn Write) -> io::Result<()> {
    let names = hyperparameters(&aggregate.report);
    write_row(out, with_hyperparameters(&names, "unit").chain(UNIT.map(str::to_owned)))?;
    for (stage, row, curves) in with_curves(aggregate) {
        let keys = keys(stage, row);
        let values: Vec<String> = names.iter().map(|name| cell(row.hyperparameters.get(*name))).collect();
        for unit in &curves.units {
            let cells = [
                cell(unit.fold),
                unit.seed.to_string(),
                unit.ending.name().to_owned(),
                cell(unit.error),
                cell(unit.auc),
                cell(unit.average_precision),
                cell(unit.loss),
                cell(unit.epochs),
                cell(unit.converged),
                cell(unit.train_loss),
                cell(unit.train_error),
                unit.data_seed.to_string(),
                cell(unit.untrained),
                cell(unit.stuck),
                cell(unit.areas_reason.as_deref()),
            ];
            let id = unit.unit.to_string();
            write_row(out, keys.iter().chain([&id]).chain(&values).chain(&cells))?;
        }
    }
    Ok(())
}

const COMPARISON: &str = "difference hedges_g t_test=t_test.method seeds=t_test.seeds
    t=t_test.t freedom=t_test.freedom t_p=t_test.p t_p_holm=t_test.p_holm ci95_low=t_test.ci95.0 ci95_high=t_test.ci95.1
    ci95_simultaneous_low=t_test.ci95_simultaneous.0 ci95_simultaneous_high=t_test.ci95_simultaneous.1
    seeds_t=seeds_test.t seeds_freedom=seeds_test.freedom seeds_p=seeds_test.p seeds_p_holm=seeds_test.p_holm
    seeds_ci95_low=seeds_test.ci95.0 seeds_ci95_high=seeds_test.ci95.1
    seeds_ci95_simultaneous_low=seeds_test.ci95_simultaneous.0 seeds_ci95_simultaneous_high=seeds_test.ci95_simultaneous.1
    first_only_wrong=mcnemar.first_only_wrong second_only_wrong=mcnemar.second_only_wrong mcnemar_p=mcnemar.p
    mcnemar_p_holm=mcnemar.p_holm auc_difference=auc_test.difference auc_standard_error=auc_test.standard_error auc_p=auc_test.p
    auc_p_holm=auc_test.p_holm";

/// comparisons.csv: one row a pair of configurations that were compared; the keys are the first one's.
fn comparisons(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rows = report.stages.iter().flat_map(|stage| {
        stage.comparisons.pairs.iter().filter_map(move |pair| {
            let (first, second) =
                (shown_and_best_rows::row(stage, pair.first)?, shown_and_best_rows::row(stage, pair.second)?);
            let second = [second.number.to_string(), second.model.clone(), second.variant.clone()];
            Some((keys(stage, first).into_iter().chain(second).collect(), pair))
        })
    });
    let second = ["second", "second_model", "second_variant"];
    table(out, KEYS.into_iter().chain(second).map(str::to_owned), COMPARISON, rows)
}

const REFERENCE: &str = "source ours_error=ours.error ours_std=ours.std ours_n=ours.n ours_epochs=ours.epochs ours_pairs=ours.pairs
    ours_standard_error=ours.standard_error ours_draw_standard_error=ours.draw_standard_error
    theirs_error=theirs.error theirs_std=theirs.std theirs_n=theirs.n theirs_epochs=theirs.epochs theirs_pairs=theirs.pairs
    theirs_standard_error=theirs.standard_error theirs_draw_standard_error=theirs.draw_standard_error
    difference uncertainty95 uncertainty90 margin verdict note";

/// references.csv: one row a configuration and a reference that is for it.
fn references(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let given = |one: &ReferenceReport| {
        one.given.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let rows = report.stages.iter().flat_map(|stage| {
        stage.references.iter().filter_map(move |one| {
            let keys = keys(stage, shown_and_best_rows::row(stage, one.configuration)?);
            Some((keys.into_iter().chain([given(one)]).collect(), one))
        })
    });
    table(out, KEYS.into_iter().chain(["where"]).map(str::to_owned), REFERENCE, rows)
}

/// Every configuration with its stage, its curves and its units.
fn with_curves(aggregate: &Aggregate) -> impl Iterator<Item = (&StageReport, &ConfigurationReport, &Curves)> {
    aggregate.report.stages.iter().zip(&aggregate.curves).flat_map(|(stage, of_stage)| {
        stage.configurations.iter().zip(of_stage).map(move |(row, curves)| (stage, row, curves))
    })
}

/// Writes a table of rows that belong to configurations with their curves.
fn curves<const N: usize>(
    out: &mut dyn Write,
    aggregate: &Aggregate,
    columns: [&str; N],
    of: impl Fn(&Curves) -> Vec<[String; N]>,
) -> io::Result<()> {
    write_row(out, KEYS.into_iter().chain(columns))?;
    for (stage, row, curves) in with_curves(aggregate) {
        let keys = keys(stage, row);
        of(curves).iter().try_for_each(|cells| write_row(out, keys.iter().chain(cells)))?;
    }
    Ok(())
}

/// seeds.csv: one row a seed of a configuration.
fn seeds(aggregate: &Aggregate, out: &mut dyn Write) -> io::Result<()> {
    let columns = ["seed", "n", "planned", "averaged", "error", "epochs", "auc", "average_precision", "reason"];
    curves(out, aggregate, columns, |curves| {
        let cells = curves.seeds.iter().map(|seed| {
            [
                seed.seed.to_string(),
                seed.n.to_string(),
                seed.planned.to_string(),
                seed.averaged.to_string(),
                cell(seed.error),
                cell(seed.epochs),
                cell(seed.auc),
                cell(seed.average_precision),
                cell(seed.reason.as_deref()),
            ]
        });
        cells.collect()
    })
}

/// epochs.csv: one row an epoch of a unit that has a result.
fn epochs(aggregate: &Aggregate, rows: &dyn Rows, out: &mut dyn Write) -> io::Result<()> {
    let columns = ["unit", "fold", "seed", "epoch", "train_loss", "train_error", "validation_error"];
    write_row(out, KEYS.into_iter().chain(columns))?;
    for (stage, row, curves) in with_curves(aggregate) {
        let keys = keys(stage, row);
        let with_result: Vec<&UnitReport> = curves.units.iter().filter(|unit| unit.has_result()).collect();
        let ids: Vec<UnitId> = with_result.iter().map(|unit| unit.unit).collect();
        for (unit, epochs) in with_result.into_iter().zip(rows.epochs(&ids)?) {
            let [id, seed, fold] = [unit.unit.to_string(), unit.seed.to_string(), cell(unit.fold)];
            for epoch in epochs {
                let number = epoch.epoch.to_string();
                let [loss, error] = [epoch.train_loss, epoch.train_error].map(|value| value.to_string());
                let cells = [&id, &fold, &seed, &number, &loss, &error, &cell(epoch.validation_error)];
                write_row(out, keys.iter().chain(cells))?;
            }
        }
    }
    Ok(())
}

/// learning.csv: one row an epoch of a configuration, averaged over the done units that trained it.
fn learning(aggregate: &Aggregate, out: &mut dyn Write) -> io::Result<()> {
    let columns = ["epoch", "units", "train_loss", "train_error", "validation_error"];
    curves(out, aggregate, columns, |curves| {
        let cells = curves.learning.iter().map(|epoch| {
            let [loss, error] = [epoch.train_loss, epoch.train_error].map(|value| value.to_string());
            [epoch.epoch.to_string(), epoch.units.to_string(), loss, error, cell(epoch.validation_error)]
        });
        cells.collect()
    })
}

const ATTEMPT: [&str; 15] = [
    "unit",
    "attempt",
    "ending",
    "worker",
    "host",
    "place",
    "device",
    "isa",
    "numerics_class",
    "wall_seconds",
    "ended_at_unix_ms",
    "detail",
    "weights_file",
    "weights_sha256",
    "weights_bytes",
];

/// attempts.csv: one row an attempt that ended, of a unit that the spec names.
fn attempts(provenance: &Provenance, rows: &dyn Rows, out: &mut dyn Write) -> io::Result<()> {
    let workers: HashMap<&str, &WorkerRecord> =
        provenance.workers.iter().map(|worker| (worker.worker.as_str(), worker)).collect();
    write_row(out, ATTEMPT)?;
    rows.attempts(&mut |attempt| {
        let worker = workers.get(attempt.worker.as_str());
        let of_worker = |text: fn(&WorkerRecord) -> &str| worker.map_or_else(String::new, |one| text(one).to_owned());
        let weights = attempt.weights.as_ref();
        let cells = [
            attempt.unit.to_string(),
            attempt.attempt.to_string(),
            attempt.ending.to_string(),
            attempt.worker.clone(),
            of_worker(|worker| &worker.host),
            of_worker(|worker| &worker.place),
            of_worker(|worker| &worker.device),
            of_worker(|worker| &worker.isa),
            of_worker(|worker| &worker.numerics_class),
            cell(attempt.wall_seconds),
            cell(attempt.ended_at_unix_ms),
            attempt.detail.clone(),
            weights.map_or_else(String::new, |weights| weights.file.clone()),
            weights.map_or_else(String::new, |weights| weights.sha256.clone()),
            cell(weights.map(|weights| weights.bytes)),
        ];
        write_row(out, cells)
    })
}

/// A curve's point with its threshold: the score, and the probability that belongs to it. At the curve's start both are infinite.
fn point([x, y]: [f64; 2], threshold: f64) -> [String; 4] {
    let probability = if threshold.is_finite() { classification::probability(threshold) } else { threshold };
    [x, y, threshold, probability].map(number)
}

/// roc.csv: the points of each averaged prediction's ROC curve.
fn roc(aggregate: &Aggregate, out: &mut dyn Write) -> io::Result<()> {
    let columns = ["false_positive_rate", "true_positive_rate", "threshold_score", "threshold_probability"];
    curves(out, aggregate, columns, |curves| {
        let points = curves.roc.iter().flatten();
        points.map(|found| point([found.false_positive_rate, found.true_positive_rate], found.threshold)).collect()
    })
}

/// pr.csv: the points of each averaged prediction's precision-recall curve.
fn precision_recall(aggregate: &Aggregate, out: &mut dyn Write) -> io::Result<()> {
    let columns = ["recall", "precision", "threshold_score", "threshold_probability"];
    curves(out, aggregate, columns, |curves| {
        let points = curves.precision_recall.iter().flatten();
        points.map(|found| point([found.recall, found.precision], found.threshold)).collect()
    })
}

/// roc-band.csv and pr-band.csv: mean and deviation of the seeds' own curves.
fn band(
    aggregate: &Aggregate,
    [x, y]: [&str; 2],
    of: fn(&Curves) -> Option<&Band>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let [mean, std] = ["mean", "std"].map(|what| format!("{y}_{what}"));
    curves(out, aggregate, ["seeds", x, &mean, &std], |curves| {
        let points = of(curves).into_iter().flat_map(|band| band.points.iter().map(|point| (band.curves, point)));
        let cells = points.map(|(seeds, point)| {
            let [x, mean, std] = [point.x, point.mean, point.std].map(number);
            [seeds.to_string(), x, mean, std]
        });
        cells.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::write_row;

    #[test]
    fn cells_with_commas_quotes_or_line_ends_are_quoted() {
        let mut text = Vec::new();
        write_row(&mut text, ["[1, 2]", "say \"x\""]).unwrap();
        write_row(&mut text, ["two\nlines", " padded"]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "\"[1, 2]\",\"say \"\"x\"\"\"\n\"two\nlines\",\" padded\"\n");
    }
}
