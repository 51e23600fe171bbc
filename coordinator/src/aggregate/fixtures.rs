//! The aggregate's numbers against scikit-learn's and SciPy's; fixtures/statistics.py made the expected ones.

use serde::Deserialize;

use super::{
    Band, Ranking,
    scored::{average, error},
    spread::{over_folds, over_seeds, quantile_975},
};

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Fixtures {
    curves: Vec<Curve>,
    band: Bands,
    spreads: Vec<Spread>,
    t_975: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Curve {
    name: String,
    labels: Vec<u8>,
    scores: Vec<f64>,
    fpr: Vec<f64>,
    tpr: Vec<f64>,
    roc_thresholds: Vec<f64>,
    auc: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    pr_thresholds: Vec<f64>,
    average_precision: f64,
}

#[derive(Deserialize)]
struct Bands {
    labels: Vec<u8>,
    seeds: Vec<Vec<f64>>,
    averaged: Curve,
    averaged_error: f64,
    tpr_mean: Vec<f64>,
    tpr_std: Vec<f64>,
    precision_mean: Vec<f64>,
    precision_std: Vec<f64>,
}

#[derive(Deserialize)]
struct Spread {
    values: Vec<f64>,
    folds: Option<u32>,
    mean: f64,
    std: f64,
    ci95: [f64; 2],
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("fixtures/statistics.json")).unwrap()
}

fn labels(given: &[u8]) -> Vec<bool> {
    given.iter().map(|&label| label == 1).collect()
}

#[track_caller]
fn close(what: &str, found: impl IntoIterator<Item = f64>, expected: &[f64]) {
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}: {found:?} instead of {expected:?}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs() / expected.abs().max(1.0);
        assert!(difference <= TOLERANCE, "{what}[{index}]: {found:e} instead of {expected:e}");
    }
}

fn check(curve: &Curve, ranking: &Ranking) {
    let name = &curve.name;
    let roc = ranking.roc();
    close(&format!("{name}: fpr"), roc.iter().map(|point| point.false_positive_rate), &curve.fpr);
    close(&format!("{name}: tpr"), roc.iter().map(|point| point.true_positive_rate), &curve.tpr);
    close(&format!("{name}: roc thresholds"), roc.iter().skip(1).map(|point| point.threshold), &curve.roc_thresholds);
    close(&format!("{name}: auc"), [ranking.auc()], &[curve.auc]);
    // scikit-learn gives this curve by falling recall, and keeps no threshold for (0, 1).
    let precision_recall = ranking.precision_recall();
    close(&format!("{name}: precision"), precision_recall.iter().rev().map(|point| point.precision), &curve.precision);
    close(&format!("{name}: recall"), precision_recall.iter().rev().map(|point| point.recall), &curve.recall);
    let thresholds = precision_recall.iter().skip(1).rev().map(|point| point.threshold);
    close(&format!("{name}: pr thresholds"), thresholds, &curve.pr_thresholds);
    close(&format!("{name}: average precision"), [ranking.average_precision()], &[curve.average_precision]);
}

#[test]
fn curves_are_scikit_learns() {
    for curve in fixtures().curves {
        check(&curve, &Ranking::new(&curve.scores, &labels(&curve.labels)).unwrap());
    }
}

#[test]
fn averaged_predictions_and_bands_are_numpys() {
    let bands = fixtures().band;
    let truth = labels(&bands.labels);
    let seeds: Vec<&[f64]> = bands.seeds.iter().map(Vec::as_slice).collect();
    let mean = average(&seeds).unwrap();
    close("averaged scores", mean.clone(), &bands.averaged.scores);
    close("averaged error", [error(&mean, &truth)], &[bands.averaged_error]);
    // The fixture's own sums decide which of them tie, so that the last digit does not.
    check(&bands.averaged, &Ranking::new(&bands.averaged.scores, &truth).unwrap());

    let rankings: Vec<Ranking> = seeds.iter().map(|scores| Ranking::new(scores, &truth).unwrap()).collect();
    let roc = Band::of_roc(&rankings.iter().map(Ranking::roc).collect::<Vec<_>>()).unwrap();
    close("tpr mean", roc.points.iter().map(|point| point.mean), &bands.tpr_mean);
    close("tpr std", roc.points.iter().map(|point| point.std), &bands.tpr_std);
    let curve = Band::of_precision_recall(&rankings.iter().map(Ranking::precision_recall).collect::<Vec<_>>()).unwrap();
    close("precision mean", curve.points.iter().map(|point| point.mean), &bands.precision_mean);
    close("precision std", curve.points.iter().map(|point| point.std), &bands.precision_std);
}

#[test]
fn means_deviations_and_intervals_are_scipys() {
    for spread in fixtures().spreads {
        let estimate = match spread.folds {
            None => over_seeds(&spread.values),
            Some(folds) => over_folds(&spread.values, &spread.values, folds),
        };
        close("mean", estimate.spread.mean, &[spread.mean]);
        close("std", estimate.spread.std, &[spread.std]);
        close("ci95", estimate.ci95.unwrap(), &spread.ci95);
    }
}

#[test]
fn students_quantiles_are_scipys() {
    for (freedom, expected) in fixtures().t_975 {
        // Beyond 1000 seeds statrs' distribution function itself has only some 10 digits.
        let tolerance = if freedom < 1000.0 { TOLERANCE } else { 1e-10 };
        let found = quantile_975(freedom);
        assert!((found - expected).abs() <= tolerance * expected, "{freedom}: {found:e} instead of {expected:e}");
    }
}
