//! `seedgrid models` shows every network, layer by layer, from the models' own data.

use seedgrid_common::{
    hyperparameters::{Hyperparameters, Value},
    model::{self, Model},
    terminal::{Screen, wrapped},
    text::{count, whole},
};
use serde::Serialize;

use super::{Exit, Failure, arguments::ModelsArguments, shared_arguments::Format};
use crate::report::{
    network_layers::{Part, Row, parts},
    text_table::{Column, Table},
};

pub(super) fn models(arguments: &ModelsArguments) -> Result<Exit, Failure> {
    let wanted = |model: &&Model| arguments.model.as_ref().is_none_or(|name| name == model.name);
    let listings: Vec<Listing> = model::ALL.into_iter().filter(wanted).map(Listing::new).collect();
    match arguments.format {
        Format::Text => {
            let width = Screen::output().columns;
            let texts: Vec<String> = listings.iter().map(|listing| listing.text(width)).collect();
            super::print_as_it_is(&texts.join("\n"))?;
        }
        Format::Json => super::print_json(&Document { schema: "seedgrid.models/1", models: listings })?,
    }
    Ok(Exit::Done)
}

/// The schema of `seedgrid models --format json`, described in docs/cli.md.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Document {
    schema: &'static str,
    /// The models, in the order of the documentation.
    models: Vec<Listing>,
}

/// A model.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Listing {
    /// The name in a spec.
    model: &'static str,
    /// The title in reports.
    title: &'static str,
    /// One sentence on the network.
    summary: &'static str,
    /// The origin of the network.
    source: &'static str,
    /// The revision, a part of the ids of its units.
    revision: u32,
    /// The number of weights and biases.
    weights: usize,
    /// Multiplications in one pair's forward pass.
    multiplications: usize,
    /// The network's parts.
    parts: Vec<PartListing>,
    /// The hyper-parameters.
    hyperparameters: Vec<HyperparameterListing>,
}

/// A part of a network: the tower, the comparison or a head.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PartListing {
    /// The name of the part.
    part: &'static str,
    /// The input of the part.
    reads: &'static str,
    /// The layers of the part.
    rows: Vec<RowListing>,
}

/// A layer with weights and its following operations, as one row of a table of layers.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RowListing {
    /// The name of the layer.
    name: String,
    /// The layer and the operations after it.
    layers: String,
    /// The shape of the output.
    output: String,
    /// The number of weights and biases.
    weights: usize,
}

impl PartListing {
    fn new(part: Part) -> Self {
        let row =
            |row: Row| RowListing { layers: row.layers(), output: row.shape(), name: row.name, weights: row.weights };
        Self { part: part.name, reads: part.reads, rows: part.rows.into_iter().map(row).collect() }
    }
}

/// A hyper-parameter.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct HyperparameterListing {
    /// The name in a spec.
    name: &'static str,
    /// The allowed values, as text for people.
    values: String,
    /// The default; null if the spec must give a value.
    default: Option<String>,
    /// The effect of the hyper-parameter.
    meaning: &'static str,
}

/// The defaults. A hyper-parameter without a default gets the paper's value or an equal one: shapes do not depend on
/// it.
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

    fn text(&self, width: usize) -> String {
        let mut text =
            wrapped(&format!("{} ({}): {}\n  from {}\n", self.model, self.title, self.summary, self.source), width);
        for part in &self.parts {
            let mut table = Table::new([
                Column::left(part.part),
                Column::text("layers"),
                Column::right("output"),
                Column::right("weights").rank(1),
            ]);
            for row in &part.rows {
                table.row([row.name.clone(), row.layers.clone(), row.output.clone(), whole(row.weights)]);
            }
            text += &wrapped(&format!("\n  the {} reads {}\n", part.part, part.reads), width);
            text += &table.indented(2).render(width);
        }
        let (weights, multiplications) = (count(self.weights, "weight"), count(self.multiplications, "multiplication"));
        text += &wrapped(&format!("\n  {weights}, {multiplications} a pair\n"), width);
        let mut table = Table::new([Column::left(""), Column::text(""), Column::left("")]).indented(2);
        for one in &self.hyperparameters {
            let default =
                one.default.as_ref().map_or_else(|| "required".to_owned(), |default| format!("default {default}"));
            table.row([one.name.to_owned(), one.values.clone(), default]);
        }
        text + &table.render(width)
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::terminal::columns;

    use super::*;

    #[test]
    fn every_network_fits_narrow_terminals_with_all_its_layers() {
        for listing in model::ALL.into_iter().map(Listing::new) {
            for width in [60, 80, 100] {
                let text = listing.text(width);
                assert!(text.lines().all(|line| columns(line) <= width), "{text}");
                let words: Vec<&str> = text.split_whitespace().collect();
                for row in listing.parts.iter().flat_map(|part| &part.rows) {
                    let cells = [&row.name, &row.layers, &row.output];
                    assert!(
                        cells.iter().flat_map(|cell| cell.split_whitespace()).all(|word| words.contains(&word)),
                        "{text}"
                    );
                }
                assert!(listing.hyperparameters.iter().all(|one| words.contains(&one.name)), "{text}");
            }
        }
    }
}
