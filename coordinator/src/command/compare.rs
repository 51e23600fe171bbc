//! `seedgrid compare`: two runs side by side.

use super::{
    Exit, Failure,
    arguments::{CompareArguments, CompareFormat},
};
use crate::{comparing, run_directory::RunDirectory};

pub(super) fn compare(arguments: &CompareArguments) -> Result<Exit, Failure> {
    let [first, second] = [&arguments.first, &arguments.second].map(RunDirectory::existing);
    let sides = comparing::read(&first?, &second?)?;
    let comparison = comparing::compare(&sides);
    match arguments.format {
        CompareFormat::Text => super::print(&comparing::text(&comparison))?,
        CompareFormat::Markdown => super::print(&comparing::page(&comparison))?,
        CompareFormat::Json => super::print_json(&comparison)?,
    }
    Ok(if comparison.units.contradicting.is_empty() { Exit::Done } else { Exit::Contradiction })
}
