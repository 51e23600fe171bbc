//! How far apart two configurations' mean errors are, with an interval. Pure. docs/cli.md says what it covers.

use std::collections::BTreeMap;

use super::document::{Difference, Method};
use crate::aggregate::{
    document::{ConfigurationReport, DrawMethod, EvaluationReport, StageReport, UnitReport},
    half_width, mean, over_seeds, resampled, welch,
};

/// Differences that vary by less than this do not vary: error rates are multiples of one in some thousands.
const NOTHING: f64 = 1e-12;

/// The second's mean error minus the first's. What both did alike is paired; where the data differ, what another draw of the pairs
/// would change is in the interval too.
pub(super) fn between(stages: [&StageReport; 2], rows: [&ConfigurationReport; 2], same_data: bool) -> Difference {
    let errors = rows.map(errors);
    match (stages[0].evaluation, stages[1].evaluation) {
        (one, other) if same_data && one == other && stages[0].data_seeds.len() > 1 => paired_draws(&errors),
        (EvaluationReport::Holdout, EvaluationReport::Holdout) if same_data => {
            if errors[0].keys().eq(errors[1].keys()) { paired_seeds(&errors) } else { unpaired(&errors) }
        }
        (EvaluationReport::Folds(folds), EvaluationReport::Folds(others)) if same_data && folds == others => {
            paired_folds(&errors, folds)
        }
        (EvaluationReport::Holdout | EvaluationReport::Folds(_), _) => with_draw(stages, rows),
    }
}

/// Errors of done units by data seed, seed and fold.
type Errors = BTreeMap<(u64, u64, Option<u32>), f64>;

fn errors(row: &ConfigurationReport) -> Errors {
    let place = |unit: &UnitReport| (unit.data_seed, unit.seed, unit.fold);
    row.units.iter().filter_map(|unit| Some((place(unit), unit.error?))).collect()
}

/// Second minus first wherever both have an error.
fn shared(errors: &[Errors; 2]) -> Vec<f64> {
    errors[0].iter().filter_map(|(place, first)| Some(errors[1].get(place)? - first)).collect()
}

fn made(mean: Option<f64>, ci95: Result<[f64; 2], String>, method: Method, n: [usize; 2]) -> Difference {
    let (ci95, reason) = match ci95 {
        Ok(ci95) => (Some(ci95), None),
        Err(reason) => (None, Some(reason)),
    };
    Difference { mean, ci95, method, n_first: n[0], n_second: n[1], reason }
}

fn paired_seeds(errors: &[Errors; 2]) -> Difference {
    let differences = shared(errors);
    let estimate = over_seeds(&differences);
    let ci95 = match (estimate.spread.std, estimate.ci95) {
        (Some(std), _) if std < NOTHING => Err("the difference is the same on every seed".to_owned()),
        (Some(_), Some(ci95)) => Ok(ci95),
        (_, _) => Err("it needs two seeds that both have done".to_owned()),
    };
    made(mean(&differences), ci95, Method::PairedSeeds, [differences.len(); 2])
}

fn paired_folds(errors: &[Errors; 2], folds: u32) -> Difference {
    let differences = shared(errors);
    let ci95 = resampled(&differences, folds).map(|test| test.ci95);
    made(mean(&differences), ci95, Method::CorrectedResampled, [differences.len(); 2])
}

/// As the report compares configurations of one stage: draws are independent, and seeds of one draw are not.
fn paired_draws(errors: &[Errors; 2]) -> Difference {
    let mut of_draws: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (place, first) in &errors[0] {
        if let Some(second) = errors[1].get(place) {
            of_draws.entry(place.0).or_default().push(second - first);
        }
    }
    let differences: Vec<f64> = of_draws.values().filter_map(|of_draw| mean(of_draw)).collect();
    let estimate = over_seeds(&differences);
    let ci95 = match (estimate.spread.std, estimate.ci95) {
        (Some(std), _) if std < NOTHING => Err("the difference is the same on every draw of the data".to_owned()),
        (Some(_), Some(ci95)) => Ok(ci95),
        (_, _) => Err("it needs two draws of the data that both have done".to_owned()),
    };
    made(mean(&differences), ci95, Method::PairedDraws, [differences.len(); 2])
}

fn unpaired(errors: &[Errors; 2]) -> Difference {
    let [first, second] = errors.each_ref().map(|errors| errors.values().copied().collect::<Vec<f64>>());
    let difference = mean(&first).zip(mean(&second)).map(|(first, second)| second - first);
    made(difference, welch(&second, &first).map(|test| test.ci95), Method::Welch, [first.len(), second.len()])
}

fn with_draw(stages: [&StageReport; 2], rows: [&ConfigurationReport; 2]) -> Difference {
    let means = rows.map(|row| row.error.spread.mean);
    let difference = means[0].zip(means[1]).map(|(first, second)| second - first);
    let mut parts = Vec::new();
    for (stage, row) in stages.iter().zip(rows) {
        parts.extend(row.error.standard_error.zip(row.error.freedom));
        // What varies over folds, or over draws, has the draw of the pairs in it already.
        if let (EvaluationReport::Holdout, DrawMethod::Binomial, Some(error)) =
            (stage.evaluation, row.draw.method, row.draw.standard_error)
        {
            parts.push((error, f64::INFINITY));
        }
    }
    let known = rows.iter().all(|row| row.error.standard_error.is_some());
    let ci95 = match difference {
        Some(difference) if known => {
            let half = half_width(&parts);
            if half < NOTHING {
                Err("neither run's error varies".to_owned())
            } else {
                Ok([difference - half, difference + half])
            }
        }
        Some(_) | None => Err("it needs two done seeds, folds or draws of the data of each".to_owned()),
    };
    made(difference, ci95, Method::WelchWithDraw, rows.map(|row| row.n))
}
