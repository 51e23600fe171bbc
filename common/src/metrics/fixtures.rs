//! Compares the metrics with scikit-learn and NumPy; fixtures/make_fixtures.py computed the expected numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    BINS, ClassMetrics, Metric, NumberMetrics, TargetKind, Truth, Undefined, Value, balanced_class_weights, measure,
    measure_all,
};
use crate::network_outputs::Outputs;

#[derive(Deserialize)]
struct Fixtures {
    classes: Vec<Classes>,
    numbers: Vec<Numbers>,
    weights: Vec<Weights>,
}

#[derive(Deserialize)]
struct Classes {
    name: String,
    columns: usize,
    logits: Vec<f32>,
    truth: Vec<u32>,
    values: BTreeMap<Metric, Option<f64>>,
    /// The reason of the undefined ones among the values.
    undefined: Option<Undefined>,
    confusion: Vec<Vec<u64>>,
    precision: Vec<Option<f64>>,
    recall: Vec<Option<f64>>,
    f1: Vec<Option<f64>>,
    support: Vec<u64>,
    auc: Vec<Option<f64>>,
    average_precision: Vec<Option<f64>>,
    bins: Vec<ExpectedBin>,
}

#[derive(Deserialize)]
struct ExpectedBin {
    count: u64,
    right: u64,
    confidence: Option<f64>,
}

#[derive(Deserialize)]
struct Numbers {
    name: String,
    columns: usize,
    predicted: Vec<f32>,
    truth: Vec<f32>,
    values: BTreeMap<Metric, Option<f64>>,
    undefined: Option<Undefined>,
    column_rmse: Vec<f64>,
    column_mae: Vec<f64>,
    column_r2: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Weights {
    name: String,
    labels: Vec<u32>,
    classes: usize,
    weights: Vec<f64>,
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("fixtures/fixtures.json")).unwrap()
}

/// Holds numbers within 1e-9, absolutely or relatively; None is no number.
#[track_caller]
fn close(found: Option<f64>, expected: Option<f64>, place: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            let allowed = 1e-9 * expected.abs().max(1.0);
            assert!((found - expected).abs() <= allowed, "{place}: {found:e} instead of {expected:e}");
        }
        (found, expected) => assert_eq!(found, expected, "{place}"),
    }
}

#[track_caller]
fn all_close(
    measured: &BTreeMap<Metric, Value>,
    expected: &BTreeMap<Metric, Option<f64>>,
    undefined: Option<Undefined>,
    kind: TargetKind,
    name: &str,
) {
    assert_eq!(Vec::from_iter(measured.keys()), Vec::from_iter(expected.keys()), "{name}");
    assert_eq!(Vec::from_iter(expected.keys().copied()), Vec::from_iter(Metric::for_kind(kind)), "{name}");
    for (metric, value) in measured {
        close(value.number(), expected[metric], &format!("{name}: {metric}"));
        match value {
            Value::Number(number) => {
                let range = metric.description().range;
                assert!((range.low..=range.high).contains(number), "{name}: {metric} {number}");
            }
            Value::Undefined(reason) => assert_eq!(Some(*reason), undefined, "{name}: {metric}"),
            Value::Diverged => panic!("{name}: {metric}"),
        }
    }
}

#[test]
fn metrics_of_classes_are_those_of_scikit_learn() {
    for given in fixtures().classes {
        let outputs = Outputs::new(given.columns, given.logits).unwrap();
        let truth = Truth::Classes(&given.truth);
        let measured = measure_all(&outputs, truth).unwrap();
        all_close(&measured, &given.values, given.undefined, TargetKind::Classes, &given.name);
        for (metric, value) in measured {
            assert_eq!(measure(metric, &outputs, truth), Ok(value), "{}: {metric} alone", given.name);
        }
    }
}

#[test]
fn each_class_has_the_scores_and_areas_of_scikit_learn() {
    for given in fixtures().classes {
        let outputs = Outputs::new(given.columns, given.logits).unwrap();
        let metrics = ClassMetrics::new(&outputs, &given.truth).unwrap();
        let present: BTreeSet<u32> = given.truth.iter().copied().collect();
        for (class, scores) in metrics.confusion().scores().enumerate() {
            let place = |score: &str| format!("{}: {score} of class {class}", given.name);
            for (predicted, count) in given.confusion[class].iter().enumerate() {
                assert_eq!(metrics.confusion().count(class, predicted), *count, "{}", place("count"));
            }
            assert_eq!(scores.support, given.support[class]);
            close(scores.precision.number(), given.precision[class], &place("precision"));
            close(scores.recall.number(), given.recall[class], &place("recall"));
            close(scores.f1.number(), given.f1[class], &place("F1"));
            let areas = metrics.areas().classes[class];
            close(areas.auc.number(), given.auc[class], &place("AUC"));
            close(areas.average_precision.number(), given.average_precision[class], &place("average precision"));
        }
        let left_out = given.auc.iter().filter(|area| area.is_none()).count();
        assert_eq!(metrics.areas().left_out.len(), left_out, "{}", given.name);
        for reason in &metrics.areas().left_out {
            match reason {
                Undefined::MissingClass { class } => assert!(!present.contains(class), "{}", given.name),
                Undefined::OneClass { class } => assert_eq!(present, BTreeSet::from([*class]), "{}", given.name),
                other => panic!("{}: {other}", given.name),
            }
        }
    }
}

#[test]
fn bins_of_the_reliability_diagram_are_as_defined() {
    for given in fixtures().classes {
        let outputs = Outputs::new(given.columns, given.logits).unwrap();
        let metrics = ClassMetrics::new(&outputs, &given.truth).unwrap();
        assert_eq!((given.bins.len(), metrics.calibration().bins.len()), (BINS, BINS));
        for (bin, expected) in metrics.calibration().bins.iter().zip(given.bins) {
            let place = format!("{}: confidences up to {}", given.name, bin.high);
            assert_eq!((bin.count, bin.right), (expected.count, expected.right), "{place}");
            close(bin.confidence, expected.confidence, &place);
            assert_eq!(bin.accuracy().is_some(), bin.count > 0);
        }
    }
}

#[test]
fn metrics_of_numbers_are_those_of_scikit_learn() {
    for given in fixtures().numbers {
        let outputs = Outputs::new(given.columns, given.predicted).unwrap();
        let truth = Truth::Numbers(&given.truth);
        let measured = measure_all(&outputs, truth).unwrap();
        all_close(&measured, &given.values, given.undefined, TargetKind::Numbers, &given.name);
        for (metric, value) in measured {
            assert_eq!(measure(metric, &outputs, truth), Ok(value), "{}: {metric} alone", given.name);
        }
        let columns = NumberMetrics::new(&outputs, &given.truth).unwrap().columns;
        for (column, found) in columns.iter().enumerate() {
            let place = format!("{}: column {column}", given.name);
            close(Some(found.rmse), Some(given.column_rmse[column]), &place);
            close(Some(found.mae), Some(given.column_mae[column]), &place);
            close(found.r2.number(), given.column_r2[column], &place);
        }
    }
}

#[test]
fn balanced_weights_are_those_of_scikit_learn() {
    for Weights { name, labels, classes, weights } in fixtures().weights {
        let found = balanced_class_weights(&labels, classes).unwrap();
        assert_eq!(found.len(), weights.len(), "{name}");
        found.into_iter().zip(weights).for_each(|(found, expected)| close(Some(found), Some(expected), &name));
    }
}
