//! Exit codes and errors of commands.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use seedgrid_common::{
    data::readers::error::ReadError,
    error_chain::with_hint,
    exit_codes::{self, FAILED, USAGE},
    join::JoinError,
    spec::Look,
    terminal::Screen,
    text::{count, shell},
};

use crate::{
    auth::{CredentialFilesError, IdentityError},
    cli::{
        contact_sheet::ContactSheetError, local_workers::LocalWorkerError, mnist_download::FetchError,
        standard_streams, stop_signals::StopSignal,
    },
    compare::CompareError,
    core::{CoreError, NotCancelled},
    export::ExportError,
    grpc::{ServerError, control_client::ControlError},
    plan::PrepareError,
    report::ReportError,
    run_directory::{RunDirectory, RunDirectoryError, lock_holder::Holder},
    scheduler::retry::NotRetried,
    store::StoreError,
    views::{backup::BackupError, integrity_check::CheckError, run_list::RunListError, units::NotFound},
};

/// The outcome of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Exit code 0.
    Done,
    /// Exit code 3: the study has ended, and some units have no result.
    MissingCells,
    /// Exit code 6: the batch job's time limit is near, and units are left.
    OutOfTime,
    /// Exit code 7: two runs have different results for equal units.
    Contradiction,
    /// Exit code 8: the study is paused or drained; nothing failed, and units are left.
    PausedOrDrained,
    /// Exit code 10: a run directory does not match its digests.
    Damaged,
    /// Exit code 128 plus the signal's number: a signal stopped the command; the same command continues.
    Interrupted(StopSignal),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => exit_codes::DONE,
            Exit::MissingCells => exit_codes::MISSING_CELLS,
            Exit::OutOfTime => exit_codes::OUT_OF_TIME,
            Exit::Contradiction => exit_codes::CONTRADICTION,
            Exit::PausedOrDrained => exit_codes::PAUSED_OR_DRAINED,
            Exit::Damaged => exit_codes::DAMAGED,
            Exit::Interrupted(signal) => signal.exit_code(),
        })
    }
}

/// The failure of a command. Each message has its cause, its place and a hint.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Failure {
    /// The study cannot be prepared.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Prepare(#[from] PrepareError),
    /// The run directory cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Directory(#[from] RunDirectoryError),
    /// The store cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The core ended with an error.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Core(#[from] CoreError),
    /// The core's thread panicked.
    #[error("the coordinator's core failed unexpectedly; this is a bug")]
    #[diagnostic(help("everything acknowledged is safe; run the same command again"))]
    CorePanicked,
    /// The server cannot listen.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Server(#[from] ServerError),
    /// The certificate is not available.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Identity(#[from] IdentityError),
    /// The credential files are not available.
    #[error(transparent)]
    #[diagnostic(transparent)]
    CredentialFiles(#[from] CredentialFilesError),
    /// No worker has this id prefix.
    #[error("no worker whose id begins with {0:?} has enrolled")]
    #[diagnostic(help("`seedgrid credentials list RUN_DIR` has the ids"))]
    NoSuchWorker(String),
    /// Several workers have this id prefix.
    #[error("{count} workers have ids that begin with {prefix:?}")]
    #[diagnostic(help("write more of its digits"))]
    ManyWorkers {
        /// The given prefix.
        prefix: String,
        /// The number of matching workers.
        count: usize,
    },
    /// The join file cannot be read or written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Join(#[from] JoinError),
    /// The local worker ended with an error.
    #[error(transparent)]
    #[diagnostic(transparent)]
    LocalWorker(#[from] LocalWorkerError),
    /// The remaining time is too short for a trial.
    #[error("the batch job ends too soon for a trial")]
    #[diagnostic(help("run `seedgrid plan --measure` where more time is left, or leave out --measure"))]
    NoTime,
    /// The report cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Report(#[from] ReportError),
    /// The runs of a folder cannot be listed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    List(#[from] RunListError),
    /// A run cannot be checked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Check(#[from] CheckError),
    /// A run cannot be backed up.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Backup(#[from] BackupError),
    /// The tables cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Export(#[from] ExportError),
    /// Two runs cannot be compared.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Compare(#[from] CompareError),
    /// The temporary folder of a trial cannot be made.
    #[error("cannot make a temporary folder: {0}")]
    #[diagnostic(help("set TMPDIR to a folder that can be written to"))]
    Scratch(std::io::Error),
    /// MNIST cannot be fetched.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Fetch(#[from] FetchError),
    /// A copy of MNIST is wrong.
    #[error("the copy of MNIST in {folder} is not right")]
    #[diagnostic(help("run `seedgrid data fetch --data {}`", shell(folder.as_ref())))]
    BadCopy {
        /// The folder's path.
        folder: String,
    },
    /// The files of a data set cannot be read as its spec asks.
    #[error(transparent)]
    #[diagnostic(transparent)]
    DataFiles(#[from] ReadError),
    /// A contact sheet cannot be made.
    #[error(transparent)]
    #[diagnostic(transparent)]
    ContactSheet(#[from] ContactSheetError),
    /// No folder for MNIST is known.
    #[error("no folder was named, and neither XDG_CACHE_HOME nor HOME is set")]
    #[diagnostic(help("name one with --data DIR"))]
    NoDataFolder,
    /// The task of the download panicked.
    #[error("a download was cut off unexpectedly; this is a bug")]
    DownloadPanicked,
    /// The coordinator cannot be reached.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Control(#[from] ControlError),
    /// No coordinator runs on this run directory.
    #[error("no coordinator runs on {path}{}", the_last(.last))]
    #[diagnostic(help("`seedgrid status {}` tells where the study stands; `seedgrid run` or `seedgrid serve` \
         with its spec goes on", shell(.path)))]
    NotRunning {
        /// The run directory's path.
        path: PathBuf,
        /// The last owner, if known.
        last: Option<Holder>,
    },
    /// A unit cannot be retried.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotRetried(#[from] NotRetried),
    /// A unit cannot be cancelled.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotCancelled(#[from] NotCancelled),
    /// The given unit is unknown or ambiguous.
    #[error(transparent)]
    #[diagnostic(transparent)]
    WhichUnit(#[from] NotFound),
    /// The given worker is unknown or ambiguous.
    #[error("`{text}` fits {count} of the connected workers")]
    #[diagnostic(help("`seedgrid workers RUN_DIR` lists them; write more of an id, or a machine's name"))]
    WhichWorker {
        /// The given text.
        text: String,
        /// The number of matching workers.
        count: usize,
    },
    /// The command's output cannot be written.
    #[error("cannot write to standard output: {0}")]
    #[diagnostic(help("check the room and the permissions where it is redirected to"))]
    Output(std::io::Error),
    /// The process cannot start.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    /// The process cannot receive signals.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
}

fn the_last(last: &Option<Holder>) -> String {
    last.as_ref().map(|holder| format!("; the last one was {holder}")).unwrap_or_default()
}

impl Failure {
    /// The failure of a command that needs a running coordinator.
    pub(super) fn not_running(run_dir: &Path) -> Self {
        Self::NotRunning { path: run_dir.to_owned(), last: RunDirectory::new(run_dir).last_holder() }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Prepare(error) => of_preparing(error),
            Self::Directory(error) => of_directory(error),
            Self::Check(CheckError::Prepare(error))
            | Self::Export(ExportError::Prepare(error))
            | Self::Compare(CompareError::Prepare(error)) => of_preparing(error),
            Self::Compare(CompareError::Directory(error)) => of_directory(error),
            Self::Backup(BackupError::Directory(error)) => of_directory(error),
            Self::Backup(BackupError::NotEmpty { .. } | BackupError::NoPlace { .. })
            | Self::Report(ReportError::Foreign { .. })
            | Self::Export(ExportError::Foreign { .. } | ExportError::ForeignFile { .. })
            | Self::Join(_)
            | Self::BadCopy { .. }
            | Self::DataFiles(_)
            | Self::ContactSheet(ContactSheetError::NoImages)
            | Self::NoDataFolder
            | Self::List(RunListError::Missing { .. })
            | Self::NoSuchWorker(_)
            | Self::ManyWorkers { .. }
            | Self::NotRetried(_)
            | Self::NotCancelled(_)
            | Self::WhichUnit(_)
            | Self::WhichWorker { .. }
            | Self::Compare(CompareError::SameDirectory { .. })
            | Self::Control(ControlError::Join(_) | ControlError::NoKey { .. } | ControlError::Transport(_)) => USAGE,
            Self::LocalWorker(error) => error.exit_code().unwrap_or(FAILED),
            Self::NoTime => exit_codes::OUT_OF_TIME,
            Self::Control(ControlError::Refused { .. }) => exit_codes::REFUSED,
            Self::NotRunning { .. } | Self::Control(ControlError::Unreachable { .. } | ControlError::Lost { .. }) => {
                exit_codes::UNREACHABLE
            }
            Self::Control(ControlError::Unreadable { .. })
            | Self::Store(_)
            | Self::Core(_)
            | Self::CorePanicked
            | Self::Server(_)
            | Self::Identity(_)
            | Self::CredentialFiles(_)
            | Self::Report(_)
            | Self::List(RunListError::Unreadable { .. })
            | Self::Check(_)
            | Self::Backup(_)
            | Self::Export(_)
            | Self::Scratch(_)
            | Self::ContactSheet(_)
            | Self::Fetch(_)
            | Self::DownloadPanicked
            | Self::Output(_)
            | Self::Runtime(_)
            | Self::Signals(_) => FAILED,
        }
    }

    /// The failure's message with all causes, then the hint.
    fn told(&self) -> String {
        with_hint(self)
    }

    /// Prints the failure with its causes to standard error, and returns its exit code.
    pub(super) fn report(&self) -> ExitCode {
        if let Self::Prepare(PrepareError::Spec(errors)) = self {
            let screen = Screen::error();
            let shown = match (screen.is_terminal, std::env::var_os("NO_COLOR")) {
                // One line each, for logs and pipes.
                (false, _) => errors.to_string(),
                (true, Some(_)) => errors.render(Look::Monochrome, screen.columns),
                (true, None) => errors.render(Look::Colour, screen.columns),
            };
            standard_streams::note_as_it_is(shown.trim_end());
            let count = count(errors.errors().len(), "error");
            standard_streams::note(format_args!("error: the spec has {count}; nothing was run"));
        } else {
            standard_streams::note(format_args!("error: {}", self.told()));
        }
        ExitCode::from(self.code())
    }
}

/// Classifies errors of the preparation: a wrong spec, missing or wrong data, and a wrong run directory are bad usage.
fn of_preparing(error: &PrepareError) -> u8 {
    match error {
        PrepareError::Read { .. }
        | PrepareError::Spec(_)
        | PrepareError::Data(_)
        | PrepareError::NoSuchSpec { .. }
        | PrepareError::NothingNamed { .. } => USAGE,
        PrepareError::Directory(error) => of_directory(error),
        PrepareError::Dataset(_)
        | PrepareError::Store(_)
        | PrepareError::NoSpec { .. }
        | PrepareError::LostDataset { .. }
        | PrepareError::DamagedDataset { .. } => FAILED,
    }
}

/// Classifies errors of the run directory: a folder that is no run directory, or another study's, is bad usage; others
/// are failures.
fn of_directory(error: &RunDirectoryError) -> u8 {
    match error {
        RunDirectoryError::Missing { .. }
        | RunDirectoryError::File { .. }
        | RunDirectoryError::InTheWay { .. }
        | RunDirectoryError::Foreign { .. }
        | RunDirectoryError::OtherResults { .. }
        | RunDirectoryError::OtherStudy { .. } => USAGE,
        RunDirectoryError::Io { .. }
        | RunDirectoryError::Unwritable { .. }
        | RunDirectoryError::InUse { .. }
        | RunDirectoryError::Unlockable { .. }
        | RunDirectoryError::LostDatabase { .. }
        | RunDirectoryError::Unreadable { .. } => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use seedgrid_common::data::{DataError, idx::IdxError, looked::Looked, mnist_files};

    use super::*;

    #[test]
    fn causes_are_told() {
        let gzip =
            || mnist_files::FileError::Damaged { path: "a.gz".into(), cause: IdxError::GzipTrailing { bytes: 7 } };
        let damaged = Failure::Prepare(DataError::from(gzip()).into()).told();
        let (message, hint) = damaged.split_once("\n  hint: ").unwrap();
        assert!(message.starts_with("a.gz is damaged: the compressed file is whole, but"), "{damaged}");
        assert!(hint.contains("seedgrid data fetch"), "{damaged}");
        let disk = std::io::Error::other("no space left");
        let folder = FetchError::Folder { folder: "mnist".into(), cause: disk };
        let folder = Failure::from(folder).told();
        assert!(folder.starts_with("cannot write into mnist: no space left\n  hint: "), "{folder}");
        let read = PrepareError::Read { path: "s.toml".into(), cause: std::io::Error::other("gone") };
        assert_eq!(
            Failure::from(read).told().matches("gone").count(),
            1,
            "a cause that is said already is not repeated"
        );
    }

    #[test]
    fn wrong_folders_and_missing_data_are_bad_usage() {
        let path = || PathBuf::from("runs/a");
        let missing = || RunDirectoryError::Missing { path: path() };
        let data = DataError::NotFound { places: vec![(path(), Looked::NoFolder)] };
        for usage in [
            Failure::Directory(missing()),
            Failure::Directory(RunDirectoryError::File { path: path() }),
            Failure::Prepare(missing().into()),
            Failure::Prepare(RunDirectoryError::Foreign { path: path() }.into()),
            Failure::Compare(missing().into()),
            Failure::Export(PrepareError::from(missing()).into()),
            Failure::Prepare(data.into()),
            Failure::BadCopy { folder: "mnist".to_owned() },
            Failure::NoDataFolder,
        ] {
            assert_eq!(usage.code(), USAGE, "{usage}");
        }
        for failed in [
            Failure::Directory(RunDirectoryError::InUse { path: path(), holder: None }),
            Failure::Directory(RunDirectoryError::LostDatabase { path: path(), what: "missing" }),
            Failure::Prepare(PrepareError::DamagedDataset { path: path() }),
        ] {
            assert_eq!(failed.code(), FAILED, "{failed}");
        }
    }
}
