//! Frozen results in tests/golden: for each unit of a study its epochs, its errors and the SHA-256 of its weights, and
//! the numbers of report.json. They hold within one numerics class, which all CPUs share.
//!
//! `scripts/golden.sh` compares all of them, and with `--write` replaces them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// If this variable is set, results are written into tests/golden instead of being compared with it.
pub const WRITE: &str = "SEEDGRID_GOLDEN_WRITE";

/// The results of a study, and the frozen files of its name.
#[derive(Debug)]
pub struct Golden {
    folder: PathBuf,
    name: String,
    /// One line for each unit, by its id.
    units: BTreeMap<String, String>,
    report: Value,
    class: String,
}

const HEADER: &str = "unit\tmodel\tvariant\tdata_seed\tfold\tseed\tending\tepochs\ttrain_error\terror\tweights_sha256";

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
        let json = |file: &str| -> Value {
            let path = run_dir.join("report").join(file);
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let document = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            crate::schemas::assert_valid(&document);
            document
        };
        let (report, provenance) = (json("report.json"), json("provenance.json"));
        let trained = items(&provenance["units"]);
        let class = trained.first().map_or(&Value::Null, |unit| &unit["numerics_class"]);
        let weights: BTreeMap<&str, &Value> =
            trained.iter().filter_map(|unit| Some((unit["unit"].as_str()?, &unit["weights"]["sha256"]))).collect();
        let mut units = BTreeMap::new();
        for stage in items(&report["stages"]) {
            for row in items(&stage["configurations"]) {
                for unit in items(&row["units"]) {
                    let id = text(&unit["unit"]);
                    let mut line = id.clone();
                    for value in [&row["model"], &row["variant"]] {
                        let _ = write!(line, "\t{}", text(value));
                    }
                    for field in ["data_seed", "fold", "seed", "ending", "epochs", "train_error", "error"] {
                        let _ = write!(line, "\t{}", text(&unit[field]));
                    }
                    let _ =
                        write!(line, "\t{}", weights.get(id.as_str()).map_or_else(|| "-".to_owned(), |sha| text(sha)));
                    // Several stages may share a unit: its line is that of the first stage.
                    units.entry(id).or_insert(line);
                }
            }
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
        Self { folder, name: name.to_owned(), units, class: text(class), report }
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
        self.compare_units(&frozen);
        let path = self.file("report.json");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let frozen: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut differences = Vec::new();
        numbers_differ(&frozen, &self.report, "report.json", &mut differences);
        assert!(differences.is_empty(), "{}", listed(&self.name, &differences));
    }

    /// Compares the results of a part of the study with the frozen ones.
    ///
    /// # Panics
    /// When a unit differs, or is not among them.
    pub fn hold_part(&self) {
        self.compare_units(&self.frozen_units());
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }

    fn write(&self) {
        let lines: Vec<&str> = self.units.values().map(String::as_str).collect();
        let table = format!("# numerics class {}\n{HEADER}\n{}\n", self.class, lines.join("\n"));
        let report = serde_json::to_string_pretty(&self.report).expect("JSON is written back") + "\n";
        fs::create_dir_all(&self.folder).expect("tests/golden can be made");
        for (ending, text) in [("units.tsv", table), ("report.json", report)] {
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
        assert_eq!(lines.next(), Some(HEADER), "{}", path.display());
        lines.filter_map(|line| Some((line.split('\t').next()?.to_owned(), line.to_owned()))).collect()
    }

    fn compare_units(&self, frozen: &BTreeMap<String, String>) {
        let differs = |(id, line): (&String, &String)| {
            let before = frozen.get(id).map_or("nothing", String::as_str);
            (before != line).then(|| format!("{before}\n  is now\n{line}"))
        };
        let differences: Vec<String> = self.units.iter().filter_map(differs).collect();
        assert!(differences.is_empty(), "{}", listed(&self.name, &differences));
    }
}

/// The first differences, as text.
fn listed(name: &str, differences: &[String]) -> String {
    let shown = differences.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    format!("{name}: {} differ from what is frozen in tests/golden:\n{shown}", differences.len())
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

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A cell: texts unchanged, numbers with every digit, "-" for null.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
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
