//! `seedgrid report`, and the end of `run` and `serve`.

use seedgrid_common::terminal::Screen;

use super::{Exit, Failure, arguments::ReportArguments};
use crate::{collect::collect, report, run_directory::RunDirectory};

pub(super) fn report(arguments: &ReportArguments) -> Result<Exit, Failure> {
    finish(&RunDirectory::existing(&arguments.run_dir)?)
}

/// Builds the report from the store, prints its table and says where it is.
pub(super) fn finish(directory: &RunDirectory) -> Result<Exit, Failure> {
    let (aggregate, provenance) = collect(directory)?;
    report::write(&directory.report(), &aggregate, &provenance)?;
    super::print_as_it_is(&report::terminal_table(&aggregate.report, Screen::output().columns))?;
    super::print(&format!("\nreport: {}\n", directory.report().join("report.html").display()))?;
    Ok(if aggregate.report.complete { Exit::Done } else { Exit::MissingCells })
}
