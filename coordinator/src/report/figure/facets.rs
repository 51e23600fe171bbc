//! Stages of many configurations: one panel per model.

use super::style::STYLES;
use crate::{aggregate::document::StageReport, report::wording};

/// Whether a stage has more configurations than there are line styles.
pub(in crate::report) fn crowded(stage: &StageReport) -> bool {
    stage.configurations.len() > STYLES
}

/// One model of a stage.
pub(in crate::report) struct Facet<'a> {
    pub(super) title: &'a str,
    /// Indices of its configurations, ascending.
    pub(in crate::report) members: Vec<usize>,
    /// Which of them is the best; None while each lacks results.
    pub(in crate::report) best: Option<usize>,
}

/// The models of a stage, in the order in which they first appear.
pub(in crate::report) fn facets(stage: &StageReport) -> Vec<Facet<'_>> {
    let rows = &stage.configurations;
    let mut facets: Vec<Facet<'_>> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match facets.iter_mut().find(|facet| rows[facet.members[0]].model == row.model) {
            Some(facet) => facet.members.push(index),
            None => facets.push(Facet { title: &row.title, members: vec![index], best: None }),
        }
    }
    for facet in &mut facets {
        let best = wording::best(facet.members.iter().map(|&index| &rows[index])).map(|row| row.number);
        facet.best = facet.members.iter().copied().find(|&index| Some(rows[index].number) == best);
    }
    facets
}

/// Text broken at spaces into lines of at most `width` characters, where words allow.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}
