//! Whether a checkpoint's content is possible: a digest excludes damage, but not a malicious or faulty writer.

use seedgrid_common::{
    data::dataset::EXAMPLES_MAX,
    hyperparameters::Value,
    training::EpochMetrics,
    unit::{Fold, Unit},
};

use super::Head;

/// More words than any training draws: each pair of each epoch would take thousands.
const WORDS_MAX: u64 = 1 << 56;

/// The fault of a head for this `unit`, if it has one.
pub(super) fn problem(head: &Head, unit: &Unit) -> Option<&'static str> {
    let share = |value: f64| (0.0..=1.0).contains(&value);
    let is_epoch = |(number, epoch): (u32, &EpochMetrics)| {
        epoch.epoch == number
            && epoch.train_loss.is_finite()
            && share(epoch.train_error)
            && epoch.validation_error.is_some() == matches!(unit.fold, Fold::Part { .. })
            && epoch.validation_error.is_none_or(share)
    };
    if head.history.len() >= unit.configuration.stop.max_epochs as usize {
        return Some("it has as many epochs as the unit may have");
    }
    if !(1..).zip(&head.history).all(is_epoch) {
        return Some("its epochs are none of such a unit");
    }
    let batch = match unit.configuration.hyperparameters.get("batch_size") {
        Some(Value::Integer(pairs)) => *pairs,
        _ => EXAMPLES_MAX as u64,
    };
    let pairs = head.pairs as u64;
    let learnt = u64::from(head.batches).saturating_mul(batch);
    // The last batch of an epoch may be smaller, and ends it.
    if pairs != learnt || pairs > EXAMPLES_MAX as u64 || u64::from(head.wrong) > pairs || !head.loss.is_finite() {
        return Some("its data of the epoch under way contradict each other");
    }
    if head.shuffle > WORDS_MAX || head.dropout > WORDS_MAX {
        return Some("it is further in its random streams than a training goes");
    }
    if ![head.powers.0, head.powers.1].into_iter().all(share) {
        return Some("its optimiser's powers are none");
    }
    None
}
