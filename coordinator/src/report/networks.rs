//! The networks that a study trains, from the models' own data: what every form of the report says of them.

use seedgrid_common::model::{self, Model, Network};

use super::{
    csv::normalize,
    markdown::stop,
    numbers::{count, whole},
};
use crate::{
    aggregate::document::{ConfigurationReport, Report},
    report::network_layers::{Part, parts},
};

/// A model with the network that one of its configurations describes.
pub(super) struct Trained<'a> {
    pub(super) model: &'static Model,
    pub(super) network: Network,
    pub(super) parts: Vec<Part>,
    /// The configuration that is shown: the one that was selected, else the first.
    pub(super) row: &'a ConfigurationReport,
    /// Which one that is: "as stage tune selected it".
    pub(super) which: String,
}

/// A table's header.
pub(super) const HEADER: [&str; 5] = ["Part", "Layer", "Operations", "Output", "Weights"];

impl Trained<'_> {
    /// The table's cells below [`HEADER`]: each layer that has weights with what follows it, and the sum.
    pub(super) fn rows(&self) -> Vec<[String; 5]> {
        let mut rows = Vec::new();
        for part in &self.parts {
            for (index, row) in part.rows.iter().enumerate() {
                let name = if index == 0 { part.name } else { "" };
                // The first row is the input.
                let (operations, weights) = match (index, row.steps.is_empty()) {
                    (0, true) => (format!("reads {}", part.reads), String::new()),
                    (0, false) => (format!("reads {}, {}", part.reads, row.layers()), String::new()),
                    _ => (row.layers(), whole(row.weights)),
                };
                rows.push([name.to_owned(), row.name.clone(), operations, row.shape(), weights]);
            }
        }
        let [all, none] = ["all", ""].map(str::to_owned);
        rows.push([all, none.clone(), none.clone(), none, whole(self.network.parameter_count())]);
        rows
    }

    /// How it was trained: hyper-parameters, inputs and when training ends.
    pub(super) fn settings(&self) -> String {
        let given: Vec<String> =
            self.row.hyperparameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        format!("{}. Inputs: {}. Stopping rule: {}.", given.join(", "), normalize(self.row), stop(self.row))
    }
}

/// What the tables show, in a sentence or two.
pub(super) fn about() -> &'static str {
    "Each row is a layer with weights and what follows it; output shapes are channels x height x width, or a width. Weights count \
     biases too, and those of a tower that reads each image once."
}

/// Each model of the study, in the order in which it first appears.
pub(super) fn trained(report: &Report) -> Vec<Trained<'_>> {
    let mut all: Vec<Trained<'_>> = Vec::new();
    for row in report.stages.iter().flat_map(|stage| &stage.configurations) {
        if all.iter().all(|one| one.model.name != row.model)
            && let Some(model) = model::find(&row.model)
            && let Some((row, which)) = representative(report, model)
        {
            let network = (model.network)(&row.hyperparameters);
            all.push(Trained { model, parts: parts(&network), network, row, which });
        }
    }
    all
}

/// The configuration that the last selecting stage selected, else the first one.
fn representative<'a>(report: &'a Report, model: &Model) -> Option<(&'a ConfigurationReport, String)> {
    let selected = report.stages.iter().rev().find_map(|stage| {
        let selection = stage.selection.as_ref()?.models.iter().find(|one| one.model == model.name)?;
        let row = stage.configurations.iter().find(|row| Some(row.number) == selection.selected)?;
        Some((row, format!("as stage {} selected it", stage.name)))
    });
    let first = || {
        report.stages.iter().find_map(|stage| {
            let rows = || stage.configurations.iter().filter(|row| row.model == model.name);
            let which = match rows().count() {
                1 => format!("as in stage {}", stage.name),
                many => format!("as in the first of {} of stage {}", count(many, "configuration"), stage.name),
            };
            Some((rows().next()?, which))
        })
    };
    selected.or_else(first)
}
