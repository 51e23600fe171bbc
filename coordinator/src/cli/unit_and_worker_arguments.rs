//! The arguments of commands that show units and workers and control a study.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};

use seedgrid_common::{text, wire::limits::DETAIL_BYTES_MAX};

use strum::VariantArray as _;

use super::shared_arguments::{Format, ReachArguments};
use crate::scheduler::unit_state::UnitState;

/// Arguments of `units`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid units runs/table3 --state quarantined
  seedgrid units runs/table3 --state training --state assigned
  seedgrid units runs/table3 --label 'cnn seed 3' --format json")]
pub struct UnitsArguments {
    /// The run directory, or the view or admin file of a running study.
    pub run_dir: PathBuf,
    /// Show units in this state. This option may be repeated.
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub state: Vec<UnitState>,
    /// Show units of this stage.
    #[arg(long, value_name = "NAME")]
    pub stage: Option<String>,
    /// Show units that match all these words: a model, settings, a fold, a seed.
    #[arg(long, value_name = "WORDS")]
    pub label: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `workers`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid workers runs/table3                connected workers
  seedgrid workers runs/table3 --all          all workers of the study
  seedgrid workers runs/table3 --host node7 --format json")]
pub struct WorkersArguments {
    /// The run directory, or the view or admin file of a running study.
    pub run_dir: PathBuf,
    /// Show workers that have left, too.
    #[arg(long)]
    pub all: bool,
    /// Show workers on this machine.
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `explain` and `logs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid explain runs/table3 3f8a
  seedgrid explain runs/table3 'cnn seed 3'
  seedgrid explain runs/paper 'dropout=0.5 fold 3 seed 3'
  seedgrid logs runs/table3 'cnn seed 3'
  seedgrid logs view.toml 'cnn seed 3'    on another machine, with a copy

UNIT is an id, the first digits of an id, or words that match one unit alone.
The words may name any setting, also one that the unit's label omits.")]
pub struct UnitArguments {
    /// The run directory, or the view or admin file of a running study.
    pub run_dir: PathBuf,
    /// The unit.
    pub unit: String,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid cancel runs/table3 3f8a 'cnn seed 3'
  seedgrid retry runs/table3 3f8a...    train a cancelled unit after all

UNIT is an id, the first digits of an id, or words of a label.")]
pub struct CancelArguments {
    /// The run directory, or the admin file of a running study.
    pub run_dir: PathBuf,
    /// The units.
    #[arg(required = true, value_name = "UNIT")]
    pub units: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `drain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid drain runs/table3            all workers
  seedgrid drain runs/table3 node7      the worker on the machine node7
  seedgrid resume runs/table3           assign units again")]
pub struct DrainArguments {
    /// The run directory of a running study, or its admin file.
    pub run_dir: PathBuf,
    /// A worker: its id, the first digits of its id, or its machine. Default: all workers.
    pub worker: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Parses a reason in the form that a coordinator accepts: one line of at most [`DETAIL_BYTES_MAX`] bytes.
fn reason(text: &str) -> Result<String, String> {
    match text.len() {
        0..=DETAIL_BYTES_MAX => Ok(text::plain(text)),
        bytes => Err(format!("it has {bytes} bytes, more than {DETAIL_BYTES_MAX}")),
    }
}

/// Arguments of `pause`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid pause runs/table3 --reason 'the file server is moved'
  seedgrid resume runs/table3")]
pub struct PauseArguments {
    /// The run directory, or the admin file of a running study.
    pub run_dir: PathBuf,
    /// Reason, which `seedgrid status` shows.
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = reason)]
    pub reason: String,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid resume runs/table3

This command ends every pause and drain. Workers that were set aside get units
again.")]
pub struct ResumeArguments {
    /// The run directory, or the admin file of a running study.
    pub run_dir: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The connection to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

fn states() -> impl clap::builder::TypedValueParser<Value = UnitState> {
    PossibleValuesParser::new(UnitState::VARIANTS.iter().map(|state| state.name()))
        .try_map(|word| word.parse::<UnitState>())
}
