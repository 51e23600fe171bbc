//! One row of a result table: a configuration's units, summed up.

use std::collections::BTreeMap;

use seedgrid_common::{
    matrix::PlannedConfiguration,
    model,
    training::{EpochMetrics, Normalize, Scores, StopLoss},
    unit::{Configuration, Fold},
};

use super::{
    Band, Curves, Learning, Ranking,
    document::{
        Averaged, ConfigurationReport, Counts, Estimate, PrecisionRecallReport, RocReport, SeedReport, UnitReport,
    },
    scored::{Cell, Scored, average, error},
    spread::{mean, over_folds, over_seeds, spread},
};

/// What tells each configuration from the others of its model: the settings in which they differ.
pub(super) fn variants(planned: &[PlannedConfiguration]) -> Vec<String> {
    let settings: Vec<BTreeMap<String, String>> = planned.iter().map(|one| settings(&one.configuration)).collect();
    (0..planned.len())
        .map(|index| {
            let model = &planned[index].configuration.model;
            let rivals =
                || (0..planned.len()).filter(|&other| other != index && planned[other].configuration.model == *model);
            let mut words: Vec<String> = settings[index]
                .iter()
                .filter(|(name, value)| rivals().any(|other| settings[other].get(*name) != Some(*value)))
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if rivals().any(|other| settings[other] == settings[index]) {
                words.push(format!("row {}", index + 1));
            }
            words.join(" ")
        })
        .collect()
}

fn settings(configuration: &Configuration) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> =
        configuration.hyperparameters.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    let stop = &configuration.stop;
    settings.insert("stop.loss_delta".to_owned(), stop.loss_delta.to_string());
    settings.insert("stop.max_epochs".to_owned(), stop.max_epochs.to_string());
    settings.insert("stop.min_epochs".to_owned(), stop.min_epochs.to_string());
    settings.insert("stop.patience".to_owned(), stop.patience.to_string());
    settings.insert("stop.loss_drop".to_owned(), stop.loss_drop.to_string());
    let loss = match stop.loss {
        StopLoss::Mean => "mean",
        StopLoss::BatchSum => "batch-sum",
    };
    settings.insert("stop.loss".to_owned(), loss.to_owned());
    let normalize = match configuration.normalize {
        Normalize::None => "none",
        Normalize::Scale => "scale",
        Normalize::Standardize => "standardize",
    };
    settings.insert("normalize".to_owned(), normalize.to_owned());
    settings
}

/// One seed's units and what they predict together.
struct Seed<'a> {
    seed: u64,
    cells: Vec<Cell<'a>>,
    /// For every scored pair; or why there are none.
    probabilities: Result<Vec<f64>, String>,
    /// Of these; or why there is none.
    ranking: Result<Ranking, String>,
}

/// The row and the curves of a configuration with these units, by seed and then by fold.
pub(super) fn row(
    number: usize,
    variant: String,
    configuration: &Configuration,
    cells: &[Cell<'_>],
    scored: &Scored,
) -> (ConfigurationReport, Curves) {
    let mut counts = Counts::default();
    cells.iter().for_each(|cell| counts.add(cell.ending()));
    let done: Vec<(&Scores, &[EpochMetrics])> = cells.iter().filter_map(Cell::done).collect();
    let of_scores =
        |value: fn(&Scores) -> f64| spread(&done.iter().map(|(scores, _)| value(scores)).collect::<Vec<_>>());
    let of_last_epoch = |value: fn(&EpochMetrics) -> f64| {
        spread(&done.iter().filter_map(|(_, epochs)| epochs.last().map(value)).collect::<Vec<_>>())
    };

    let seeds = seeds(cells, scored);
    let rankings: Vec<&Ranking> = seeds.iter().filter_map(|seed| seed.ranking.as_ref().ok()).collect();
    let of_rankings =
        |value: fn(&Ranking) -> f64| spread(&rankings.iter().map(|ranking| value(ranking)).collect::<Vec<_>>());
    let (averaged, ranking) = averaged(&seeds, scored);
    let (ranking, reason) = match ranking {
        Ok(ranking) => (Some(ranking), None),
        Err(reason) => (None, Some(reason)),
    };

    let curves = Curves {
        roc: ranking.as_ref().map(Ranking::roc),
        roc_band: Band::of_roc(&rankings.iter().map(|ranking| ranking.roc()).collect::<Vec<_>>()),
        precision_recall: ranking.as_ref().map(Ranking::precision_recall),
        precision_recall_band: Band::of_precision_recall(
            &rankings.iter().map(|ranking| ranking.precision_recall()).collect::<Vec<_>>(),
        ),
        learning: Learning::new(cells),
    };
    let row = ConfigurationReport {
        number,
        model: configuration.model.clone(),
        title: model::find(&configuration.model).map_or(configuration.model.as_str(), |model| model.title).to_owned(),
        variant,
        hyperparameters: configuration.hyperparameters.clone(),
        stop: configuration.stop,
        normalize: configuration.normalize,
        n: counts.done,
        counts,
        error: error_estimate(cells),
        epochs: spread(&done.iter().map(|(_, epochs)| epochs.len() as f64).collect::<Vec<_>>()),
        converged: done.iter().filter(|(scores, _)| scores.converged).count(),
        loss: of_scores(|scores| scores.loss),
        train_loss: of_last_epoch(|metrics| metrics.train_loss),
        train_error: of_last_epoch(|metrics| metrics.train_error),
        averaged,
        roc: RocReport {
            auc: ranking.as_ref().map(Ranking::auc),
            reason: reason.clone(),
            seeds: of_rankings(Ranking::auc),
        },
        precision_recall: PrecisionRecallReport {
            average_precision: ranking.as_ref().map(Ranking::average_precision),
            reason,
            seeds: of_rankings(Ranking::average_precision),
        },
        seeds: seeds.iter().map(seed_report).collect(),
        units: cells.iter().map(unit_report).collect(),
    };
    (row, curves)
}

fn seeds<'a>(cells: &[Cell<'a>], scored: &Scored) -> Vec<Seed<'a>> {
    cells
        .chunk_by(|a, b| a.unit.seed == b.unit.seed)
        .map(|cells| {
            let probabilities = scored.pool(cells);
            let ranking = probabilities.clone().and_then(|probabilities| ranking(&probabilities, scored));
            Seed { seed: cells[0].unit.seed, cells: cells.to_vec(), probabilities, ranking }
        })
        .collect()
}

fn ranking(probabilities: &[f64], scored: &Scored) -> Result<Ranking, String> {
    Ranking::new(probabilities, &scored.labels).map_err(|reason| reason.to_string())
}

/// The prediction averaged over all seeds that have one, and its ranking.
fn averaged(seeds: &[Seed<'_>], scored: &Scored) -> (Averaged, Result<Ranking, String>) {
    let (used, predictions): (Vec<u64>, Vec<&[f64]>) =
        seeds.iter().filter_map(|seed| Some((seed.seed, seed.probabilities.as_deref().ok()?))).unzip();
    match average(&predictions) {
        Some(mean) => {
            let averaged = Averaged { seeds: used, error: Some(error(&mean, &scored.labels)), reason: None };
            (averaged, ranking(&mean, scored))
        }
        None => {
            let why = seeds.iter().find_map(|seed| seed.probabilities.as_ref().err());
            let why = why.map_or("there are no seeds", String::as_str);
            let reason = format!("no seed has predictions for every scored pair: {why}");
            (Averaged { seeds: used, error: None, reason: Some(reason.clone()) }, Err(reason))
        }
    }
}

fn errors<'c>(cells: impl Iterator<Item = &'c Cell<'c>>) -> Vec<f64> {
    cells.filter_map(|cell| cell.done().map(|(scores, _)| scores.error())).collect()
}

fn error_estimate(cells: &[Cell<'_>]) -> Estimate {
    let values = errors(cells.iter());
    let folds = cells.iter().find_map(|cell| match cell.unit.fold {
        Fold::Holdout => None,
        Fold::Part { of, .. } => Some(of),
    });
    match folds {
        None => over_seeds(&values),
        Some(of) => {
            let of_fold = |index| errors(cells.iter().filter(|cell| cell.unit.fold == Fold::Part { index, of }));
            let fold_means: Vec<f64> = (0..of).filter_map(|index| mean(&of_fold(index))).collect();
            over_folds(&values, &fold_means, of)
        }
    }
}

fn seed_report(seed: &Seed<'_>) -> SeedReport {
    let done: Vec<_> = seed.cells.iter().filter_map(Cell::done).collect();
    SeedReport {
        seed: seed.seed,
        n: done.len(),
        planned: seed.cells.len(),
        error: mean(&errors(seed.cells.iter())),
        epochs: mean(&done.iter().map(|(_, epochs)| epochs.len() as f64).collect::<Vec<_>>()),
        auc: seed.ranking.as_ref().ok().map(Ranking::auc),
        average_precision: seed.ranking.as_ref().ok().map(Ranking::average_precision),
        reason: seed.ranking.as_ref().err().cloned(),
    }
}

fn unit_report(cell: &Cell<'_>) -> UnitReport {
    let scores = cell.done().map(|(scores, _)| scores);
    let last = cell.epochs().and_then(<[EpochMetrics]>::last);
    UnitReport {
        unit: cell.id.to_string(),
        seed: cell.unit.seed,
        fold: match cell.unit.fold {
            Fold::Holdout => None,
            Fold::Part { index, .. } => Some(index + 1),
        },
        ending: cell.ending(),
        error: scores.map(Scores::error),
        loss: scores.map(|scores| scores.loss),
        epochs: cell.epochs().map(<[EpochMetrics]>::len),
        converged: scores.map(|scores| scores.converged),
        train_loss: last.map(|metrics| metrics.train_loss),
        train_error: last.map(|metrics| metrics.train_error),
    }
}
