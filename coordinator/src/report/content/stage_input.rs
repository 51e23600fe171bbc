//! The input of the sections of one stage.

use crate::{
    aggregate::{
        Curves, UnitReport,
        report_json::{ConfigurationReport, Report, StageReport},
    },
    report::document::Label,
};

/// The input of the sections of a stage.
pub(super) struct Part<'a> {
    pub(super) report: &'a Report,
    pub(super) stage: &'a StageReport,
    /// 1-based, in the order of the spec.
    pub(super) number: usize,
    /// Of the stage's configurations, in their order.
    pub(super) curves: &'a [Curves],
    /// Whether there are figures and learning curves.
    pub(super) drawings: bool,
    /// How many units of each configuration are drawn one by one.
    pub(super) drawn: usize,
}

impl<'a> Part<'a> {
    /// A configuration's units.
    pub(super) fn units(&self, row: &ConfigurationReport) -> &'a [UnitReport] {
        // They are numbered in order.
        let curves = row.number.checked_sub(1).and_then(|place| self.curves.get(place));
        curves.map_or(&[], |curves| &curves.units)
    }

    /// The units of a configuration that are drawn one by one, each with its place among the planned units (0-based).
    pub(super) fn drawn(&self, row: &ConfigurationReport) -> impl Iterator<Item = (usize, &'a UnitReport)> {
        let with_result = self.units(row).iter().enumerate().filter(|(_, unit)| unit.has_result());
        with_result.take(self.drawn)
    }

    /// "final", as files and labels name the stage. Specs allow no other characters.
    pub(super) fn slug(&self) -> String {
        let plain = |character: char| {
            if character.is_ascii_alphanumeric() || "-_".contains(character) { character } else { '-' }
        };
        self.stage.name.chars().map(plain).collect()
    }

    /// The LaTeX file and label of a table: `tab:final` of the results of stage `final`, `tab:comparisons:final` of its comparisons.
    pub(super) fn label(&self, table: &str) -> Option<Label> {
        let slug = self.slug();
        let label = if table == "results" { format!("tab:{slug}") } else { format!("tab:{table}:{slug}") };
        Some(Label { file: format!("{table}-{slug}"), label })
    }

    /// The beginning of a caption.
    pub(super) fn caption(&self) -> String {
        format!("{} on {}, stage {}.", self.report.study, self.report.dataset.title, self.stage.name)
    }
}
