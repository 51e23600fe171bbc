//! The state of a training between two batches: with the unit and its data set, it determines the rest of the training.

use std::collections::BTreeMap;

use seedgrid_common::{training::EpochMetrics, unit::UnitId};

pub(crate) use super::loss_and_error::Tally;
use super::shuffle_and_dropout::Positions;
use crate::networks::{Weights, optimiser::Memory};

/// The state of a training between two batches. A training that continues from it ends with the same bits as an
/// uninterrupted one, in the same [numerics class](super::numerics_class::numerics_class).
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The unit in training.
    pub unit: UnitId,
    /// The numerics class in which the state was computed.
    pub numerics_class: String,
    /// The metrics of the whole epochs.
    pub history: Vec<EpochMetrics>,
    /// The state of the epoch under way.
    pub(crate) epoch: EpochUnderWay,
    /// Number of words drawn from the dropout stream.
    pub(crate) dropout: u64,
    /// The optimiser's powers, see [`Optimiser::powers`](crate::networks::optimiser::Optimiser::powers).
    pub(crate) powers: (f64, f64),
    /// The network's variables.
    pub(crate) weights: Weights,
    /// The optimiser's memory of earlier steps, by the variables' names.
    pub(crate) memory: BTreeMap<String, Memory>,
}

/// The state of an epoch before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct EpochUnderWay {
    /// Number of words drawn from the shuffling stream before this epoch's order.
    pub(crate) shuffle: u64,
    /// Number of learnt batches.
    pub(crate) batches: u32,
    /// The counts and sums over these batches.
    pub(crate) tally: Tally,
}

impl Checkpoint {
    /// The training's progress: whole epochs, and batches of the epoch under way.
    pub fn progress(&self) -> (u32, u32) {
        (self.history.len() as u32, self.epoch.batches)
    }

    pub(super) fn positions(&self) -> Positions {
        Positions { shuffle: self.epoch.shuffle, dropout: self.dropout }
    }
}
