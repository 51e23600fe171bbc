//! Compares the aggregate's numbers with scikit-learn's and SciPy's; the programs in fixtures/ computed the expected
//! numbers. Those of comparisons are in [`super::comparison`].

use seedgrid_common::{classification::Binary, network_outputs::Outputs};
use serde::Deserialize;

use super::{
    Band, Ranking,
    means_and_intervals::spread,
    reference_values::half_width,
    scored_predictions::{average, scores, share, wrong},
};
use crate::statistics::{
    bootstrap,
    crossed_standard_error::{Table, crossed},
    student_t::{quantile, quantile_975, two_sided},
    variance_components::components,
    wilson_interval::rate_interval,
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
    mean: f64,
    std: f64,
}

#[derive(Deserialize)]
struct Comparisons {
    references: Vec<Reference>,
    t_two_sided: Vec<(f64, f64, f64)>,
    t_quantiles: Vec<(f64, f64, f64)>,
    t_975: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Reference {
    /// Standard errors with their degrees of freedom; null is infinite.
    parts: Vec<(f64, Option<f64>)>,
    half95: f64,
    half90: f64,
}

#[derive(Deserialize)]
struct CrossedFixtures {
    tables: Vec<CrossedTable>,
    rates: Vec<Rate>,
}

#[derive(Deserialize)]
struct CrossedTable {
    name: String,
    rows: Vec<Vec<f64>>,
    clusters: Option<Vec<usize>>,
    folds: Option<u32>,
    mean: f64,
    standard_error: f64,
    freedom: f64,
}

#[derive(Deserialize)]
struct Rate {
    rate: f64,
    error: f64,
    freedom: f64,
    examples: [f64; 2],
    ci95: [f64; 2],
}

#[derive(Deserialize)]
struct Logits {
    name: String,
    labels: Vec<u8>,
    /// Logits by network and pair.
    logits: Vec<Vec<[f32; 2]>>,
    alone: Vec<Areas>,
    wrong: Vec<usize>,
    averaged: Vec<f64>,
    together: Areas,
    together_wrong: usize,
    rounded: Vec<Areas>,
}

#[derive(Deserialize)]
struct Areas {
    auc: f64,
    average_precision: f64,
}

#[derive(Deserialize)]
struct Resampled {
    name: String,
    labels: Vec<u8>,
    scores: Vec<f64>,
    auc: [f64; 2],
    average_precision: [f64; 2],
}

#[derive(Deserialize)]
struct Drawn {
    name: String,
    /// Errors by draw and seed.
    errors: Vec<Vec<f64>>,
    draws_std: Option<f64>,
    seeds_std: f64,
}

fn comparisons() -> Comparisons {
    serde_json::from_str(include_str!("../statistics/fixtures/comparisons.json")).unwrap()
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
    // scikit-learn orders this curve by falling recall, and has no threshold for (0, 1).
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

fn of_score(score: f64) -> Binary {
    Binary::from_logits([0.0, score as f32])
}

/// Networks with probabilities of exactly 1 or 0 in single precision, or all one half, still rank and classify by their
/// logits.
#[test]
fn raw_logits_rank_and_classify_as_scikit_learn_and_scipy_do() {
    let given: Vec<Logits> = serde_json::from_str(include_str!("fixtures/logits.json")).unwrap();
    let mut lost = 0;
    for given in given {
        let truth = labels(&given.labels);
        let check = |what: &str, predictions: &[Binary], expected: &Areas, expected_wrong: usize| {
            let ranking = Ranking::new(&scores(predictions), &truth).unwrap();
            let what = format!("{}, {what}", given.name);
            close(&what, [ranking.auc(), ranking.average_precision()], &[expected.auc, expected.average_precision]);
            let found = wrong(predictions, &truth).into_iter().filter(|wrong| *wrong).count();
            assert_eq!(found, expected_wrong, "{what}");
            ranking
        };
        let networks: Vec<Vec<Binary>> = given
            .logits
            .iter()
            .map(|logits| Binary::all(&Outputs::new(2, logits.concat()).unwrap()).unwrap())
            .collect();
        for (place, network) in networks.iter().enumerate() {
            let ranking = check("alone", network, &given.alone[place], given.wrong[place]);
            let (rounded, exact) = (&given.rounded[place], &given.alone[place]);
            if rounded.auc != exact.auc || rounded.average_precision != exact.average_precision {
                lost += 1;
                assert_eq!(ranking.len(), truth.len(), "{}: there are no ties", given.name);
            }
        }
        let averaged = average(&networks.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        close(&given.name, scores(&averaged), &given.averaged);
        check("together", &averaged, &given.together, given.together_wrong);
        if let [network] = networks.as_slice() {
            assert_eq!(averaged, *network, "the average of one network is that network");
        }
    }
    assert!(lost >= 6, "single precision would have moved some of these areas");
}

#[test]
fn averaged_predictions_and_bands_are_numpys() {
    let bands = fixtures().band;
    let truth = labels(&bands.labels);
    let seeds: Vec<Vec<Binary>> =
        bands.seeds.iter().map(|seed| seed.iter().map(|score| of_score(*score)).collect()).collect();
    let mean = average(&seeds.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    close("averaged scores", scores(&mean), &bands.averaged.scores);
    close("averaged error", [share(&wrong(&mean, &truth))], &[bands.averaged_error]);
    // The fixture's own sums decide ties, so that the last digit does not.
    check(&bands.averaged, &Ranking::new(&bands.averaged.scores, &truth).unwrap());

    let rankings: Vec<Ranking> = seeds.iter().map(|seed| Ranking::new(&scores(seed), &truth).unwrap()).collect();
    let roc = Band::of_roc(&rankings.iter().map(Ranking::roc).collect::<Vec<_>>()).unwrap();
    close("tpr mean", roc.points.iter().map(|point| point.mean), &bands.tpr_mean);
    close("tpr std", roc.points.iter().map(|point| point.std), &bands.tpr_std);
    let curve = Band::of_precision_recall(&rankings.iter().map(Ranking::precision_recall).collect::<Vec<_>>()).unwrap();
    close("precision mean", curve.points.iter().map(|point| point.mean), &bands.precision_mean);
    close("precision std", curve.points.iter().map(|point| point.std), &bands.precision_std);
}

#[test]
fn means_and_deviations_are_numpys() {
    for given in fixtures().spreads {
        let found = spread(&given.values);
        close("mean", found.mean, &[given.mean]);
        close("std", found.std, &[given.std]);
    }
}

#[test]
fn components_over_draws_are_scipys() {
    let given: Vec<Drawn> = serde_json::from_str(include_str!("fixtures/draws.json")).unwrap();
    for Drawn { name, errors, draws_std, seeds_std } in given {
        let found = components(&errors).unwrap();
        assert_eq!(found.draws.is_some(), draws_std.is_some(), "{name}");
        close(&format!("{name}: draws"), found.draws, &draws_std.into_iter().collect::<Vec<_>>());
        close(&format!("{name}: seeds"), [found.seeds], &[seeds_std]);
    }
}

#[test]
fn means_over_seeds_and_examples_are_as_sure_as_statsmodels_analysis_of_variance_says() {
    let given: CrossedFixtures = serde_json::from_str(include_str!("fixtures/crossed.json")).unwrap();
    for one in given.tables {
        let table = match one.folds {
            Some(folds) => Table::of_folds(&one.rows, folds),
            None => Table { clusters: one.clusters.as_deref(), ..Table::independent(&one.rows) },
        };
        let found = crossed(table).unwrap();
        close(&format!("{}: mean", one.name), [found.mean], &[one.mean]);
        close(&format!("{}: standard error", one.name), [found.standard_error], &[one.standard_error]);
        let off = (found.freedom / one.freedom - 1.0).abs();
        assert!(off < 1e-9, "{}: {} instead of {} degrees of freedom", one.name, found.freedom, one.freedom);
    }
    for one in given.rates {
        let found = rate_interval(one.rate, one.error, one.freedom, one.examples);
        let allowed = |(found, expected): (f64, f64)| (found - expected).abs() < 1e-10;
        assert!(found.into_iter().zip(one.ci95).all(allowed), "{}: {found:?} instead of {:?}", one.rate, one.ci95);
    }
}

#[test]
fn students_quantiles_are_scipys() {
    for (freedom, expected) in fixtures().t_975.into_iter().chain(comparisons().t_975) {
        let found = quantile_975(freedom);
        assert!((found - expected).abs() <= TOLERANCE * expected, "{freedom}: {found:e} instead of {expected:e}");
    }
    for (above, freedom, expected) in comparisons().t_quantiles {
        let found = quantile(above, freedom);
        assert!((found - expected).abs() <= 1e-9 * expected, "{above} {freedom}: {found:e} instead of {expected:e}");
    }
}

#[test]
fn students_tails_are_scipys() {
    for (t, freedom, expected) in comparisons().t_two_sided {
        let found = two_sided(t, freedom);
        assert!((found - expected).abs() <= 1e-9 * expected, "{t} {freedom}: {found:e} instead of {expected:e}");
    }
}

#[test]
fn bootstrap_intervals_are_numpys_over_the_same_draws() {
    let given: Vec<Resampled> = serde_json::from_str(include_str!("fixtures/bootstrap.json")).unwrap();
    for given in given {
        let ranking = Ranking::new(&given.scores, &labels(&given.labels)).unwrap();
        let found = bootstrap::intervals(&ranking).unwrap();
        close(&format!("{}: auc", given.name), found.auc, &given.auc);
        close(&format!("{}: average precision", given.name), found.average_precision, &given.average_precision);
    }
}

#[test]
fn uncertainties_next_to_references_are_scipys() {
    for given in comparisons().references {
        let parts: Vec<(f64, f64)> =
            given.parts.iter().map(|(error, freedom)| (*error, freedom.unwrap_or(f64::INFINITY))).collect();
        close("half of the 95 % interval", [half_width(&parts, 0.025)], &[given.half95]);
        close("half of the 90 % interval", [half_width(&parts, 0.05)], &[given.half90]);
    }
}
