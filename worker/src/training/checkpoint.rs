//! The state of a training between two batches: all that its rest depends on besides the unit and its data set.

use std::collections::BTreeMap;

use seedgrid_common::{training::EpochMetrics, unit::UnitId};

use super::examples::Positions;
pub(crate) use super::objective::Tally;
use crate::networks::{Weights, optimiser::Memory};

/// The state of a training between two batches. A training that goes on from it ends with the same bits as one that was never
/// interrupted, in the same [numerics class](super::device::numerics_class).
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What is trained.
    pub unit: UnitId,
    /// In which class the state was computed.
    pub numerics_class: String,
    /// What the whole epochs have shown.
    pub history: Vec<EpochMetrics>,
    /// Of the epoch under way.
    pub(crate) epoch: EpochUnderWay,
    /// Words of dropout's stream that have been drawn.
    pub(crate) dropout: u64,
    /// See [`Optimiser::powers`](crate::networks::optimiser::Optimiser::powers).
    pub(crate) powers: (f64, f64),
    /// The network's variables.
    pub(crate) weights: Weights,
    /// What the optimiser's steps have left behind, by the variables' names.
    pub(crate) memory: BTreeMap<String, Memory>,
}

/// What an epoch has come to before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct EpochUnderWay {
    /// Words of the shuffling's stream that had been drawn before this epoch's order.
    pub(crate) shuffle: u64,
    /// Batches that have been learnt.
    pub(crate) batches: u32,
    /// Of these batches.
    pub(crate) tally: Tally,
}

impl Checkpoint {
    /// How far the training had come: whole epochs, and batches of the epoch under way.
    pub fn progress(&self) -> (u32, u32) {
        (self.history.len() as u32, self.epoch.batches)
    }

    pub(super) fn positions(&self) -> Positions {
        Positions { shuffle: self.epoch.shuffle, dropout: self.dropout }
    }
}
