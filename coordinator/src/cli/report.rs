//! `seedgrid report`, and the end of `run` and `serve`.

use std::path::Path;

use seedgrid_common::{made_up_results::ResultKind, terminal::Screen};

use super::{Exit, Failure, arguments::ReportArguments};
use crate::{
    cli::standard_streams,
    plan::newest_spec,
    report::{self, Written},
    run_directory::RunDirectory,
    views::report_inputs::{StoredRows, collect, state_now},
};

pub(super) fn report(arguments: &ReportArguments) -> Result<Exit, Failure> {
    let directory = RunDirectory::existing(&arguments.run_dir)?;
    // Checks the folder before any computation.
    if let Some(folder) = &arguments.output {
        report::check_place(folder)?;
    }
    build(&directory, arguments.spec, arguments.output.as_deref())
}

/// Builds the report of the newest spec in the run directory, and prints its table and path.
pub(super) fn finish(directory: &RunDirectory) -> Result<Exit, Failure> {
    build(directory, None, None)
}

fn build(directory: &RunDirectory, spec: Option<u32>, output: Option<&Path>) -> Result<Exit, Failure> {
    let (aggregate, provenance, store) = collect(directory, spec)?;
    let rows = StoredRows::new(&store, &aggregate)?;
    let folder = match (output, spec) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(number)) if newest_spec(directory)? != Some(number) => directory.report_of_spec(number),
        (None, _) => directory.report(),
    };
    let written = report::write(&folder, &aggregate, &provenance, &rows, || state_now(directory))?;
    super::print_as_it_is(&report::terminal_table(&aggregate, Screen::output().columns))?;
    let is_made_up = |class: &String| ResultKind::from_numerics_class(class) == ResultKind::MadeUp;
    if provenance.numerics_classes.iter().any(is_made_up) {
        standard_streams::note(format_args!(
            "note: these results are made up, to measure a coordinator: they say nothing of any network"
        ));
    }
    if let Written::Newer(newer) = written {
        standard_streams::note(format_args!(
            "note: {} holds a report of a later state, with {} results, which was made meanwhile: it stays, and this one, with {}, was not written",
            folder.display(),
            newer.results,
            provenance.state.results
        ));
    }
    super::print(&format!("\nreport: {}\n", folder.join("report.html").display()))?;
    Ok(if aggregate.report.complete { Exit::Done } else { Exit::MissingCells })
}
