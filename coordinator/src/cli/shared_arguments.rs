//! Arguments that several commands have.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use seedgrid_common::join::Plaintext;

/// A study and its folders.
#[derive(Debug, Args)]
pub struct StudyArguments {
    /// The study's spec, a TOML file.
    pub spec: PathBuf,
    /// Folder with MNIST's four IDX files, gzipped or not. Default: the folder of `seedgrid data fetch`. Studies on drawn data and
    /// continued studies need no folder.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The run directory. Default: runs/NAME.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
}

/// The connection to a coordinator.
#[derive(Clone, Copy, Debug, Args)]
pub struct ReachArguments {
    /// Use no encryption. The coordinator must have been started with --plaintext.
    #[arg(long)]
    pub plaintext: bool,
}

impl From<ReachArguments> for Plaintext {
    fn from(reach: ReachArguments) -> Self {
        reach.plaintext.into()
    }
}

/// The format of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    #[default]
    Text,
    /// JSON for programs; docs/cli.md has the schema.
    Json,
}
