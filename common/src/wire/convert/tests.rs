//! Messages arrive unchanged; messages that break the contract are refused.

use std::collections::BTreeMap;

use proptest::{collection, collection::vec, option, prelude::*};
use prost::Message;

use super::*;
use crate::{
    study_id::StudyId,
    unit::UnitId,
    wire::v1::{unit_result, value},
};

// Values of the domain, each within the contract's bounds.

fn any_name() -> impl Strategy<Value = String> {
    "[a-z\u{e9}_ -]{1,100}"
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO).prop_map(Value::Number),
        any::<u64>().prop_map(Value::Integer),
        any_name().prop_map(Value::Text),
        vec(any::<u64>(), 0..=limits::LIST_ITEMS_MAX).prop_map(Value::Integers),
        any::<bool>().prop_map(Value::Flag),
    ]
}

fn any_stop() -> impl Strategy<Value = StopRule> {
    let loss = prop_oneof![Just(StopLoss::Mean), Just(StopLoss::BatchSum)];
    (0.0..1e300, 1..=limits::EPOCHS_MAX as u32, any::<u32>(), any::<u32>(), 0.0..=1.0, loss).prop_map(
        |(loss_delta, max_epochs, min_epochs, patience, loss_drop, loss)| StopRule {
            loss_delta,
            max_epochs,
            min_epochs,
            patience,
            loss_drop,
            loss,
        },
    )
}

fn any_normalize() -> impl Strategy<Value = Normalize> {
    prop_oneof![Just(Normalize::None), Just(Normalize::Scale), Just(Normalize::Standardize)]
}

fn any_fold() -> impl Strategy<Value = Fold> {
    let part = (2..=u32::MAX).prop_flat_map(|of| (0..of).prop_map(move |index| Fold::Part { index, of }));
    prop_oneof![Just(Fold::Holdout), part]
}

fn any_unit() -> impl Strategy<Value = Unit> {
    let hyperparameters = collection::btree_map(any_name(), any_value(), 0..6);
    let configuration = (any_name(), hyperparameters, any_stop(), any_normalize()).prop_map(
        |(model, hyperparameters, stop, normalize)| Configuration { model, hyperparameters, stop, normalize },
    );
    ("[0-9a-f]{64}", configuration, any_fold(), any::<u64>()).prop_map(|(dataset_digest, configuration, fold, seed)| {
        Unit { dataset_digest: dataset_digest.into(), configuration: configuration.into(), fold, seed }
    })
}

fn any_epochs(count: impl Into<collection::SizeRange>) -> impl Strategy<Value = Vec<EpochMetrics>> {
    vec((-1e300..1e300, 0.0..=1.0, option::of(0.0..=1.0)), count).prop_map(|epochs| {
        epochs
            .into_iter()
            .zip(1..)
            .map(|((train_loss, train_error, validation_error), epoch)| EpochMetrics {
                epoch,
                train_loss,
                train_error,
                validation_error,
            })
            .collect()
    })
}

fn any_result() -> impl Strategy<Value = UnitResult> {
    let outputs = (1_usize..5, vec(prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL, 5..60)).prop_map(
        |(columns, mut values)| {
            values.truncate(values.len() / columns * columns);
            Outputs::new(columns, values).unwrap()
        },
    );
    let scores = (any::<bool>(), outputs, any::<prop::sample::Index>(), 0.0..1e300).prop_map(
        |(converged, outputs, wrong, loss)| Scores {
            converged,
            wrong: wrong.index(outputs.rows() + 1) as u32,
            outputs,
            loss,
        },
    );
    let done =
        (any_epochs(1..20), scores).prop_map(|(epochs, scores)| UnitResult { epochs, ending: Ending::Done(scores) });
    let diverged = any_epochs(0..20).prop_map(|epochs| {
        let epoch = epochs.len() as u32 + 1;
        UnitResult { epochs, ending: Ending::Diverged { epoch } }
    });
    prop_oneof![done, diverged]
}

/// Encodes a message and decodes it.
fn sent<M: Message + Default>(message: M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #[test]
    fn values_arrive(given in any_value()) {
        prop_assert_eq!(Value::try_from(sent(v1::Value::from(&given))), Ok(given));
    }

    #[test]
    fn units_arrive_with_their_id(unit in any_unit()) {
        let arrived = Unit::try_from(sent(v1::Unit::from(&unit))).unwrap();
        prop_assert_eq!(arrived.id(), unit.id());
        prop_assert_eq!(arrived, unit);
    }

    #[test]
    fn results_arrive(result in any_result()) {
        prop_assert_eq!(UnitResult::try_from(sent(v1::UnitResult::from(&result))), Ok(result));
    }

    #[test]
    fn attempts_arrive(study: [u8; 16], unit: [u8; 16], number in 1..=u32::MAX) {
        let attempt = Attempt { study: StudyId(study), unit: UnitId(unit), number };
        prop_assert_eq!(Attempt::try_from(sent(v1::AttemptId::from(attempt))), Ok(attempt));
    }
}

// Messages as a stranger might write them: every field can be anything.

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![prop::num::f64::ANY, Just(0.0), Just(1.0), Just(0.5), Just(f64::NAN), Just(f64::INFINITY), Just(-0.0)]
}

fn any_small() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0_u32..5]
}

fn any_value_message() -> impl Strategy<Value = v1::Value> {
    use value::Kind;
    let kind = prop_oneof![
        any_float().prop_map(Kind::Number),
        any::<u64>().prop_map(Kind::Integer),
        ".{0,300}".prop_map(Kind::Text),
        vec(any::<u64>(), 0..300).prop_map(|items| Kind::Integers(v1::IntegerList { items })),
        any::<bool>().prop_map(Kind::Flag),
    ];
    option::of(kind).prop_map(|kind| v1::Value { kind })
}

fn any_stop_message() -> impl Strategy<Value = v1::StopRule> {
    (any_float(), any_small(), any_small(), any_small(), any_float(), -1..4_i32).prop_map(
        |(loss_delta, epochs_max, epochs_min, patience, loss_drop, loss)| v1::StopRule {
            loss_delta,
            epochs_max,
            epochs_min,
            patience,
            loss_drop,
            loss,
        },
    )
}

fn any_unit_message() -> impl Strategy<Value = v1::Unit> {
    let hyperparameters = collection::btree_map(".{0,20}", any_value_message(), 0..4);
    let configuration = (".{0,20}", hyperparameters, option::of(any_stop_message()), -1..6_i32).prop_map(
        |(model, hyperparameters, stop, normalize)| v1::Configuration { model, hyperparameters, stop, normalize },
    );
    let digest = prop_oneof![".{0,70}", "[0-9a-fA-F]{64}"];
    let fold = (any_small(), any_small()).prop_map(|(index, of)| v1::Fold { index, of });
    (digest, option::of(configuration), option::of(fold), any::<u64>())
        .prop_map(|(dataset_digest, configuration, fold, seed)| v1::Unit { dataset_digest, configuration, fold, seed })
}

fn any_metrics_message() -> impl Strategy<Value = v1::EpochMetrics> {
    (any_small(), any_float(), any_float(), option::of(any_float())).prop_map(
        |(epoch, train_loss, train_error, validation_error)| v1::EpochMetrics {
            epoch,
            train_loss,
            train_error,
            validation_error,
        },
    )
}

fn any_result_message() -> impl Strategy<Value = v1::UnitResult> {
    use unit_result::Ending;
    let outputs =
        (any_small(), vec(prop::num::f32::ANY, 0..5)).prop_map(|(columns, values)| v1::Outputs { columns, values });
    let done = (any::<bool>(), option::of(outputs), any_small(), any_float())
        .prop_map(|(converged, outputs, wrong, loss)| Ending::Done(v1::Done { converged, outputs, wrong, loss }));
    let diverged = any_small().prop_map(|epoch| Ending::Diverged(v1::Diverged { epoch }));
    (vec(any_metrics_message(), 0..4), option::of(prop_oneof![done, diverged]))
        .prop_map(|(epochs, ending)| v1::UnitResult { epochs, ending })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1024)))]

    #[test]
    fn any_message_is_taken_whole_or_refused(
        unit in any_unit_message(),
        result in any_result_message(),
        metrics in any_metrics_message(),
        unit_id in prop_oneof![".{0,40}", "[0-9a-f]{32}"],
        number in any_small(),
    ) {
        if let Ok(taken) = Unit::try_from(unit.clone()) {
            prop_assert_eq!(v1::Unit::from(&taken), unit);
            taken.label();
        }
        if let Ok(taken) = UnitResult::try_from(result.clone()) {
            prop_assert_eq!(v1::UnitResult::from(&taken), result);
        }
        if let Ok(taken) = EpochMetrics::try_from(metrics) {
            prop_assert_eq!(v1::EpochMetrics::from(&taken), metrics);
        }
        let id = v1::AttemptId { study_id: unit_id.clone(), unit_id, attempt: number };
        if let Ok(attempt) = Attempt::try_from(id.clone()) {
            prop_assert_eq!(v1::AttemptId::from(attempt), id);
        }
    }

    /// Bytes of a message, some of them changed.
    #[test]
    fn damaged_bytes_are_taken_whole_or_refused(
        unit in any_unit(),
        result in any_result(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        kept in any::<prop::sample::Index>(),
    ) {
        let damaged = |mut bytes: Vec<u8>| {
            for (place, byte) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            bytes.truncate(1 + kept.index(bytes.len()));
            bytes
        };
        if let Ok(message) = v1::Unit::decode(damaged(v1::Unit::from(&unit).encode_to_vec()).as_slice())
            && let Ok(taken) = Unit::try_from(message)
        {
            prop_assert!(Unit::try_from(v1::Unit::from(&taken)).is_ok());
        }
        if let Ok(message) = v1::UnitResult::decode(damaged(v1::UnitResult::from(&result).encode_to_vec()).as_slice())
            && let Ok(taken) = UnitResult::try_from(message)
        {
            prop_assert!(UnitResult::try_from(v1::UnitResult::from(&taken)).is_ok());
        }
    }
}

// Each bound by itself.

fn good_unit() -> v1::Unit {
    v1::Unit {
        dataset_digest: "0".repeat(64),
        configuration: Some(v1::Configuration {
            model: "cnn".to_owned(),
            hyperparameters: BTreeMap::from([(
                "learning_rate".to_owned(),
                v1::Value { kind: Some(value::Kind::Number(0.1)) },
            )]),
            stop: Some(v1::StopRule {
                loss_delta: 0.001,
                epochs_max: 300,
                epochs_min: 1,
                patience: 1,
                loss_drop: 0.0,
                loss: v1::StopLoss::Mean.into(),
            }),
            normalize: v1::Normalize::Scale.into(),
        }),
        fold: Some(v1::Fold { index: 0, of: 0 }),
        seed: 1,
    }
}

#[test]
fn a_bad_unit_is_refused_by_field() {
    assert!(Unit::try_from(good_unit()).is_ok());
    fn configuration(unit: &mut v1::Unit) -> &mut v1::Configuration {
        unit.configuration.as_mut().unwrap()
    }
    fn stop(unit: &mut v1::Unit) -> &mut v1::StopRule {
        configuration(unit).stop.as_mut().unwrap()
    }
    fn rate(unit: &mut v1::Unit, kind: Option<value::Kind>) {
        configuration(unit).hyperparameters.insert("learning_rate".to_owned(), v1::Value { kind });
    }
    type Case = (&'static str, fn(&mut v1::Unit));
    let cases: [Case; 22] = [
        ("unit.dataset_digest", |unit| unit.dataset_digest.clear()),
        ("unit.dataset_digest", |unit| unit.dataset_digest = "g".repeat(64)),
        ("unit.configuration", |unit| unit.configuration = None),
        ("unit.fold", |unit| unit.fold = None),
        ("fold", |unit| unit.fold = Some(v1::Fold { index: 0, of: 1 })),
        ("fold", |unit| unit.fold = Some(v1::Fold { index: 2, of: 2 })),
        ("fold", |unit| unit.fold = Some(v1::Fold { index: 1, of: 0 })),
        ("configuration.model", |unit| configuration(unit).model.clear()),
        ("configuration.model", |unit| configuration(unit).model = "n".repeat(257)),
        ("configuration.normalize", |unit| configuration(unit).normalize = 0),
        ("configuration.normalize", |unit| configuration(unit).normalize = 99),
        ("configuration.stop", |unit| configuration(unit).stop = None),
        ("stop.loss_delta", |unit| stop(unit).loss_delta = f64::NAN),
        ("stop.loss_delta", |unit| stop(unit).loss_delta = -1.0),
        ("stop.epochs_max", |unit| stop(unit).epochs_max = 0),
        ("stop.epochs_max", |unit| stop(unit).epochs_max = 100_001),
        ("stop.loss_drop", |unit| stop(unit).loss_drop = 1.5),
        ("value.kind", |unit| rate(unit, None)),
        ("value.number", |unit| rate(unit, Some(value::Kind::Number(f64::INFINITY)))),
        ("value.text", |unit| rate(unit, Some(value::Kind::Text(String::new())))),
        ("value.integers", |unit| rate(unit, Some(value::Kind::Integers(v1::IntegerList { items: vec![1; 257] })))),
        ("configuration.hyperparameters", |unit| {
            configuration(unit)
                .hyperparameters
                .insert(String::new(), v1::Value { kind: Some(value::Kind::Flag(true)) });
        }),
    ];
    for (field, spoil) in cases {
        let mut unit = good_unit();
        spoil(&mut unit);
        assert_eq!(Unit::try_from(unit.clone()).unwrap_err().field, field, "{unit:?}");
    }
}

fn good_result() -> v1::UnitResult {
    let epoch = |epoch| v1::EpochMetrics { epoch, train_loss: 0.5, train_error: 0.25, validation_error: Some(0.125) };
    v1::UnitResult {
        epochs: vec![epoch(1), epoch(2)],
        ending: Some(unit_result::Ending::Done(v1::Done {
            converged: true,
            outputs: Some(v1::Outputs { columns: 2, values: vec![0.5, -1.5, 0.0, 80.0] }),
            wrong: 2,
            loss: 0.5,
        })),
    }
}

#[test]
fn a_bad_result_is_refused_by_field() {
    assert!(UnitResult::try_from(good_result()).is_ok());
    fn done(result: &mut v1::UnitResult) -> &mut v1::Done {
        match result.ending.as_mut().unwrap() {
            unit_result::Ending::Done(done) => done,
            unit_result::Ending::Diverged(_) => unreachable!("a good result is done"),
        }
    }
    fn outputs(result: &mut v1::UnitResult) -> &mut v1::Outputs {
        done(result).outputs.as_mut().unwrap()
    }
    fn diverged(result: &mut v1::UnitResult, epoch: u32) {
        result.ending = Some(unit_result::Ending::Diverged(v1::Diverged { epoch }));
    }
    type Case = (&'static str, fn(&mut v1::UnitResult));
    let cases: [Case; 23] = [
        ("result.ending", |result| result.ending = None),
        ("result.epochs", |result| result.epochs.clear()),
        ("result.epochs", |result| result.epochs[0].epoch = 0),
        ("result.epochs", |result| result.epochs[1].epoch = 3),
        ("metrics.train_loss", |result| result.epochs[0].train_loss = f64::NAN),
        ("metrics.train_error", |result| result.epochs[0].train_error = -0.1),
        ("metrics.train_error", |result| result.epochs[0].train_error = f64::NAN),
        ("metrics.validation_error", |result| result.epochs[0].validation_error = Some(1.1)),
        ("result.done.outputs", |result| done(result).outputs = None),
        ("outputs", |result| outputs(result).values.clear()),
        ("outputs", |result| outputs(result).columns = 0),
        ("outputs.values", |result| outputs(result).columns = 3),
        ("outputs.values", |result| outputs(result).columns = u32::MAX),
        ("outputs.values", |result| outputs(result).values[0] = f32::INFINITY),
        ("outputs.values", |result| outputs(result).values[0] = f32::NAN),
        ("outputs.values", |result| outputs(result).values = vec![0.5; limits::OUTPUT_VALUES_MAX + 2]),
        ("outputs.values", |result| {
            *outputs(result) = v1::Outputs { columns: 1, values: vec![0.5; limits::OUTPUT_ROWS_MAX + 1] };
        }),
        ("outputs.columns", |result| *outputs(result) = v1::Outputs { columns: 1001, values: vec![0.5; 2002] }),
        ("result.done.wrong", |result| done(result).wrong = 3),
        ("result.done.loss", |result| done(result).loss = f64::INFINITY),
        ("result.diverged.epoch", |result| diverged(result, 0)),
        ("result.diverged.epoch", |result| diverged(result, 2)),
        ("result.epochs", |result| {
            let epoch = result.epochs[0];
            result.epochs =
                (1..=limits::EPOCHS_MAX as u32 + 1).map(|number| v1::EpochMetrics { epoch: number, ..epoch }).collect();
        }),
    ];
    for (index, (field, spoil)) in cases.into_iter().enumerate() {
        let mut result = good_result();
        spoil(&mut result);
        assert_eq!(UnitResult::try_from(result).unwrap_err().field, field, "case {index}");
    }
    let mut late = good_result();
    diverged(&mut late, 3);
    assert!(UnitResult::try_from(late).is_ok(), "the epoch after the last whole one");
}

#[test]
fn attempts_count_from_one() {
    let good = "0".repeat(32);
    let read = |study_id: &str, unit_id: &str, attempt| {
        Attempt::try_from(v1::AttemptId { study_id: study_id.to_owned(), unit_id: unit_id.to_owned(), attempt })
    };
    assert!(read(&good, &good, 1).is_ok());
    assert_eq!(read(&good, &good, 0).unwrap_err().field, "attempt.attempt");
    assert_eq!(read(&good, "", 1).unwrap_err().field, "attempt.unit_id");
    assert_eq!(read("", &good, 1).unwrap_err().field, "attempt.study_id");
}

#[test]
fn the_largest_result_fits_into_a_message() {
    let metrics = EpochMetrics { epoch: 1, train_loss: 0.1, train_error: 0.1, validation_error: Some(0.1) };
    let outputs = Outputs::new(2, vec![0.5; limits::OUTPUT_VALUES_MAX]).unwrap();
    let scores = Scores { converged: false, outputs, wrong: 1_000_000, loss: 0.1 };
    let result = UnitResult {
        epochs: (1..=limits::EPOCHS_MAX as u32).map(|epoch| EpochMetrics { epoch, ..metrics }).collect(),
        ending: Ending::Done(scores),
    };
    let message = v1::UnitResult::from(&result);
    assert!(message.encoded_len() < limits::MESSAGE_BYTES_MAX, "{}", message.encoded_len());
    assert_eq!(UnitResult::try_from(message), Ok(result));
}
