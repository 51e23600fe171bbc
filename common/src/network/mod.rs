//! The language of networks: a network is data. docs/networks.md is its reference.
//!
//! [`parse`] and [`read_networks`] read TOML into a [`Definition`], which is checked as far as it can be without a data
//! set. [`Definition::resolve`] makes a [`Network`] of it, for hyper-parameters and a data set's [`Schema`]: every size is
//! a number, every layer has its shapes. Both report all problems at once, each with its place. [`builtin`] has the
//! networks that ship with Seedgrid.

pub mod builtin;
mod definition;
mod error;
mod initialisation;
mod layer;
pub mod limits;
mod operation_shapes;
mod parameter;
mod problem;
mod read;
mod read_layers;
mod read_parameters;
mod reader;
mod resolve;
mod resolve_layers;
mod resolved;
mod scope;
mod shape;
#[cfg(test)]
mod tests;
mod values;

pub use definition::Definition;
pub use error::{NetworkError, NetworkErrors};
pub use initialisation::{Initial, Initialisation, Variable};
pub use layer::{Branch, Layer, Operation, Window};
pub use operation_shapes::Misfit;
pub use parameter::{End, Kind, Parameter, ParameterError};
pub use problem::Problem;
pub use read::{Declared, parse, read_networks};
pub use read_parameters::TRAINING_PARAMETERS;
pub use resolved::{
    Block, BlockCopy, ClassWeights, DropoutLayer, Input, Join, LAYERS_REVISION, ListedLayer, Loss, Network, Output,
    Source,
};
pub use shape::{InputShape, Schema, Shape, TargetKind};
