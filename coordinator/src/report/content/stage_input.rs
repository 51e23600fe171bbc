//! The input of the sections of one stage.

use super::drawn_units::Drawn;
use crate::{
    aggregate::{
        Curves,
        report_json::{Report, StageReport},
    },
    report::document::Label,
};

/// The input of the sections of a stage.
pub(super) struct Part<'a> {
    pub(super) report: &'a Report,
    pub(super) stage: &'a StageReport,
    /// 1-based, in the order of the spec.
    pub(super) number: usize,
    pub(super) curves: Option<&'a [Curves]>,
    pub(super) drawn: Option<Drawn>,
}

impl Part<'_> {
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
