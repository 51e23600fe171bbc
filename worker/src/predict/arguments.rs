//! The command line of `seedgrid-worker predict`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  seedgrid-worker predict --weights runs/mine/weights --data runs/mine
      Scores the study's test pairs with all kept networks together.
  seedgrid-worker predict --weights runs/mine --data runs/mine --label 'seed 3'
      Scores them with the networks whose label has these words.
  seedgrid-worker predict --weights fc.safetensors --pairs images.idx.gz
      Scores other images: images 1 and 2 are a pair, 3 and 4 the next one.

Exit codes: 0 done, 1 failed, 2 the usage or a file is wrong.";

/// The scored pairs, the weights and the output.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("input").required(true).args(["pairs", "data"]))]
pub struct PredictArguments {
    /// Files of kept weights (RUN_DIR/weights/UNIT_ID.safetensors), folders of such files, or run directories
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub weights: Vec<PathBuf>,

    /// Use the networks of the configuration with this label, or with these words in its label: 'learning_rate=0.1'. With 'seed 3',
    /// use one network
    #[arg(long, value_name = "WORDS")]
    pub label: Option<String>,

    /// IDX file of images of 14x14 or 28x28 pixels (these are mean-pooled as MNIST). Images 1 and 2 are a pair, and so on
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,

    /// IDX file of the images' digits, for the error rate
    #[arg(long, value_name = "FILE", requires = "pairs", conflicts_with = "data")]
    pub labels: Option<PathBuf>,

    /// A data set (RUN_DIR/datasets/DIGEST), or a run directory with the data set of the weights
    #[arg(long, value_name = "FILE|RUN_DIR")]
    pub data: Option<PathBuf>,

    /// Part of the data set to score
    #[arg(long, value_enum, default_value_t, conflicts_with = "pairs")]
    pub part: Part,

    /// Write the predictions of each network, too
    #[arg(long)]
    pub each: bool,

    /// Output format; docs/worker.md describes both formats
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// File for the predictions [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Device for the computation: cpu, cuda or cuda:N
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

/// The format of predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// CSV: a table.
    #[default]
    Csv,
    /// JSON for programs.
    Json,
}
