//! Bytes as a stranger might send them: every decoded message is accepted whole or refused.

use proptest::{collection::vec, prelude::*, sample::Index};
use prost::Message;

use super::{
    blob::{Arriving, Blob, BlobHead, Content},
    v1,
};
use crate::{
    network_outputs::Outputs,
    study_id::StudyId,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::{Attempt, Unit, UnitId},
};

/// A submit and an assignment with every field set.
fn examples() -> [Vec<u8>; 2] {
    let attempt =
        v1::AttemptId { study_id: "fedcba9876543210".repeat(2), unit_id: "0123456789abcdef".repeat(2), attempt: 3 };
    let result = UnitResult {
        epochs: vec![EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.25, validation_error: Some(0.5) }],
        ending: Ending::Done(Scores {
            converged: true,
            outputs: Outputs::new(2, vec![0.25, 0.75, -1.0, 3.0]).unwrap(),
            wrong: 1,
            loss: 0.6,
        }),
    };
    let finished = v1::FinishedAttempt {
        attempt: Some(attempt.clone()),
        outcome: Some(v1::finished_attempt::Outcome::Result((&result).into())),
        train_seconds: 1.5,
        weights_digest: "ab".repeat(32),
        log: "a line\nand another\n".to_owned(),
    };
    let submit = v1::SubmitRequest {
        worker_id: "0".repeat(32),
        attempts: vec![finished],
        numerics_class: "class".to_owned(),
        units_max: 3,
    };
    let value = |kind| v1::Value { kind: Some(kind) };
    let configuration = v1::Configuration {
        model: "cnn".to_owned(),
        hyperparameters: [
            ("a".to_owned(), value(v1::value::Kind::Number(0.1))),
            ("b".to_owned(), value(v1::value::Kind::Integers(v1::IntegerList { items: vec![1, 2] }))),
        ]
        .into(),
        stop: Some(v1::StopRule {
            loss_delta: 0.1,
            epochs_max: 9,
            epochs_min: 1,
            patience: 1,
            loss_drop: 0.5,
            loss: 1,
        }),
        normalize: 3,
    };
    let unit = v1::Unit {
        dataset_digest: "cd".repeat(32),
        configuration: Some(configuration),
        fold: Some(v1::Fold { index: 1, of: 10 }),
        seed: u64::MAX,
    };
    let progress = Some(v1::Progress { epochs: 3, batches: 4, seconds: 1.5 });
    let checkpoint = Some(v1::Checkpoint { digest: "cd".repeat(32), bytes_total: 9, progress });
    let assignment = v1::Assignment { attempt: Some(attempt), unit: Some(unit), keep_weights: true, checkpoint };
    [submit.encode_to_vec(), assignment.encode_to_vec()]
}

/// Decodes these bytes as every message that either side reads.
fn survives(bytes: &[u8]) {
    if let Ok(submit) = v1::SubmitRequest::decode(bytes) {
        for finished in submit.attempts {
            let _ = finished.attempt.map(Attempt::try_from);
            if let Some(v1::finished_attempt::Outcome::Result(sent)) = finished.outcome
                && let Ok(result) = UnitResult::try_from(sent.clone())
            {
                assert_eq!(v1::UnitResult::from(&result), sent);
            }
        }
    }
    if let Ok(assignment) = v1::Assignment::decode(bytes)
        && let Some(sent) = assignment.unit
        && let Ok(unit) = Unit::try_from(sent)
    {
        assert!(!unit.label().is_empty() && unit.id().to_string().len() == 32);
    }
    if let Ok(report) = v1::MetricsReport::decode(bytes) {
        let _ = report.metrics.map(EpochMetrics::try_from);
    }
    if let Ok(part) = v1::BlobPart::decode(bytes) {
        let _ = BlobHead::try_from(part);
    }
    let _ = (v1::RegisterRequest::decode(bytes), v1::EnrollRequest::decode(bytes), v1::StatusSnapshot::decode(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1024)))]

    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    /// Good messages with pieces cut out, put in and altered.
    #[test]
    fn spoilt_messages(
        which in 0_usize..2, changes in vec((any::<Index>(), 0_usize..9, vec(any::<u8>(), 0..5)), 1..4),
    ) {
        let mut bytes = examples()[which].clone();
        for (place, cut, piece) in changes {
            let start = place.index(bytes.len() + 1);
            let end = (start + cut).min(bytes.len());
            bytes.splice(start..end, piece);
        }
        survives(&bytes);
    }

    /// A blob arrives unchanged or not at all, with parts in any order, left out, doubled or altered.
    #[test]
    fn blobs_in_any_order(
        bytes in vec(any::<u8>(), 1..2000), order in vec((any::<Index>(), any::<bool>()), 0..6), whole: bool,
    ) {
        let blob = Blob::new(bytes.clone());
        let attempt = Attempt { study: StudyId([0; 16]), unit: UnitId([0; 16]), number: 1 };
        let mut parts = blob.parts("0".repeat(32), attempt, Content::Weights);
        let head = BlobHead::try_from(parts.next().unwrap()).unwrap();
        let rest: Vec<v1::BlobPart> = parts.collect();
        let sent: Vec<v1::BlobPart> = match whole {
            true => rest,
            false => order.iter().map(|(index, altered)| {
                let mut part = rest[index.index(rest.len())].clone();
                if *altered && let Some(v1::blob_part::Part::Data(data)) = &mut part.part && let Some(first) = data.first_mut() {
                    *first ^= 1;
                }
                part
            }).collect(),
        };
        let mut arriving = Arriving::new(&head);
        let mut arrived = Vec::new();
        let taken = sent.into_iter().try_for_each(|part| arriving.take(part).map(|data| arrived.extend_from_slice(&data)));
        if taken.and_then(|()| arriving.finish()).is_ok() {
            prop_assert_eq!(arrived, bytes);
        } else {
            prop_assert!(!whole);
        }
    }
}

#[test]
fn the_examples_are_good() {
    let [submit, assignment] = examples();
    assert!(v1::SubmitRequest::decode(&submit[..]).is_ok_and(|sent| sent.attempts[0].outcome.is_some()));
    let unit = v1::Assignment::decode(&assignment[..]).unwrap().unit.unwrap();
    assert_eq!(v1::Unit::from(&Unit::try_from(unit.clone()).unwrap()), unit);
}
