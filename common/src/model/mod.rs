//! The networks as plain data: layers, shapes and hyper-parameter schemas, one file a model.
//!
//! A new model is one file here and one line in [`ALL`]; the worker builds any [`Network`] from its data.

mod cnn;
mod cnn_shared;
mod cnn_shared_aux;
mod fc;
mod fc_aux;
mod network;
mod optimiser;
mod schema;

pub use network::{Digits, Input, Layer, Network, Shape, ShapeError};
pub(crate) use optimiser::unused_momentum;
pub use optimiser::{Optimiser, Rule, UnusedMomentum};
pub use schema::{Default, Kind, Parameter, ParameterError};

use crate::hyperparameters::Hyperparameters;

/// A model: its name, its hyper-parameters and how they make a network.
#[derive(Debug)]
pub struct Model {
    /// As written in a spec.
    pub name: &'static str,
    /// As a report's tables call it.
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Where the architecture comes from.
    pub source: &'static str,
    /// Grows when the model's results change.
    pub revision: u32,
    /// Every hyper-parameter that a spec may set.
    pub parameters: &'static [Parameter],
    /// The network that complete, checked hyper-parameters describe.
    pub network: fn(&Hyperparameters) -> Network,
}

impl Model {
    /// Every hyper-parameter that has a default, at that.
    pub fn defaults(&self) -> Hyperparameters {
        let default = |one: &Parameter| Some((one.name.to_owned(), one.default_value()?));
        self.parameters.iter().filter_map(default).collect()
    }
}

/// Every model, in the order in which listings show them.
pub static ALL: [&Model; 5] = [&cnn::MODEL, &cnn_shared::MODEL, &cnn_shared_aux::MODEL, &fc::MODEL, &fc_aux::MODEL];

/// The model with this name.
pub fn find(name: &str) -> Option<&'static Model> {
    ALL.into_iter().find(|model| model.name == name)
}

/// Height and width of one input image, in pixels.
pub const SIDE: usize = 14;

/// Number of digit classes.
pub const DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults(model: &Model) -> Hyperparameters {
        let mut given = Hyperparameters::new();
        for parameter in model.parameters {
            let value = parameter.default_value().unwrap_or(match parameter.kind {
                Kind::Count { .. } => crate::hyperparameters::Value::Integer(20),
                _ => crate::hyperparameters::Value::Number(0.1),
            });
            given.insert(parameter.name.to_owned(), value);
        }
        given
    }

    #[test]
    fn every_network_fits_together() {
        for model in ALL {
            let network = (model.network)(&defaults(model));
            network.check().unwrap_or_else(|error| panic!("{}: {error}", model.name));
        }
    }

    #[test]
    fn parameter_counts_follow_from_table_1() {
        let count = |name: &str| {
            let model = find(name).unwrap();
            (model.network)(&defaults(model)).parameter_count()
        };
        // Convolutions of 2*32*9+32, 32*64*9+64, 64*128*9+128; linear layers of 128*100+100 and 100*2+2.
        assert_eq!(count("cnn"), 608 + 18_496 + 73_856 + 12_900 + 202);
        // One input channel; 100*10+10 to the digits, 20*2+2 to the comparison.
        assert_eq!(count("cnn-shared"), 320 + 18_496 + 73_856 + 12_900 + 1_010 + 42);
        assert_eq!(count("cnn-shared-aux"), count("cnn-shared"));
        // 392 -> 150 -> 50 -> 20 -> 10 -> 2.
        assert_eq!(count("fc"), 58_950 + 7_550 + 1_020 + 210 + 22);
        assert_eq!(count("fc-aux"), count("fc") + 2 * 110);
    }

    #[test]
    fn the_shared_tower_does_the_work_twice() {
        let work = |name: &str| (find(name).unwrap().network)(&defaults(find(name).unwrap())).multiplications();
        // 12x12x32 outputs of 2*9, 10x10x64 of 32*9, 3x3x128 of 64*9 multiplications each, and the linear layers.
        assert_eq!(work("cnn"), 144 * 32 * 18 + 100 * 64 * 288 + 9 * 128 * 576 + 12_800 + 200);
        let tower = 144 * 32 * 9 + 100 * 64 * 288 + 9 * 128 * 576 + 12_800 + 1_000;
        assert_eq!(work("cnn-shared"), 2 * tower + 40);
        assert_eq!(work("fc-aux"), 58_800 + 7_500 + 1_000 + 200 + 20 + 200);
    }

    #[test]
    fn names_are_unique() {
        for (index, model) in ALL.iter().enumerate() {
            assert!(ALL[index + 1..].iter().all(|other| other.name != model.name));
        }
    }
}
