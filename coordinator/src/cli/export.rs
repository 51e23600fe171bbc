//! `seedgrid export` writes a run's units, epochs and predictions as tables for other programs.

use super::{
    Exit, Failure,
    arguments::{ExportArguments, ExportFormat},
};
use crate::{
    cli::standard_streams,
    export::{Form, check_place, export as write},
    run_directory::RunDirectory,
};

pub(super) fn export(arguments: &ExportArguments) -> Result<Exit, Failure> {
    let directory = RunDirectory::existing(&arguments.run_dir)?;
    let folder = arguments.output.clone().unwrap_or_else(|| directory.root().join("export"));
    let forms: &[Form] = match arguments.format {
        ExportFormat::Csv => &[Form::Csv],
        ExportFormat::Parquet => &[Form::Parquet],
        ExportFormat::Both => &Form::ALL,
    };
    // Checks the folder before any computation.
    if let Some(folder) = &arguments.output {
        check_place(folder, forms)?;
    }
    let exported = write(&directory, &folder, forms)?;
    for table in &exported.tables {
        for file in &table.files {
            super::print(&format!("{:>9} rows  {}\n", table.rows, file.display()))?;
        }
    }
    let (without, to_come) = (exported.without_result, exported.to_come);
    if without > 0 {
        standard_streams::note(format_args!(
            "note: {without} {} without a result (yet); the column `ending` says why",
            if without == 1 { "unit is" } else { "units are" }
        ));
    }
    if to_come > 0 {
        standard_streams::note(format_args!(
            "note: {to_come} more {} for a selection and {} no rows yet",
            if to_come == 1 { "unit waits" } else { "units wait" },
            if to_come == 1 { "has" } else { "have" }
        ));
    }
    Ok(Exit::Done)
}
