//! The seam between slots and what trains in them.

use std::error::Error;

use seedgrid_common::{
    data::Dataset,
    training::{EpochMetrics, UnitResult},
    unit::Unit,
};
use std::ops::ControlFlow;

/// Sees training as it goes and can stop it.
pub trait Observer {
    /// An epoch has ended. `Break` stops the training.
    fn epoch(&mut self, metrics: &EpochMetrics) -> ControlFlow<()>;
    /// A batch has ended. `Break` stops the training.
    fn batch(&mut self) -> ControlFlow<()>;
}

/// How training ended, where it did not fail.
#[derive(Clone, Debug, PartialEq)]
pub enum Trained {
    /// With a result.
    Finished(UnitResult),
    /// The observer stopped it.
    Stopped,
}

/// What trains units: the same unit gives the same result, whichever slot asks.
pub trait Trainer: Send + Sync + 'static {
    /// What it trains on.
    fn describe(&self) -> Description;

    /// Trains `unit` on `dataset` to its end, or until `observer` stops it.
    fn train(
        &self,
        unit: &Unit,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Trained, Box<dyn Error + Send + Sync>>;
}

/// What a trainer trains on, for registration and provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// "cpu" or "cuda:N".
    pub device: String,
    /// Instruction set in use, for example "x86-64+avx512".
    pub isa: String,
    /// Results within one class are bit-identical.
    pub numerics_class: String,
}
