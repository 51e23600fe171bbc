//! The interface between slots and trainers.

use candle_core::Device;
use miette::Diagnostic;
use seedgrid_common::{data::Dataset, unit::Unit, wire::blob::Blob};

use crate::{
    lifecycle::attempt::Output,
    training::{
        self, Checkpoint, Observer, Trained,
        device::{self, DeviceError},
        numerics_class, weights_file,
    },
};

/// A trainer of units: the same unit gives the same result in every slot.
pub trait Trainer: Send + Sync + 'static {
    /// The trainer's device and numerics class.
    fn describe(&self) -> Description;

    /// Trains the task's unit on `dataset` to its end (None: until `observer` stops it).
    fn train(
        &self,
        task: Task<'_>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Option<Output>, Box<dyn Diagnostic + Send + Sync>>;
}

/// The task of a trainer.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The unit.
    pub unit: &'a Unit,
    /// Whether the output includes the weights, unless training diverged.
    pub keep_weights: bool,
    /// The checkpoint to continue from: one of this unit, made in the trainer's numerics class. None: the initial
    /// weights.
    pub checkpoint: Option<&'a Checkpoint>,
}

/// The device and numerics class of a trainer, for registration and provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The device: "cpu" or "cuda:N".
    pub device: String,
    /// The instruction set in use, for example "x86_64+avx512".
    pub isa: String,
    /// The numerics class: results within one class are bit-identical.
    pub numerics_class: String,
}

/// A trainer on one device that all slots share.
#[derive(Debug)]
pub struct OnDevice {
    name: String,
    device: Device,
}

impl OnDevice {
    /// The trainer on the device that `text` names: "cpu", "cuda" or "cuda:N".
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
            numerics_class: numerics_class::numerics_class(&self.device),
        }
    }

    fn train(
        &self,
        Task { unit, keep_weights, checkpoint }: Task<'_>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Option<Output>, Box<dyn Diagnostic + Send + Sync>> {
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
