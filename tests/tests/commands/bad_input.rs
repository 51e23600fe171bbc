//! Users' mistakes: each gives a clear message and a documented exit code, without loss and without a backtrace.

use std::{fs, net::TcpListener, process::Command};

use seedgrid_common::{
    join::{JoinFile, Role, Token},
    study_id::StudyId,
};
use seedgrid_tests::{
    machine::free_port,
    process::{Ended, Running, finish, seedgrid, worker},
    study::{Scratch, holdout},
};

/// Checks that the message is for people: it contains each of `words`, and is neither a panic nor a dump of a Rust
/// value.
fn clear(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code(), code, "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is missing in: {}", ended.stderr);
    }
    for noise in ["panicked", "RUST_BACKTRACE", "stack backtrace", "Some(", "Err("] {
        assert!(!ended.stderr.contains(noise), "{noise:?} is no word for people: {}", ended.stderr);
    }
}

/// Runs a study that must be refused before any file is made.
fn refused(spec: &str) -> Ended {
    let scratch = Scratch::new();
    let path = scratch.write("spec.toml", spec);
    let ended = finish(&mut scratch.run(&path, "run"));
    assert!(!scratch.path("run").exists(), "a refused spec leaves no run directory");
    ended
}

/// [`holdout`] with one piece of text replaced by another.
fn changed(from: &str, to: &str) -> String {
    let good = holdout(&["cnn-shared-aux"], "1..=2", 2);
    assert!(good.contains(from), "{from:?} is not in the example");
    good.replacen(from, to, 1)
}

#[test]
fn wrong_specs() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("cnn-shared-aux", "cnn-shard-aux", &["cnn-shard-aux", "cnn-shared-aux"]),
        ("learning_rate", "learning_rat", &["learning_rat", "did you mean", "learning_rate"]),
        ("learning_rate = 0.05", "learning_rate = { gird = [0.1] }", &["gird", "grid"]),
        ("learning_rate = 0.05", "learning_rate = { grid = [] }", &["learning_rate"]),
        ("learning_rate = 0.05", "learning_rate = 0", &["learning_rate", "above 0"]),
        ("learning_rate = 0.05", "learning_rate = -0.1", &["learning_rate", "above 0"]),
        ("learning_rate = 0.05", "learning_rate = nan", &["learning_rate"]),
        ("batch_size = 10", "batch_size = 201", &["batch of 201", "200"]),
        ("1..=2", "5..=2", &["5..=2"]),
        ("[[stage.model]]\nmodel = \"cnn-shared-aux\"\nlearning_rate = 0.05\nbatch_size = 10\n", "", &["model"]),
        ("glyph-pairs", "glyph-pair", &["glyph-pairs"]),
        ("\"holdout\"", "{ folds = 1 }", &["folds"]),
    ];
    for (from, to, words) in cases {
        clear(&refused(&changed(from, to)), 2, words);
    }
}

#[test]
fn a_class_with_fewer_pairs_than_folds() {
    let scratch = Scratch::new();
    let spec = changed("\"holdout\"", "{ folds = 90 }").replacen("train_pairs = 200", "train_pairs = 100", 1);
    let ended = finish(&mut scratch.run(&scratch.write("spec.toml", &spec), "run"));
    clear(&ended, 2, &["spec.toml:11:14", "data seed 0", "of class", "90 folds", "use at most"]);
}

#[test]
fn all_errors_come_at_once() {
    let spec = changed("learning_rate = 0.05", "learning_rat = 0.05").replace("1..=2", "2..=1");
    let ended = refused(&spec);
    clear(&ended, 2, &["learning_rat", "2..=1", "nothing was run"]);
}

#[test]
fn a_spec_that_is_not_there() {
    clear(&finish(&mut seedgrid(["run", "no/such/spec.toml"])), 2, &["no/such/spec.toml", "hint"]);
}

/// Runs a command that cannot find an MNIST copy by accident.
fn without_mnist(scratch: &Scratch, mut command: Command) -> Ended {
    let home = scratch.path("home");
    fs::create_dir_all(&home).unwrap();
    finish(command.env("HOME", home).env_remove("XDG_CACHE_HOME"))
}

#[test]
fn missing_truncated_and_altered_mnist() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &changed("glyph-pairs", "mnist-pairs"));
    let ended = without_mnist(&scratch, scratch.run(&spec, "run"));
    clear(&ended, 2, &["MNIST", "seedgrid data fetch", "--data"]);

    let folder = scratch.path("mnist");
    fs::create_dir(&folder).unwrap();
    let run = || {
        let mut command = scratch.run(&spec, "run");
        command.arg("--data").arg(&folder);
        without_mnist(&scratch, command)
    };
    fs::write(folder.join("train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]).unwrap();
    clear(&run(), 2, &["train-images-idx3-ubyte", "truncated"]);
    let mut altered = vec![0, 0, 8, 3, 0, 0, 0xea, 0x60, 0, 0, 0, 28, 0, 0, 0, 28];
    altered.resize(47_040_016, 7);
    fs::write(folder.join("train-images-idx3-ubyte"), altered).unwrap();
    clear(&run(), 2, &["train-images-idx3-ubyte"]);
}

#[test]
fn more_pairs_than_images() {
    let text = changed("glyph-pairs", "mnist-pairs").replace("train_pairs = 200", "train_pairs = 30001");
    clear(&refused(&text), 2, &["30001", "30000"]);
}

#[test]
fn a_port_in_use() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = finish(seedgrid(["serve", "--listen", &address]).arg(&spec).arg("--run-dir").arg(scratch.path("run")));
    clear(&ended, 1, &[&address, "--listen"]);
}

#[test]
fn a_run_directory_of_another_study_or_of_nobody() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let report = scratch.report("run", "report.json");
    let other = scratch.write("other.toml", &holdout(&["fc"], "1", 1).replace("\"scratch\"", "\"other\""));
    clear(&finish(&mut scratch.run(&other, "run")), 2, &["scratch", "other", "--run-dir"]);
    assert_eq!(scratch.report("run", "report.json"), report, "nothing was lost");

    fs::create_dir(scratch.path("thesis")).unwrap();
    scratch.write("thesis/chapter.tex", "precious");
    clear(&finish(&mut scratch.run(&spec, "thesis")), 2, &["thesis", "--run-dir"]);
    clear(&finish(seedgrid(["report"]).arg(scratch.path("thesis"))), 2, &["thesis", "study.db"]);
}

#[test]
fn a_run_directory_in_use() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    let first = Running::start(
        seedgrid(["serve", "--listen", "127.0.0.1:0"]).arg(&spec).arg("--run-dir").arg(scratch.path("run")),
    );
    first.until_stderr("listening", 1);
    let process = format!("process {} on this machine (", first.pid());
    clear(&finish(&mut scratch.run(&spec, "run")), 1, &["in use by ", &process, "), since 20"]);
    first.kill_hard();
    let gone = finish(seedgrid(["drain"]).arg(scratch.path("run")));
    clear(&gone, 5, &["no coordinator runs on", &format!("; the last one was {process}")]);
    let watched = finish(seedgrid(["pause"]).arg(scratch.path("run/admin.toml")));
    clear(&watched, 5, &["no coordinator answers at", "; the file was written on "]);
}

#[test]
fn run_directories_whose_names_are_something_else_to_others() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    for name in ["file:x", "-x", "with space"] {
        // The paths are relative, so SQLite could take the first for a URI, and programs the second for an option. The
        // variable has a number of threads that must not end either program.
        let in_scratch = |arguments: &[&str]| {
            let mut command = seedgrid(arguments);
            command.current_dir(scratch.path("")).env("TOKIO_WORKER_THREADS", "0");
            command
        };
        let run_dir = format!("--run-dir={name}");
        let ended = finish(in_scratch(&["run", &run_dir, "--slots", "1"]).arg(&spec));
        assert_eq!(ended.code(), 0, "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("note: TOKIO_WORKER_THREADS is \"0\""), "{}", ended.stderr);
        assert!(scratch.path(name).join("study.db").is_file(), "{name}");
        for command in ["status", "units", "check", "report"] {
            let ended = finish(&mut in_scratch(&[command, "--", name]));
            assert_eq!(ended.code(), 0, "{command} {name}: {}", ended.stderr);
        }
        let gone = finish(&mut in_scratch(&["drain", "--", name]));
        let typed = seedgrid_common::text::shell(std::path::Path::new(name));
        clear(&gone, 5, &[&format!("`seedgrid status {typed}`")]);
    }
}

#[test]
fn a_run_directory_that_cannot_be_written() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    // Even root cannot make folders there.
    let ended = finish(seedgrid(["run", "--run-dir", "/proc/seedgrid-run"]).arg(&spec));
    clear(&ended, 1, &["/proc/seedgrid-run", "--run-dir"]);
}

#[test]
fn a_damaged_database() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let path = scratch.path("run/study.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&path, bytes).unwrap();
    for leftover in ["run/study.db-wal", "run/study.db-shm"] {
        // Absent after an orderly end.
        let _ = fs::remove_file(scratch.path(leftover));
    }
    let restore = "hint: restore it from a backup that `seedgrid backup` made";
    clear(&finish(&mut scratch.run(&spec, "run")), 1, &["is damaged", restore]);
    clear(&finish(seedgrid(["report"]).arg(scratch.path("run"))), 1, &["is damaged", restore]);
}

#[test]
fn a_database_that_is_taken_away() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=200", 50));
    let running = Running::start(&mut scratch.run(&spec, "run"));
    running.until_stderr("after 50 epochs", 1);
    fs::remove_file(scratch.path("run/study.db")).unwrap();
    clear(&running.wait(), 1, &["study.db has been deleted", "hint:"]);
    clear(&finish(&mut scratch.run(&spec, "run")), 1, &["lost its database", "study.db is missing"]);
    scratch.write("run/study.db", "");
    clear(&finish(&mut scratch.run(&spec, "run")), 1, &["lost its database", "study.db is empty"]);
    clear(&finish(seedgrid(["report"]).arg(scratch.path("run"))), 1, &["study.db is empty", "hint:"]);
}

#[test]
fn a_bad_place_to_listen() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    for listen in ["7700", "here", "host:port", "http://host:1", ":7700"] {
        clear(&finish(seedgrid(["run", "--listen", listen]).arg(&spec)), 2, &["HOST:PORT"]);
    }
    let mut nowhere = seedgrid(["run", "--listen", "no-such-host.invalid:0"]);
    let ended = finish(nowhere.arg(&spec).arg("--run-dir").arg(scratch.path("run")));
    clear(&ended, 1, &["cannot listen on no-such-host.invalid:0", "hint:"]);
}

/// A join file with a plaintext address.
fn join_file(scratch: &Scratch, address: &str) -> std::path::PathBuf {
    let file = JoinFile {
        role: Role::Join,
        study: "scratch".to_owned(),
        study_id: StudyId([7; 16]),
        host: None,
        addresses: vec![address.to_owned()],
        token: Token::generate(),
        expires_ms: None,
        certificate: None,
    };
    let path = scratch.path("join.toml");
    file.write(&path).unwrap();
    path
}

#[test]
fn a_wrong_coordinator_address() {
    let scratch = Scratch::new();
    let free = format!("127.0.0.1:{}", free_port());
    let join = join_file(&scratch, &format!("http://{free}"));
    let ended = finish(worker(["--plaintext", "--connect-timeout", "1s", "--join"]).arg(&join));
    clear(&ended, 5, &[&free, "could not be reached", "hint:"]);
    let asked = finish(seedgrid(["status", "--plaintext"]).arg(&join));
    clear(&asked, 5, &[&free]);
}

#[test]
fn a_stranger_with_a_wrong_token() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    let coordinator = Running::start(
        seedgrid(["serve", "--listen", "127.0.0.1:0"]).arg(&spec).arg("--run-dir").arg(scratch.path("run")),
    );
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let mut file = JoinFile::read(&scratch.path("run/join.toml")).unwrap();
    file.token = Token::generate();
    let stranger = scratch.path("stranger.toml");
    file.write(&stranger).unwrap();
    clear(&finish(worker(["--join"]).arg(&stranger)), 4, &["credential is wrong"]);
    clear(&finish(seedgrid(["status"]).arg(&stranger)), 4, &["credential is wrong"]);
    // A credential file with another purpose.
    clear(&finish(seedgrid(["status"]).arg(scratch.path("run/join.toml"))), 4, &["view.toml or admin.toml"]);
    clear(&finish(worker(["--join"]).arg(scratch.path("run/view.toml"))), 2, &["view.toml", "join.toml"]);
}

#[test]
fn an_unknown_device() {
    let scratch = Scratch::new();
    let join = join_file(&scratch, "http://127.0.0.1:1");
    clear(&finish(worker(["--plaintext", "--device", "tpu", "--join"]).arg(&join)), 2, &["tpu", "cpu"]);
}

#[test]
fn a_wrong_advertised_host() {
    for host in ["h:7700", "http://h", "", "evil\"x"] {
        clear(&finish(&mut seedgrid(["serve", "spec.toml", "--advertise", host])), 2, &["--advertise", "login1"]);
    }
    let ended = finish(&mut seedgrid(["serve", "spec.toml", "--advertise", "[fe80::1]"]));
    clear(&ended, 2, &["--advertise", "link-local"]);
}

#[test]
fn output_that_cannot_be_written() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let status = seedgrid(["plan"]).arg(&spec).stdout(full).stderr(std::process::Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
    // A run needs no reader of its output.
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut run = scratch.run(&spec, "run");
    let status = run.stdout(std::process::Stdio::null()).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(scratch.path("run/report/report.json").is_file());
}

#[test]
fn folders_without_a_run_and_runs_without_a_coordinator() {
    let scratch = Scratch::new();
    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1", 1));
    let nothing = scratch.path("nothing");
    for name in ["status", "watch", "units", "workers", "drain", "pause", "retry", "report", "check"] {
        clear(&finish(seedgrid([name]).arg(&nothing)), 2, &["nothing is no run directory", "hint:"]);
    }
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    let run = scratch.path("run");
    clear(&finish(seedgrid(["drain"]).arg(&run)), 5, &["no coordinator runs on", "seedgrid status"]);
    for arguments in [&["workers"][..], &["units", "--state", "waiting"], &["workers", "--all", "--host", "nowhere"]] {
        let none = finish(seedgrid([arguments[0]]).arg(&run).args(&arguments[1..]));
        assert_eq!((none.code(), none.stdout.as_str()), (0, ""), "{}", none.stderr);
        assert!(none.stderr.starts_with("no"), "that there is none is said: {}", none.stderr);
    }
}

#[test]
fn no_join_file() {
    clear(&finish(&mut worker(["--join", "no/such/join.toml"])), 2, &["no/such/join.toml"]);
}
