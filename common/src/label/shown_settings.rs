//! The settings that labels show.

use std::collections::{BTreeMap, BTreeSet};

use super::settings;
use crate::{
    hyperparameters::Value,
    model,
    spec::{ModelRow, SelectedRow, Stage},
    unit::Configuration,
};

/// The settings that labels show, by model: every setting that a row writes as an axis, and every setting in which the
/// model's configurations may differ, for any selection. Default values among them are shown, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown(BTreeMap<String, BTreeSet<String>>);

/// The source of a setting in a row.
#[derive(Clone, Debug, PartialEq)]
enum Source {
    /// Written as an axis.
    Axis,
    /// One value, written or the default.
    Value(Value),
    /// One of several values: the stage of this name selects it.
    Selected(String),
}

/// The source of each setting in a row, by name.
type Sources = BTreeMap<String, Source>;

impl Shown {
    /// The settings for the configurations of those stages of a study for which `meant` holds.
    pub fn from_stages(study: &[Stage], meant: impl Fn(&Stage) -> bool) -> Self {
        let mut first: BTreeMap<(String, String), Source> = BTreeMap::new();
        let mut shown = Self::default();
        let mut selected: BTreeMap<(&str, String), Sources> = BTreeMap::new();
        for stage in study {
            let whole = stage.rows.iter().map(|row| (row.model.clone(), of_row(row)));
            let on_selected = stage.selected.iter().map(|row| {
                let base = selected.get(&(row.from.as_str(), row.model.clone()));
                (row.model.clone(), of_selected(row, base))
            });
            let rows: Vec<(String, Sources)> = whole.chain(on_selected).collect();
            for (model, sources) in &rows {
                let base = selected.entry((&stage.name, model.clone())).or_insert_with(|| sources.clone());
                for (name, source) in sources {
                    let known = base.entry(name.clone()).or_insert_with(|| source.clone());
                    if *source == Source::Axis || known != source {
                        *known = Source::Selected(stage.name.clone());
                    }
                }
            }
            for (model, sources) in rows.into_iter().filter(|_| meant(stage)) {
                for (name, source) in sources {
                    let known = first.entry((model.clone(), name.clone())).or_insert_with(|| source.clone());
                    if source == Source::Axis || *known != source {
                        shown.0.entry(model.clone()).or_default().insert(name);
                    }
                }
            }
        }
        shown
    }

    /// The names that labels of this model's configurations show, sorted.
    pub fn names(&self, model: &str) -> impl Iterator<Item = &str> {
        self.0.get(model).into_iter().flatten().map(String::as_str)
    }

    /// The shown settings of a configuration, without its model: "batch_size=20 learning_rate=0.1", or nothing.
    pub fn settings(&self, configuration: &Configuration) -> String {
        let names = self.0.get(&configuration.model);
        settings(configuration, |name| names.is_some_and(|names| names.contains(name)))
    }
}

fn of_row(row: &ModelRow) -> Sources {
    // The settings that the row does not vary.
    let mut sources: Sources = row
        .configuration(row.combinations().next().unwrap_or_default())
        .settings()
        .into_iter()
        .map(|(name, value)| (name, Source::Value(value)))
        .collect();
    let axes = row.axes.iter().filter(|axis| axis.written).flat_map(|axis| &axis.names);
    sources.extend(axes.map(|name| (name.clone(), Source::Axis)));
    sources
}

/// The sources in a row that starts from a selection; `base` has the sources in the selecting stage.
fn of_selected(row: &SelectedRow, base: Option<&Sources>) -> Sources {
    let unknown = || Source::Selected(row.from.clone());
    let inherited = |name: &str| base.and_then(|base| base.get(name)).cloned().unwrap_or_else(unknown);
    let stop = row.stop.names();
    let mut sources: Sources = of_row(&row.alone())
        .into_iter()
        .map(|(name, source)| {
            let is_silent = match name.strip_prefix("stop.") {
                Some(key) => !stop.contains(&key),
                None => name == "normalize" && row.normalize.is_none() && source != Source::Axis,
            };
            let source = if is_silent { inherited(&name) } else { source };
            (name, source)
        })
        .collect();
    let schema = model::find(&row.model).map_or(&[][..], |model| model.parameters);
    for known in schema {
        sources.entry(known.name.to_owned()).or_insert_with(|| inherited(known.name));
    }
    sources
}
