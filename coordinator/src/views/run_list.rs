//! The runs of a folder, one line each, from their databases. Reads only, and tolerates other entries and damage.

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
    views::{run_state::RunState, units},
};

/// The content of `seedgrid list --format json`, described in docs/cli.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunList {
    /// The schema's name and version.
    pub schema: &'static str,
    /// The folder's path.
    pub folder: String,
    /// The runs of the folder, the last changed first.
    pub runs: Vec<Run>,
    /// The number of other entries in the folder.
    pub others: usize,
}

/// One run directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// The run directory's path.
    pub path: String,
    /// The study's name; None if the database does not have it.
    pub study: Option<String>,
    /// The run's state.
    pub state: RunState,
    /// The run's units; None if the database does not have them.
    pub units: Option<Units>,
    /// The time of the last write to the database.
    pub changed: Option<String>,
    /// The reason for which the database cannot be read.
    pub problem: Option<String>,
}

/// The numbers of a run's units by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Units {
    /// Units of the plan; an upper bound while some are undecided.
    pub planned: u32,
    /// Units with a result that did not diverge.
    pub done: u32,
    /// Units with a result that diverged.
    pub diverged: u32,
    /// Units in quarantine.
    pub quarantined: u32,
    /// Cancelled units.
    pub cancelled: u32,
    /// Units held back until races are decided, which will skip some.
    pub undecided: u32,
}

/// The reason for which a folder's runs cannot be listed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunListError {
    /// The folder does not exist.
    #[error("there is no folder {}", folder.display())]
    #[diagnostic(help("name the folder that holds run directories; `seedgrid run SPEC` makes runs/NAME"))]
    Missing {
        /// The folder's path.
        folder: PathBuf,
    },
    /// The folder cannot be read.
    #[error("cannot look into {}: {cause}", folder.display())]
    #[diagnostic(help("name a folder that holds run directories, and may be read"))]
    Unreadable {
        /// The folder's path.
        folder: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

/// Lists every run directory in `folder`, or `folder` itself if it is a run directory.
///
/// # Errors
/// When the folder cannot be read.
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

/// Reads the run at `path`; None if `path` is no run.
fn look(path: &Path) -> Option<Run> {
    let empty = || Run {
        path: shown(path),
        study: None,
        state: RunState::Unreadable,
        units: None,
        changed: changed(path).map(utc::format),
        problem: None,
    };
    let directory = match RunDirectory::existing(path) {
        Ok(directory) => directory,
        Err(RunDirectoryError::LostDatabase { .. }) => {
            let problem = "study.db is missing".to_owned();
            return Some(Run { state: RunState::Damaged, problem: Some(problem), ..empty() });
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

fn read(directory: &RunDirectory) -> Result<(String, RunState, Units), PrepareError> {
    let store = Store::open_to_read(&directory.database())?;
    let study = Planned::stored(directory, &store)?;
    let counts = units::counts(&study, &store.units()?);
    let state = match (directory.is_owned(), counts.waiting) {
        (true, _) if store.pause()?.is_some() => RunState::Paused,
        (true, _) => RunState::Running,
        (false, 0) => RunState::Done,
        (false, _) => RunState::Stopped,
    };
    let units = Units {
        planned: counts.total,
        done: counts.done,
        diverged: counts.diverged,
        quarantined: counts.quarantined,
        cancelled: counts.cancelled,
        undecided: counts.undecided,
    };
    Ok((study.spec.study.name.clone(), state, units))
}

/// The state of a run that cannot be read for this reason.
fn state_of(error: &PrepareError) -> RunState {
    match error {
        PrepareError::NoSpec { .. } => RunState::NotBegun,
        // The spec was valid when it was stored.
        PrepareError::Spec(_) => RunState::OtherVersion,
        PrepareError::Store(error) => match error {
            StoreError::Version { .. } => RunState::OtherVersion,
            StoreError::NotBegun { .. } => RunState::NotBegun,
            StoreError::Damaged { .. }
            | StoreError::DamagedRows { .. }
            | StoreError::DamagedResult { .. }
            | StoreError::Empty { .. }
            | StoreError::NoDatabase { .. } => RunState::Damaged,
            _ => RunState::Unreadable,
        },
        PrepareError::Read { .. }
        | PrepareError::Data(_)
        | PrepareError::Dataset(_)
        | PrepareError::Directory(_)
        | PrepareError::NoSuchSpec { .. }
        | PrepareError::NothingNamed { .. }
        | PrepareError::LostDataset { .. }
        | PrepareError::DamagedDataset { .. } => RunState::Unreadable,
    }
}

/// The error in one line, without its hint.
fn told(error: &dyn std::error::Error) -> String {
    text::plain(&error_chain::chain(error))
}

/// The time of the last write to the run's database, in milliseconds since the Unix epoch.
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

    /// A run without trained units; its lock is held until the returned value is dropped.
    fn begun(root: &Path) -> crate::run_directory::Owned {
        let directory = RunDirectory::new(root).own().unwrap();
        let mut store = Store::open(&directory.database()).unwrap();
        let spec = Spec::parse("small", SPEC.to_owned()).unwrap();
        let mut prepared = Prepared::new(spec, None, &directory, Some(&store)).unwrap();
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
        // The states after a run was killed while it made the database, and after a run lost its database.
        drop(RunDirectory::new(path("killed")).own().unwrap());
        fs::write(path("killed/study.db"), "").unwrap();
        drop(begun(&path("emptied")));
        fs::write(path("emptied/study.db"), "").unwrap();
        let before = fs::read(path("newer/study.db")).unwrap();

        let found = catalogue(folder.path()).unwrap();
        let mut states: Vec<(String, RunState, Option<&str>, Option<u32>)> = found
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
                nothing("damaged", RunState::Damaged),
                nothing("early", RunState::NotBegun),
                nothing("emptied", RunState::Damaged),
                nothing("killed", RunState::NotBegun),
                nothing("lost", RunState::Damaged),
                nothing("newer", RunState::OtherVersion),
                begun("running", RunState::Running),
                begun("stopped", RunState::Stopped),
            ]
        );
        assert_eq!(found.others, 2);
        for run in &found.runs {
            assert_eq!(run.problem.is_some(), run.units.is_none(), "{run:?}");
            assert!(run.problem.as_ref().is_none_or(|problem| !problem.contains('\n')), "{run:?}");
        }
        let newer = found.runs.iter().find(|run| run.state == RunState::OtherVersion).unwrap();
        assert!(newer.problem.as_ref().unwrap().contains("its schema is version 99"), "{newer:?}");
        assert_eq!(fs::read(path("newer/study.db")).unwrap(), before, "nothing is changed");

        let one = catalogue(&path("stopped")).unwrap();
        assert_eq!((one.runs.len(), one.others), (1, 0), "a run directory stands for itself");
        assert!(matches!(catalogue(&path("absent")), Err(RunListError::Missing { .. })));
        assert!(matches!(catalogue(&path("notes.txt")), Err(RunListError::Unreadable { .. })));
        drop(running);
    }
}
