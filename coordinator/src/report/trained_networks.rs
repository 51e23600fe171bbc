//! The networks that a study trains, from the models' own data: each as one of its configurations describes it.

use seedgrid_common::model::{self, Model, Network};

use super::numbers::count;
use crate::{
    aggregate::report_json::{ConfigurationReport, Report},
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
