//! The runs of a folder, a line each: what their databases tell at a glance. Reads only, and tolerates what is no run or is damaged.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use seedgrid_common::{error_chain, text, utc};
use serde::Serialize;

use crate::{
    plan::{Planned, PrepareError},
    run_directory::{RunDirectory, RunDirectoryError},
    store::{Store, StoreError},
    views::units,
};

/// What `seedgrid list --format json` says; docs/cli.md describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunList {
    /// Its name and version.
    pub schema: &'static str,
    /// The folder.
    pub folder: String,
    /// Its runs, the last changed first.
    pub runs: Vec<Run>,
    /// How many other entries the folder has.
    pub others: usize,
}

/// One run directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The run directory.
    pub path: String,
    /// The study's name; None where its database does not tell.
    pub study: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Its units; None where its database does not tell.
    pub units: Option<Units>,
    /// When its database was last written.
    pub changed: Option<String>,
    /// Why the database does not tell.
    pub problem: Option<String>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A coordinator runs on it.
    Running,
    /// A coordinator runs on it and gives no units out.
    Paused,
    /// Every unit has ended.
    Done,
    /// Units are left, and no coordinator runs.
    Stopped,
    /// It was stopped before its study was written down.
    NotBegun,
    /// Another version of Seedgrid made its database.
    OtherVersion,
    /// Its database is damaged or lost.
    Damaged,
    /// Its database cannot be read for another reason.
    Unreadable,
}

impl State {
    /// For people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::NotBegun => "not begun",
            Self::OtherVersion => "other version",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        }
    }
}

/// How many units of a run stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Units {
    /// Of the plan; an upper bound while some are undecided.
    pub planned: u32,
    /// With a result that did not diverge.
    pub done: u32,
    /// With a result that diverged.
    pub diverged: u32,
    /// In quarantine.
    pub failed: u32,
    /// Taken out.
    pub cancelled: u32,
    /// Held back until races are decided, which will skip some.
    pub undecided: u32,
}

/// Why a folder's runs cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum RunListError {
    /// There is no such folder.
    #[error("there is no folder {}\n  hint: name the folder that holds run directories; `seedgrid run SPEC` makes runs/NAME", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be looked into.
    #[error("cannot look into {}: {cause}\n  hint: name a folder that holds run directories, and may be read", folder.display())]
    Unreadable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Looks at every run directory in `folder`; at `folder` itself, where that is one.
///
/// # Errors
/// When the folder cannot be looked into.
pub fn catalogue(folder: &Path) -> Result<RunList, RunListError> {
    let mut runs = Vec::new();
    let mut others = 0;
    match look(folder) {
        Some(run) => runs.push(run),
        None => {
            let failed = |cause: io::Error| {
                let folder = folder.to_owned();
                match cause.kind() {
                    io::ErrorKind::NotFound => RunListError::Missing { folder },
                    _ => RunListError::Unreadable { folder, cause },
                }
            };
            for entry in fs::read_dir(folder).map_err(failed)?.flatten() {
                match look(&entry.path()) {
                    Some(run) => runs.push(run),
                    None => others += 1,
                }
            }
        }
    }
    runs.sort_by(|one, other| other.changed.cmp(&one.changed).then_with(|| one.path.cmp(&other.path)));
    Ok(RunList { schema: "seedgrid.list/1", folder: shown(folder), runs, others })
}

/// The run at `path`; None where there is none.
fn look(path: &Path) -> Option<Run> {
    let empty = || Run {
        path: shown(path),
        study: None,
        state: State::Unreadable,
        units: None,
        changed: changed(path).map(utc::format),
        problem: None,
    };
    let directory = match RunDirectory::existing(path) {
        Ok(directory) => directory,
        Err(RunDirectoryError::LostDatabase { .. }) => {
            let problem = "study.db is missing".to_owned();
            return Some(Run { state: State::Damaged, problem: Some(problem), ..empty() });
        }
        Err(error @ RunDirectoryError::Unreadable { .. }) => {
            return Some(Run { problem: Some(told(&error)), ..empty() });
        }
        Err(_) => return None,
    };
    Some(read(&directory).map_or_else(
        |error| Run { state: state_of(&error), problem: Some(told(&error)), ..empty() },
        |(study, state, units)| Run { study: Some(study), state, units: Some(units), ..empty() },
    ))
}

fn read(directory: &RunDirectory) -> Result<(String, State, Units), PrepareError> {
    let store = Store::open_to_read(&directory.database())?;
    let study = Planned::stored(directory, &store)?;
    let counts = units::counts(&study, &store.units()?);
    let state = match (directory.is_owned(), counts.waiting) {
        (true, _) if store.pause()?.is_some() => State::Paused,
        (true, _) => State::Running,
        (false, 0) => State::Done,
        (false, _) => State::Stopped,
    };
    let units = Units {
        planned: counts.total,
        done: counts.done,
        diverged: counts.diverged,
        failed: counts.failed,
        cancelled: counts.cancelled,
        undecided: counts.undecided,
    };
    Ok((study.spec.study.name.clone(), state, units))
}

/// What it means for the run that it cannot be read for this reason.
fn state_of(error: &PrepareError) -> State {
    match error {
        PrepareError::NoSpec { .. } => State::NotBegun,
        // A spec that was right when it was stored.
        PrepareError::Spec(_) => State::OtherVersion,
        PrepareError::Store(error) => match error {
            StoreError::Version { .. } => State::OtherVersion,
            StoreError::NotBegun { .. } => State::NotBegun,
            StoreError::Damaged { .. }
            | StoreError::Ruined { .. }
            | StoreError::DamagedResult { .. }
            | StoreError::Empty { .. }
            | StoreError::NoDatabase { .. } => State::Damaged,
            _ => State::Unreadable,
        },
        PrepareError::Read { .. }
        | PrepareError::Data { .. }
        | PrepareError::Encode(_)
        | PrepareError::Directory(_)
        | PrepareError::NoSuchSpec { .. }
        | PrepareError::NothingNamed { .. }
        | PrepareError::LostDataset { .. }
        | PrepareError::DamagedDataset { .. } => State::Unreadable,
    }
}

/// The error in one line, without its hint.
fn told(error: &dyn std::error::Error) -> String {
    let told = error_chain::chain(error);
    text::plain(told.split("\n  hint: ").next().unwrap_or_default())
}

/// When the run's database was last written, in milliseconds since the Unix epoch.
fn changed(path: &Path) -> Option<i64> {
    let database = RunDirectory::new(path).database();
    let mut log = database.clone().into_os_string();
    log.push("-wal");
    let written = |path: &Path| {
        let file = fs::metadata(path).ok().filter(|file| file.len() > 0)?;
        i64::try_from(file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
    };
    written(&database).max(written(Path::new(&log)))
}

fn shown(path: &Path) -> String {
    text::plain(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Prepared, Spec};

    const SPEC: &str = r#"
name = "small"
[dataset]
kind = "glyph-pairs"
train_pairs = 20
test_pairs = 10
[[stage]]
name = "final"
evaluation = "holdout"
seeds = "1..=3"
stop = { loss_delta = 0.0, max_epochs = 1 }
[[stage.model]]
model = "fc"
learning_rate = 0.1
batch_size = 10
"#;

    /// A run of which nothing is trained yet; its lock is held as long as what is returned lives.
    fn begun(root: &Path) -> crate::run_directory::Owned {
        let directory = RunDirectory::new(root).own().unwrap();
        let mut store = Store::open(&directory.database()).unwrap();
        let spec = Spec::parse("small", SPEC.to_owned()).unwrap();
        let prepared = Prepared::new(spec, None, &directory, Some(&store)).unwrap();
        prepared.keep(&directory, &mut store).unwrap();
        directory
    }

    #[test]
    fn runs_are_told_from_what_is_none_and_from_damaged_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        drop(begun(&path("stopped")));
        let running = begun(&path("running"));
        drop(begun(&path("newer")));
        let newer = rusqlite::Connection::open(path("newer/study.db")).unwrap();
        newer.execute_batch("CREATE TABLE newer (number INTEGER); PRAGMA user_version = 99;").unwrap();
        drop(newer);
        for name in ["damaged", "lost", "thesis"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("damaged/study.db"), "this is no database, but long enough to look like one at first sight")
            .unwrap();
        fs::write(path("lost/join.toml"), "").unwrap();
        fs::write(path("notes.txt"), "").unwrap();
        drop(Store::open(&{
            fs::create_dir(path("early")).unwrap();
            path("early/study.db")
        }));
        // As it is left by a run that was killed as it made the database, and by one that lost its own.
        drop(RunDirectory::new(path("killed")).own().unwrap());
        fs::write(path("killed/study.db"), "").unwrap();
        drop(begun(&path("emptied")));
        fs::write(path("emptied/study.db"), "").unwrap();
        let before = fs::read(path("newer/study.db")).unwrap();

        let found = catalogue(folder.path()).unwrap();
        let mut states: Vec<(String, State, Option<&str>, Option<u32>)> = found
            .runs
            .iter()
            .map(|run| {
                let name = Path::new(&run.path).file_name().unwrap().to_string_lossy().into_owned();
                (name, run.state, run.study.as_deref(), run.units.map(|units| units.planned))
            })
            .collect();
        states.sort_by(|one, other| one.0.cmp(&other.0));
        let nothing = |name: &str, state| (name.to_owned(), state, None, None);
        let begun = |name: &str, state| (name.to_owned(), state, Some("small"), Some(3));
        assert_eq!(
            states,
            [
                nothing("damaged", State::Damaged),
                nothing("early", State::NotBegun),
                nothing("emptied", State::Damaged),
                nothing("killed", State::NotBegun),
                nothing("lost", State::Damaged),
                nothing("newer", State::OtherVersion),
                begun("running", State::Running),
                begun("stopped", State::Stopped),
            ]
        );
        assert_eq!(found.others, 2);
        for run in &found.runs {
            assert_eq!(run.problem.is_some(), run.units.is_none(), "{run:?}");
            assert!(run.problem.as_ref().is_none_or(|problem| !problem.contains('\n')), "{run:?}");
        }
        let newer = found.runs.iter().find(|run| run.state == State::OtherVersion).unwrap();
        assert!(newer.problem.as_ref().unwrap().contains("its schema is version 99"), "{newer:?}");
        assert_eq!(fs::read(path("newer/study.db")).unwrap(), before, "nothing is changed");

        let one = catalogue(&path("stopped")).unwrap();
        assert_eq!((one.runs.len(), one.others), (1, 0), "a run directory stands for itself");
        assert!(matches!(catalogue(&path("absent")), Err(RunListError::Missing { .. })));
        assert!(matches!(catalogue(&path("notes.txt")), Err(RunListError::Unreadable { .. })));
        drop(running);
    }
}
