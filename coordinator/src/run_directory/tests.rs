use seedgrid_common::error_chain::with_hint;

use super::*;

#[test]
fn one_owner_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("runs/a");
    let first = RunDirectory::new(&root).own().unwrap();
    match RunDirectory::new(&root).own() {
        Err(RunDirectoryError::InUse { holder: Some(holder), .. }) => assert_eq!(holder.pid, std::process::id()),
        other => panic!("{other:?}"),
    }
    assert!(RunDirectory::new(&root).is_owned());
    drop(first);
    assert!(!RunDirectory::new(&root).is_owned());
    RunDirectory::new(&root).own().unwrap();
}

#[test]
fn who_has_it_is_named_with_machine_and_time() {
    let folder = tempfile::tempdir().unwrap();
    drop(RunDirectory::new(folder.path()).own().unwrap());
    let away = Holder { pid: 12, host: Some("node7".to_owned()), since: "2026-01-31T12:00:00Z".to_owned() };
    fs::write(folder.path().join("lock"), away.text()).unwrap();
    // The lock of another machine appears like this here.
    let held = fs::File::open(folder.path().join("lock")).unwrap();
    held.lock().unwrap();
    let text = with_hint(&RunDirectory::new(folder.path()).own().unwrap_err());
    assert!(text.contains("is in use by process 12 on node7, since 2026-01-31T12:00:00Z"), "{text}");
    assert!(text.contains("stop it on node7 (`seedgrid status "), "{text}");
}

#[test]
fn a_lock_that_is_a_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "keep").unwrap();
    let root = folder.path().join("run");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(&precious, root.join("lock")).unwrap();
    assert!(matches!(RunDirectory::new(&root).own(), Err(RunDirectoryError::Io { .. })));
    assert_eq!(fs::read_to_string(precious).unwrap(), "keep");
}

#[test]
fn a_lost_database_is_not_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    drop(RunDirectory::new(&root).own().unwrap());
    fs::write(root.join("study.db"), "").unwrap();
    RunDirectory::new(&root).own().expect("a run that was stopped before it began");
    fs::write(root.join("study.db-journal"), "cut").unwrap();
    RunDirectory::new(&root).own().expect("a run that was killed in its first commit");
    fs::write(root.join("join.toml"), "").unwrap();
    assert!(matches!(RunDirectory::new(&root).own(), Err(RunDirectoryError::LostDatabase { what: "empty", .. })));
    fs::remove_file(root.join("study.db")).unwrap();
    assert!(matches!(RunDirectory::new(&root).own(), Err(RunDirectoryError::LostDatabase { what: "missing", .. })));
}

#[test]
fn an_empty_database_is_a_loss_only_where_a_run_had_begun() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    drop(RunDirectory::new(&root).own().unwrap());
    fs::write(root.join("study.db"), "").unwrap();
    fs::write(root.join("study.db-wal"), "").unwrap();
    let directory = RunDirectory::new(&root);
    assert!(!directory.has_begun());
    fs::write(root.join("study.db-wal"), "results").unwrap();
    assert!(directory.has_begun());
    assert!(matches!(directory.clone().own(), Err(RunDirectoryError::LostDatabase { what: "empty", .. })));
    fs::write(root.join("study.db-wal"), "").unwrap();
    fs::create_dir(root.join("report")).unwrap();
    assert!(directory.has_begun());
}

#[test]
fn other_peoples_folders_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "x").unwrap();
    assert!(matches!(RunDirectory::new(folder.path()).own(), Err(RunDirectoryError::Foreign { .. })));
    assert!(matches!(RunDirectory::existing(folder.path()), Err(RunDirectoryError::Missing { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_is_no_run_directory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "x").unwrap();
    assert!(matches!(RunDirectory::new(&file).own(), Err(RunDirectoryError::InTheWay { .. })));
    assert!(matches!(RunDirectory::existing(&file), Err(RunDirectoryError::File { .. })));
}

#[test]
fn hints_are_about_the_command_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    fs::create_dir(&root).unwrap();
    // Even root cannot open a dangling link as the lock.
    std::os::unix::fs::symlink("nothing", root.join("lock")).unwrap();
    let steered = with_hint(&RunDirectory::new(&root).own_to_steer().unwrap_err());
    assert!(!steered.contains("--run-dir") && steered.contains("ask whoever runs the study"), "{steered}");
    let file = folder.path().join("spec.toml");
    fs::write(&file, "x").unwrap();
    let made = with_hint(&RunDirectory::new(&file).own().unwrap_err());
    assert!(made.contains("hint: choose an empty or new directory with --run-dir DIR"), "{made}");
}

#[test]
fn what_cannot_be_looked_at_is_not_called_missing() {
    let folder = tempfile::tempdir().unwrap();
    // Even root cannot read a link to itself.
    std::os::unix::fs::symlink("study.db", folder.path().join("study.db")).unwrap();
    assert!(matches!(RunDirectory::existing(folder.path()), Err(RunDirectoryError::Unreadable { .. })));
}
