//! The seam between slots and what trains in them.

use std::error::Error;

use candle_core::Device;
use seedgrid_common::{data::Dataset, unit::Unit, wire::blob::Blob};

use crate::{
    lifecycle::attempt::Output,
    training::{
        self, Checkpoint, Observer, Trained,
        device::{self, DeviceError},
        weights_file,
    },
};

/// What trains units: the same unit gives the same result, whichever slot asks.
pub trait Trainer: Send + Sync + 'static {
    /// What it trains on.
    fn describe(&self) -> Description;

    /// Trains the task's unit on `dataset` to its end (None: until `observer` stops it).
    fn train(
        &self,
        task: Task<'_>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Option<Output>, Box<dyn Error + Send + Sync>>;
}

/// What is to be trained.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The unit.
    pub unit: &'a Unit,
    /// Whether the output has the weights, unless training diverged.
    pub keep_weights: bool,
    /// Where training goes on from: one of this unit, made in the trainer's numerics class. None: the initial weights.
    pub checkpoint: Option<&'a Checkpoint>,
}

/// What a trainer trains on, for registration and provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// "cpu" or "cuda:N".
    pub device: String,
    /// Instruction set in use, for example "x86_64+avx512".
    pub isa: String,
    /// Results within one class are bit-identical.
    pub numerics_class: String,
}

/// Trains for real, on one device that all slots share.
#[derive(Debug)]
pub struct OnDevice {
    name: String,
    device: Device,
}

impl OnDevice {
    /// On the device that `text` names: "cpu", "cuda" or "cuda:N".
    pub fn open(text: &str) -> Result<Self, DeviceError> {
        let device = device::parse(text)?;
        let name = if text == "cuda" { "cuda:0" } else { text };
        Ok(Self { name: name.to_owned(), device })
    }
}

impl Trainer for OnDevice {
    fn describe(&self) -> Description {
        Description {
            device: self.name.clone(),
            isa: format!("{}+{}", std::env::consts::ARCH, device::isa()),
            numerics_class: device::numerics_class(&self.device),
        }
    }

    fn train(
        &self,
        Task { unit, keep_weights, checkpoint }: Task<'_>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Option<Output>, Box<dyn Error + Send + Sync>> {
        if keep_weights {
            weights_file::check_size(unit)??;
        }
        let Trained::Finished { result, network } = training::train(unit, dataset, checkpoint, &self.device, observer)?
        else {
            return Ok(None);
        };
        let weights = match network.filter(|_| keep_weights) {
            Some(network) => Some(Blob::new(weights_file::write(&network)?)),
            None => None,
        };
        Ok(Some(Output { result, weights }))
    }
}
