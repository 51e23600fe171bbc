//! The real programs on damaged, full, removed or shared run directories: the report equals the undisturbed run's byte
//! for byte, or the command ends with an error and a hint.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use rusqlite::Connection;
use seedgrid_common::random::Stream;
use seedgrid_tests::{
    commit_points::{CommitPoints, Instant},
    machine::AnotherUser,
    process::{Ended, Running, binary, finish, seedgrid, until, worker},
    study::{Scratch, copy_folder, holdout},
};

/// The number of seeds for each test of random damage; a variable raises it for long tests.
fn seeds(otherwise: u64) -> u64 {
    std::env::var("SEEDGRID_DAMAGE_SEEDS").map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A short study with two stages and a selection between them.
fn spec(scratch: &Scratch) -> PathBuf {
    let tune = holdout(&["fc", "fc-aux"], "1", 3)
        .replace(
            "name = \"final\"\nevaluation = \"holdout\"",
            "name = \"tune\"\nevaluation = { folds = 3 }\nselect = \"lowest\"",
        )
        .replace("learning_rate = 0.05", "learning_rate = { grid = [0.05, 0.1] }");
    let last = "[[stage]]\nname = \"final\"\nfrom = \"tune\"\nevaluation = \"holdout\"\nseeds = \"1..=3\"\nkeep_weights = true\n";
    scratch.write("spec.toml", &(tune + last))
}

/// The number of units of that study.
const UNITS: usize = 2 * 2 * 3 + 2 * 3;

fn undisturbed(scratch: &Scratch, spec: &Path) -> Vec<u8> {
    let ended = finish(&mut scratch.run(spec, "undisturbed"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    scratch.report("undisturbed", "report.json")
}

/// Kills a run half-way, so that there is a write-ahead log.
fn killed_half_way(scratch: &Scratch, spec: &Path, run: &str) {
    let running = Running::start(&mut scratch.run(spec, run));
    running.until_stderr("after 3 epochs", UNITS / 2);
    running.kill_hard();
    assert!(fs::metadata(scratch.path(run).join("study.db-wal")).unwrap().len() > 0);
}

fn no_panic(ended: &Ended) {
    assert!(!ended.stderr.contains("panicked") && !ended.stderr.contains("this is a bug"), "{}", ended.stderr);
}

/// Makes a backup of a run.
fn back_up(scratch: &Scratch, run: &str, copy: &str) {
    let ended = finish(seedgrid(["backup"]).arg(scratch.path(run)).arg(scratch.path(copy)));
    assert_eq!(ended.code(), 0, "{}{}", ended.stdout, ended.stderr);
}

/// Replaces a run's database by that of a backup, as the messages advise.
fn restore(scratch: &Scratch, copy: &str, run: &str) {
    for name in ["study.db-wal", "study.db-shm"] {
        let _ = fs::remove_file(scratch.path(run).join(name));
    }
    fs::copy(scratch.path(copy).join("study.db"), scratch.path(run).join("study.db")).unwrap();
}

/// Continues a damaged run: it gives the undisturbed report, or an error with a hint. Returns whether it gave the
/// report.
fn goes_on(scratch: &Scratch, spec: &Path, run: &str, expected: &[u8]) -> bool {
    let ended = finish(&mut scratch.run(spec, run));
    no_panic(&ended);
    if ended.code() == 0 {
        assert_eq!(scratch.report(run, "report.json"), expected, "{run}: {}", ended.stderr);
        let checked = finish(seedgrid(["check"]).arg(scratch.path(run)));
        assert_eq!(checked.code(), 0, "{run}: {}", checked.stdout);
    } else {
        assert!(ended.stderr.contains("error: ") && ended.stderr.contains("hint: "), "{run}: {}", ended.stderr);
        assert!(ended.stderr.contains("from a backup"), "{run}: {}", ended.stderr);
    }
    ended.code() == 0
}

#[test]
fn flipped_bits_change_no_number() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    let expected = undisturbed(&scratch, &spec);
    killed_half_way(&scratch, &spec, "half");
    for from in ["half", "undisturbed"] {
        back_up(&scratch, from, &format!("backup-of-{from}"));
    }
    let (mut right, mut refused, mut said) = (0, 0, 0);
    for seed in 0..seeds(12) {
        let mut stream = Stream::new(seed, "flipped");
        let (run, from) = (format!("run-{seed}"), if seed % 2 == 0 { "half" } else { "undisturbed" });
        copy_folder(&scratch.path(from), &scratch.path(&run));
        let log = scratch.path(&run).join("study.db-wal");
        let has_log = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        let file = if has_log && stream.below(2) == 0 { log } else { scratch.path(&run).join("study.db") };
        let mut bytes = fs::read(&file).unwrap();
        for _ in 0..1 << stream.below(7) {
            let range = if stream.below(4) == 0 { 4096.min(bytes.len() as u32) } else { bytes.len() as u32 };
            bytes[stream.below(range) as usize] ^= 1 << stream.below(8);
        }
        fs::write(&file, bytes).unwrap();
        let before = finish(seedgrid(["report"]).arg(scratch.path(&run)));
        no_panic(&before);
        if before.code() == 0 {
            assert_eq!(scratch.report(&run, "report.json"), expected, "{run}: a report of damaged data");
        }
        let checked = finish(seedgrid(["check"]).arg(scratch.path(&run)));
        no_panic(&checked);
        said += usize::from(checked.code() == 10);
        if goes_on(&scratch, &spec, &run, &expected) {
            right += 1;
        } else {
            refused += 1;
            // A few repetitions are enough: the message is always the same.
            if refused > 2 {
                continue;
            }
            restore(&scratch, &format!("backup-of-{from}"), &run);
            assert!(goes_on(&scratch, &spec, &run, &expected), "{run} was restored from a backup");
        }
    }
    println!("{right} went on, {refused} refused, {said} were found damaged by check");
    assert!(right > 0 && refused > 0, "{right} went on, {refused} refused");
}

#[test]
fn a_backup_restores_a_study_whichever_page_is_ruined() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    let expected = undisturbed(&scratch, &spec);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for data in fs::read_dir(scratch.path("undisturbed/datasets")).unwrap().map(Result::unwrap) {
        assert_eq!(mode(&data.path()), mode(&scratch.path("undisturbed/study.db")), "who reads one reads the other");
    }
    back_up(&scratch, "undisturbed", "backup");
    // The database is so small that each table is on one page.
    let pages = fs::metadata(scratch.path("undisturbed/study.db")).unwrap().len() as usize / 4096;
    for page in 0..pages {
        let run = format!("page-{page}");
        copy_folder(&scratch.path("undisturbed"), &scratch.path(&run));
        let database = scratch.path(&run).join("study.db");
        let mut bytes = fs::read(&database).unwrap();
        bytes[page * 4096..][..4096].fill(0xa5);
        fs::write(&database, bytes).unwrap();
        if !goes_on(&scratch, &spec, &run, &expected) && page % 8 == 0 {
            restore(&scratch, "backup", &run);
            assert!(goes_on(&scratch, &spec, &run, &expected), "page {page} of {pages} was ruined");
        }
    }
}

#[test]
fn a_lost_log_is_trained_again_and_a_cut_off_database_is_refused() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    let expected = undisturbed(&scratch, &spec);
    killed_half_way(&scratch, &spec, "half");
    let cut = |run: &str, name: &str, keep: fn(u64) -> u64| {
        copy_folder(&scratch.path("half"), &scratch.path(run));
        let file = fs::OpenOptions::new().write(true).open(scratch.path(run).join(name)).unwrap();
        file.set_len(keep(file.metadata().unwrap().len())).unwrap();
    };
    cut("short-log", "study.db-wal", |length| length / 2 + 7);
    cut("no-log", "study.db-wal", |_| 0);
    for run in ["short-log", "no-log"] {
        assert!(goes_on(&scratch, &spec, run, &expected), "{run}");
    }
    // The whole database with half of its pages lost.
    copy_folder(&scratch.path("undisturbed"), &scratch.path("halved"));
    let file = fs::OpenOptions::new().write(true).open(scratch.path("halved/study.db")).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let read = finish(seedgrid(["report"]).arg(scratch.path("halved")));
    assert_eq!(read.code(), 1, "{}", read.stdout);
    assert!(
        read.stderr.contains("is damaged") && read.stderr.contains("hint: restore it from a backup"),
        "{}",
        read.stderr
    );
    let checked = finish(seedgrid(["check"]).arg(scratch.path("halved")));
    assert_eq!(checked.code(), 10, "{}", checked.stdout);
    let before = fs::read(scratch.path("halved/study.db")).unwrap();
    assert!(!goes_on(&scratch, &spec, "halved", &expected));
    assert!(fs::read(scratch.path("halved/study.db")).unwrap() == before, "the file stays as it is");
    let refused = finish(seedgrid(["backup"]).arg(scratch.path("halved")).arg(scratch.path("no-backup")));
    assert_eq!(refused.code(), 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: restore it") && !scratch.path("no-backup").exists(), "{}", refused.stderr);
    // A database without a study: the command fails, and the file stays.
    copy_folder(&scratch.path("undisturbed"), &scratch.path("empty"));
    fs::write(scratch.path("empty/study.db"), "").unwrap();
    assert!(!goes_on(&scratch, &spec, "empty", &expected));
    fs::write(scratch.path("empty/study.db"), "not a database at all, whatever it is".repeat(100)).unwrap();
    assert!(!goes_on(&scratch, &spec, "empty", &expected));
}

#[test]
fn a_damaged_row_is_trained_again_and_nothing_else() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    let expected = undisturbed(&scratch, &spec);
    copy_folder(&scratch.path("undisturbed"), &scratch.path("run"));
    let database = Connection::open(scratch.path("run/study.db")).unwrap();
    let wrong = "UPDATE results SET wrong = 0 WHERE unit = (SELECT unit FROM weights LIMIT 1)";
    assert_eq!(database.execute(wrong, []).unwrap(), 1);
    assert_eq!(database.execute("UPDATE selections SET chosen = 1 - chosen", []).unwrap(), 2);
    drop(database);
    let checked = finish(seedgrid(["check", "--format", "json"]).arg(scratch.path("run")));
    assert_eq!(checked.code(), 10);
    let listing = checked.json();
    assert_eq!(listing["schema"], "seedgrid.check/1");
    let places: Vec<&str> =
        listing["damage"].as_array().unwrap().iter().map(|found| found["place"].as_str().unwrap()).collect();
    assert!(places.contains(&"results") && places.contains(&"selections"), "{listing}");
    let ended = finish(&mut scratch.run(&spec, "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("after 3 epochs").count(), 1, "one unit: {}", ended.stderr);
    assert!(ended.stderr.contains("was damaged"), "{}", ended.stderr);
    assert_eq!(scratch.report("run", "report.json"), expected);
    let checked = finish(seedgrid(["check"]).arg(scratch.path("run")));
    assert_eq!(checked.code(), 0, "{}", checked.stdout);
    assert!(checked.stdout.contains("moved aside"), "{}", checked.stdout);
}

#[test]
fn check_sees_every_kind_of_file() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    undisturbed(&scratch, &spec);
    let first = |folder: &str| {
        fs::read_dir(scratch.path("run").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.is_file())
            .unwrap()
    };
    for (part, folder) in [("report", "report"), ("weights", "weights"), ("dataset", "datasets")] {
        copy_folder(&scratch.path("undisturbed"), &scratch.path("run"));
        let path = if part == "report" { scratch.path("run/report/units.csv") } else { first(folder) };
        let mut bytes = fs::read(&path).unwrap();
        let place = bytes.len() / 2;
        bytes[place] ^= 1;
        fs::write(&path, bytes).unwrap();
        let checked = finish(seedgrid(["check"]).arg(scratch.path("run")));
        assert_eq!(checked.code(), 10, "{part}: {}", checked.stdout);
        assert!(checked.stdout.contains(&format!("damaged: {part}: {folder}/")), "{}", checked.stdout);
        assert!(checked.stdout.contains("1 thing is damaged"), "{}", checked.stdout);
        fs::remove_dir_all(scratch.path("run")).unwrap();
    }
}

fn serve(scratch: &Scratch, spec: &Path, run: &str) -> Command {
    let mut command = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    command.arg(spec).arg("--run-dir").arg(scratch.path(run));
    command
}

fn serving(scratch: &Scratch, spec: &Path, run: &str) -> Running {
    let coordinator = Running::start(&mut serve(scratch, spec, run));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    coordinator
}

fn joining(scratch: &Scratch, run: &str) -> Running {
    let mut command = worker(["--slots", "1"]);
    Running::start(
        command.arg("--join").arg(scratch.path(run).join("join.toml")).arg("--cache").arg(scratch.path("cache")),
    )
}

#[test]
fn a_database_that_is_deleted_under_a_coordinator_is_missed_at_once() {
    let scratch = Scratch::new();
    let spec = scratch.write("long.toml", &holdout(&["cnn"], "1..=200", 10));
    let run = Running::start(&mut scratch.run(&spec, "run"));
    run.until_stderr("after 10 epochs", 1);
    fs::remove_file(scratch.path("run/study.db")).unwrap();
    let ended = run.wait();
    assert_eq!(ended.code(), 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("has been deleted while it was in use") && ended.stderr.contains("hint: "),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_second_coordinator_stays_out_and_a_stolen_lock_fences_the_first() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc-aux", "cnn"], "1..=8", 12));
    let expected = undisturbed(&scratch, &spec);
    let first = serving(&scratch, &spec, "run");
    let worker = joining(&scratch, "run");
    first.until_stderr("after 12 epochs", 1);
    let second = finish(&mut serve(&scratch, &spec, "run"));
    assert_eq!(second.code(), 1, "{}", second.stderr);
    assert!(
        second.stderr.contains(&format!("is in use by process {} on this machine", first.pid())),
        "{}",
        second.stderr
    );
    // The lock was removed by hand; the database still refuses a second coordinator.
    fs::remove_file(scratch.path("run/lock")).unwrap();
    let second = serving(&scratch, &spec, "run");
    let succeeded = first.wait();
    assert_eq!(succeeded.code(), 1, "{}", succeeded.stderr);
    let said = format!("was taken over by process {} on ", second.pid());
    assert!(succeeded.stderr.contains(&said), "{}", succeeded.stderr);
    let ended = second.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(worker.wait().code(), 0, "the worker went over to the second one");
    assert_eq!(scratch.report("run", "report.json"), expected);
}

#[test]
fn a_run_on_a_network_file_system_gives_the_same_bytes() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    let expected = undisturbed(&scratch, &spec);
    let network = |mut command: Command| {
        command.env("SEEDGRID_FILE_SYSTEM", "network");
        command
    };
    let running = Running::start(&mut network(scratch.run(&spec, "run")));
    running.until_stderr("after 3 epochs", UNITS / 2);
    assert!(!scratch.path("run/study.db-shm").exists(), "no memory is shared");
    running.kill_hard();
    let ended = finish(&mut network(scratch.run(&spec, "run")));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert_eq!(scratch.report("run", "report.json"), expected);
    // Moved back to a local file system.
    assert!(goes_on(&scratch, &spec, "run", &expected));
}

#[test]
fn a_full_disk_ends_the_run_and_room_lets_it_go_on() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    let expected = undisturbed(&scratch, &spec);
    let allowed = finish(Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]));
    if allowed.status.code() != Some(0) {
        return println!("skipped: no file system can be mounted here: {}", allowed.stderr);
    }
    // In a namespace that ends with the test: a disk that is too small, then one that is large enough.
    let script = "set -e
        mkdir -p \"$3\"; mount -t tmpfs -o size=${SIZE}k tmpfs \"$3\"
        set +e
        \"$1\" run \"$2\" --run-dir \"$3/run\" --slots 1; echo \"first: $?\"
        mount -o remount,size=100m tmpfs \"$3\"
        \"$1\" run \"$2\" --run-dir \"$3/run\" --slots 1; echo \"second: $?\"
        cp \"$3/run/report/report.json\" \"$4\"";
    for size in ["200", "420", "520"] {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]).arg(binary("seedgrid")).arg(&spec);
        command.arg(scratch.path("disk")).arg(scratch.path("report.json")).env("SIZE", size);
        let ended = finish(&mut command);
        no_panic(&ended);
        assert!(ended.stdout.contains("first: 1"), "{size}: {} {}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("hint: "), "{size}: {}", ended.stderr);
        assert!(ended.stdout.contains("second: 0"), "{size}: {} {}", ended.stdout, ended.stderr);
        assert_eq!(fs::read(scratch.path("report.json")).unwrap(), expected, "{size}");
    }
}

#[test]
fn a_backup_onto_a_full_disk_leaves_nothing() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    undisturbed(&scratch, &spec);
    let allowed = finish(Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]));
    if allowed.status.code() != Some(0) {
        return println!("skipped: no file system can be mounted here: {}", allowed.stderr);
    }
    let script = "mkdir -p \"$3\"; mount -t tmpfs -o size=${SIZE}k tmpfs \"$3\"
        \"$1\" backup \"$2\" \"$3/copy\"; echo \"first: $?, left: $(ls -A \"$3\")\"
        mount -o remount,size=100m tmpfs \"$3\"
        \"$1\" backup \"$2\" \"$3/copy\"; echo \"second: $?\"
        \"$1\" check \"$3/copy\"; echo \"checked: $?\"";
    // The disk is too small for the database, then for one of the other files.
    let database = fs::metadata(scratch.path("undisturbed/study.db")).unwrap().len() / 1024;
    for size in [database / 2, database + 100] {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]).arg(binary("seedgrid")).arg(scratch.path("undisturbed"));
        let ended = finish(command.arg(scratch.path("disk")).env("SIZE", size.to_string()));
        no_panic(&ended);
        assert!(ended.stdout.contains("first: 1, left: \n"), "{size}: {} {}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("the disk is full: make room on it"), "{size}: {}", ended.stderr);
        assert!(ended.stdout.contains("second: 0"), "{size}: {} {}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("checked: 0"), "{size}: {} {}", ended.stdout, ended.stderr);
    }
}

#[test]
fn a_killed_backup_leaves_no_folder_that_looks_whole() {
    let scratch = Scratch::new();
    let spec = spec(&scratch);
    undisturbed(&scratch, &spec);
    let Some(points) = CommitPoints::compile(&scratch.path(".")) else {
        return println!("skipped: no C compiler is installed");
    };
    let backup = |copy: &Path| {
        let mut command = seedgrid(["backup"]);
        command.arg(scratch.path("undisturbed")).arg(copy);
        command
    };
    let log = scratch.path("syncs");
    let mut counted = backup(&scratch.path("counted"));
    points.count(&mut counted, &log);
    assert_eq!(finish(&mut counted).code(), 0);
    let syncs = fs::metadata(&log).unwrap().len() as usize;
    assert!(syncs > 20, "{syncs}: each file and each folder");
    let copy = scratch.path("copies/copy");
    let mut whole = 0;
    for call in 1..=syncs {
        let mut command = backup(&copy);
        points.kill(&mut command, Instant::Before(call));
        assert_eq!(finish(&mut command).status.code(), None, "it was killed at its call {call} of {syncs}");
        for left in fs::read_dir(scratch.path("copies")).unwrap().map(|entry| entry.unwrap().path()) {
            let checked = finish(seedgrid(["check"]).arg(&left));
            match checked.code() {
                0 if left == copy => {
                    whole += 1;
                    fs::remove_dir_all(&copy).unwrap();
                }
                // A complete hidden folder, which only lacks its final name.
                0 => {}
                // No run directory, or one without a database.
                code => assert!(code <= 2 && left != copy, "{}: {}", left.display(), checked.stdout),
            }
        }
    }
    assert!((1..4).contains(&whole), "{whole} of {syncs}: the folder gets its name at the end");
    assert_eq!(finish(&mut backup(&copy)).code(), 0, "what killed ones left is in nobody's way");
    let left: Vec<_> = fs::read_dir(scratch.path("copies")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["copy"]);
}

#[test]
fn a_run_that_may_only_be_read_is_refused_with_a_hint() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    undisturbed(&scratch, &spec);
    let another_user = AnotherUser::new(&scratch);
    let run =
        || finish(another_user.seedgrid().arg("run").arg(&spec).arg("--run-dir").arg(scratch.path("undisturbed")));
    let set =
        |path: &str, mode: u32| fs::set_permissions(scratch.path(path), fs::Permissions::from_mode(mode)).unwrap();
    for (folder, database) in [(0o555, 0o444), (0o777, 0o444)] {
        set("undisturbed/study.db", database);
        set("undisturbed/lock", 0o666);
        set("undisturbed", folder);
        let ended = run();
        no_panic(&ended);
        assert_eq!(ended.code(), 1, "{folder:o} {database:o}: {}", ended.stderr);
        assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
    }
    set("undisturbed", 0o755);
}

#[test]
fn another_studys_database_is_left_alone() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    undisturbed(&scratch, &spec);
    let other = scratch.write("other.toml", &holdout(&["fc"], "1", 1).replace("scratch", "other"));
    let before = fs::read(scratch.path("undisturbed/report/report.json")).unwrap();
    let ended = finish(&mut scratch.run(&other, "undisturbed"));
    assert_eq!(ended.code(), 2);
    assert!(ended.stderr.contains("belongs to the study `scratch`"), "{}", ended.stderr);
    assert_eq!(fs::read(scratch.path("undisturbed/report/report.json")).unwrap(), before);
}

#[test]
fn backups_of_a_running_study_can_be_used() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc-aux", "cnn"], "1..=8", 12));
    let expected = undisturbed(&scratch, &spec);
    let coordinator = serving(&scratch, &spec, "run");
    let _worker = joining(&scratch, "run");
    coordinator.until_stderr("after 12 epochs", 2);
    back_up(&scratch, "run", "copies/first");
    let refused = finish(seedgrid(["backup"]).arg(scratch.path("run")).arg(scratch.path("copies/first")));
    assert_eq!(refused.code(), 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("is not empty"), "{}", refused.stderr);
    coordinator.until_stderr("after 12 epochs", 4);
    // Checked in its own folder, and in the place of a deleted run.
    back_up(&scratch, "copies/first", "copies/second");
    for backup in ["copies/first", "copies/second"] {
        let checked = finish(seedgrid(["check"]).arg(scratch.path(backup)));
        assert_eq!(checked.code(), 3, "{backup}: {}{}", checked.stdout, checked.stderr);
        let report = finish(seedgrid(["report"]).arg(scratch.path(backup)));
        assert_eq!(report.code(), 3, "{backup}: {}", report.stderr);
        let units = scratch.report_json(backup)["counts"].clone();
        assert!(units["done"].as_u64().unwrap() >= 2, "{backup}: {units}");
        let ended = finish(&mut scratch.run(&spec, backup));
        assert_eq!(ended.code(), 0, "{backup}: {}", ended.stderr);
        assert_eq!(scratch.report(backup, "report.json"), expected, "{backup}");
    }
    let checked = finish(seedgrid(["check"]).arg(scratch.path("run")));
    assert!([0, 3].contains(&checked.code()), "while it runs: {}", checked.stdout);
    let ended = coordinator.wait();
    assert_eq!(ended.code(), 0, "the backups did not disturb it: {}", ended.stderr);
    until("the report is there", || scratch.path("run/report/report.json").is_file());
    assert_eq!(scratch.report("run", "report.json"), expected);
}
