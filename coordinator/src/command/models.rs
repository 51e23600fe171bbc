//! `seedgrid models`: every network, layer by layer, from the models' own data.

use std::fmt::Write as _;

use seedgrid_common::{
    model::{self, Model},
    prose::count,
    unit::{Hyperparameters, Value},
};
use serde::Serialize;

use super::{
    Exit, Failure,
    arguments::{Format, ModelsArguments},
};
use crate::layers::{Part, Row, parts};

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
    parts: Vec<PartListing>,
    hyperparameters: Vec<HyperparameterListing>,
}

/// The tower, the comparison or a head.
#[derive(Debug, Serialize)]
struct PartListing {
    part: &'static str,
    reads: &'static str,
    rows: Vec<RowListing>,
}

/// A layer with weights and what follows it, as a table of layers shows them.
#[derive(Debug, Serialize)]
struct RowListing {
    name: String,
    layers: String,
    output: String,
    weights: usize,
}

impl PartListing {
    fn new(part: Part) -> Self {
        let row =
            |row: Row| RowListing { layers: row.layers(), output: row.shape(), name: row.name, weights: row.weights };
        Self { part: part.name, reads: part.reads, rows: part.rows.into_iter().map(row).collect() }
    }
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
            parts: parts(&network).into_iter().map(PartListing::new).collect(),
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
        let _ = writeln!(
            text,
            "\n  {}, {} a pair",
            count(self.weights, "weight"),
            count(self.multiplications, "multiplication")
        );
        for one in &self.hyperparameters {
            let default =
                one.default.as_ref().map_or_else(|| "required".to_owned(), |default| format!("default {default}"));
            let _ = writeln!(text, "  {:<17} {} ({default})", one.name, one.values);
        }
        text
    }
}
