//! Frozen results in tests/golden: for each unit of a study its numbers in units.csv and the SHA-256 of its weights'
//! tensors, the numbers of report.json, and seeds.csv. Ids are not frozen. They hold within one numerics class, which all CPUs share.
//!
//! `scripts/golden.sh` compares all of them, and with `--write` replaces them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::csv;

/// If this variable is set, results are written into tests/golden instead of being compared with it.
pub const WRITE: &str = "SEEDGRID_GOLDEN_WRITE";

/// The results of a study, and the frozen files of its name.
#[derive(Debug)]
pub struct Golden {
    folder: PathBuf,
    name: String,
    /// One line for each unit of each configuration, by stage, configuration, data seed, fold and seed.
    units: BTreeMap<String, String>,
    report: Value,
    /// The text of seeds.csv.
    seeds: String,
    class: String,
}

/// The columns of the key, which are the first. A unit that several configurations share has a line in each.
const KEYS: [&str; 5] = ["stage", "configuration", "data_seed", "fold", "seed"];

/// The columns of units.csv that are frozen, and the SHA-256 of the weights' tensors.
const COLUMNS: [&str; 19] = [
    "stage",
    "configuration",
    "data_seed",
    "fold",
    "seed",
    "model",
    "variant",
    "ending",
    "epochs",
    "converged",
    "train_loss",
    "train_error",
    "loss",
    "error",
    "auc",
    "average_precision",
    "untrained",
    "stuck",
    "tensors_sha256",
];

/// A spec that keeps the weights of all its units. Their ids do not change.
pub fn keeping_weights(spec: &str) -> String {
    spec.replace("[[stage]]\n", "[[stage]]\nkeep_weights = true\n")
}

impl Golden {
    /// The results in `run_dir`, whose study ended and kept its weights.
    ///
    /// # Panics
    /// When its report is incomplete.
    pub fn new(name: &str, run_dir: &Path) -> Self {
        let text = |file: &str| -> String {
            let path = run_dir.join("report").join(file);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let report: Value = serde_json::from_str(&text("report.json")).expect("report.json is JSON");
        crate::schemas::assert_valid(&report);
        let attempts = csv::records(&text("attempts.csv"));
        let class = attempts.first().map_or_else(String::new, |attempt| attempt["numerics_class"].clone());
        let units = csv::records(&text("units.csv")).into_iter().map(|unit| {
            let cells = COLUMNS.map(|column| match column {
                "tensors_sha256" => tensors_sha256(&run_dir.join("weights").join(&unit["unit"])),
                column => unit[column].clone(),
            });
            let cells = cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell });
            (cells[..KEYS.len()].join("\t"), cells.join("\t"))
        });
        let units = units.collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        Self { folder, name: name.to_owned(), units, class, report, seeds: text("seeds.csv") }
    }

    /// Writes the frozen files, or compares all of the study's results with them.
    ///
    /// # Panics
    /// When a result differs, or a file is missing.
    pub fn hold(&self) {
        if std::env::var_os(WRITE).is_some() {
            self.write();
        }
        let frozen = self.frozen_units();
        assert_eq!(self.units.len(), frozen.len(), "{}: another number of units than is frozen", self.name);
        self.compare_units(&self.units, &frozen);
        let path = self.file("report.json");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let frozen: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let path = self.file("seeds.csv");
        let seeds = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(self.seeds, seeds, "{}: seeds.csv differs from the frozen one in tests/golden", self.name);
        let mut differences = Vec::new();
        numbers_differ(&frozen, &self.report, "report.json", &mut differences);
        assert!(differences.is_empty(), "{}", listed(&self.name, &differences));
    }

    /// Compares the results of a part of the study with the frozen ones.
    ///
    /// # Panics
    /// When a unit differs, or is not among them.
    pub fn hold_part(&self) {
        // Whether a unit is stuck depends on the other seeds, which a part lacks.
        let place = COLUMNS.iter().position(|column| *column == "stuck").expect("units.csv says so");
        let without = |lines: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let blank = |line: &String| {
                let mut cells: Vec<&str> = line.split('\t').collect();
                cells[place] = "-";
                cells.join("\t")
            };
            lines.iter().map(|(key, line)| (key.clone(), blank(line))).collect()
        };
        self.compare_units(&without(&self.units), &without(&self.frozen_units()));
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }

    fn write(&self) {
        let lines: Vec<&str> = self.units.values().map(String::as_str).collect();
        let table = format!("# numerics class {}\n{}\n{}\n", self.class, COLUMNS.join("\t"), lines.join("\n"));
        let report = serde_json::to_string_pretty(&self.report).expect("JSON is written back") + "\n";
        fs::create_dir_all(&self.folder).expect("tests/golden can be made");
        for (ending, text) in [("units.tsv", table), ("seeds.csv", self.seeds.clone()), ("report.json", report)] {
            fs::write(self.file(ending), text).expect("tests/golden can be written");
        }
    }

    /// The frozen lines, by unit.
    fn frozen_units(&self) -> BTreeMap<String, String> {
        let path = self.file("units.tsv");
        let hint = "scripts/golden.sh --write makes it";
        let table = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; {hint}", path.display()));
        let mut lines = table.lines();
        let class = lines.next().and_then(|line| line.strip_prefix("# numerics class ")).unwrap_or_default();
        assert_eq!(class, self.class, "{}: frozen in another numerics class; {hint} for this one", path.display());
        assert_eq!(lines.next(), Some(COLUMNS.join("\t").as_str()), "{}", path.display());
        let key = |line: &str| line.split('\t').take(KEYS.len()).collect::<Vec<_>>().join("\t");
        lines.map(|line| (key(line), line.to_owned())).collect()
    }

    fn compare_units(&self, units: &BTreeMap<String, String>, frozen: &BTreeMap<String, String>) {
        let differs = |(id, line): (&String, &String)| {
            let before = frozen.get(id).map_or("nothing", String::as_str);
            (before != line).then(|| format!("{before}\n  is now\n{line}"))
        };
        let differences: Vec<String> = units.iter().filter_map(differs).collect();
        assert!(differences.is_empty(), "{}", listed(&self.name, &differences));
    }
}

/// The SHA-256 of the tensors in a file of kept weights, whose path is given without its ending; empty without such a
/// file.
fn tensors_sha256(path: &Path) -> String {
    let Ok(bytes) = fs::read(path.with_extension("safetensors")) else { return String::new() };
    let header = bytes.get(8..8 + usize::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))).expect("a header");
    let header: Value = serde_json::from_slice(header).expect("the header is JSON");
    let entry = header["__metadata__"]["seedgrid"].as_str().expect("it is a file of Seedgrid's");
    let entry: Value = serde_json::from_str(entry).expect("the entry is JSON");
    entry["tensors_sha256"].as_str().expect("it has a digest of its tensors").to_owned()
}

/// The first differences, as text.
fn listed(name: &str, differences: &[String]) -> String {
    let shown = differences.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    format!("{name}: {} differ from the frozen ones in tests/golden:\n{shown}", differences.len())
}

/// Adds each place where a number, a boolean or a null of `frozen` differs in `found`. Texts may change, and fields may
/// be added.
fn numbers_differ(frozen: &Value, found: &Value, place: &str, differences: &mut Vec<String>) {
    match (frozen, found) {
        (Value::Object(frozen), found) => {
            for (key, value) in frozen {
                numbers_differ(value, &found[key], &format!("{place}.{key}"), differences);
            }
        }
        (Value::Array(frozen), Value::Array(found)) if frozen.len() == found.len() => {
            for (index, (value, found)) in frozen.iter().zip(found).enumerate() {
                numbers_differ(value, found, &format!("{place}[{index}]"), differences);
            }
        }
        (Value::String(_), Value::String(_)) => {}
        (frozen, found) if frozen == found => {}
        (frozen, found) => differences.push(format!("{place}: {frozen} is now {found}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(frozen: &Value, found: &Value) -> Vec<String> {
        let mut differences = Vec::new();
        numbers_differ(frozen, found, "r", &mut differences);
        differences
    }

    #[test]
    fn numbers_are_held_and_texts_are_not() {
        let frozen = json!({"a": [{"n": 0.1, "why": "x", "none": null}], "b": true});
        let grown = json!({"a": [{"n": 0.1, "why": "y", "none": null, "more": 1}], "b": true, "c": 2});
        assert_eq!(differences(&frozen, &grown), [""; 0]);
        let spoiled = json!({"a": [{"n": 0.100_000_000_000_000_02, "why": "x", "none": 0}], "b": false});
        assert_eq!(differences(&frozen, &spoiled).len(), 3);
        assert_eq!(differences(&json!({"a": [1, 2]}), &json!({"a": [1]})).len(), 1);
        assert_eq!(differences(&json!({"gone": 1}), &json!({})), ["r.gone: 1 is now null"]);
    }
}
