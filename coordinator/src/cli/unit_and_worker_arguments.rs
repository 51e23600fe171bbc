//! The arguments of commands that show units and workers and control a study.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};

use seedgrid_common::{text, wire::limits::DETAIL_BYTES_MAX};

use strum::VariantArray as _;

use super::arguments::{Format, ReachArguments};
use crate::scheduler::unit_state::UnitState;

/// Arguments of `units`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid units runs/table3 --state quarantined          what was given up
  seedgrid units runs/table3 --state training --state assigned
  seedgrid units runs/table3 --label 'cnn seed 3' --format json")]
pub struct UnitsArguments {
    /// The run directory, or the view or admin file of a running study.
    pub run_dir: PathBuf,
    /// Only units that stand so; may be given more than once.
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub state: Vec<UnitState>,
    /// Only units of this stage.
    #[arg(long, value_name = "NAME")]
    pub stage: Option<String>,
    /// Only units of which all these words hold: a model, settings, a fold, a seed.
    #[arg(long, value_name = "WORDS")]
    pub label: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `workers`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid workers runs/table3                those that are there
  seedgrid workers runs/table3 --all          and all that ever were
  seedgrid workers runs/table3 --host node7 --format json")]
pub struct WorkersArguments {
    /// The run directory, or the view or admin file of a running study.
    pub run_dir: PathBuf,
    /// Those that have left, too.
    #[arg(long)]
    pub all: bool,
    /// Only those on this machine.
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `explain` and `logs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid explain runs/table3 3f8a
  seedgrid explain runs/table3 'cnn seed 3'
  seedgrid explain runs/paper 'dropout=0.5 fold 3 seed 3'     any setting, also one that labels do not show
  seedgrid logs runs/table3 'cnn seed 3'
  seedgrid logs view.toml 'cnn seed 3'          from elsewhere, with a copy of RUN_DIR/view.toml

UNIT is an id, its first digits, or words that hold of one unit alone.")]
pub struct UnitArguments {
    /// The run directory, or the view or admin file of a running study.
    pub run_dir: PathBuf,
    /// Which unit.
    pub unit: String,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid cancel runs/table3 3f8a 'cnn seed 3'      ids, their first digits, or words of labels
  seedgrid retry runs/table3 3f8a...                 puts one back, by its whole id")]
pub struct CancelArguments {
    /// The run directory, or the admin file of a running study.
    pub run_dir: PathBuf,
    /// Which units.
    #[arg(required = true, value_name = "UNIT")]
    pub units: Vec<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `drain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid drain runs/table3            every worker finishes what it holds and leaves
  seedgrid drain runs/table3 node7      the one on this machine
  seedgrid resume runs/table3           gives units out again")]
pub struct DrainArguments {
    /// The run directory of a running study, or its admin file.
    pub run_dir: PathBuf,
    /// One worker: its id, the first digits of it, or its machine. Default: all.
    pub worker: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to a running coordinator.
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
    /// Shown with the pause.
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = reason)]
    pub reason: String,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seedgrid resume runs/table3           after a pause, by whomever, or a drain; workers that were set aside get units again")]
pub struct ResumeArguments {
    /// The run directory, or the admin file of a running study.
    pub run_dir: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// How to speak to a running coordinator.
    #[command(flatten)]
    pub reach: ReachArguments,
}

fn states() -> impl clap::builder::TypedValueParser<Value = UnitState> {
    PossibleValuesParser::new(UnitState::VARIANTS.iter().map(|state| state.name()))
        .try_map(|word| word.parse::<UnitState>())
}
