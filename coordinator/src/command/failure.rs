//! How a command ends: exit codes and errors.

use std::{io::IsTerminal as _, process::ExitCode};

use seedgrid_common::{join::JoinError, spec::Look};

use crate::{
    checking::CheckError,
    comparing::CompareError,
    console,
    control_client::ControlError,
    core::{CoreError, NotCancelled},
    data_command::FetchError,
    door::{IdentityError, KeysError},
    export::ExportError,
    listing::NotFound,
    local_workers::LocalWorkerError,
    prepare::PrepareError,
    retrying::NotRetried,
    run_directory::RunDirectoryError,
    service::ServerError,
    store::StoreError,
};

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Done,
    /// 3: the study has ended, and some units have no result.
    MissingCells,
    /// 7: two runs have different results of equal units.
    Contradiction,
    /// 8: the study is paused or was drained; nothing failed, and units are left.
    StandsStill,
    /// 10: a run directory does not match its digests.
    Damaged,
    /// 130: stopped by a signal; the same command goes on.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::MissingCells => 3,
            Exit::Contradiction => 7,
            Exit::StandsStill => 8,
            Exit::Damaged => 10,
            Exit::Interrupted => 130,
        })
    }
}

/// Why a command failed. Each says what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The study cannot be prepared.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The run directory cannot be used.
    #[error(transparent)]
    Directory(#[from] RunDirectoryError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The core ended.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The core's thread panicked.
    #[error(
        "the coordinator's core failed unexpectedly; this is a bug\n  hint: everything acknowledged is safe; run the same command again"
    )]
    CorePanicked,
    /// The port cannot be had.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// There is no certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The files that let workers and commands in are not there.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// There is no such worker.
    #[error(
        "no worker whose id begins with {0:?} has enrolled\n  hint: `seedgrid credentials list RUN_DIR` has the ids"
    )]
    NoSuchWorker(String),
    /// More than one worker is meant.
    #[error("{count} workers have ids that begin with {prefix:?}\n  hint: write more of its digits")]
    ManyWorkers {
        /// What was written.
        prefix: String,
        /// How many there are.
        count: usize,
    },
    /// The join file cannot be read or written.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The local worker ended.
    #[error(transparent)]
    LocalWorker(#[from] LocalWorkerError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
    /// A run cannot be checked.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The tables cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Two runs cannot be set side by side.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// There is no room for a trial.
    #[error("cannot make a temporary folder: {0}\n  hint: set TMPDIR to a folder that can be written to")]
    Scratch(std::io::Error),
    /// MNIST cannot be fetched.
    #[error("{error}\n  hint: {}", error.hint())]
    Fetch {
        /// Why.
        #[from]
        error: FetchError,
    },
    /// A copy of MNIST is not right.
    #[error("the copy of MNIST in {folder} is not right\n  hint: run `seedgrid data fetch --data {folder}`")]
    BadCopy {
        /// The folder.
        folder: String,
    },
    /// There is no place to put or look for MNIST.
    #[error("no folder was named, and neither XDG_CACHE_HOME nor HOME is set\n  hint: name one with --data DIR")]
    NoDataFolder,
    /// A task that the command needs was lost.
    #[error("a download was cut off unexpectedly; this is a bug")]
    DownloadPanicked,
    /// The coordinator cannot be asked.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Nobody runs the study of this run directory.
    #[error(
        "no coordinator runs on {path}\n  hint: `seedgrid status {path}` tells where the study stands; `seedgrid run` or `seedgrid serve` \
         with its spec goes on"
    )]
    NotRunning {
        /// The run directory.
        path: String,
    },
    /// A unit cannot be retried.
    #[error(transparent)]
    NotRetried(#[from] NotRetried),
    /// A unit cannot be cancelled.
    #[error(transparent)]
    NotCancelled(#[from] NotCancelled),
    /// Which unit is meant is not clear.
    #[error(transparent)]
    WhichUnit(#[from] NotFound),
    /// Which worker is meant is not clear.
    #[error(
        "`{text}` fits {count} of the workers that are there\n  hint: `seedgrid workers RUN_DIR` lists them; write more of an id, or a machine's name"
    )]
    WhichWorker {
        /// What was written.
        text: String,
        /// How many it fits.
        count: usize,
    },
    /// What the command prints cannot be written.
    #[error(
        "cannot write to standard output: {0}\n  hint: check the room and the permissions where it is redirected to"
    )]
    Output(std::io::Error),
    /// The process cannot start.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    /// Signals cannot be heard.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Prepare(PrepareError::Spec(_) | PrepareError::Read { .. })
            | Self::Join(_)
            | Self::NoSuchWorker(_)
            | Self::ManyWorkers { .. }
            | Self::NotRetried(_)
            | Self::NotCancelled(_)
            | Self::WhichUnit(_)
            | Self::WhichWorker { .. }
            | Self::Compare(CompareError::SameDirectory { .. })
            | Self::Control(ControlError::Join(_) | ControlError::Transport(_)) => 2,
            Self::Control(ControlError::Refused { .. }) => 4,
            Self::NotRunning { .. } | Self::Control(ControlError::Unreachable { .. } | ControlError::Lost { .. }) => 5,
            Self::Prepare(_)
            | Self::Control(ControlError::Unreadable { .. })
            | Self::Directory(_)
            | Self::Store(_)
            | Self::Core(_)
            | Self::CorePanicked
            | Self::Server(_)
            | Self::Identity(_)
            | Self::Keys(_)
            | Self::LocalWorker(_)
            | Self::Report(_)
            | Self::Check(_)
            | Self::Export(_)
            | Self::Compare(_)
            | Self::Scratch(_)
            | Self::Fetch { .. }
            | Self::BadCopy { .. }
            | Self::NoDataFolder
            | Self::DownloadPanicked
            | Self::Output(_)
            | Self::Runtime(_)
            | Self::Signals(_) => 1,
        }
    }

    /// Prints the failure to standard error and gives its exit code.
    pub(super) fn report(&self) -> ExitCode {
        if let Self::Prepare(PrepareError::Spec(errors)) = self {
            let shown = match (std::io::stderr().is_terminal(), std::env::var_os("NO_COLOR")) {
                // One line each, for logs and pipes.
                (false, _) => errors.to_string(),
                (true, Some(_)) => errors.render(Look::Monochrome),
                (true, None) => errors.render(Look::Colour),
            };
            console::note(format_args!("{}", shown.trim_end()));
            let count = errors.errors().len();
            console::note(format_args!(
                "error: the spec has {count} error{}; nothing was run",
                if count == 1 { "" } else { "s" }
            ));
        } else {
            console::note(format_args!("error: {self}"));
        }
        ExitCode::from(self.code())
    }
}
