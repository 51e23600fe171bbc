//! One row of a result table: a configuration's units, aggregated.

use std::collections::BTreeMap;

use seedgrid_common::{
    classification::Binary,
    model,
    training::{EpochMetrics, Scores},
    unit::Configuration,
};

use super::{
    Band, Curves, Ranking, SeedReport, UnitReport,
    errors_by_seed::{BySeed, Columns},
    learning_curves,
    means_and_intervals::{Sample, estimate, spread},
    report_json::{
        Averaged, BandReport, ConfigurationReport, Counts, DrawError, DrawReport, Estimate, Interval, IntervalMethod,
        PrecisionRecallReport, RocReport, Spread, UnitsMetric,
    },
    scored_predictions::{Cell, Scored, average, scores, share, wrong},
    split,
};
use crate::statistics::{
    bootstrap,
    crossed_standard_error::{Crossed, crossed},
    exact::{mean, standard_deviation},
    variance_components::components,
};

/// One seed's units with their joint predictions.
struct Seed<'a> {
    seed: u64,
    cells: Vec<Cell<'a>>,
    /// A prediction for every scored pair, or the reason for a missing one.
    predictions: Result<Vec<Binary>, String>,
    /// The predictions' ranking, or the reason for a missing one.
    ranking: Result<Ranking, String>,
}

/// The reason for missing means over all of a configuration's units: a diverged unit ranks after every finite value.
struct Withheld(Option<String>);

impl Withheld {
    fn new(cells: &[Cell<'_>]) -> Self {
        let diverged = cells.iter().filter(|cell| cell.is_diverged()).count();
        let units = if cells.len() == 1 { "unit" } else { "units" };
        Self((diverged > 0).then(|| format!("{diverged} of {} {units} diverged", cells.len())))
    }

    fn spread(&self, spread: Spread) -> Spread {
        match &self.0 {
            Some(reason) => Spread::none(spread.n, reason.clone()),
            None => spread,
        }
    }

    fn estimate(&self, estimate: Estimate) -> Estimate {
        match &self.0 {
            Some(reason) => {
                let none = |interval: Interval| Interval::none(interval.method, interval.covers, reason.clone());
                Estimate {
                    spread: self.spread(estimate.spread),
                    interval: none(estimate.interval),
                    given_examples: estimate.given_examples.map(none),
                }
            }
            None => estimate,
        }
    }
}

/// The row of a configuration.
pub(super) struct Row {
    pub(super) report: ConfigurationReport,
    pub(super) curves: Curves,
    /// Marks of the scored pairs that the averaged prediction classifies wrongly, or the reason for missing ones.
    pub(super) wrong: Result<Vec<bool>, String>,
    /// The averaged prediction's score of each scored pair, or the reason for missing ones.
    pub(super) scores: Result<Vec<f64>, String>,
}

/// The inputs of a row.
pub(super) struct Parts<'p, 'a> {
    /// The units, by data seed, seed and then fold.
    pub(super) cells: &'p [Cell<'a>],
    pub(super) columns: Columns,
    pub(super) by_seed: &'p BySeed,
    pub(super) scored: &'p Scored,
    /// Whether areas under curves get intervals by resampling; the error is the reason against it.
    pub(super) resampled: Result<(), &'static str>,
}

/// The row of a configuration.
pub(super) fn row(number: usize, variant: String, configuration: &Configuration, parts: &Parts<'_, '_>) -> Row {
    let Parts { cells, columns, by_seed, scored, resampled } = *parts;
    let mut counts = Counts::default();
    cells.iter().for_each(|cell| counts.add(cell.state()));
    let withheld = Withheld::new(cells);
    let done: Vec<(&Scores, &[EpochMetrics])> = cells.iter().filter_map(Cell::done).collect();
    let of_scores = |value: fn(&Scores) -> f64| {
        withheld.spread(spread(&done.iter().map(|(scores, _)| value(scores)).collect::<Vec<_>>()))
    };
    let of_last_epoch = |value: fn(&EpochMetrics) -> f64| {
        withheld.spread(spread(&done.iter().filter_map(|(_, epochs)| epochs.last().map(value)).collect::<Vec<_>>()))
    };

    let seeds = seeds(cells, scored);
    let rankings: Vec<&Ranking> = seeds.iter().filter_map(|seed| seed.ranking.as_ref().ok()).collect();
    let of_rankings = |value: fn(&Ranking) -> f64| {
        withheld.spread(spread(&rankings.iter().map(|ranking| value(ranking)).collect::<Vec<_>>()))
    };
    let Ensemble { seeds: used, wrong, scores, ranking } = averaged(&seeds, scored, &withheld);
    let (intervals, ci95_reason) = split(ranking.as_ref().map_err(String::clone).and_then(|ranking| {
        resampled.map_err(str::to_owned)?;
        bootstrap::intervals(ranking)
    }));
    let (ranking, reason) = split(ranking);
    let units: Vec<UnitReport> = cells.iter().map(|cell| UnitReport::new(cell, scored)).collect();
    let found = crossed(columns.table(&by_seed.rows(), scored.clusters.as_deref()));
    let (errors, examples) = (errors(cells.iter()), scored.pairs(cells));
    let of_done = estimate(&Sample { errors: &errors, crossed: found, seeds: by_seed.seeds(), columns, examples });
    let error_of_done = withheld.0.as_ref().map(|_| of_done.spread.clone());
    let error = withheld.estimate(of_done);
    // A band is a mean over the seeds, too.
    let banded: &[&Ranking] = if withheld.0.is_some() { &[] } else { &rankings };
    let too_few =
        (banded.len() < 2).then(|| format!("a band needs two seeds with a curve; there are {}", banded.len()));
    let band = BandReport { curves: banded.len(), reason: withheld.0.clone().or(too_few) };

    let curves = Curves {
        roc: ranking.as_ref().map(Ranking::roc),
        roc_band: Band::of_roc(&banded.iter().map(|ranking| ranking.roc()).collect::<Vec<_>>()),
        precision_recall: ranking.as_ref().map(Ranking::precision_recall),
        precision_recall_band: Band::of_precision_recall(
            &banded.iter().map(|ranking| ranking.precision_recall()).collect::<Vec<_>>(),
        ),
        learning: learning_curves::learning(cells),
        seeds: seeds.iter().map(|seed| seed_report(seed, &used)).collect(),
        units,
    };
    let units = &curves.units;
    let report = ConfigurationReport {
        number,
        // The rank among the others is set by the stage.
        rank: 0,
        can_be_best: false,
        model: configuration.model.clone(),
        title: model::find(&configuration.model).map_or(configuration.model.as_str(), |model| model.title).to_owned(),
        variant,
        hyperparameters: configuration.hyperparameters.clone(),
        stop: configuration.stop,
        normalize: configuration.normalize,
        n: counts.done,
        done_seeds: curves.seeds.iter().filter(|seed| seed.n > 0).count(),
        counts,
        failures: Vec::new(),
        more_failures: 0,
        draw: draw(columns.method(), found, examples, cells, &withheld),
        draws: draws(cells).iter().map(UnitsOfDraw::report).collect(),
        error,
        error_of_done,
        auc: metric(&withheld, units, |unit| unit.auc),
        average_precision: metric(&withheld, units, |unit| unit.average_precision),
        epochs: spread(&done.iter().map(|(_, epochs)| epochs.len() as f64).collect::<Vec<_>>()),
        converged: done.iter().filter(|(scores, _)| scores.converged).count(),
        untrained: cells.iter().filter(|cell| cell.mark.untrained == Some(true)).count(),
        stuck: cells.iter().filter(|cell| cell.mark.stuck == Some(true)).count(),
        loss: of_scores(|scores| scores.loss),
        train_loss: of_last_epoch(|metrics| metrics.train_loss),
        train_error: of_last_epoch(|metrics| metrics.train_error),
        averaged: Averaged {
            seeds: used.len(),
            error: wrong.as_deref().ok().map(share),
            reason: wrong.as_ref().err().cloned(),
        },
        roc: RocReport {
            auc: ranking.as_ref().map(Ranking::auc),
            reason: reason.clone(),
            ci95: intervals.map(|intervals| intervals.auc),
            ci95_reason: ci95_reason.clone(),
            seeds: of_rankings(Ranking::auc),
            band: band.clone(),
        },
        precision_recall: PrecisionRecallReport {
            average_precision: ranking.as_ref().map(Ranking::average_precision),
            reason,
            ci95: intervals.map(|intervals| intervals.average_precision),
            ci95_reason,
            seeds: of_rankings(Ranking::average_precision),
            band,
        },
    };
    Row { report, curves, wrong, scores }
}

/// A metric over the done units. A unit without it is counted, and does not enter the mean as 0.
fn metric(withheld: &Withheld, units: &[UnitReport], value: fn(&UnitReport) -> Option<f64>) -> UnitsMetric {
    let values: Vec<f64> = units.iter().filter_map(value).collect();
    let reasons: Vec<&str> = units.iter().filter_map(|unit| unit.areas_reason.as_deref()).collect();
    UnitsMetric {
        spread: withheld.spread(spread(&values)),
        undefined: reasons.len(),
        undefined_reason: reasons.first().map(|reason| (*reason).to_owned()),
    }
}

/// The effect of the draw of the data: on one set of test pairs, the variation of the pairs' shares of wrong seeds; on
/// several draws, the variation of the draws' means.
fn draw(
    method: IntervalMethod,
    found: Option<Crossed>,
    pairs: usize,
    cells: &[Cell<'_>],
    withheld: &Withheld,
) -> DrawReport {
    let draws = draws(cells);
    let found = found.filter(|_| withheld.0.is_none());
    let found_components = match &withheld.0 {
        Some(diverged) => Err(diverged.clone()),
        None => components(&draws.iter().map(UnitsOfDraw::seeds).collect::<Vec<_>>()),
    };
    let (components, mut components_reason) = split(found_components);
    if components.is_some_and(|found| found.draws.is_none()) {
        components_reason = Some("the draws differ no more than their seeds make them differ".to_owned());
    }
    let (standard_error, reason) = match method {
        IntervalMethod::SeedsExamples | IntervalMethod::Seeds => {
            (found.map(|found| found.columns_standard_error), "there is no interval of the mean error")
        }
        IntervalMethod::SeedsFolds => (None, "every fold scores other pairs: their draw is in what varies over folds"),
        IntervalMethod::SeedsDraws => (None, "the draw of the pairs is in what varies over draws"),
    };
    DrawReport {
        pairs,
        standard_error,
        reason: standard_error.is_none().then(|| reason.to_owned()),
        draws_std: components.and_then(|found| found.draws),
        seeds_std: components.map(|found| found.seeds),
        components_reason,
    }
}

/// One draw's units.
struct UnitsOfDraw<'c, 'a> {
    cells: &'c [Cell<'a>],
}

/// The draws on which these units are trained; the units are sorted by draw first.
fn draws<'c, 'a>(cells: &'c [Cell<'a>]) -> Vec<UnitsOfDraw<'c, 'a>> {
    cells.chunk_by(|a, b| a.data_seed == b.data_seed).map(|cells| UnitsOfDraw { cells }).collect()
}

impl UnitsOfDraw<'_, '_> {
    /// The mean error over the draw's done units.
    fn error(&self) -> Option<f64> {
        mean(&errors(self.cells.iter()))
    }

    /// Each seed's mean error over the done folds, for seeds with any.
    fn seeds(&self) -> Vec<f64> {
        let seeds = self.cells.chunk_by(|a, b| a.unit.seed == b.unit.seed);
        seeds.filter_map(|cells| mean(&errors(cells.iter()))).collect()
    }

    fn report(&self) -> DrawError {
        let diverged = self.cells.iter().any(Cell::is_diverged);
        DrawError {
            data_seed: self.cells[0].data_seed,
            n: self.cells.iter().filter(|cell| cell.done().is_some()).count(),
            planned: self.cells.len(),
            error: self.error().filter(|_| !diverged),
            std: standard_deviation(&self.seeds()).filter(|_| !diverged),
        }
    }
}

fn seeds<'a>(cells: &[Cell<'a>], scored: &Scored) -> Vec<Seed<'a>> {
    let mut by_seed: BTreeMap<u64, Vec<Cell<'a>>> = BTreeMap::new();
    cells.iter().for_each(|cell| by_seed.entry(cell.unit.seed).or_default().push(*cell));
    by_seed
        .into_iter()
        .map(|(seed, cells)| {
            let predictions = scored.pool(&cells);
            let ranking = predictions.as_ref().map_err(String::clone).and_then(|them| ranking(them, scored));
            Seed { seed, cells, predictions, ranking }
        })
        .collect()
}

fn ranking(predictions: &[Binary], scored: &Scored) -> Result<Ranking, String> {
    Ranking::new(&scores(predictions), &scored.labels).map_err(|reason| reason.to_string())
}

/// The averaged prediction of all seeds with predictions.
struct Ensemble {
    seeds: Vec<u64>,
    /// Marks of the scored pairs that it classifies wrongly, or the reason for missing ones.
    wrong: Result<Vec<bool>, String>,
    /// Its scores of the scored pairs, or the reason for missing ones.
    scores: Result<Vec<f64>, String>,
    ranking: Result<Ranking, String>,
}

fn averaged(seeds: &[Seed<'_>], scored: &Scored, withheld: &Withheld) -> Ensemble {
    if let Some(diverged) = &withheld.0 {
        let why = || diverged.clone();
        return Ensemble { seeds: Vec::new(), wrong: Err(why()), scores: Err(why()), ranking: Err(why()) };
    }
    let (used, predictions): (Vec<u64>, Vec<&[Binary]>) =
        seeds.iter().filter_map(|seed| Some((seed.seed, seed.predictions.as_deref().ok()?))).unzip();
    let mean = average(&predictions).ok_or_else(|| {
        let why = seeds.iter().find_map(|seed| seed.predictions.as_ref().err());
        let why = why.map_or("there are no seeds", String::as_str);
        format!("no seed has predictions for every scored pair: {why}")
    });
    Ensemble {
        seeds: used,
        wrong: mean.as_ref().map(|mean| wrong(mean, &scored.labels)).map_err(String::clone),
        scores: mean.as_ref().map(|mean| scores(mean)).map_err(String::clone),
        ranking: mean.and_then(|mean| ranking(&mean, scored)),
    }
}

fn errors<'c>(cells: impl Iterator<Item = &'c Cell<'c>>) -> Vec<f64> {
    cells.filter_map(Cell::error).collect()
}

fn seed_report(seed: &Seed<'_>, averaged: &[u64]) -> SeedReport {
    let done: Vec<_> = seed.cells.iter().filter_map(Cell::done).collect();
    SeedReport {
        seed: seed.seed,
        n: done.len(),
        planned: seed.cells.len(),
        averaged: averaged.binary_search(&seed.seed).is_ok(),
        error: mean(&errors(seed.cells.iter())).filter(|_| !seed.cells.iter().any(Cell::is_diverged)),
        epochs: mean(&done.iter().map(|(_, epochs)| epochs.len() as f64).collect::<Vec<_>>()),
        auc: seed.ranking.as_ref().ok().map(Ranking::auc),
        average_precision: seed.ranking.as_ref().ok().map(Ranking::average_precision),
        reason: seed.ranking.as_ref().err().map(|reason| reason.as_str().into()),
    }
}
