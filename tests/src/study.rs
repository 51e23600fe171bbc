//! Small studies on drawn data, each in its own folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{finish, seedgrid};

/// A study's folder, removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// An empty folder.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder and returns its path.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the temporary folder is writable");
        path
    }

    /// `seedgrid run` of `spec` into the run directory `run` of this folder, with two slots.
    pub fn run(&self, spec: &Path, run: &str) -> Command {
        self.run_with_slots(spec, run, 2)
    }

    /// [`Self::run`] with another number of slots.
    pub fn run_with_slots(&self, spec: &Path, run: &str, slots: u32) -> Command {
        let mut command = seedgrid(["run"]);
        command.arg(spec).arg("--run-dir").arg(self.path(run)).args(["--slots", &slots.to_string()]);
        command
    }

    /// The output of `seedgrid status --format json` for a run; null where there is none.
    pub fn status(&self, run: &str) -> serde_json::Value {
        let shown = finish(seedgrid(["status", "--format", "json"]).arg(self.path(run)));
        serde_json::from_str(&shown.stdout).unwrap_or_default()
    }

    /// The bytes of a file of a run's report.
    ///
    /// # Panics
    /// When the file does not exist.
    pub fn report(&self, run: &str, file: &str) -> Vec<u8> {
        let path = self.path(run).join("report").join(file);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The rows of a table of a run's report, each cell by its column's name.
    ///
    /// # Panics
    /// When the file does not exist or is no text.
    pub fn report_table(&self, run: &str, file: &str) -> Vec<BTreeMap<String, String>> {
        crate::csv::records(&String::from_utf8(self.report(run, file)).expect("a table is text"))
    }

    /// A run's report.json.
    ///
    /// # Panics
    /// When the file does not exist or is no JSON.
    pub fn report_json(&self, run: &str) -> serde_json::Value {
        let report = serde_json::from_slice(&self.report(run, "report.json")).expect("report.json is JSON");
        crate::schemas::assert_valid(&report);
        report
    }
}

/// Copies a folder with all its content.
///
/// # Panics
/// When a file cannot be read or written.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => fs::copy(entry.path(), target).map(drop).unwrap(),
        }
    }
}

/// A study of one hold-out stage on drawn data: `models` x `seeds`, each trained for exactly `epochs` epochs.
pub fn holdout(models: &[&str], seeds: &str, epochs: u32) -> String {
    let rows: String = models
        .iter()
        .map(|model| format!("[[stage.model]]\nmodel = \"{model}\"\nlearning_rate = 0.05\nbatch_size = 10\n\n"))
        .collect();
    format!(
        "name = \"scratch\"\n\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 200\ntest_pairs = 100\nseed = 0\n\n[[stage]]\nname = \
         \"final\"\nevaluation = \"holdout\"\nseeds = \"{seeds}\"\nstop = {{ loss_delta = 0.0, max_epochs = {epochs} }}\nnormalize = \
         \"standardize\"\n\n{rows}"
    )
}
