//! The command line of `seedgrid-worker predict`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  seedgrid-worker predict --weights runs/mine/weights/*.safetensors --data runs/mine
      The study's own test pairs, by all of its networks together.
  seedgrid-worker predict --weights runs/mine/weights --data runs/mine --label 'learning_rate=0.1'
      By those of one configuration.
  seedgrid-worker predict --weights fc.safetensors --pairs images.idx.gz --labels digits.idx.gz
      Images of your own, or MNIST's: each two that follow one another are a pair.

Exit codes: 0 done, 1 failed, 2 bad usage, or a file that cannot be used.";

/// What is scored, with which weights.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("input").required(true).args(["pairs", "data"]))]
pub struct PredictArguments {
    /// Files of kept weights (RUN_DIR/weights/UNIT_ID.safetensors); a folder or a run directory stands for all that are in it
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub weights: Vec<PathBuf>,

    /// Only the networks of the one configuration that has this label, or these words of it: 'learning_rate=0.1'. With 'seed 3' in it, one network
    #[arg(long, value_name = "WORDS")]
    pub label: Option<String>,

    /// Images in an IDX file, 14x14 or 28x28 (mean-pooled as MNIST is); each two that follow one another are a pair
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,

    /// The images' digits in an IDX file, to tell the error rate
    #[arg(long, value_name = "FILE", requires = "pairs", conflicts_with = "data")]
    pub labels: Option<PathBuf>,

    /// A data set of Seedgrid (RUN_DIR/datasets/DIGEST); of a run directory, the one that the weights were trained on
    #[arg(long, value_name = "FILE|RUN_DIR")]
    pub data: Option<PathBuf>,

    /// Which pairs of the data set
    #[arg(long, value_enum, default_value_t, conflicts_with = "pairs")]
    pub part: Part,

    /// Each network's own predictions as well, not only those of all together
    #[arg(long)]
    pub each: bool,

    /// How to write them; docs/worker.md describes both
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Where to write them [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// What to compute on: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    pub device: String,
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The test pairs.
    #[default]
    Test,
    /// The training pairs, those of every fold.
    Train,
}

impl Part {
    /// The part's name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
        }
    }
}

/// How predictions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    #[default]
    Csv,
    /// For programs.
    Json,
}
