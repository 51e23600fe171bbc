//! `seedgrid models`: every network, layer by layer, from the models' own data.

use std::fmt::Write as _;

use seedgrid_common::{
    model::{self, Digits, Input, Layer, Model, Network, Shape},
    unit::{Hyperparameters, Value},
};
use serde::Serialize;

use super::{
    Exit, Failure,
    arguments::{Format, ModelsArguments},
};

pub(super) fn models(arguments: &ModelsArguments) -> Result<Exit, Failure> {
    let wanted = |model: &&Model| arguments.model.as_ref().is_none_or(|name| name == model.name);
    let listings: Vec<Listing> = model::ALL.into_iter().filter(wanted).map(Listing::new).collect();
    match arguments.format {
        Format::Text => super::print(&listings.iter().map(Listing::text).collect::<Vec<_>>().join("\n"))?,
        Format::Json => super::print_json(&Document { schema: "seedgrid.models/1", models: listings })?,
    }
    Ok(Exit::Done)
}

/// The schema of `seedgrid models --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    models: Vec<Listing>,
}

#[derive(Debug, Serialize)]
struct Listing {
    model: &'static str,
    title: &'static str,
    summary: &'static str,
    source: &'static str,
    revision: u32,
    /// Weights and biases.
    weights: usize,
    /// For one pair's forward pass.
    multiplications: usize,
    parts: Vec<Part>,
    hyperparameters: Vec<HyperparameterListing>,
}

/// The tower, the comparison or a head.
#[derive(Debug, Serialize)]
struct Part {
    part: &'static str,
    reads: String,
    rows: Vec<Row>,
}

/// A layer with weights and what follows it, as a table of layers shows them.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    layers: String,
    output: String,
    weights: usize,
}

#[derive(Debug, Serialize)]
struct HyperparameterListing {
    name: &'static str,
    values: String,
    default: Option<String>,
    meaning: &'static str,
}

/// The defaults, and for what has none the value that the paper uses or an equal one: shapes do not depend on it.
fn defaults(model: &Model) -> Hyperparameters {
    let value = |parameter: &model::Parameter| {
        let default = parameter.default_value();
        default
            .or_else(|| [Value::Integer(20), Value::Number(0.1)].into_iter().find_map(|one| parameter.check(one).ok()))
    };
    model.parameters.iter().filter_map(|one| Some((one.name.to_owned(), value(one)?))).collect()
}

impl Listing {
    fn new(model: &'static Model) -> Self {
        let network = (model.network)(&defaults(model));
        Self {
            model: model.name,
            title: model.title,
            summary: model.summary,
            source: model.source,
            revision: model.revision,
            weights: network.parameter_count(),
            multiplications: network.multiplications(),
            parts: parts(&network),
            hyperparameters: model
                .parameters
                .iter()
                .map(|parameter| HyperparameterListing {
                    name: parameter.name,
                    values: parameter.kind.expectation(),
                    default: parameter.default_value().map(|value| value.to_string()),
                    meaning: parameter.meaning,
                })
                .collect(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{} ({}): {}\n  from {}\n", self.model, self.title, self.summary, self.source);
        // Writing into a string cannot fail.
        for part in &self.parts {
            let _ = writeln!(
                text,
                "\n  {:<67} {:>14} {:>9}",
                format!("{}, reads {}", part.part, part.reads),
                "output",
                "weights"
            );
            for row in &part.rows {
                let _ = writeln!(text, "    {:<12} {:<52} {:>14} {:>9}", row.name, row.layers, row.output, row.weights);
            }
        }
        let _ = writeln!(text, "\n  {} weights, {} multiplications a pair", self.weights, self.multiplications);
        for one in &self.hyperparameters {
            let default =
                one.default.as_ref().map_or_else(|| "required".to_owned(), |default| format!("default {default}"));
            let _ = writeln!(text, "  {:<17} {} ({default})", one.name, one.values);
        }
        text
    }
}

fn parts(network: &Network) -> Vec<Part> {
    let (tower_reads, copies) = match network.input {
        Input::Both => ("both images as 2 channels", 1),
        Input::Each => ("each image, with the same weights", 2),
    };
    let tower = rows(&network.tower, network.input_shape());
    let width = network.tower.iter().try_fold(network.input_shape(), |shape, layer| layer.output(shape));
    let joined = Shape::Flat(copies * width.map_or(0, Shape::len));
    let from = if copies == 2 { "both towers' outputs" } else { "the tower's output" };
    let mut parts = vec![
        Part { part: "tower", reads: tower_reads.to_owned(), rows: tower },
        Part { part: "comparison", reads: from.to_owned(), rows: rows(&network.comparison, joined) },
    ];
    if let Digits::Heads(heads) = &network.digits {
        for (part, head) in ["first digit", "second digit"].into_iter().zip(heads.iter()) {
            parts.push(Part { part, reads: from.to_owned(), rows: rows(head, joined) });
        }
    }
    parts
}

/// One row for the input, and one for each layer with weights together with what follows it.
fn rows(layers: &[Layer], input: Shape) -> Vec<Row> {
    let mut shape = input;
    let mut rows = vec![Row { name: "input".to_owned(), layers: String::new(), output: shown(shape), weights: 0 }];
    for layer in layers {
        // A model's layers fit together; a test sees to that.
        shape = layer.output(shape).unwrap_or(shape);
        let word = match layer {
            Layer::Conv2d { name, kernel, inputs, outputs } => {
                let layers = format!("Conv2d {kernel}x{kernel}, {inputs} to {outputs}");
                rows.push(Row { name: name.clone(), layers, output: String::new(), weights: layer.parameter_count() });
                None
            }
            Layer::Linear { name, inputs, outputs } => {
                let layers = format!("Linear {inputs} to {outputs}");
                rows.push(Row { name: name.clone(), layers, output: String::new(), weights: layer.parameter_count() });
                None
            }
            Layer::Relu => Some("ReLU".to_owned()),
            Layer::MaxPool { size } => Some(format!("MaxPool {size}x{size}")),
            Layer::Flatten => Some("flatten".to_owned()),
            Layer::Dropout { probability } => Some(format!("Dropout {probability}")),
        };
        let last = rows.last_mut().expect("the input is the first");
        if let Some(word) = word {
            if !last.layers.is_empty() {
                last.layers.push_str(", ");
            }
            last.layers.push_str(&word);
        }
        last.output = shown(shape);
    }
    rows
}

fn shown(shape: Shape) -> String {
    match shape {
        Shape::Image(channels, height, width) => format!("{channels} x {height} x {width}"),
        Shape::Flat(width) => width.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basic_cnn_is_table_1_of_the_paper() {
        let listing = Listing::new(model::find("cnn").unwrap());
        let rows: Vec<(&str, &str, usize)> =
            listing.parts[0].rows.iter().map(|row| (row.layers.as_str(), row.output.as_str(), row.weights)).collect();
        assert_eq!(
            rows,
            [
                ("", "2 x 14 x 14", 0),
                ("Conv2d 3x3, 2 to 32, ReLU", "32 x 12 x 12", 608),
                ("Conv2d 3x3, 32 to 64, ReLU, MaxPool 2x2", "64 x 5 x 5", 18_496),
                ("Conv2d 3x3, 64 to 128, ReLU, MaxPool 2x2, flatten", "128", 73_856),
                ("Linear 128 to 100, ReLU, Dropout 0.5", "100", 12_900),
            ]
        );
        assert_eq!(listing.parts[1].rows[1].output, "2");
    }

    #[test]
    fn every_models_weights_are_in_its_rows() {
        for model in model::ALL {
            let listing = Listing::new(model);
            let sum: usize = listing.parts.iter().flat_map(|part| &part.rows).map(|row| row.weights).sum();
            assert_eq!(sum, listing.weights, "{}", model.name);
        }
    }
}
