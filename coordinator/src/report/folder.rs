//! The report's folder: it is replaced as a whole, and the newest state wins.
//!
//! All files are written into a new folder beside the old one; then the two change places. So no folder ever holds files of two states, and
//! whoever has opened the old one reads it to its end. Writers come one after the other; what a writer that was killed left behind is removed
//! by the next.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, Permissions},
    io::{self, BufRead as _, BufReader, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use seedgrid_common::{durable_files, temporary_files::Unfinished};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::error::ReportError;
use crate::run_directory::{
    file_system::FileSystem,
    lock::{Lock, LockError},
};

/// The file that says what a report was made of.
const PROVENANCE: &str = "provenance.json";

/// The part of a run that a report was made of: provenance.json has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct State {
    /// The study's id, which was drawn when its database was made. States of different ids cannot be compared.
    pub study_id: Option<String>,
    /// How many coordinators, and commands in their place, had opened the database for writing.
    pub coordinator: i64,
    /// How many commits the last of them had made.
    pub commits: i64,
    /// The number of the spec that the report is about.
    pub spec: u32,
    /// How many results there were.
    pub results: usize,
    /// How many of them are of units that this spec does not name.
    pub unnamed_results: usize,
}

impl State {
    /// Whether this is a later state of the same run.
    fn is_newer_than(&self, other: &Self) -> bool {
        self.study_id.is_some() && self.study_id == other.study_id && self.age() > other.age()
    }

    fn age(&self) -> (i64, i64) {
        (self.coordinator, self.commits)
    }
}

/// The outcome of writing a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there.
    Here,
    /// The folder holds one of a later state of the run, made meanwhile, and keeps it.
    Newer(State),
}

/// Writes a file's content.
type WriteRows<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

/// A file of a report.
pub(crate) struct File<'a> {
    pub(crate) name: String,
    content: Content<'a>,
}

enum Content<'a> {
    Whole(Vec<u8>),
    /// Written row by row: it may be larger than memory.
    Rows(WriteRows<'a>),
}

impl<'a> File<'a> {
    /// A file with this content.
    pub(super) fn whole(name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), content: Content::Whole(content.into()) }
    }

    /// A file that is written row by row.
    pub(super) fn rows(name: &str, write: impl Fn(&mut dyn Write) -> io::Result<()> + 'a) -> Self {
        Self { name: name.to_owned(), content: Content::Rows(Box::new(write)) }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.content {
            Content::Whole(bytes) => out.write_all(bytes),
            Content::Rows(write) => write(out),
        }
    }

    fn put(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(path)?);
        self.write(&mut out)?;
        out.flush()?;
        durable_files::sync_file(path)
    }

    /// Whether the file at `path` has this content.
    ///
    /// # Errors
    /// When that file cannot be read, or the content cannot be made.
    pub(crate) fn is_at(&self, path: &Path) -> io::Result<bool> {
        let mut compared = Compared { with: BufReader::new(fs::File::open(path)?), differs: false };
        self.write(&mut compared)?;
        Ok(!compared.differs && compared.with.fill_buf()?.is_empty())
    }
}

/// Compares with a file what is written, instead of writing it.
struct Compared {
    with: BufReader<fs::File>,
    differs: bool,
}

impl Write for Compared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.differs {
            let there = self.with.fill_buf()?;
            let count = there.len().min(bytes.len());
            self.differs = count == 0 || there[..count] != bytes[..count];
            if !self.differs {
                self.with.consume(count);
                return Ok(count);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fields of a provenance.json that are read again.
#[derive(Deserialize)]
struct Known {
    state: State,
    files: BTreeSet<String>,
}

impl Known {
    fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(PROVENANCE)).ok()?).ok()
    }
}

/// A folder that a report is to be in.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    parent: PathBuf,
    name: String,
}

impl Place {
    /// The folder `folder`, which need not exist. A link to a folder stands for that.
    pub(super) fn new(folder: &Path) -> Result<Self, ReportError> {
        let failed = |source| ReportError::Folder { folder: folder.to_owned(), source };
        let folder = match folder.metadata() {
            Ok(found) if !found.is_dir() => return Err(failed(io::Error::other("it is a file"))),
            Ok(_) => folder.canonicalize().map_err(failed)?,
            Err(_) => folder.to_owned(),
        };
        let name = folder.file_name().and_then(OsStr::to_str).map(str::to_owned);
        let name = name.ok_or_else(|| failed(io::Error::other("it has no name of its own")))?;
        let parent = durable_files::folder_of(&folder).to_owned();
        durable_files::make_folder(&parent).map_err(failed)?;
        Ok(Self { folder, parent, name })
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> ReportError {
        let folder = self.folder.clone();
        |source| ReportError::Folder { folder, source }
    }

    /// Whether there is something in it that no report put there, and no report.
    pub(super) fn is_foreign(&self) -> bool {
        let is_empty = fs::read_dir(&self.folder).map_or(true, |mut entries| entries.next().is_none());
        !is_empty && Known::read(&self.folder).is_none()
    }

    /// Puts these files there and nothing else of a report, unless one of a later state is there by now. `present`: the state that the run is in
    /// now, if that is to be known.
    pub(super) fn replace(
        &self,
        files: &[File<'_>],
        state: &State,
        present: impl FnOnce() -> Option<State>,
    ) -> Result<Written, ReportError> {
        let path = self.parent.join(format!(".{}.lock", self.name));
        let lock = self.lock(&path)?;
        let written = self.replace_locked(files, state, present);
        if let Some(lock) = lock {
            lock.remove(&path);
        }
        written
    }

    /// Waits for other writers. None where the file system knows no locks: then they must not meet.
    fn lock(&self, path: &Path) -> Result<Option<Lock>, ReportError> {
        // Also on a mount that keeps locks to itself: they help against writers on this machine.
        match Lock::wait_for(path, &FileSystem::Local) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Untrusted(_) | LockError::Held(_)) => Ok(None),
            Err(LockError::Io(_, source)) => Err(self.failed()(source)),
        }
    }

    fn replace_locked(
        &self,
        files: &[File<'_>],
        state: &State,
        present: impl FnOnce() -> Option<State>,
    ) -> Result<Written, ReportError> {
        self.clear_up(files).map_err(self.failed())?;
        let there = Known::read(&self.folder).map(|known| known.state);
        if let Some(there) = there.filter(|there| there.is_newer_than(state)) {
            // One that is newer than the run itself is of a run that is gone: its database was put back from a backup.
            if present().is_none_or(|present| !there.is_newer_than(&present)) {
                return Ok(Written::Newer(there));
            }
        }
        let prefix = self.left_over();
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).permissions(Permissions::from_mode(0o755));
        let (new, unfinished) =
            Unfinished::begin(|| builder.tempdir_in(&self.parent), TempDir::path).map_err(self.failed())?;
        for file in files {
            let failed = |source| ReportError::File { path: self.folder.join(&file.name), source };
            file.put(&new.path().join(&file.name)).map_err(failed)?;
        }
        durable_files::sync_folder(new.path()).map_err(self.failed())?;
        // From now on its name may be that of the old one, in which there may be what people have put there.
        drop(unfinished);
        let old = self.put(new.path()).map_err(self.failed())?;
        // It has another name by now, or is the old one.
        let _ = new.keep();
        durable_files::sync_folder(&self.parent).map_err(self.failed())?;
        if let Some(old) = old {
            self.retire(&old, files);
        }
        Ok(Written::Here)
    }

    /// How the names of folders begin that are being written, or have been replaced.
    fn left_over(&self) -> String {
        format!(".{}.replacing-", self.name)
    }

    /// Puts the folder `new` in the place; gives the path of the old one, where there was one.
    fn put(&self, new: &Path) -> io::Result<Option<PathBuf>> {
        if !self.folder.exists() {
            return fs::rename(new, &self.folder).map(|()| None);
        }
        match renameat2(AT_FDCWD, new, AT_FDCWD, &self.folder, RenameFlags::RENAME_EXCHANGE).map_err(io::Error::from) {
            Ok(()) => Ok(Some(new.to_owned())),
            Err(cause) if is_unknown(&cause) => self.put_in_two_steps(new).map(Some),
            Err(cause) => Err(cause),
        }
    }

    /// As [`Self::put`], where folders cannot change places at once: for an instant there is no report.
    fn put_in_two_steps(&self, new: &Path) -> io::Result<PathBuf> {
        let aside = tempfile::Builder::new().prefix(&self.left_over()).tempdir_in(&self.parent)?.keep();
        // Onto an empty folder.
        fs::rename(&self.folder, &aside)?;
        fs::rename(new, &self.folder).or_else(|cause| fs::rename(&aside, &self.folder).and(Err(cause)))?;
        Ok(aside)
    }

    /// Removes what writers left behind that were killed. Nobody else writes here now.
    fn clear_up(&self, files: &[File<'_>]) -> io::Result<()> {
        let prefix = self.left_over();
        for entry in fs::read_dir(&self.parent)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()) {
                self.retire(&entry.path(), files);
            }
        }
        Ok(())
    }

    /// Removes a folder that a report was in, as far as that is possible: the next writer tries again. What people have put there goes back to
    /// them, into the folder that is there now.
    fn retire(&self, old: &Path, files: &[File<'_>]) {
        let known = Known::read(old);
        let is_ours = |name: &OsStr| match &known {
            Some(known) => name.to_str().is_some_and(|name| known.files.contains(name)),
            // Only the beginning of a report was ever in there, or a file of it is lost.
            None => files.iter().any(|file| OsStr::new(&file.name) == name),
        };
        let Ok(entries) = fs::read_dir(old) else { return };
        let mut entries: Vec<fs::DirEntry> = entries.flatten().collect();
        // Last: without it nobody knows what is whose.
        entries.sort_by_key(|entry| entry.file_name() == PROVENANCE);
        for entry in entries {
            let back = self.folder.join(entry.file_name());
            let _ = match is_ours(&entry.file_name()) {
                true => fs::remove_file(entry.path()),
                false if back.exists() => Ok(()),
                false => durable_files::make_folder(&self.folder).and_then(|()| fs::rename(entry.path(), back)),
            };
        }
        let _ = fs::remove_dir(old);
    }
}

/// Whether a file system says that it cannot let folders change places.
fn is_unknown(cause: &io::Error) -> bool {
    use nix::errno::Errno;
    let unknown = [Errno::EINVAL, Errno::ENOSYS, Errno::EOPNOTSUPP, Errno::ENOTTY];
    cause.raw_os_error().is_some_and(|code| unknown.contains(&Errno::from_raw(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(coordinator: i64, commits: i64) -> State {
        let study_id = Some("r".to_owned());
        State { study_id, coordinator, commits, spec: 1, results: 0, unnamed_results: 0 }
    }

    /// A report whose files all say the same.
    fn files(state: &State, says: &str, names: &[&str]) -> Vec<File<'static>> {
        let all: Vec<&str> = names.iter().copied().chain([PROVENANCE]).collect();
        let provenance = serde_json::json!({ "state": state, "files": all, "says": says });
        let others = names.iter().map(|name| File::whole(*name, says));
        [File::whole(PROVENANCE, provenance.to_string())].into_iter().chain(others).collect()
    }

    const NAMES: [&str; 2] = ["report.json", "units.csv"];

    fn write(folder: &Path, state: &State, says: &str) -> Written {
        Place::new(folder).unwrap().replace(&files(state, says, &NAMES), state, || Some(state.clone())).unwrap()
    }

    fn says(folder: &Path) -> String {
        let texts: BTreeSet<String> = NAMES.iter().map(|name| fs::read_to_string(folder.join(name)).unwrap()).collect();
        assert_eq!(texts.len(), 1, "files of two states: {texts:?}");
        texts.into_iter().next().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_compared_with_what_is_written_row_by_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("units.csv");
        // Longer than any buffer.
        let rows = |last: &'static str| {
            move |out: &mut dyn Write| {
                (0..30_000).try_for_each(|row| writeln!(out, "{row}")).and_then(|()| out.write_all(last.as_bytes()))
            }
        };
        let file = File::rows("units.csv", rows("end"));
        file.put(&path).unwrap();
        assert!(file.is_at(&path).unwrap());
        for last in ["", "En", "end\n", "enD"] {
            assert!(!File::rows("units.csv", rows(last)).is_at(&path).unwrap(), "{last:?}");
        }
        assert!(file.is_at(&folder.path().join("gone.csv")).is_err());
    }

    #[test]
    fn the_newest_state_wins_whoever_is_last() {
        let run = tempfile::tempdir().unwrap();
        let report = run.path().join("report");
        assert_eq!(write(&report, &state(2, 10), "first"), Written::Here);
        assert_eq!(write(&report, &state(2, 12), "second"), Written::Here);
        let late = state(2, 11);
        let present = || Some(state(3, 1));
        let place = Place::new(&report).unwrap();
        let written = place.replace(&files(&late, "late", &NAMES), &late, present).unwrap();
        assert_eq!(written, Written::Newer(state(2, 12)));
        assert_eq!(says(&report), "second");
        assert_eq!(write(&report, &state(3, 0), "third"), Written::Here, "another coordinator's commits count anew");
        assert_eq!(write(&report, &state(3, 0), "again"), Written::Here, "of the same state, the last");
        assert_eq!(says(&report), "again");
        assert_eq!(names(run.path()), ["report"], "nothing is left beside it");
    }

    #[test]
    fn a_report_of_what_a_backup_has_undone_is_replaced() {
        let run = tempfile::tempdir().unwrap();
        let report = run.path().join("report");
        write(&report, &state(9, 5), "undone");
        assert_eq!(write(&report, &state(4, 1), "put back"), Written::Here);
        assert_eq!(says(&report), "put back");
        let other = State { study_id: Some("other".to_owned()), ..state(1, 1) };
        assert_eq!(write(&report, &other, "another run"), Written::Here);
        let nameless = State { study_id: None, ..state(1, 1) };
        assert_eq!(write(&report, &nameless, "no name"), Written::Here);
    }

    #[test]
    fn whoever_has_opened_a_report_reads_it_to_its_end() {
        let run = tempfile::tempdir().unwrap();
        let report = run.path().join("report");
        write(&report, &state(1, 1), "old");
        let place = Place::new(&report).unwrap();
        // As SQLite's readers do, and a browser that loads a page: what is open stays what it was.
        let mut open = fs::File::open(report.join("report.json")).unwrap();
        for (commits, exchanges) in [(2, true), (3, false)] {
            let newer = state(1, commits);
            let folder = tempfile::Builder::new().prefix(&place.left_over()).tempdir_in(run.path()).unwrap().keep();
            for file in files(&newer, "new", &NAMES) {
                file.put(&folder.join(&file.name)).unwrap();
            }
            let old = match exchanges {
                true => place.put(&folder).unwrap().unwrap(),
                false => place.put_in_two_steps(&folder).unwrap(),
            };
            assert_eq!(says(&report), "new");
            place.retire(&old, &[]);
            assert_eq!(names(run.path()), ["report"]);
        }
        let mut text = String::new();
        io::Read::read_to_string(&mut open, &mut text).unwrap();
        assert_eq!(text, "old");
    }

    #[test]
    fn what_a_killed_writer_left_goes_and_what_people_put_there_stays() {
        let run = tempfile::tempdir().unwrap();
        let report = run.path().join("report");
        write(&report, &state(1, 1), "old");
        fs::write(report.join("notes.txt"), "mine").unwrap();
        fs::write(report.join("figure.png"), "mine").unwrap();
        // Killed before it was whole; killed after the folders had changed places.
        let begun = run.path().join(".report.replacing-1");
        fs::create_dir(&begun).unwrap();
        fs::write(begun.join("report.json"), "half").unwrap();
        let replaced = run.path().join(".report.replacing-2");
        fs::create_dir(&replaced).unwrap();
        for file in files(&state(1, 0), "older", &["report.json", "gone.csv"]) {
            file.put(&replaced.join(&file.name)).unwrap();
        }
        fs::write(replaced.join("thoughts.md"), "mine").unwrap();
        write(&report, &state(1, 2), "new");
        assert_eq!(says(&report), "new");
        assert_eq!(names(run.path()), ["report"]);
        let there = ["figure.png", "notes.txt", "provenance.json", "report.json", "thoughts.md", "units.csv"];
        assert_eq!(names(&report), there);
    }

    #[test]
    fn files_of_an_earlier_report_that_are_no_longer_written_go() {
        let run = tempfile::tempdir().unwrap();
        let report = run.path().join("report");
        let old = state(1, 1);
        let place = Place::new(&report).unwrap();
        place.replace(&files(&old, "old", &["report.json", "units.csv", "gone.csv"]), &old, || None).unwrap();
        write(&report, &state(1, 2), "new");
        assert!(!report.join("gone.csv").exists());
    }

    #[test]
    fn folders_that_hold_other_things_are_seen() {
        let run = tempfile::tempdir().unwrap();
        let folder = run.path().join("paper");
        assert!(!Place::new(&folder).unwrap().is_foreign());
        fs::create_dir(&folder).unwrap();
        assert!(!Place::new(&folder).unwrap().is_foreign());
        fs::write(folder.join("thesis.tex"), "").unwrap();
        assert!(Place::new(&folder).unwrap().is_foreign());
        assert!(matches!(Place::new(&folder.join("thesis.tex")), Err(ReportError::Folder { .. })));
        let link = run.path().join("link");
        let real = run.path().join("real");
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, &state(1, 1), "through a link");
        assert_eq!(says(&real), "through a link");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
