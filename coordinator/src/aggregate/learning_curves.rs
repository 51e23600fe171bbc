//! Learning curves: the metrics of each epoch, averaged over the units that still trained.

use seedgrid_common::{training::EpochMetrics, unit::Fold};

use super::scored_predictions::Cell;
use crate::statistics::exact::mean;

/// The learning curves of one configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Learning {
    /// Means over the done units that trained at least this many epochs, from epoch 1 to the longest unit's last.
    pub epochs: Vec<EpochMean>,
    /// The history of each unit with a result, by seed and then by fold.
    pub units: Vec<UnitHistory>,
}

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

/// One unit's epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitHistory {
    /// The unit's id, 32 hexadecimal digits.
    pub unit: String,
    /// The unit's seed.
    pub seed: u64,
    /// The unit's fold.
    pub fold: Fold,
    /// Whether a loss became NaN or infinite after these epochs; the unit is then in no mean.
    pub diverged: bool,
    /// The whole epochs.
    pub epochs: Vec<EpochMetrics>,
}

impl Learning {
    pub(super) fn new(cells: &[Cell<'_>]) -> Self {
        let done: Vec<&[EpochMetrics]> =
            cells.iter().filter_map(|cell| cell.done()).map(|(_, epochs)| epochs).collect();
        let longest = done.iter().map(|epochs| epochs.len()).max().unwrap_or(0);
        Self {
            epochs: (0..longest).filter_map(|index| epoch_mean(&done, index)).collect(),
            units: cells
                .iter()
                .filter_map(|cell| {
                    Some(UnitHistory {
                        unit: cell.id.to_string(),
                        seed: cell.unit.seed,
                        fold: cell.unit.fold,
                        diverged: cell.done().is_none(),
                        epochs: cell.epochs()?.to_vec(),
                    })
                })
                .collect(),
        }
    }
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
