//! Finds units by text from people.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use seedgrid_common::{
    label::{self, Facts},
    matrix::PlannedConfiguration,
    unit::UnitId,
};

use super::{UnitLine, lines, some_lines};
use crate::plan::Planned;

/// The largest number of units in an error.
const SHOWN_MAX: usize = 8;
/// The largest number of labels and values that are offered without a match.
const OFFERED_MAX: usize = 5;

/// The error for text that does not identify one unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum NotFound {
    /// The text matches no unit.
    #[error("no unit of this study fits `{text}`\n{offers}")]
    #[diagnostic(help("write an id, its first digits, or a part of a label; `seedgrid units RUN_DIR` lists them"))]
    None {
        /// The given text.
        text: String,
        /// Existing alternatives, one line each.
        offers: String,
    },
    /// The text matches several units.
    #[error("`{text}` fits {count} units:\n{shown}")]
    #[diagnostic(help("write more of the label, or an id"))]
    Several {
        /// The given text.
        text: String,
        /// The number of matching units.
        count: usize,
        /// Some of the units, one line each.
        shown: String,
    },
}

/// Finds the unit whose label equals `text`; else the only one to which all of `text` applies, even if its label does
/// not show it; else the one whose id is `text` or begins with it.
///
/// # Errors
/// When the text matches no unit or several units.
pub fn find<'a>(lines: &'a [UnitLine], text: &str) -> Result<&'a UnitLine, NotFound> {
    let wanted = Facts::read(text);
    let digits = id_digits(text);
    let by_id = |line: &&UnitLine| digits.as_ref().is_some_and(|digits| line.id.to_string().starts_with(digits));
    let by_label = |line: &&UnitLine| Facts::read(&line.label) == wanted;
    let by_facts = |line: &&UnitLine| fits(line, &wanted);
    let ways: [&dyn Fn(&&UnitLine) -> bool; 3] = [&by_label, &by_facts, &by_id];
    for way in ways {
        let found: Vec<&UnitLine> = lines.iter().filter(way).collect();
        match found[..] {
            [] => {}
            [line] => return Ok(line),
            _ => {
                let show = |line: &&UnitLine| format!("    {}  {}\n", line.id, line.label);
                let mut shown: String = found.iter().take(SHOWN_MAX).map(show).collect();
                if found.len() > SHOWN_MAX {
                    shown += "    ...\n";
                }
                return Err(NotFound::Several { text: text.to_owned(), count: found.len(), shown });
            }
        }
    }
    Err(NotFound::None { text: text.to_owned(), offers: offers(lines, text) })
}

/// As [`find`], among all units of a study. The line tells what is planned; what the store knows of the unit is not read. Lines are made
/// for those units alone that the text may name: a study may have a million.
///
/// # Errors
/// As for [`find`].
pub fn find_in_study(study: &Planned, text: &str) -> Result<UnitLine, NotFound> {
    let (known, running) = (&BTreeMap::new(), false);
    let wanted = Facts::read(text).of_configuration();
    let first = |planned: &PlannedConfiguration| planned.units.first().map(|(_, unit)| Facts::from_unit(unit));
    let fits = |planned: &PlannedConfiguration| first(planned).is_some_and(|facts| wanted.are_among(&facts));
    let digits = id_digits(text);
    let begins = |id: UnitId| digits.as_ref().is_some_and(|digits| id.to_string().starts_with(digits));
    match find(&some_lines(study, known, running, fits, begins), text) {
        // The offers are from all units.
        Err(NotFound::None { .. }) => find(&lines(study, known, running), text).cloned(),
        found => found.cloned(),
    }
}

/// The text in small letters, if it can be the beginning of an id.
fn id_digits(text: &str) -> Option<String> {
    let digits = text.trim().to_lowercase();
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

/// Every unit to which all of `text` applies.
pub fn all<'a>(lines: &'a [UnitLine], text: &str) -> Vec<&'a UnitLine> {
    let wanted = Facts::read(text);
    lines.iter().filter(|line| fits(line, &wanted)).collect()
}

/// Whether the text is not empty and all of it applies to this unit.
fn fits(line: &UnitLine, wanted: &Facts) -> bool {
    !wanted.is_empty() && wanted.are_among(&Facts::read(&line.description))
}

/// Alternatives to text that matches no unit, one line each: for each fact that applies to no unit its existing values,
/// and the most similar labels.
pub fn offers(lines: &[UnitLine], text: &str) -> String {
    let known: BTreeSet<_> =
        lines.iter().flat_map(|line| Facts::read(&line.description).iter().cloned().collect::<Vec<_>>()).collect();
    let mut offers = String::new();
    for wanted in Facts::read(text).iter().filter(|wanted| !known.contains(*wanted)) {
        let others: Vec<String> =
            known.iter().filter(|fact| fact.is_like(wanted)).take(OFFERED_MAX + 1).map(ToString::to_string).collect();
        let more = if others.len() > OFFERED_MAX { ", ..." } else { "" };
        let others = others[..others.len().min(OFFERED_MAX)].join(", ");
        // Writing to a string cannot fail.
        let _ = match others.is_empty() {
            true => writeln!(offers, "  nothing is called `{wanted}`"),
            false => writeln!(offers, "  no unit has `{wanted}`; there are {others}{more}"),
        };
    }
    let labels = lines.iter().map(|line| (line.label.as_str(), line.description.as_str()));
    let similar = label::nearest(text, labels, OFFERED_MAX);
    if !similar.is_empty() {
        let _ = writeln!(offers, "  similar ones:");
        similar.iter().for_each(|label| {
            let _ = writeln!(offers, "    {label}");
        });
    }
    offers
}

/// The existing stages, if none of them is called `stage`.
pub fn stages_instead(stages: &[String], stage: &str) -> Option<String> {
    let is_known = stages.is_empty() || stages.iter().any(|known| known == stage);
    (!is_known).then(|| format!("  no stage is called `{stage}`; there are {}", stages.join(", ")))
}

#[cfg(test)]
mod tests;
