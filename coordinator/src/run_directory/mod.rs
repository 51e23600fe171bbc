//! The run directory: everything of one study on disk, owned by one coordinator at a time.
//!
//! ```text
//! runs/NAME/study.db       the store
//!           lock           the lock of the coordinator that owns the directory
//!           join.toml      credentials for workers to enroll (mode 0600)
//!           admin.toml     credentials for commands that control the study (mode 0600)
//!           view.toml      credentials for commands that view the study (mode 0600)
//!           tls.pem        the study's certificate and its key (mode 0600)
//!           datasets/      encoded data sets, named by their digest
//!           weights/       weights of units of stages with keep_weights, named by the unit's id
//!           logs/          logs of local workers
//!           specs/         every spec of its runs, by number: 1.toml is the first
//!           report/        the report of the newest spec
//!           report-spec-N/ the report of an earlier spec, on request
//! ```

pub mod file_system;
pub mod lock;
pub mod lock_holder;

use std::{
    ffi::OsString,
    fs,
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use seedgrid_common::{durable_files, join::Role, made_up_results::ResultKind, text::shell};

use file_system::FileSystem;
use lock::{Lock, LockError};
use lock_holder::Holder;

/// A run directory with any owner or none.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    root: PathBuf,
}

/// A run directory that this process owns until the value is dropped.
#[derive(Debug)]
pub struct Owned {
    directory: RunDirectory,
    /// The lock, held until the value is dropped.
    _lock: Lock,
}

/// The contents of a run directory beside its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contents {
    /// Files that a run makes before it stores its study.
    BeforeAStudy,
    /// Files that a run makes after it has stored its study.
    OfAStudy,
    /// Other files.
    Others,
}

/// The reason for which a run directory cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunDirectoryError {
    /// The file system returned an error.
    #[error("cannot {action} {path}: {cause}")]
    #[diagnostic(help("the run directory must be writable and have room; another one is named with --run-dir DIR"))]
    Io {
        /// The failed action.
        action: &'static str,
        /// The path of the action.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The same, for a command that controls the directory's study.
    #[error("cannot {action} {path}: {cause}")]
    #[diagnostic(help(
        "where no coordinator runs, this command writes into the run directory itself: it needs the right to, and \
         room; else ask whoever runs the study"
    ))]
    Unwritable {
        /// The failed action.
        action: &'static str,
        /// The path of the action.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// Another coordinator owns the directory.
    #[error("the run directory {path} is in use by {}", named(.holder))]
    #[diagnostic(help("wait for it or stop it{} (`seedgrid status {}` shows it), or choose another \
         directory with --run-dir DIR", there(.holder), shell(.path)))]
    InUse {
        /// The directory's path.
        path: PathBuf,
        /// The owner, if known.
        holder: Option<Holder>,
    },
    /// The directory's lock would not exclude a second coordinator.
    #[error("the run directory {path} cannot be locked: {why}")]
    #[diagnostic(help(
        "choose a directory on another file system with --run-dir DIR, or mount \
         this one with locks; if no other machine ever uses it, set {}=local",
        file_system::OVERRIDE
    ))]
    Unlockable {
        /// The directory's path.
        path: PathBuf,
        /// The problem with its locks.
        why: String,
    },
    /// The directory has files that are not Seedgrid's.
    #[error("{path} is not empty and is no run directory of Seedgrid")]
    #[diagnostic(help("choose an empty or new directory with --run-dir DIR"))]
    Foreign {
        /// The directory's path.
        path: PathBuf,
    },
    /// The database is missing or empty, but the directory has other files of a run.
    #[error("the run directory {path} has lost its database: study.db is {what}")]
    #[diagnostic(help(
        "restore study.db from a backup (without study.db-wal and study.db-shm), or \
         move the directory away and run the study again"
    ))]
    LostDatabase {
        /// The directory's path.
        path: PathBuf,
        /// "missing" or "empty".
        what: &'static str,
    },
    /// The directory cannot be read.
    #[error("cannot look at {path}: {cause}")]
    #[diagnostic(help("check the permissions of the run directory and of the folders that it is in"))]
    Unreadable {
        /// The database's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The path is a file, where an existing run directory is needed.
    #[error("{path} is a file, and this needs the run directory itself")]
    #[diagnostic(help(
        "name the directory that `seedgrid run` or `serve` printed, on a \
         machine that sees it"
    ))]
    File {
        /// The file's path.
        path: PathBuf,
    },
    /// The path is a file, where the run directory is to be made.
    #[error("{path} is a file, and the run directory is to be there")]
    #[diagnostic(help("choose an empty or new directory with --run-dir DIR"))]
    InTheWay {
        /// The file's path.
        path: PathBuf,
    },
    /// The directory has no run.
    #[error("{path} is no run directory: it has no study.db")]
    #[diagnostic(help("name the directory that `seedgrid run` or `serve` printed, by default runs/NAME"))]
    Missing {
        /// The directory's path.
        path: PathBuf,
    },
    /// The directory belongs to another study.
    #[error("the run directory {path} belongs to the study `{found}`, and the spec names `{wanted}`")]
    #[diagnostic(help(
        "choose another directory with \
         --run-dir DIR, or give the spec its old name back"
    ))]
    OtherStudy {
        /// The directory's path.
        path: PathBuf,
        /// The name of the directory's study.
        found: String,
        /// The name of the spec's study.
        wanted: String,
    },
    /// It holds made-up results and trained ones are wanted, or the other way round.
    #[error("the run directory {path} is for {found} results, and {wanted} ones would be added")]
    #[diagnostic(help("choose another directory with --run-dir DIR"))]
    OtherResults {
        /// The directory.
        path: PathBuf,
        /// Which results it holds.
        found: ResultKind,
        /// Which are wanted.
        wanted: ResultKind,
    },
}

fn named(holder: &Option<Holder>) -> String {
    holder.as_ref().map_or("another process".to_owned(), Holder::to_string)
}

/// The machine on which to stop the holder, if it is another one.
fn there(holder: &Option<Holder>) -> String {
    let away = holder.as_ref().filter(|holder| !holder.is_here()).and_then(|holder| holder.host.as_ref());
    away.map(|host| format!(" on {host}")).unwrap_or_default()
}

impl RunDirectory {
    /// The directory at `root`, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// An existing run directory.
    ///
    /// # Errors
    /// When the directory has no study.
    pub fn existing(root: impl Into<PathBuf>) -> Result<Self, RunDirectoryError> {
        let directory = Self::new(root);
        let path = directory.database();
        match fs::metadata(&path) {
            Ok(file) if file.is_file() => Ok(directory),
            Ok(_) => Err(RunDirectoryError::Missing { path: directory.root }),
            Err(_) if directory.join_file().exists() => {
                Err(RunDirectoryError::LostDatabase { path: directory.root, what: "missing" })
            }
            Err(_) if directory.root.is_file() => Err(RunDirectoryError::File { path: directory.root }),
            Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(RunDirectoryError::Missing { path: directory.root })
            }
            // The database may exist, for example without permission to see it.
            Err(cause) => Err(RunDirectoryError::Unreadable { path, cause }),
        }
    }

    /// The directory's path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of the store.
    pub fn database(&self) -> PathBuf {
        self.root.join("study.db")
    }

    /// The path of the join file.
    pub fn join_file(&self) -> PathBuf {
        self.key_file(Role::Join)
    }

    /// The path of the file with the token of this role.
    pub fn key_file(&self, role: Role) -> PathBuf {
        self.root.join(role.file_name())
    }

    /// The path of the study's certificate and key.
    pub fn identity(&self) -> PathBuf {
        self.root.join("tls.pem")
    }

    /// The path of the report.
    pub fn report(&self) -> PathBuf {
        self.root.join("report")
    }

    /// The path of an earlier spec's report.
    pub fn report_of_spec(&self, number: u32) -> PathBuf {
        self.root.join(format!("report-spec-{number}"))
    }

    /// The path of the folder of specs.
    pub fn specs(&self) -> PathBuf {
        self.root.join("specs")
    }

    /// The path of the spec with this number.
    pub fn spec(&self, number: u32) -> PathBuf {
        self.specs().join(format!("{number}.toml"))
    }

    /// The path of local workers' logs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The path of the folder of encoded data sets.
    pub fn datasets(&self) -> PathBuf {
        self.root.join("datasets")
    }

    /// The path of the encoded data set with this digest.
    pub fn dataset(&self, digest: &str) -> PathBuf {
        self.datasets().join(digest)
    }

    /// Whether every user of this machine can write to the directory.
    pub fn is_open_to_all(&self) -> bool {
        fs::metadata(&self.root).is_ok_and(|folder| folder.mode() & 0o002 != 0)
    }

    fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Whether a coordinator owns the directory now.
    pub fn is_owned(&self) -> bool {
        Lock::is_held(&self.lock())
    }

    /// The present or last owner of the directory.
    pub fn last_holder(&self) -> Option<Holder> {
        Lock::last_holder(&self.lock())
    }

    /// Takes ownership of an existing directory, for a command that controls its study.
    ///
    /// # Errors
    /// As for [`Self::own`].
    pub fn own_to_steer(self) -> Result<Owned, RunDirectoryError> {
        self.own().map_err(|error| match error {
            RunDirectoryError::Io { action, path, cause } => RunDirectoryError::Unwritable { action, path, cause },
            error => error,
        })
    }

    /// Makes the directory and takes ownership.
    ///
    /// # Errors
    /// When the directory cannot be made or written, has other files, or another process owns it.
    pub fn own(self) -> Result<Owned, RunDirectoryError> {
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |cause| RunDirectoryError::Io { action, path, cause }
        };
        if self.root.is_file() {
            return Err(RunDirectoryError::InTheWay { path: self.root });
        }
        durable_files::make_folder(&self.root).map_err(io("create", &self.root))?;
        let system = FileSystem::detect(&self.root).map_err(io("find out the file system of", &self.root))?;
        let lock_path = self.lock();
        self.refuse_others()?;
        let lock = match Lock::take(&lock_path, &system) {
            Ok(lock) => lock,
            Err(LockError::Held(holder)) => return Err(RunDirectoryError::InUse { path: self.root, holder }),
            Err(LockError::Untrusted(why)) => return Err(RunDirectoryError::Unlockable { path: self.root, why }),
            Err(LockError::Io(action, cause)) => return Err(io(action, &lock_path)(cause)),
        };
        for folder in [self.datasets(), self.logs()] {
            durable_files::make_folder(&folder).map_err(io("create", &folder))?;
        }
        for folder in [&self.root, &self.datasets()] {
            durable_files::clear(folder).map_err(io("clear up", folder))?;
        }
        // Acknowledged results are durable only if the directory itself is.
        durable_files::sync_folder(&self.root).map_err(io("make durable", &self.root))?;
        // Parent folders may be new, too; unreadable ones are not this user's and are skipped.
        for above in self.root.ancestors().skip(1).take(2).filter(|above| !above.as_os_str().is_empty()) {
            let _ = durable_files::sync_folder(above);
        }
        Ok(Owned { directory: self, _lock: lock })
    }

    /// Refuses files that are neither the beginning of a run nor the remains of one without its database.
    fn refuse_others(&self) -> Result<(), RunDirectoryError> {
        let what = match fs::metadata(self.database()) {
            Ok(file) if file.len() > 0 => return Ok(()),
            Ok(_) => "empty",
            Err(_) => "missing",
        };
        let failed = |cause| RunDirectoryError::Io { action: "read", path: self.root.clone(), cause };
        let path = self.root.clone();
        match self.contents().map_err(failed)? {
            Contents::BeforeAStudy => Ok(()),
            Contents::OfAStudy => Err(RunDirectoryError::LostDatabase { path, what }),
            Contents::Others => Err(RunDirectoryError::Foreign { path }),
        }
    }

    /// Whether the directory has files that a run stopped before storing its study does not leave. Called for an empty
    /// study.db: its study is then lost.
    pub fn has_begun(&self) -> bool {
        // Without a lock, the directory is a copy of a run. An unreadable directory may have files.
        !self.lock().exists() || !matches!(self.contents(), Ok(Contents::BeforeAStudy))
    }

    /// The contents of the directory, regardless of study.db.
    fn contents(&self) -> io::Result<Contents> {
        let names: Vec<OsString> = fs::read_dir(&self.root)?.flatten().map(|entry| entry.file_name()).collect();
        let length = |name: &str| fs::metadata(self.root.join(name)).map_or(0, |file| file.len());
        // Credentials are written after the database, and a log only after the database has its first page.
        let has = |known: &str| names.iter().any(|name| name == known);
        if has("lock") && (has("join.toml") || length("study.db") == 0 && length("study.db-wal") > 0) {
            return Ok(Contents::OfAStudy);
        }
        // A run that was stopped before it stored its study leaves only these.
        let ours = ["study.db", "study.db-journal", "study.db-wal", "study.db-shm", "lock", "datasets", "logs"];
        Ok(match names.iter().all(|name| ours.iter().any(|known| name == *known)) {
            true => Contents::BeforeAStudy,
            false => Contents::Others,
        })
    }
}

impl std::ops::Deref for Owned {
    type Target = RunDirectory;

    fn deref(&self) -> &RunDirectory {
        &self.directory
    }
}

#[cfg(test)]
mod tests;
