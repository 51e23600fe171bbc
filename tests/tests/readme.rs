//! Runs README's commands and example exactly as written.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use nix::sys::signal::Signal;
use seedgrid_tests::{
    process::{Running, binary, finish, without_package},
    study::Scratch,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The content of README's fenced blocks of this language.
fn blocks(language: &str) -> Vec<String> {
    let text = readme();
    let fence = format!("```{language}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A command of the README, with the built binaries, in `folder`.
fn command(line: &str, folder: &Path) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(binary(words.next().unwrap()));
    command.args(words).current_dir(folder).env_remove("SEEDGRID_DATA").env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

/// These two commands use a shell's quotes.
const EXPLAIN: &str = "seedgrid explain runs/table3 'cnn seed 3'";
const PREDICT: &str =
    "seedgrid-worker predict --weights runs/mine/weights --data runs/mine --label 'learning_rate=0.1'";
const SERVE: &str = "seedgrid serve experiments/table3.toml --listen 0.0.0.0:7700";

/// A command of the README that needs a shell.
fn shell(line: &str, folder: &Path) -> Command {
    let binaries = binary("seedgrid-worker").parent().unwrap().to_owned();
    let path =
        std::env::join_paths([binaries].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())));
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder).env("PATH", path.unwrap());
    shell
}

#[test]
fn every_command_is_tried_here() {
    let commands: Vec<String> = blocks("sh")
        .iter()
        .flat_map(|block| block.lines())
        .map(|line| line.split(" #").next().unwrap().trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(
        commands,
        [
            "scripts/quickstart.sh",
            "scripts/test.sh",
            "seedgrid plan mine.toml",
            "seedgrid run mine.toml",
            "seedgrid list",
            "seedgrid data fetch",
            SERVE,
            "seedgrid-worker --join join.toml --slots 4",
            "seedgrid watch runs/table3",
            "seedgrid status runs/table3 --format json",
            EXPLAIN,
            "seedgrid report runs/mine",
            PREDICT,
        ],
        "a command that is new in the README needs its test here"
    );
    // scripts/test.sh runs this test.
    assert!(root().join("scripts/test.sh").is_file());
}

#[test]
fn links_lead_somewhere() {
    let text = readme();
    for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let file = link.split('#').next().unwrap();
        assert!(link.starts_with("https://") || root().join(file).exists(), "{link} leads nowhere");
    }
}

#[test]
fn the_example_study_runs() {
    let scratch = Scratch::new();
    let folder = scratch.path("");
    scratch.write("mine.toml", &blocks("toml")[0]);
    let planned = finish(&mut command("seedgrid plan mine.toml", &folder));
    assert!(planned.stdout.contains("6 different units"), "{}", planned.stdout);
    let ended = finish(&mut command("seedgrid run mine.toml", &folder));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let listed = finish(&mut command("seedgrid list", &folder));
    let words: Vec<&str> = listed.stdout.split_whitespace().collect();
    let expected = ["mine", "done", "6", "of", "6", "done"];
    assert_eq!(
        (listed.code(), words.get(..6), words.last()),
        (0, Some(&expected[..]), Some(&"runs/mine")),
        "{}",
        listed.stdout
    );
    let again = finish(&mut command("seedgrid report runs/mine", &folder));
    assert_eq!(again.code(), 0, "{}", again.stderr);
    // One of the two configurations, by its three seeds.
    let predicted = finish(&mut shell(PREDICT, &folder));
    assert_eq!(predicted.code(), 0, "{}", predicted.stderr);
    assert!(predicted.stderr.contains("all 3 together: error 0."), "{}", predicted.stderr);
    assert!(!predicted.stderr.contains("learning_rate=0.05"), "{}", predicted.stderr);
    assert_eq!(predicted.stdout.lines().count(), 1 + 500);
    let kinds = PREDICT.replace("learning_rate=0.1", "cnn-shared-aux");
    let several = finish(&mut shell(&kinds, &folder));
    assert_eq!((several.code(), several.stdout.as_str()), (2, ""), "{}", several.stderr);
    for words in
        ["fits networks of 2 configurations", "learning_rate=0.1", "learning_rate=0.05", "(3 networks)", "hint: "]
    {
        assert!(several.stderr.contains(words), "{words:?} is missing in {}", several.stderr);
    }
}

#[test]
fn the_quickstart_script_ends_with_its_report() {
    let scratch = Scratch::new();
    let run = scratch.path("run");
    let mut script = Command::new(root().join("scripts/quickstart.sh"));
    // In some other folder, like a new user's.
    script.arg("--run-dir").arg(&run).current_dir(scratch.path(""));
    let ended = finish(without_package(&mut script));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("CNN weight sharing & Aux"), "the table is shown: {}", ended.stdout);
    assert!(ended.stdout.contains("report.html"), "where the report is, is said: {}", ended.stdout);
    let report = scratch.report_json("run");
    let errors: Vec<f64> = report["stages"][0]["configurations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["error"]["mean"].as_f64().unwrap())
        .collect();
    let [cnn, shared, aux, fc, fc_aux] = errors[..] else { panic!("{errors:?}") };
    assert!(aux < shared && shared < cnn && cnn < fc_aux && fc_aux < fc, "the models rank as on MNIST: {errors:?}");

    fs::create_dir(scratch.path("runs")).unwrap();
    symlink(&run, scratch.path("runs/quickstart")).unwrap();
    symlink(root().join("experiments"), scratch.path("experiments")).unwrap();
    let finished = finish(&mut command("seedgrid run experiments/quickstart.toml", &scratch.path("")));
    assert_eq!(finished.code(), 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("nothing to do but the report"), "{}", finished.stderr);
}

#[test]
fn table_3_is_served_watched_and_left() {
    let Some(mnist) = std::env::var_os("SEEDGRID_TEST_MNIST") else {
        println!("skipped: SEEDGRID_TEST_MNIST is not set");
        return;
    };
    let scratch = Scratch::new();
    let folder = scratch.path("");
    // As after the download: `data fetch` finds the files in its target folder, and so does the study.
    fs::create_dir_all(scratch.path("cache/seedgrid")).unwrap();
    symlink(mnist, scratch.path("cache/seedgrid/mnist")).unwrap();
    symlink(root().join("experiments"), scratch.path("experiments")).unwrap();
    let fetched = finish(&mut command("seedgrid data fetch", &folder));
    assert_eq!(fetched.code(), 0, "{}", fetched.stderr);
    assert_eq!(fetched.stdout.matches("was there and is good").count(), 4, "{}", fetched.stdout);
    let coordinator = Running::start(&mut command(SERVE, &folder));
    coordinator.until_stderr("seedgrid-worker --join", 1);
    fs::copy(scratch.path("runs/table3/join.toml"), scratch.path("join.toml")).unwrap();
    let worker = Running::start(&mut command("seedgrid-worker --join join.toml --slots 4", &folder));
    let watch = Running::start(&mut command("seedgrid watch runs/table3", &folder));
    worker.until_stderr("started", 4);
    let status = finish(&mut command("seedgrid status runs/table3 --format json", &folder));
    assert_eq!(status.code(), 0, "{}", status.stderr);
    let status = status.json();
    assert_eq!(status["units"]["total"], 50);
    watch.until_stdout("50 units", 1);
    let explained = finish(&mut shell(EXPLAIN, &folder));
    assert_eq!(explained.code(), 0, "{}", explained.stderr);
    assert!(explained.stdout.starts_with("cnn "), "{}", explained.stdout);
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.wait().code(), 0);
    coordinator.signal(Signal::SIGTERM);
    assert_eq!(coordinator.wait().code(), 143);
    drop(watch);
}
