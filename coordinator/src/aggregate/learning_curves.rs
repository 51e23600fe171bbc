//! Learning curves: the metrics of each epoch, averaged over the units that still trained.

use seedgrid_common::training::EpochMetrics;

use super::scored_predictions::Cell;
use crate::statistics::exact::mean;

/// One epoch of several units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochMean {
    /// The epoch's number, 1-based.
    pub epoch: u32,
    /// The number of done units that trained this epoch: the means are over these. Units that ended before are not in
    /// them.
    pub units: usize,
    /// Mean training loss.
    pub train_loss: f64,
    /// Mean training error.
    pub train_error: f64,
    /// Mean validation error; None without folds.
    pub validation_error: Option<f64>,
}

/// Means over the done units that trained at least this many epochs, from epoch 1 to the longest unit's last.
pub(super) fn learning(cells: &[Cell<'_>]) -> Vec<EpochMean> {
    let done: Vec<&[EpochMetrics]> = cells.iter().filter_map(|cell| cell.done()).map(|(_, epochs)| epochs).collect();
    let longest = done.iter().map(|epochs| epochs.len()).max().unwrap_or(0);
    (0..longest).filter_map(|index| epoch_mean(&done, index)).collect()
}

fn epoch_mean(done: &[&[EpochMetrics]], index: usize) -> Option<EpochMean> {
    let metrics: Vec<&EpochMetrics> = done.iter().filter_map(|epochs| epochs.get(index)).collect();
    let of = |value: fn(&EpochMetrics) -> f64| mean(&metrics.iter().map(|metrics| value(metrics)).collect::<Vec<_>>());
    let validation: Option<Vec<f64>> = metrics.iter().map(|metrics| metrics.validation_error).collect();
    Some(EpochMean {
        epoch: metrics.first()?.epoch,
        units: metrics.len(),
        train_loss: of(|metrics| metrics.train_loss)?,
        train_error: of(|metrics| metrics.train_error)?,
        validation_error: validation.as_deref().and_then(mean),
    })
}
