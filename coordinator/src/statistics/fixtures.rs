//! Compares the tests of [`super`] with SciPy, scikit-learn and statsmodels; fixtures/comparisons.py computed the
//! expected numbers.

use serde::Deserialize;

use super::{effect_size::hedges_g, paired_t_test::over_seeds};
use crate::statistics::{
    delong::delong,
    holm::holm,
    mcnemar::{McNemar, mcnemar},
};

#[derive(Deserialize)]
struct Fixtures {
    hedges: Vec<Hedges>,
    over_seeds: Vec<OverSeeds>,
    delong: Vec<Areas>,
    mcnemar: Vec<Discordant>,
    holm: Vec<Holm>,
}

#[derive(Deserialize)]
struct Hedges {
    first: Vec<f64>,
    second: Vec<f64>,
    g: f64,
}

#[derive(Deserialize)]
struct OverSeeds {
    differences: Vec<f64>,
    t: f64,
    freedom: f64,
    p: f64,
    ci95: [f64; 2],
}

#[derive(Deserialize)]
struct Areas {
    labels: Vec<u8>,
    first: Vec<f64>,
    second: Vec<f64>,
    difference: f64,
    standard_error: f64,
    p: f64,
    ci95: [f64; 2],
}

#[derive(Deserialize)]
struct Discordant {
    first_only: usize,
    second_only: usize,
    p: f64,
}

#[derive(Deserialize)]
struct Holm {
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("fixtures/comparisons.json")).unwrap()
}

/// The smallest p-values are also correct to 9 digits.
#[track_caller]
fn close(found: f64, expected: f64) {
    let allowed = 1e-9 * expected.abs() + 1e-300;
    assert!((found - expected).abs() <= allowed, "{found:e} instead of {expected:e}");
}

#[test]
fn the_effect_size_is_hedges() {
    for Hedges { first, second, g } in fixtures().hedges {
        close(hedges_g(&first, &second).unwrap(), g);
    }
}

#[test]
fn the_test_over_seeds_is_scipys_paired_t_test() {
    for given in fixtures().over_seeds {
        let test = over_seeds(&given.differences).unwrap();
        close(test.t, given.t);
        close(test.freedom, given.freedom);
        close(test.p, given.p);
        // Differences of error rates lie within -1..1.
        close(test.ci95[0], given.ci95[0].max(-1.0));
        close(test.ci95[1], given.ci95[1].min(1.0));
    }
}

#[test]
fn delongs_test_is_as_defined() {
    for given in fixtures().delong {
        let labels: Vec<bool> = given.labels.iter().map(|label| *label == 1).collect();
        let test = delong(&given.first, &given.second, &labels).unwrap();
        close(test.difference, given.difference);
        close(test.standard_error, given.standard_error);
        close(test.p, given.p);
        close(test.ci95[0], given.ci95[0]);
        close(test.ci95[1], given.ci95[1]);
    }
}

#[test]
fn mcnemars_test_is_scipys_binomial_test() {
    for Discordant { first_only, second_only, p } in fixtures().mcnemar {
        let first: Vec<bool> = (0..first_only + second_only).map(|pair| pair < first_only).collect();
        let second: Vec<bool> = first.iter().map(|wrong| !wrong).collect();
        let test = mcnemar(&first, &second);
        assert_eq!((test.first_only, test.second_only), (first_only, second_only));
        let McNemar { p: Some(found), .. } = test else { panic!("some pairs tell the two apart") };
        close(found, p);
    }
}

#[test]
fn holms_correction_is_statsmodels() {
    for Holm { p, adjusted } in fixtures().holm {
        let found = holm(&p.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(found.len(), adjusted.len());
        found.into_iter().zip(adjusted).for_each(|(found, expected)| close(found.unwrap(), expected));
    }
}
