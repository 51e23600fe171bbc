//! Small studies on drawn data, in folders of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{finish, seedgrid};

/// A study in a folder of its own, removed when dropped.
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
    /// When none can be made.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder and gives its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the temporary folder is writable");
        path
    }

    /// `seedgrid run` of `spec` into the run directory `run` of this folder, two units at a time.
    pub fn run(&self, spec: &Path, run: &str) -> Command {
        self.run_with_slots(spec, run, 2)
    }

    /// [`Self::run`] with another number of slots.
    pub fn run_with_slots(&self, spec: &Path, run: &str, slots: u32) -> Command {
        let mut command = seedgrid(["run"]);
        command.arg(spec).arg("--run-dir").arg(self.path(run)).args(["--slots", &slots.to_string()]);
        command
    }

    /// What `seedgrid status --format json` says of a run; null where nobody can tell.
    pub fn status(&self, run: &str) -> serde_json::Value {
        let shown = finish(seedgrid(["status", "--format", "json"]).arg(self.path(run)));
        serde_json::from_str(&shown.stdout).unwrap_or_default()
    }

    /// The bytes of a file of a run's report.
    ///
    /// # Panics
    /// When it is not there.
    pub fn report(&self, run: &str, file: &str) -> Vec<u8> {
        let path = self.path(run).join("report").join(file);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A run's report.json.
    ///
    /// # Panics
    /// When it is not there or no JSON.
    pub fn report_json(&self, run: &str) -> serde_json::Value {
        serde_json::from_slice(&self.report(run, "report.json")).expect("report.json is JSON")
    }
}

/// Copies a folder with everything in it.
///
/// # Panics
/// When something cannot be read or written.
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
