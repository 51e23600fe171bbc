//! Properties that hold for any input.

use proptest::prelude::*;

use super::{ClassMetrics, InputError, Metric, TargetKind, Truth, Value, measure, measure_all};
use crate::{network_outputs::Outputs, random::Stream};

/// Logits, row by row, with the number of classes and the true classes. Many of them are on a coarse grid, so that ties
/// are frequent; classes are often missing.
fn examples() -> impl Strategy<Value = (usize, Vec<Vec<f32>>, Vec<u32>)> {
    let finite = any::<f32>().prop_filter("finite", |logit| logit.is_finite());
    (2_usize..7, 1_usize..40, 1_u32..7).prop_flat_map(move |(columns, rows, used)| {
        let grid = (-4_i8..4).prop_map(|step| f32::from(step) / 2.0);
        let logit = prop_oneof![4 => grid, 2 => -20.0_f32..20.0, 1 => -1e4_f32..1e4, 1 => finite.clone()];
        (
            Just(columns),
            prop::collection::vec(prop::collection::vec(logit, columns), rows),
            prop::collection::vec(0..used.min(columns as u32), rows),
        )
    })
}

fn outputs(rows: &[Vec<f32>]) -> Outputs {
    Outputs::new(rows[0].len(), rows.concat()).unwrap()
}

fn value(metric: Metric, rows: &[Vec<f32>], classes: &[u32]) -> Value {
    measure(metric, &outputs(rows), Truth::Classes(classes)).unwrap()
}

fn near(a: Value, b: Value, allowed: f64) -> bool {
    match (a.number(), b.number()) {
        (Some(a), Some(b)) => (a - b).abs() <= allowed * a.abs().max(1.0),
        (a, b) => a == b,
    }
}

proptest! {
    #[test]
    fn the_order_of_examples_does_not_matter((_, rows, classes) in examples(), shuffle: u64) {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        Stream::new(shuffle, "order").shuffle(&mut order);
        let shuffled: Vec<Vec<f32>> = order.iter().map(|row| rows[*row].clone()).collect();
        let shuffled_classes: Vec<u32> = order.iter().map(|row| classes[*row]).collect();
        prop_assert_eq!(
            measure_all(&outputs(&rows), Truth::Classes(&classes)),
            measure_all(&outputs(&shuffled), Truth::Classes(&shuffled_classes))
        );
    }

    #[test]
    fn the_numbering_of_classes_does_not_matter((columns, rows, classes) in examples(), shuffle: u64) {
        // Class `c` becomes `number[c]`. The numbering decides between equal largest logits: there must be none.
        let single = |row: &Vec<f32>| {
            let largest = row.iter().copied().fold(f32::MIN, f32::max);
            row.iter().filter(|logit| **logit == largest).count() == 1
        };
        prop_assume!(rows.iter().all(single));
        let mut number: Vec<usize> = (0..columns).collect();
        Stream::new(shuffle, "classes").shuffle(&mut number);
        let renumbered: Vec<Vec<f32>> = rows.iter().map(|row| {
            let mut moved = vec![0.0; columns];
            row.iter().zip(&number).for_each(|(logit, to)| moved[*to] = *logit);
            moved
        }).collect();
        let renumbered_classes: Vec<u32> = classes.iter().map(|class| number[*class as usize] as u32).collect();
        for metric in Metric::for_kind(TargetKind::Classes) {
            // With two classes, average precision is that of class 1.
            if metric == Metric::AveragePrecision && columns == 2 {
                continue;
            }
            let (before, after) = (value(metric, &rows, &classes), value(metric, &renumbered, &renumbered_classes));
            match (before, after) {
                // The reason names the class by its new number.
                (Value::Undefined(_), Value::Undefined(_)) => {}
                _ => prop_assert!(near(before, after, 1e-12), "{}: {} and {}", metric, before, after),
            }
        }
    }

    #[test]
    fn values_are_finite_and_in_their_ranges((_, rows, classes) in examples()) {
        for (metric, value) in measure_all(&outputs(&rows), Truth::Classes(&classes)).unwrap() {
            match value {
                Value::Number(number) => {
                    let range = metric.description().range;
                    prop_assert!(number.is_finite() && (range.low..=range.high + 1e-15).contains(&number), "{metric}: {number:e}");
                }
                Value::Undefined(_) => prop_assert!(matches!(metric, Metric::Auc | Metric::AveragePrecision), "{metric}"),
                Value::Diverged => prop_assert!(false, "{metric}"),
            }
        }
    }

    #[test]
    fn counts_add_up((_, rows, classes) in examples()) {
        let outputs = outputs(&rows);
        let metrics = ClassMetrics::new(&outputs, &classes).unwrap();
        let matrix = metrics.confusion();
        for (class, scores) in matrix.scores().enumerate() {
            let row: u64 = (0..matrix.classes()).map(|predicted| matrix.count(class, predicted)).sum();
            prop_assert_eq!(row, scores.support);
            prop_assert_eq!(row, classes.iter().filter(|other| **other as usize == class).count() as u64);
        }
        prop_assert_eq!(matrix.examples(), rows.len() as u64);
        prop_assert_eq!(matrix.iter().map(|(_, _, count)| count).sum::<u64>(), rows.len() as u64);
        let both = matrix.accuracy().number().unwrap() + matrix.error().number().unwrap();
        prop_assert!((both - 1.0).abs() < 1e-15);
        let bins = &metrics.calibration().bins;
        prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), rows.len() as u64);
        let right: u64 = bins.iter().map(|bin| bin.right).sum();
        prop_assert_eq!(right as f64 / rows.len() as f64, matrix.accuracy().number().unwrap());
        for bin in bins {
            prop_assert!(bin.confidence.is_none_or(|mean| bin.low - 1e-15 < mean && mean < bin.high + 1e-15));
        }
    }

    #[test]
    fn a_class_ranked_in_reverse_has_the_rest_of_the_area((columns, rows, classes) in examples()) {
        let two: Vec<Vec<f32>> = rows.iter().map(|row| row[..2].to_vec()).collect();
        let classes: Vec<u32> = classes.iter().map(|class| class % 2).collect();
        let reversed: Vec<Vec<f32>> = two.iter().map(|row| vec![row[1], row[0]]).collect();
        let (auc, other) = (value(Metric::Auc, &two, &classes), value(Metric::Auc, &reversed, &classes));
        match (auc.number(), other.number()) {
            (Some(auc), Some(other)) => prop_assert!((auc + other - 1.0).abs() < 1e-15, "{columns}: {auc} {other}"),
            _ => prop_assert_eq!(auc, other),
        }
    }

    #[test]
    fn auc_is_the_share_of_rightly_ranked_pairs((_, rows, classes) in examples()) {
        let two: Vec<Vec<f32>> = rows.iter().map(|row| row[..2].to_vec()).collect();
        let classes: Vec<u32> = classes.iter().map(|class| class % 2).collect();
        let (mut right, mut pairs) = (0.0, 0.0);
        for (ones, _) in two.iter().zip(&classes).filter(|(_, class)| **class == 1) {
            for (zeros, _) in two.iter().zip(&classes).filter(|(_, class)| **class == 0) {
                let score = |row: &[f32]| f64::from(row[1]) - f64::from(row[0]);
                pairs += 1.0;
                right += match score(ones).total_cmp(&score(zeros)) {
                    _ if score(ones) == score(zeros) => 0.5,
                    order => f64::from(u8::from(order.is_gt())),
                };
            }
        }
        match value(Metric::Auc, &two, &classes).number() {
            Some(auc) => prop_assert!((auc - right / pairs).abs() < 1e-15),
            None => prop_assert_eq!(pairs, 0.0),
        }
    }

    #[test]
    fn sure_and_right_is_perfect(classes in prop::collection::vec(0_u32..5, 1..30)) {
        let rows: Vec<Vec<f32>> =
            classes.iter().map(|class| (0..5).map(|column| if column == *class { 1e4 } else { 0.0 }).collect()).collect();
        for (metric, value) in measure_all(&outputs(&rows), Truth::Classes(&classes)).unwrap() {
            let description = metric.description();
            let perfect = match description.direction {
                super::Direction::Lower => description.range.low,
                super::Direction::Higher => description.range.high,
            };
            prop_assert!(value.number().is_none_or(|number| number == perfect), "{metric}: {value}");
        }
    }

    #[test]
    fn means_over_examples_are_pooled_by_weights((_, rows, classes) in examples(), cut in 0.0_f64..1.0) {
        let cut = (cut * rows.len() as f64) as usize;
        prop_assume!(cut > 0);
        for metric in Metric::for_kind(TargetKind::Classes).filter(|metric| metric.description().mean_over_examples) {
            let part = |range: std::ops::Range<usize>| {
                value(metric, &rows[range.clone()], &classes[range.clone()]).number().unwrap() * range.len() as f64
            };
            let pooled = (part(0..cut) + part(cut..rows.len())) / rows.len() as f64;
            prop_assert!(near(value(metric, &rows, &classes), Value::Number(pooled), 1e-12), "{metric}");
        }
    }

    #[test]
    fn numbers_have_metrics_in_any_order(
        columns in 1_usize..4, pairs in prop::collection::vec((any::<f32>(), any::<f32>()), 1..60), turn: usize,
    ) {
        let rows = pairs.len() / columns;
        prop_assume!(rows > 0);
        let (predicted, truth): (Vec<f32>, Vec<f32>) = pairs.into_iter().take(rows * columns).unzip();
        let Ok(outputs) = Outputs::new(columns, predicted.clone()) else { return Ok(()) };
        let measured = match measure_all(&outputs, Truth::Numbers(&truth)) {
            Ok(measured) => measured,
            Err(error) => {
                let of_numbers = matches!(error, InputError::NotFinite { .. });
                prop_assert!(of_numbers, "{error}");
                return Ok(());
            }
        };
        for (metric, value) in &measured {
            let range = metric.description().range;
            prop_assert!(value.number().is_none_or(|number| (range.low..=range.high).contains(&number)), "{metric}: {value}");
            prop_assert!(value.number().is_some() || *metric == Metric::R2);
        }
        let turn = (turn % rows) * columns;
        let turned = |values: &[f32]| [&values[turn..], &values[..turn]].concat();
        let again = measure_all(&Outputs::new(columns, turned(&predicted)).unwrap(), Truth::Numbers(&turned(&truth)));
        prop_assert_eq!(again, Ok(measured));
    }

    #[test]
    fn any_input_has_a_value_or_an_error(
        columns in 1_usize..5, values in prop::collection::vec(any::<f32>(), 0..30),
        classes in prop::collection::vec(prop_oneof![0..5_u32, any::<u32>()], 0..12),
        numbers in prop::collection::vec(any::<f32>(), 0..30),
    ) {
        let finite: Vec<f32> = values.into_iter().map(|value| if value.is_finite() { value } else { f32::MAX }).collect();
        let Ok(outputs) = Outputs::new(columns, finite) else { return Ok(()) };
        for truth in [Truth::Classes(&classes), Truth::Numbers(&numbers)] {
            let all = measure_all(&outputs, truth);
            for metric in Metric::ALL {
                let one = measure(metric, &outputs, truth);
                match &all {
                    Ok(all) if metric.kind() == truth.kind() => prop_assert_eq!(one, Ok(all[&metric])),
                    Ok(_) => prop_assert_eq!(one, Err(InputError::OtherKind { metric, kind: truth.kind() })),
                    Err(error) => prop_assert_eq!(one.as_ref(), Err(error)),
                }
            }
        }
        let _ = super::balanced_class_weights(&classes, columns);
    }
}

#[test]
fn wrong_inputs_are_named() {
    let outputs = Outputs::new(2, vec![0.0; 6]).unwrap();
    let error = |truth| measure_all(&outputs, truth).unwrap_err();
    assert_eq!(error(Truth::Classes(&[0, 1])), InputError::Rows { outputs: 3, truth: 2 });
    assert_eq!(error(Truth::Classes(&[0, 1, 2])), InputError::NoSuchClass { row: 2, class: 2, classes: 2 });
    assert_eq!(error(Truth::Numbers(&[0.0; 3])), InputError::Numbers { outputs: 6, truth: 3, columns: 2 });
    let numbers = [0.0, 1.0, 2.0, f32::NAN, 4.0, f32::INFINITY];
    assert_eq!(error(Truth::Numbers(&numbers)), InputError::NotFinite { row: 1, column: 1 });
    let one = Outputs::new(1, vec![0.0; 3]).unwrap();
    assert_eq!(measure(Metric::Error, &one, Truth::Classes(&[0; 3])), Err(InputError::OneColumn));
    let kind = measure(Metric::Rmse, &outputs, Truth::Classes(&[0; 3])).unwrap_err();
    assert_eq!(kind.to_string(), "the metric rmse is for numbers, and the target has classes");
    assert_eq!(error(Truth::Classes(&[0])).to_string(), "there are 3 predicted rows and 1 true row");
}
