//! Follows docs/adding-a-model.md and docs/adding-a-dataset.md literally, in a copy of the repository.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use seedgrid_tests::process::{binary, finish, without_package};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A step of a page.
#[derive(Debug)]
enum Step {
    /// A new file.
    Write { path: String, text: String },
    /// A change of a file: existing lines, with `-` before removed ones and `+` before added ones.
    Change { path: String, diff: String },
    /// A study to run.
    Study(String),
}

/// The steps in a page's fenced blocks. Each file's path is on a line of its own before its blocks: `` `path`: ``.
fn steps(page: &str) -> Vec<Step> {
    let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
    let (mut steps, mut path) = (Vec::new(), None);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(named) = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:")) {
            path = Some(named.to_owned());
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        let file = || path.clone().expect("a block stands under the path of its file");
        steps.push(match language {
            "rust" => Step::Write { path: file(), text: block },
            "diff" => Step::Change { path: file(), diff: block },
            "toml" => Step::Study(block),
            other => panic!("nobody knows what to do with a block of {other:?}"),
        });
    }
    steps
}

/// `text` with a change made in the one place where it fits; otherwise the number of places.
fn changed(text: &str, diff: &str) -> Result<String, usize> {
    let without = |sign: char| -> Vec<&str> {
        let kept = diff.lines().filter(|line| !line.starts_with(sign));
        kept.map(|line| line.get(1..).unwrap_or_default()).collect()
    };
    let (before, after) = (without('+'), without('-'));
    let lines: Vec<&str> = text.lines().collect();
    let places: Vec<usize> =
        (0..=lines.len().saturating_sub(before.len())).filter(|&at| lines[at..].starts_with(&before)).collect();
    let [at] = places[..] else { return Err(places.len()) };
    let all = [&lines[..at], &after, &lines[at + before.len()..]].concat();
    Ok(all.iter().flat_map(|line| [*line, "\n"]).collect())
}

/// Calls `each` on each file below `from`, with the corresponding path below `to`.
fn walk(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool, each: &dyn Fn(&Path, &Path) -> io::Result<()>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !wanted(&name) {
            continue;
        }
        let place = to.join(&name);
        match entry.file_type().unwrap().is_dir() {
            true => walk(&entry.path(), &place, &|_| true, each),
            // Another process may remove a file meanwhile.
            false => drop(each(&entry.path(), &place)),
        }
    }
}

/// The folder of the copy and its build. It is beside cargo's build folder, so that files can be linked instead of
/// copied.
struct Workshop(PathBuf);

impl Workshop {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adding");
        let _ = fs::remove_dir_all(&folder);
        let workshop = Self(folder);
        let sources = |name: &str| name != "target" && name != "runs" && (!name.starts_with('.') || name == ".cargo");
        walk(&root(), &workshop.source(), &sources, &|from, to| fs::copy(from, to).map(drop));
        workshop
    }

    fn source(&self) -> PathBuf {
        self.0.join("source")
    }

    /// Reuses cargo's builds of other packages, so that only Seedgrid's are compiled; the real binaries stay unchanged.
    fn take_over_dependencies(&self) {
        let built = binary("seedgrid").parent().unwrap().to_owned();
        let foreign = |name: &str| !name.contains("seedgrid");
        for folder in [".fingerprint", "build", "deps"] {
            walk(&built.join(folder), &self.0.join("target/release").join(folder), &foreign, &|from, to| {
                fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
            });
        }
    }

    fn follow(&self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Write { path, text } => {
                    let path = self.source().join(path);
                    assert!(!path.exists(), "{} is a new file", path.display());
                    fs::write(path, text).unwrap();
                }
                Step::Change { path, diff } => {
                    let path = self.source().join(path);
                    let text = fs::read_to_string(&path).unwrap();
                    let fits = |places| panic!("this fits in {places} places of {}:\n{diff}", path.display());
                    let text = changed(&text, diff).unwrap_or_else(fits);
                    fs::write(&path, text).unwrap();
                }
                Step::Study(_) => {}
            }
        }
    }

    /// Compiles Seedgrid's own packages without optimisation: they train for a second, and otherwise compile for
    /// minutes.
    fn hurry(&self) {
        let path = self.source().join("Cargo.toml");
        let mut manifest = fs::read_to_string(&path).unwrap();
        // The tests' own code is not optimised anyway.
        for (package, level) in [("common", 1), ("coordinator", 0), ("worker", 1)] {
            let section = format!("[profile.release.package.seedgrid-{package}]\n");
            if !manifest.contains(&section) {
                manifest.push_str(&format!("\n{section}"));
            }
            manifest = manifest.replacen(&section, &format!("{section}opt-level = {level}\n"), 1);
        }
        fs::write(path, manifest).unwrap();
    }

    /// A cargo command on the copy, always with the same targets, so that features and dependencies stay the same.
    fn cargo(&self, cargo: &str, subcommand: &str) -> Command {
        let mut command = Command::new(cargo);
        command
            .args([
                subcommand,
                "--release",
                "--offline",
                "--locked",
                "--workspace",
                "--test",
                "catalogue",
                "--test",
                "training",
            ])
            .current_dir(self.source())
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .env("CARGO_INCREMENTAL", "0");
        without_package(&mut command);
        command
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // The next test removes any rest.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a command without a time limit: whether it succeeded, its standard error and output.
fn end(command: &mut Command) -> (bool, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stderr), text(&output.stdout))
}

#[test]
fn a_model_and_a_data_set_are_added_as_the_pages_say() {
    let cargo = std::env::var("CARGO").unwrap_or("cargo".to_owned());
    if Command::new(&cargo).arg("--version").output().is_err() {
        println!("skipped: cargo cannot be run here");
        return;
    }
    let workshop = Workshop::new();
    let pages = [steps("adding-a-model.md"), steps("adding-a-dataset.md")];
    pages.iter().for_each(|steps| workshop.follow(steps));
    workshop.hurry();
    workshop.take_over_dependencies();
    let mut build = workshop.cargo(&cargo, "build");
    let (built, said, _) = end(build.args(["--bin", "seedgrid", "--bin", "seedgrid-worker"]));
    assert!(built, "{said}");
    assert!(!said.contains("warning"), "{said}");
    println!("compiled:\n{said}");

    let mut tests = workshop.cargo(&cargo, "test");
    let (tested, said, result) = end(tests.args([
        "--",
        "--exact",
        "golden_results",
        "golden_data_sets",
        "documented_models_and_hyperparameters_are_the_schemas",
        "documented_data_sets_are_the_kinds",
    ]));
    assert!(tested, "{result}\n{said}");
    assert_eq!(result.matches("... ok").count(), 4, "{result}");

    let seedgrid = workshop.0.join("target/release/seedgrid");
    let shown = finish(Command::new(&seedgrid).args(["models", "fc-shared"]));
    assert!(shown.stdout.contains("FC weight sharing"), "{}{}", shown.stdout, shown.stderr);
    let mut ran = 0;
    for step in pages.iter().flatten() {
        let Step::Study(text) = step else { continue };
        fs::write(workshop.0.join("study.toml"), text).unwrap();
        let run = workshop.0.join(format!("run{ran}"));
        let ended = finish(
            Command::new(&seedgrid)
                .arg("run")
                .arg(workshop.0.join("study.toml"))
                .arg("--run-dir")
                .arg(&run)
                .args(["--slots", "2"]),
        );
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        let report = fs::read_to_string(run.join("report/report.md")).unwrap();
        let title = ["FC weight sharing", "Bar pairs"][ran];
        assert!(report.contains(title), "{title} is missing in\n{report}");
        ran += 1;
    }
    assert_eq!(ran, 2, "each page ends with a study");
    assert_eq!(
        fs::read_dir(workshop.0.join("run0/weights")).unwrap().count(),
        4 + 1,
        "kept, beside the folder of arrivals"
    );
}

#[test]
fn changes_are_made_where_they_fit_and_nowhere_else() {
    assert_eq!(changed("a\nb\n\nc\n", " b\n\n-c\n+d\n+e\n").as_deref(), Ok("a\nb\n\nd\ne\n"));
    assert_eq!(changed("a\na\n", "-a\n+b\n"), Err(2));
    assert_eq!(changed("a\n", " x\n+b\n"), Err(0));
}
