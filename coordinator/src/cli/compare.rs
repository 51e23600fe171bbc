//! `seedgrid compare` compares two runs.

use seedgrid_common::terminal::Screen;

use super::{
    Exit, Failure,
    arguments::{CompareArguments, CompareFormat},
};
use crate::{compare, run_directory::RunDirectory};

pub(super) fn compare(arguments: &CompareArguments) -> Result<Exit, Failure> {
    let [first, second] = [&arguments.first, &arguments.second].map(RunDirectory::existing);
    let sides = compare::read(&first?, &second?)?;
    let comparison = compare::compare(&sides);
    match arguments.format {
        CompareFormat::Text => super::print_as_it_is(&compare::text(&comparison, Screen::output().columns))?,
        CompareFormat::Markdown => super::print_as_it_is(&compare::page(&comparison))?,
        CompareFormat::Json => super::print_json(&comparison)?,
    }
    Ok(if comparison.units.contradicting.is_empty() { Exit::Done } else { Exit::Contradiction })
}
