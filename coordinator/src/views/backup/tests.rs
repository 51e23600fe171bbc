use std::collections::BTreeMap;

use seedgrid_common::{error_chain::with_hint, training::Progress, wire::blob::CheckpointRef};
use tempfile::TempDir;

use super::*;
use crate::{
    plan::DATASET_FACT,
    store::{Write, blobs::checkpoints::KeptCheckpoint, builders},
    views::recorded_files::Part,
};

/// A run in the middle of its study: its store is open, and the commits are in the write-ahead log.
struct Run {
    folder: TempDir,
    directory: RunDirectory,
    unit: UnitId,
    weights: PathBuf,
    store: Store,
}

fn run() -> Run {
    let folder = TempDir::new().unwrap();
    let directory = RunDirectory::new(folder.path().join("run"));
    drop(directory.clone().own().unwrap());
    let mut store = builders::filled(&directory.database());
    let unit = builders::unit().id();
    let (weights, checkpoint, data) = (b"weights".as_slice(), b"state".as_slice(), b"pairs".as_slice());
    fs::write(directory.dataset(&BlobDigest::compute(data).to_string()), data).unwrap();
    let of = |folder: BlobFolder, bytes: &[u8]| {
        let mut receiving = folder.receive(unit, BlobDigest::compute(bytes)).unwrap();
        receiving.write(bytes).unwrap();
        receiving.finish().unwrap();
        BlobDigest::compute(bytes)
    };
    let digest = of(BlobFolder::weights(directory.root()), weights);
    BlobFolder::weights(directory.root()).keep(&[(unit, digest)]).unwrap();
    // The file is committed, and does not have its final name yet.
    let state = of(BlobFolder::checkpoints(directory.root()), checkpoint);
    let progress = Progress { epochs: 1, batches: 2, seconds: 0.5 };
    let reference = CheckpointRef { digest: state, bytes: 5, progress };
    let kept = KeptCheckpoint { attempt: 1, reference, numerics_class: "class".to_owned() };
    store
        .commit(&[
            Write::Spec { at_ms: 1, text: "name = \"s\"".to_owned() },
            Write::Fact { name: format!("{DATASET_FACT}x"), value: BlobDigest::compute(data).to_string() },
            Write::Weights { unit, attempt: 1, digest, bytes: 7 },
            Write::Checkpoint { unit, at_ms: 2, kept },
        ])
        .unwrap();
    durable_files::write_secret(&directory.join_file(), b"join").unwrap();
    durable_files::write_secret(&directory.identity(), b"key").unwrap();
    fs::create_dir(directory.report()).unwrap();
    fs::write(directory.report().join("report.json"), "{}").unwrap();
    fs::write(directory.logs().join("worker.log"), "a line").unwrap();
    let weights = BlobFolder::weights(directory.root()).file(unit);
    Run { folder, directory, unit, weights, store }
}

impl Run {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names beside the run directory.
    fn beside(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Every file below a folder, with its mode.
fn files(folder: &Path) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            match entry.metadata().unwrap() {
                metadata if metadata.is_dir() => folders.push(entry.path()),
                metadata => {
                    let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, metadata.mode() & 0o777);
                }
            }
        }
    }
    found
}

#[test]
fn a_backup_holds_what_a_run_cannot_make_again_and_nothing_else() {
    let run = run();
    fs::set_permissions(run.directory.database(), Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(run.directory.root(), Permissions::from_mode(0o750)).unwrap();
    let copy = run.path("copies/today");
    let expected = BackedUp { results: 1, datasets: 1, weights: 1, checkpoints: 1, ..BackedUp::default() };
    assert_eq!(back_up(&run.directory, &copy).unwrap(), expected);
    let found = files(&copy);
    let data = format!("datasets/{}", BlobDigest::compute(b"pairs"));
    let [weights, checkpoint] = ["weights", "checkpoints"].map(|folder| format!("{folder}/{}.safetensors", run.unit));
    let mut names = ["join.toml", "tls.pem", "specs/1.toml", "study.db", &data, &weights, &checkpoint];
    names.sort_unstable();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), names);
    assert_eq!((found["join.toml"], found["tls.pem"], found["study.db"]), (0o600, 0o600, 0o640));
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o777, 0o750);
    assert_eq!(fs::read_dir(run.path("copies")).unwrap().count(), 1, "nothing is left beside it");
    let store = Store::open(&copy.join("study.db")).unwrap();
    assert!(store.mended().is_empty());
    assert_eq!(store.results().unwrap(), run.store.results().unwrap());
    assert_eq!(store.checkpoints().unwrap().len(), 1);
}

#[test]
fn only_a_new_or_an_empty_folder_is_filled() {
    let run = run();
    let refused = |to: &Path| {
        let error = with_hint(&back_up(&run.directory, to).unwrap_err());
        assert!(error.contains("hint: "), "{error}");
        error
    };
    fs::create_dir(run.path("full")).unwrap();
    fs::write(run.path("full/notes"), "mine").unwrap();
    fs::write(run.path("file"), "mine").unwrap();
    assert!(refused(&run.path("full")).contains("is not empty"));
    assert!(refused(&run.path("file")).contains("is a file"));
    assert!(refused(&run.directory.root().join("copy")).contains("would be lost with"));
    assert!(refused(run.directory.root()).contains("is not empty"), "onto itself");
    assert!(refused(Path::new("/proc/self/..")).contains("is not empty"));
    assert!(refused(&run.path("file").join("below")).contains("cannot make"));
    assert_eq!(run.beside(), ["file", "full", "run"]);
    fs::create_dir(run.path("empty")).unwrap();
    back_up(&run.directory, &run.path("empty")).unwrap();
    assert!(RunDirectory::existing(run.path("empty")).is_ok());
}

#[test]
fn a_place_where_another_backup_is_made_is_left_to_it() {
    let run = run();
    let lock = Lock::take(&run.path(".copy.lock"), &FileSystem::Local).unwrap();
    match back_up(&run.directory, &run.path("copy")) {
        Err(BackupError::Busy { holder: Some(holder), .. }) => assert_eq!(holder.pid, std::process::id()),
        other => panic!("{other:?}"),
    }
    drop(lock);
    back_up(&run.directory, &run.path("copy")).unwrap();
}

#[test]
fn a_backup_that_cannot_be_written_leaves_nothing() {
    let run = run();
    // An unreadable entry replaces a readable file.
    fs::remove_file(run.directory.join_file()).unwrap();
    fs::create_dir(run.directory.join_file()).unwrap();
    let error = back_up(&run.directory, &run.path("copy")).unwrap_err();
    assert!(matches!(error, BackupError::Unreadable { .. }), "{error}");
    assert_eq!(run.beside(), ["run"]);
}

#[test]
fn what_is_damaged_is_said_and_copied_as_it_is() {
    let run = run();
    fs::write(&run.weights, "wrong").unwrap();
    fs::remove_file(run.directory.dataset(&BlobDigest::compute(b"pairs").to_string())).unwrap();
    let backed_up = back_up(&run.directory, &run.path("copy")).unwrap();
    let found: Vec<_> = backed_up.damage.iter().map(|found| (found.part, found.what.as_str())).collect();
    let differs = "does not match the digest that was committed with its result";
    assert_eq!(found, [(Part::Dataset, NOT_THERE), (Part::Weights, differs)]);
    assert_eq!(fs::read(BlobFolder::weights(&run.path("copy")).file(run.unit)).unwrap(), b"wrong");
}

#[test]
fn a_database_that_cannot_be_read_is_not_backed_up() {
    let Run { folder, directory, store, .. } = run();
    drop(store);
    let mut bytes = fs::read(directory.database()).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(directory.database(), bytes).unwrap();
    let error = back_up(&directory, &folder.path().join("copy")).unwrap_err();
    let BackupError::Store(StoreError::Damaged { path, .. }) = &error else { panic!("{error:?}") };
    assert_eq!(*path, directory.database(), "the run's own, not the copy");
    let told = with_hint(&error);
    assert!(told.contains("hint: restore it from a backup"), "{told}");
    assert!(!folder.path().join("copy").exists());
}

#[test]
fn a_checkpoint_that_was_replaced_meanwhile_is_left_out() {
    let run = run();
    let folder = BlobFolder::checkpoints(run.directory.root());
    let newer = BlobDigest::compute(b"newer");
    let mut receiving = folder.receive(run.unit, newer).unwrap();
    receiving.write(b"newer").unwrap();
    receiving.finish().unwrap();
    folder.recover([(run.unit, newer)]).unwrap();
    let backed_up = back_up(&run.directory, &run.path("copy")).unwrap();
    assert_eq!((backed_up.checkpoints, backed_up.replaced, backed_up.damage), (0, 1, Vec::new()));
    let store = Store::open_to_read(&run.path("copy/study.db")).unwrap();
    assert!(store.checkpoints().unwrap().is_empty(), "its unit is trained from the start");
    assert!(!BlobFolder::checkpoints(&run.path("copy")).file(run.unit).exists());
}
