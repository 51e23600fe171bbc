//! Facts about a stage's configurations for tables, sentences and figures: names, the best ones, the selected ones, the shown rows.

use std::collections::BTreeSet;

use seedgrid_common::training::Normalize;

use super::numbers::{NONE, whole};
use crate::aggregate::{
    self, UnitReport,
    report_json::{ConfigurationReport, StageReport},
};

/// Most configurations that get a line style of their own. Above it, figures show one panel per model.
pub(super) const STYLES: usize = aggregate::CONFIGURATIONS_MAX;

/// Below this, a corrected p value is called a difference.
pub(super) const LEVEL: f64 = 0.05;

/// Most rows of a table; of more configurations those of the lowest ranks are there.
pub(super) const ROWS_MAX: usize = 1_000;

/// Whether a stage has more configurations than there are line styles.
pub(super) fn crowded(stage: &StageReport) -> bool {
    stage.configurations.len() > STYLES
}

/// Whether a stage tunes: it selects for later stages.
pub(super) fn tunes(stage: &StageReport) -> bool {
    stage.selection.is_some() || stage.race.is_some()
}

/// One model of a stage.
pub(super) struct Facet<'a> {
    pub(super) title: &'a str,
    /// Indices of its configurations, ascending.
    pub(super) members: Vec<usize>,
    /// Which of them is the best; None while each lacks results.
    pub(super) best: Option<usize>,
    /// Which of them was selected.
    pub(super) selected: Option<usize>,
}

impl Facet<'_> {
    /// Its configurations that are neither the best nor selected.
    pub(super) fn others(&self) -> Vec<usize> {
        let stands_out = |member: &usize| [self.best, self.selected].contains(&Some(*member));
        self.members.iter().copied().filter(|member| !stands_out(member)).collect()
    }
}

/// The models of a stage, in the order in which they first appear.
pub(super) fn facets(stage: &StageReport) -> Vec<Facet<'_>> {
    let rows = &stage.configurations;
    let mut facets: Vec<Facet<'_>> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match facets.iter_mut().find(|facet| rows[facet.members[0]].model == row.model) {
            Some(facet) => facet.members.push(index),
            None => facets.push(Facet { title: &row.title, members: vec![index], best: None, selected: None }),
        }
    }
    for facet in &mut facets {
        let members = facet.members.iter().copied();
        facet.best = members.clone().filter(|&index| rows[index].can_be_best).min_by_key(|&index| rows[index].rank);
        facet.selected = members.clone().find(|&index| is_selected(stage, &rows[index]));
    }
    facets
}

/// The best of these configurations; None while each lacks results.
pub(super) fn best<'a>(rows: impl IntoIterator<Item = &'a ConfigurationReport>) -> Option<&'a ConfigurationReport> {
    rows.into_iter().filter(|row| row.can_be_best).min_by_key(|row| row.rank)
}

/// Whether a configuration may be called the best as well as `best`: both have the same mean error.
pub(super) fn is_as_good(row: &ConfigurationReport, best: &ConfigurationReport) -> bool {
    let mean = |row: &ConfigurationReport| row.error.spread.mean.filter(|_| row.can_be_best);
    mean(row).is_some() && mean(row) == mean(best)
}

/// Each model's best configuration (the first by rank, where none is the best), in the order of the models.
pub(super) fn best_of_models(stage: &StageReport) -> Vec<&ConfigurationReport> {
    let rows = &stage.configurations;
    let best = facets(stage).into_iter().filter_map(|facet| {
        facet.best.or_else(|| facet.members.iter().copied().min_by_key(|&member| rows[member].rank))
    });
    best.map(|index| &rows[index]).collect()
}

/// Whether a model is there more than once, so that the best one of each model is of interest.
pub(super) fn has_variants(stage: &StageReport) -> bool {
    stage.configurations.iter().any(|row| !row.variant.is_empty())
}

/// Whether the stage selected this configuration for later stages.
pub(super) fn is_selected(stage: &StageReport, row: &ConfigurationReport) -> bool {
    stage.selection.as_ref().is_some_and(|made| made.models.iter().any(|model| model.selected == Some(row.number)))
}

/// Whether it selected any.
pub(super) fn selects(stage: &StageReport) -> bool {
    stage.selection.as_ref().is_some_and(|made| made.models.iter().any(|model| model.selected.is_some()))
}

/// The row of the stage's table with this number.
pub(super) fn row(stage: &StageReport, number: usize) -> Option<&ConfigurationReport> {
    // They are numbered in order.
    let first = stage.configurations.get(number.checked_sub(1)?).filter(|row| row.number == number);
    first.or_else(|| stage.configurations.iter().find(|row| row.number == number))
}

/// A configuration by its number.
pub(super) fn heading(stage: &StageReport, number: usize) -> String {
    row(stage, number).map_or_else(|| NONE.to_owned(), ConfigurationReport::heading)
}

/// A configuration by its number, with whether it was selected.
pub(super) fn marked(stage: &StageReport, number: usize) -> String {
    let mark = row(stage, number).filter(|row| is_selected(stage, row)).map_or("", |_| " (selected)");
    format!("{}{mark}", heading(stage, number))
}

/// The rows of tables, in their order: by rank where the stage tunes or has too many, else as planned.
pub(super) fn in_tables(stage: &StageReport) -> Vec<&ConfigurationReport> {
    let mut rows: Vec<&ConfigurationReport> = stage.configurations.iter().collect();
    if tunes(stage) || rows.len() > ROWS_MAX {
        rows.sort_by_key(|row| row.rank);
        rows.truncate(ROWS_MAX);
    }
    rows
}

/// The numbers of the rows that a short table shows: all, or of many each model's of the lowest mean error and what was selected.
pub(super) fn shown(stage: &StageReport) -> BTreeSet<usize> {
    let best: BTreeSet<usize> = best_of_models(stage).iter().map(|row| row.number).collect();
    let is_shown =
        |row: &&ConfigurationReport| !crowded(stage) || best.contains(&row.number) || is_selected(stage, row);
    stage.configurations.iter().filter(is_shown).map(|row| row.number).collect()
}

/// The rows that [`shown`] omits, in a sentence; None where it omits none.
pub(super) fn left_out(stage: &StageReport) -> Option<String> {
    let all = stage.configurations.len();
    (shown(stage).len() < all).then(|| {
        format!(
            "Each model's best configuration{}; report.html and configurations.csv have all {}.",
            if selects(stage) { " and what was selected" } else { "" },
            whole(all)
        )
    })
}

/// A cell about all units of a configuration: one that diverged comes after every number.
pub(super) fn unless_diverged(row: &ConfigurationReport, cell: String) -> String {
    if row.diverged() { "diverged".to_owned() } else { cell }
}

/// The settings that distinguish a configuration from others of its model: names and values. "learning_rate=0.1 hidden=[50, 10]" has two.
pub(super) fn settings(variant: &str) -> Vec<(&str, &str)> {
    #[cfg(test)]
    tests::SETTINGS_READ.with(|read| read.set(read.get() + 1));
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    let begins = |at: usize| {
        let token = &variant[at..];
        token.starts_with("row ") || token.split_once('=').is_some_and(|(name, _)| is_name(name))
    };
    let blanks = variant.match_indices(' ').map(|(at, _)| at + 1);
    let mut starts: Vec<usize> = std::iter::once(0).chain(blanks).filter(|&at| begins(at)).collect();
    starts.push(variant.len());
    let settings = starts.windows(2).filter_map(|ends| variant[ends[0]..ends[1]].trim_end().split_once(['=', ' ']));
    settings.collect()
}

/// The names of the settings that are columns of a stage's tables.
pub(super) fn setting_names(stage: &StageReport) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in stage.configurations.iter().flat_map(|row| settings(&row.variant)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The value of a configuration's setting.
pub(super) fn setting(row: &ConfigurationReport, name: &str) -> Option<String> {
    let told = settings(&row.variant).into_iter().find(|(one, _)| *one == name).map(|(_, value)| value.to_owned());
    told.or_else(|| row.hyperparameters.get(name).map(ToString::to_string))
}

/// How a configuration's pixels become inputs, as a spec writes it.
pub(super) fn normalize(row: &ConfigurationReport) -> &'static str {
    match row.normalize {
        Normalize::None => "none",
        Normalize::Scale => "scale",
        Normalize::Standardize => "standardize",
    }
}

/// Whether a stage has more than one draw of the data.
pub(super) fn has_several_draws(stage: &StageReport) -> bool {
    stage.data_seeds.len() > 1
}

/// A unit among those of its configuration: "data seed 0, seed 1, fold 2".
pub(super) fn place(stage: &StageReport, unit: &UnitReport) -> String {
    let data_seed = if has_several_draws(stage) { format!("data seed {}, ", unit.data_seed) } else { String::new() };
    let fold = unit.fold.map_or_else(String::new, |fold| format!(", fold {fold}"));
    format!("{data_seed}seed {}{fold}", unit.seed)
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::settings;

    thread_local! {
        /// The number of calls of [`settings`] by this thread.
        pub(in crate::report) static SETTINGS_READ: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn a_variant_is_names_and_values() {
        assert_eq!(settings(""), []);
        assert_eq!(
            settings("hidden=[150, 50] learning_rate=0.1 stop.max_epochs=50 row 3"),
            [("hidden", "[150, 50]"), ("learning_rate", "0.1"), ("stop.max_epochs", "50"), ("row", "3")]
        );
        assert_eq!(settings("row 2"), [("row", "2")]);
    }
}
