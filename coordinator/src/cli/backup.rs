//! `seedgrid backup` copies a run directory.

use std::path::PathBuf;

use clap::Args;
use seedgrid_common::text::shell;

use super::{Exit, Failure};
use crate::{
    report::numbers::count,
    run_directory::RunDirectory,
    views::backup::{self, BackedUp},
};

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid backup runs/table3 copies/table3
  seedgrid check copies/table3                 verify the copy

A backup is a run directory: `report`, and `run` and `serve` with --run-dir
accept it. It holds the run's credentials.
Exit codes: 0 copied, 10 copied, and a part of the run is damaged.")]
pub struct BackupArguments {
    /// The run directory.
    pub run_dir: PathBuf,
    /// Folder for the copy. It must be new or empty.
    pub dest: PathBuf,
}

pub(super) fn backup(arguments: &BackupArguments) -> Result<Exit, Failure> {
    let directory = RunDirectory::existing(&arguments.run_dir)?;
    let backed_up = backup::back_up(&directory, &arguments.dest)?;
    super::print(&text(&backed_up, arguments))?;
    Ok(if backed_up.damage.is_empty() { Exit::Done } else { Exit::Damaged })
}

fn text(backed_up: &BackedUp, arguments: &BackupArguments) -> String {
    let BackedUp { results, datasets, weights, checkpoints, replaced, damage } = backed_up;
    let mut lines = vec![format!(
        "copied to {}: {}, {}, {}, {}",
        arguments.dest.display(),
        count(*results, "result"),
        count(*datasets, "data set"),
        count(*weights, "weights file"),
        count(*checkpoints, "checkpoint"),
    )];
    if *replaced > 0 {
        let units = count(*replaced, "checkpoint");
        lines.push(format!(
            "note: {units} could not be copied whole: in the copy, these units are trained from their start"
        ));
    }
    lines.extend(damage.iter().map(|found| format!("damaged: {found}")));
    if !damage.is_empty() {
        lines.push(format!("hint: `seedgrid check {}` says what to do about it", shell(&arguments.run_dir)));
    }
    lines.join("\n") + "\n"
}
