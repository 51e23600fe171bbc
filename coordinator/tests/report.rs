//! A report's files, written from made-up results.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

#[path = "../../tests/src/csv_rows.rs"]
mod csv_rows;
#[path = "report/doubtful.rs"]
mod doubtful;
#[path = "report/figures.rs"]
mod figures;
#[path = "report/latex.rs"]
mod latex;
#[path = "report/layout.rs"]
mod layout;
#[path = "synthetic/made_rows.rs"]
mod made_rows;
#[path = "report/page.rs"]
mod page;
#[path = "report/race.rs"]
mod race;
#[path = "report/ranked.rs"]
mod ranked;
mod synthetic;
#[path = "report/worded.rs"]
mod worded;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use csv_rows::rows as csv;
use made_rows::MadeRows;
use seedgrid_common::{
    hyperparameters::Value,
    spec::{RaceRule, SelectionRule, Stage},
    training::Ending,
    unit::UnitId,
};
use seedgrid_coordinator::{
    aggregate::{
        Aggregate, UnitReport,
        report_json::{ModelSelection, SelectionReport},
    },
    report::{
        Provenance, ReportError, State,
        provenance::{AttemptRecord, WeightsRecord, WorkerRecord},
        terminal_table,
    },
    scheduler::{attempt_ending::AttemptEnding, unit_state::UnitState},
};
use serde_json::Value as Json;
use synthetic::{DIGEST, Synthetic, cross_validation, five, holdout, row, table_3};

fn provenance(host: &str) -> Provenance {
    let worker = WorkerRecord {
        worker: "w1".to_owned(),
        host: host.to_owned(),
        place: "slurm 12_3".to_owned(),
        pid: 17,
        cores: 2,
        slots: 2,
        device: "cpu".to_owned(),
        isa: "x86-64+avx512".to_owned(),
        numerics_class: "cpu-1".to_owned(),
        version: "0.1.0".to_owned(),
    };
    Provenance {
        study: "small".to_owned(),
        spec: "name = \"small\"\n".to_owned(),
        dataset_digest: DIGEST.to_owned(),
        seedgrid_version: "0.1.0".to_owned(),
        protocol_version: 1,
        kernels_revision: 1,
        model_revisions: BTreeMap::from([("fc".to_owned(), 1)]),
        state: State { study_id: None, coordinator: 1, commits: 1, spec: 1, results: 0, unnamed_results: 0 },
        written_at_unix_ms: 1_700_000_000_001,
        workers: vec![worker],
        numerics_classes: vec!["cpu-1".to_owned()],
    }
}

/// An attempt that was lost, and one that gave a result.
fn attempts() -> Vec<AttemptRecord> {
    let lost = AttemptRecord {
        unit: UnitId([0; 16]),
        attempt: 1,
        ending: AttemptEnding::WorkerLost,
        worker: "w1".to_owned(),
        wall_seconds: None,
        ended_at_unix_ms: Some(1_600_000_000_000),
        detail: "no heartbeat, for 60 s".to_owned(),
        weights: None,
    };
    let weights =
        WeightsRecord { file: format!("weights/{}.safetensors", "0".repeat(32)), sha256: "0".repeat(64), bytes: 1000 };
    let done = AttemptRecord {
        attempt: 2,
        ending: AttemptEnding::Done,
        wall_seconds: Some(1.5),
        ended_at_unix_ms: Some(1_700_000_000_000),
        detail: String::new(),
        weights: Some(weights),
        ..lost.clone()
    };
    vec![lost, done]
}

fn write(folder: &Path, aggregate: &Aggregate, provenance: &Provenance) -> Result<(), ReportError> {
    let rows = MadeRows::new(aggregate, attempts());
    seedgrid_coordinator::report::write(folder, aggregate, provenance, &rows, || None).map(|_| ())
}

fn small() -> Synthetic {
    let weights = [0.3, 0.1].map(Value::Number);
    let rows = vec![row("fc", &[]), row("fc-aux", &[("auxiliary_weight", &weights)])];
    let stages = vec![holdout("final", 1..=4, rows.clone()), cross_validation("tune", 4, 1..=2, rows)];
    let mut study = Synthetic::new("small", 40, stages);
    study.study.references = [table_3("final"), table_3("tune")].concat();
    study
}

/// The report's folder and its files' bytes.
fn written_bytes(study: &Synthetic, provenance: &Provenance) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("run/report");
    write(&report, &study.aggregate(), provenance).expect("the report is written");
    let files = files(&report).expect("the report is read");
    (folder, files)
}

/// As [`written_bytes`], of the files that are text.
fn written(study: &Synthetic, provenance: &Provenance) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let (folder, files) = written_bytes(study, provenance);
    (folder, texts(files))
}

/// Those that are text; "tables.tex" has all tables of LaTeX, "roc.svg" the figures of this kind of all stages.
fn texts(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> =
        files.into_iter().filter_map(|(name, bytes)| Some((name, String::from_utf8(bytes).ok()?))).collect();
    let mut together: BTreeMap<String, String> = BTreeMap::from([("tables.tex".to_owned(), String::new())]);
    for (name, text) in &texts {
        let all = match name.rsplit_once('.') {
            Some((_, "tex")) => "tables.tex".to_owned(),
            Some((stem, "svg")) => format!("{}.svg", stem.split('-').next().unwrap_or(stem)),
            _ => continue,
        };
        *together.entry(all).or_default() += text;
    }
    texts.extend(together);
    texts
}

fn files(folder: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
        })
        .collect()
}

/// Lets a stage select one configuration of a model.
fn select(aggregate: &mut Aggregate, stage: usize, model: &str, number: usize) {
    let stage = &mut aggregate.report.stages[stage];
    let row = stage.configurations.iter().find(|row| row.number == number).unwrap();
    assert_eq!(row.model, model);
    let selected = ModelSelection {
        model: model.to_owned(),
        title: row.title.clone(),
        made: true,
        selected: Some(number),
        incomplete: Vec::new(),
    };
    stage.selection = Some(SelectionReport { rule: "lowest".to_owned(), models: vec![selected] });
}

#[test]
fn every_file_is_there_and_nothing_else() {
    let (_folder, files) = written_bytes(&small(), &provenance("node1"));
    let tables = [
        "attempts",
        "comparisons",
        "configurations",
        "epochs",
        "learning",
        "pr",
        "pr-band",
        "references",
        "roc",
        "roc-band",
        "seeds",
        "units",
    ];
    let documents =
        ["provenance.json", "report.html", "report.json", "report.md", "network-fc.tex", "network-fc-aux.tex"];
    let mut expected: BTreeSet<String> = tables.map(|name| format!("{name}.csv")).into();
    expected.extend(documents.map(str::to_owned));
    let of_stages = ["final", "tune"].into_iter().flat_map(|stage| {
        let tables = ["results", "comparisons", "references", "ensembles"].map(|table| format!("{table}-{stage}.tex"));
        let figures = ["errors", "comparisons", "roc", "pr", "learning"].map(|figure| format!("{figure}-{stage}"));
        figures.map(|name| [format!("{name}.svg"), format!("{name}.png")]).into_iter().flatten().chain(tables)
    });
    expected.extend(of_stages);
    expected.extend(["digits", "networks"].into_iter().flat_map(|name| [format!("{name}.svg"), format!("{name}.png")]));
    assert_eq!(files.keys().cloned().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn workers_are_named_in_provenance_json_and_attempts_csv_alone() {
    let (_one, here) = written_bytes(&small(), &provenance("node-one"));
    let (_two, there) = written_bytes(&small(), &provenance("node-two"));
    let different: BTreeSet<&String> = here.keys().filter(|name| here[*name] != there[*name]).collect();
    assert_eq!(different, BTreeSet::from([&"attempts.csv".to_owned(), &"provenance.json".to_owned()]));
    let here = texts(here);
    assert!(here["provenance.json"].contains("node-one"));
    let rows = csv(&here["attempts.csv"]);
    let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap();
    let of = |name: &str| rows[1..].iter().map(|row| row[column(name)].as_str()).collect::<Vec<_>>();
    assert_eq!(of("host"), ["node-one", "node-one"]);
    assert_eq!(of("ending"), ["worker-lost", "done"]);
    assert_eq!(of("detail"), ["no heartbeat, for 60 s", ""]);
    assert_eq!((of("wall_seconds"), of("weights_bytes")), (vec!["", "1.5"], vec!["", "1000"]));
    assert!(here["provenance.json"].starts_with("{\n  \"schema\": \"seedgrid.provenance/3\""));
}

#[test]
fn a_second_report_replaces_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut study = small();
    study.lose(study.unit(0, 0, 0), UnitState::Quarantined);
    write(folder.path(), &study.aggregate(), &provenance("a")).unwrap();
    let first = texts(files(folder.path()).unwrap());
    write(folder.path(), &small().aggregate(), &provenance("a")).unwrap();
    let second = texts(files(folder.path()).unwrap());
    assert!(
        first["report.json"].contains("\"complete\": false") && second["report.json"].contains("\"complete\": true")
    );
    assert_eq!(first.len(), second.len(), "no file is left over");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("report"), "a file").unwrap();
    let error = write(&folder.path().join("report"), &small().aggregate(), &provenance("a")).unwrap_err();
    assert!(matches!(error, ReportError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("report"));
}

#[test]
fn tables_have_a_row_for_each_thing_and_a_cell_for_each_column() {
    let mut study = small();
    study.diverge(study.unit(0, 0, 1), 3);
    study.lose(study.unit(1, 2, 5), UnitState::Quarantined);
    let (_folder, files) = written(&study, &provenance("a"));
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".csv")) {
        let rows = csv(text);
        assert!(rows.len() > 1, "{name}");
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{name}");
    }
    let units = csv(&files["units.csv"]);
    let column = |name: &str| units[0].iter().position(|cell| cell == name).unwrap();
    // 3 configurations with 4 seeds, and 3 with 4 folds of 2 seeds.
    assert_eq!(units.len(), 1 + 12 + 24);
    let endings: Vec<&str> = units[1..].iter().map(|row| row[column("ending")].as_str()).collect();
    assert_eq!(endings.iter().filter(|ending| **ending == "diverged").count(), 1);
    assert_eq!(endings.iter().filter(|ending| **ending == "quarantined").count(), 1);
    assert_eq!(units[1][column("hyperparameters.hidden")], "[150, 50, 20, 10]");
    let done = &units[1];
    let error: f64 = done[column("error")].parse().unwrap();
    let aggregate = study.aggregate();
    assert_eq!(Some(error), aggregate.curves[0][0].units[0].error, "every digit is there");
    assert_eq!(csv(&files["configurations.csv"]).len(), 1 + 6);
    let epochs: usize = study.results.values().map(|result| result.epochs.len()).sum();
    assert_eq!(csv(&files["epochs.csv"]).len(), 1 + epochs);
}

#[test]
fn single_units_are_in_tables_and_not_in_report_json() {
    let size = |seeds: u64| {
        let mut study = Synthetic::new("grown", 40, vec![holdout("final", 1..=seeds, vec![row("fc", &[])])]);
        (1..=seeds as usize).for_each(|unit| study.lose(study.unit(0, 0, unit - 1), UnitState::Quarantined));
        let (_folder, files) = written(&study, &provenance("a"));
        let unit = study.unit(0, 0, 1).to_string();
        assert!(files["units.csv"].contains(&unit) && !files["report.json"].contains(&unit));
        assert!(!files["provenance.json"].contains("weights/"), "of single attempts");
        assert_eq!(csv(&files["units.csv"]).len(), 1 + seeds as usize);
        files["report.json"].len()
    };
    // Each seed is named once, in the list of its stage.
    assert!(size(60) < size(20) + 40 * 20, "{} and {}", size(20), size(60));
}

#[test]
fn holes_stand_before_the_table() {
    let mut study = small();
    study.diverge(study.unit(0, 0, 1), 3);
    study.lose(study.unit(0, 1, 2), UnitState::Quarantined);
    study.failures.insert(study.unit(0, 1, 2), "a batch of 30 is larger than 20 pairs".to_owned());
    // The text about a unit that did not fail after all is not repeated.
    study.failures.insert(study.unit(0, 0, 0), "no".to_owned());
    let (_folder, files) = written(&study, &provenance("a"));
    let json: Json = serde_json::from_str(&files["report.json"]).unwrap();
    let rows = &json["stages"][0]["configurations"];
    assert_eq!(rows[1]["failures"], serde_json::json!(["a batch of 30 is larger than 20 pairs"]));
    assert_eq!(rows[0]["failures"], serde_json::json!([]));
    for name in ["report.html", "report.md"] {
        assert!(files[name].contains("Last said: “a batch of 30 is larger than 20 pairs”."), "{name}");
    }
    for (name, left_out, failed) in [
        ("report.html", "FC Network: 1 of 4 units diverged (seed 2 in epoch 4)", "1 of 4 units quarantined (seed 3)"),
        ("report.md", "FC Network: 1 of 4 units diverged (seed 2 in epoch 4)", "1 of 4 units quarantined (seed 3)"),
    ] {
        let text = &files[name];
        let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{name}: {what}"));
        let table = place("3 of 4");
        assert!(place("Incomplete") < table && place(left_out) < table && place(failed) < table, "{name}");
    }
}

#[test]
fn a_study_without_any_result_has_a_report() {
    let mut study = Synthetic::new("empty", 30, vec![holdout("final", 1..=3, five())]);
    study.results.clear();
    let (_folder, files) = written(&study, &provenance("a"));
    assert!(!files.contains_key("roc.svg") && !files["report.html"].contains("ROC curves</b>"));
    assert!(files["report.html"].contains("Stage final: no configuration has a result yet."));
    assert!(files["report.json"].contains("\"auc\": null"));
    assert_eq!(csv(&files["roc.csv"]).len(), 1, "the header alone");
    assert!(
        files["report.md"].contains("No t test, as it needs a seed of which both configurations have done all units")
    );
}

#[test]
fn a_dot_of_several_draws_is_one_draw_and_seed() {
    let mut stage = holdout("draws", 1..=2, vec![row("fc", &[])]);
    stage.data_seeds = vec![0, 1];
    let (_folder, files) = written(&Synthetic::new("drawn", 40, vec![stage]), &provenance("a"));
    assert!(files["report.html"].contains("A dot is one draw of the data and seed;"));
}

#[test]
fn main_tables_are_about_single_networks_and_the_ensemble_stands_apart() {
    let (_folder, files) = written(&small(), &provenance("a"));
    for name in ["tables.tex", "report.html", "report.md"] {
        assert!(files[name].contains("n: how many of the planned units"), "{name}");
        assert!(files[name].contains("average precision of single networks"), "{name}");
        assert!(files[name].contains("Ensemble AUC"), "{name}");
    }
    assert!(files["report.html"].contains("AUC: the ensemble"), "in the figure's caption");
}

#[test]
fn a_stage_of_many_configurations_has_a_panel_a_model() {
    let rates = [0.05, 0.1, 0.2].map(Value::Number);
    let rows = five().iter().map(|given| row(&given.model, &[("learning_rate", &rates)])).collect();
    let study = Synthetic::new("many", 40, vec![holdout("search", 1..=2, rows)]);
    let (_folder, files) = written(&study, &provenance("a"));
    assert_eq!(files["roc.svg"].matches("3 configurations").count(), 5);
    let captions = |words: &str| files["report.html"].matches(words).count();
    assert_eq!(
        captions("of the lowest mean error, which is named; grey"),
        2,
        "in both figures of averaged predictions"
    );
    assert_eq!(captions("of the lowest mean error; grey"), 1, "learning curves have no names");
    assert_eq!(csv(&files["configurations.csv"]).len(), 1 + 15);
}

#[test]
fn references_stand_beside_the_rows_that_they_are_for() {
    let (_folder, files) = written(&small(), &provenance("a"));
    let table = csv(&files["references.csv"]);
    let column = |name: &str| table[0].iter().position(|cell| cell == name).unwrap();
    // `fc` once and `fc-aux` in two configurations, in both stages; the other models are not in the study.
    let models: Vec<&str> = table[1..].iter().map(|row| row[column("model")].as_str()).collect();
    assert_eq!(models, ["fc", "fc-aux", "fc-aux", "fc", "fc-aux", "fc-aux"]);
    assert_eq!(table[1][column("theirs_error")], "0.2583");
    let page = &files["report.html"];
    assert_eq!(page.matches("<h3>Next to the references</h3>").count(), 2);
    assert_eq!(page.matches(">Table III</td>").count(), 6);
    assert_eq!(files["report.md"].matches("### Next to the references").count(), 2);

    let mut without = small();
    without.study.references.clear();
    let (_folder, files) = written(&without, &provenance("a"));
    assert_eq!(csv(&files["references.csv"]).len(), 1, "the header alone");
    assert!(!files["report.html"].contains("Next to the references"));
    assert!(!files["report.md"].contains("Next to the references"));
}

#[test]
fn what_differs_from_a_reference_is_said_with_its_cause() {
    let mut study = Synthetic::new("far", 1000, vec![holdout("final", 1..=5, vec![row("fc", &[]), row("cnn", &[])])]);
    study.study.references = table_3("final");
    study.study.references.retain(|reference| ["fc", "cnn"].contains(&reference.model.as_str()));
    study.study.references.iter_mut().for_each(|reference| reference.error += 0.2);
    let (_folder, files) = written(&study, &provenance("a"));
    for (name, text) in [("report.md", &files["report.md"]), ("report.html", &files["report.html"])] {
        assert!(text.contains("2 differences: 2 different."), "{name}");
        assert!(text.contains("Likely cause: these results are made up."), "{name}");
        assert!(text.contains("The spec names no cause."), "{name}");
    }
    assert!(terminal_table(&study.aggregate(), 100).contains("FC Network differs from Table III by −0.2"));
}

#[test]
fn every_pair_is_in_the_table_and_the_figure() {
    let (_folder, files) = written(&small(), &provenance("a"));
    assert_eq!(csv(&files["comparisons.csv"]).len(), 1 + 2 * 3);
    assert_eq!(files["comparisons.svg"].matches("after Holm&#39;s correction").count(), 2 * 3);
    let rates: Vec<Value> = (1..=40).map(|rate| Value::Number(f64::from(rate) / 100.0)).collect();
    let study =
        Synthetic::new("many", 40, vec![holdout("search", 1..=2, vec![row("fc", &[("learning_rate", &rates)])])]);
    let (_folder, files) = written(&study, &provenance("a"));
    assert_eq!(csv(&files["comparisons.csv"]).len(), 1 + 39, "each with the best one");
    assert_eq!(files["comparisons.svg"].matches("after Holm&#39;s correction").count(), 30);
    assert!(files["report.md"].contains("40 configurations are too many for all pairs"));
}

#[test]
fn what_a_stage_selected_is_marked_in_every_table() {
    let mut aggregate = small().aggregate();
    select(&mut aggregate, 1, "fc-aux", 3);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &aggregate, &provenance("a")).unwrap();
    let files = texts(files(folder.path()).unwrap());
    let lines = |name: &str, mark: &str| -> Vec<String> {
        files[name].lines().filter(|line| line.contains(mark)).map(str::to_owned).collect()
    };
    let name = "FC Network with Aux (auxiliary_weight=0.1)";
    let marked = lines("report.md", "| FC Network with Aux (selected) | 0.1 ");
    assert_eq!(marked.len(), 3, "results, ensembles and hyper-parameters: {marked:#?}");
    assert_eq!(lines("report.md", &format!("{name} (selected) ")).len(), 2 + 1, "in pairs, next to the reference");
    assert_eq!(lines("report.md", "what later stages start from").len(), 1);
    let daggers = lines("tables.tex", "$\\dagger$ & 0.1 &");
    assert_eq!(daggers.len(), 2, "single networks, ensembles: {daggers:#?}");
    // Results, ensembles, hyper-parameters and each of its eight units.
    assert_eq!(lines("report.html", "<span class=\"selected\">selected</span>").len(), 3 + 8);
    assert_eq!(lines("report.html", "<tr class=\"lowest chosen\">").len(), 1);
    // Its row in the figures of error rates and of differences stands on a tint, and curves name it.
    for (figure, mark) in
        [("errors", "#e3eef8"), ("comparisons", "#e3eef8"), ("roc", "(selected)"), ("learning", "(selected)")]
    {
        assert!(files[&format!("{figure}-tune.svg")].contains(mark), "{figure}");
        assert!(!files[&format!("{figure}-final.svg")].contains(mark), "{figure}");
    }
    let terminal = terminal_table(&aggregate, 100);
    assert_eq!(terminal.matches("\n* auxiliary_weight=0.1").count(), 1);
    assert!(terminal.contains("  * selected for later stages\n"));
    assert!(files["networks.svg"].contains("as stage tune selected it: auxiliary_weight=0.1"));
    assert!(files["networks.svg"].contains("as in stage final: batch_size=20"), "of a model that nothing selects");
}

/// Every key of every object, except inside what is keyed by names: hyper-parameters and model revisions.
fn keys(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::Object(fields) => {
            for (key, inner) in fields {
                found.insert(key.clone());
                if !["hyperparameters", "where", "model_revisions"].contains(&key.as_str()) {
                    keys(inner, found);
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn every_file_field_and_column_is_documented() {
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report.md")).unwrap();
    let rates = [0.05, 0.1].map(Value::Number);
    let stages = vec![
        holdout("final", 1..=2, vec![row("fc", &[("learning_rate", &rates)])]),
        race::racing("race"),
        cross_validation("tune", 3, 1..=1, vec![row("cnn", &[])]),
    ];
    let mut study = Synthetic::new("documented", 40, stages);
    study.settle();
    let rungs = &study.track.races[0].rungs;
    assert!(rungs.iter().any(|rung| !rung.left.is_empty()), "every field of a race is there");
    study.study.references = table_3("final");
    study.lose(study.unit(0, 0, 0), UnitState::Quarantined);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &study.aggregate(), &provenance("a")).unwrap();

    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let file = entry.file_name().into_string().unwrap();
        let text = String::from_utf8(fs::read(entry.path()).unwrap()).unwrap_or_default();
        if file.ends_with(".json") {
            keys(&serde_json::from_str(&text).unwrap(), &mut names);
        }
        if file.ends_with(".csv") {
            let header = text.lines().next().unwrap();
            names.extend(header.split(',').filter(|column| !column.starts_with("hyperparameters.")).map(str::to_owned));
        }
        let file =
            ["final", "race", "tune"].iter().fold(file, |file, stage| file.replace(&format!("-{stage}."), "-STAGE."));
        names.insert(["fc", "cnn"].iter().fold(file, |file, model| file.replace(&format!("-{model}."), "-MODEL.")));
    }
    names.remove("folds"); // Documented as {"folds": k}.
    let missing: Vec<&String> = names.iter().filter(|name| !docs.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/report.md does not name {missing:?}");
}
