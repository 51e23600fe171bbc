//! The seam between slots and what trains in them.

use std::error::Error;

use candle_core::Device;
use seedgrid_common::{data::Dataset, unit::Unit};

pub use crate::training::{Observer, Trained};
use crate::training::{device, train};

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

/// Trains with candle on one device.
#[derive(Clone, Debug)]
pub struct CandleTrainer {
    name: String,
    device: Device,
}

impl CandleTrainer {
    /// For the device that `name` names: "cpu", "cuda" or "cuda:N".
    ///
    /// # Errors
    /// When there is no such device.
    pub fn new(name: &str) -> Result<Self, device::DeviceError> {
        let device = device::parse(name)?;
        let name = if name == "cuda" { "cuda:0" } else { name };
        Ok(Self { name: name.to_owned(), device })
    }
}

impl Trainer for CandleTrainer {
    fn describe(&self) -> Description {
        Description {
            device: self.name.clone(),
            isa: format!("{}+{}", std::env::consts::ARCH, device::isa()),
            numerics_class: device::numerics_class(&self.device),
        }
    }

    fn train(
        &self,
        unit: &Unit,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Trained, Box<dyn Error + Send + Sync>> {
        Ok(train(unit, dataset, &self.device, observer)?)
    }
}
