//! `seedgrid export`, and the queries of docs/export.md against a real run's database.

use std::{collections::BTreeMap, fs, path::Path};

use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
use rusqlite::{Connection, OpenFlags, types::Value};
use seedgrid_tests::{
    csv,
    machine::repository,
    process::{Running, finish, seedgrid, worker},
    study::{Scratch, holdout},
};

fn shown(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(value) => value.to_string(),
        // As in the CSV files, where small numbers have an exponent.
        Field::Double(value) if value.abs() < 1e-5 && *value != 0.0 => format!("{value:e}"),
        Field::Double(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        Field::Bool(value) => value.to_string(),
        Field::ListInternal(items) => {
            format!("[{}]", items.elements().iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        other => panic!("no column has {other:?}"),
    }
}

/// The cells of a table's Parquet file, in the same form.
fn parquet(path: &Path) -> Vec<Vec<String>> {
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr().root_schema().clone();
    let header = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let row = |row: parquet::record::Row| row.get_column_iter().map(|(_, field)| shown(field)).collect();
    let rows = reader.get_row_iter(None).unwrap();
    std::iter::once(header).chain(rows.map(|one| row(one.unwrap()))).collect()
}

/// The cells of one column.
fn column<'a>(table: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let place = table[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
    table[1..].iter().map(|row| row[place].as_str()).collect()
}

#[test]
fn both_forms_hold_the_whole_run() {
    let scratch = Scratch::new();
    let ended = finish(&mut scratch.run(&repository("experiments/paper-small.toml"), "run"));
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let exported = finish(seedgrid(["export"]).arg(scratch.path("run")));
    assert_eq!(exported.code(), 0, "{}", exported.stderr);
    let folder = scratch.path("run/export");
    let mut tables = BTreeMap::new();
    for name in ["units", "epochs", "predictions"] {
        let table = csv::rows(&fs::read_to_string(folder.join(format!("{name}.csv"))).unwrap());
        assert_eq!(parquet(&folder.join(format!("{name}.parquet"))), table, "{name}");
        assert!(exported.stdout.contains(&format!("{} rows", table.len() - 1)), "{}", exported.stdout);
        tables.insert(name, table);
    }
    let units = &tables["units"];
    let reported = csv::rows(&String::from_utf8(scratch.report("run", "units.csv")).unwrap());
    for name in ["unit", "error", "epochs", "stuck"] {
        assert_eq!(column(units, name), column(&reported, name), "the report's units in the report's order: {name}");
    }
    assert!(column(units, "hidden").contains(&"[150, 50, 20, 10]"));
    assert!(column(units, "learning_rate").contains(&"0.02"));
    assert!(column(units, "train_seconds").iter().all(|seconds| seconds.parse::<f64>().unwrap() > 0.0));
    let scored: usize = column(units, "scored").iter().filter_map(|scored| scored.parse::<usize>().ok()).sum();
    assert_eq!(tables["predictions"].len() - 1, scored);

    // A second export has the same bytes.
    let again = finish(seedgrid(["export"]).arg(scratch.path("run")).arg("--output").arg(scratch.path("again")));
    assert_eq!(again.code(), 0, "{}", again.stderr);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(scratch.path("again").join(name)).unwrap(), "{name:?}");
    }

    queries(&scratch.path("run/study.db"), &tables["units"]);
}

/// Runs every SQL block of the document.
fn queries(database: &Path, units: &[Vec<String>]) {
    let text = fs::read_to_string(repository("docs/export.md")).unwrap();
    let blocks: Vec<&str> = text.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    let store = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut results = Vec::new();
    for block in &blocks {
        let mut statement = store.prepare(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
        let rows: Vec<Vec<Value>> = rows.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}\n{block}"));
        results.push(rows);
    }
    let count = |value: &Value| match value {
        Value::Integer(count) => *count as usize,
        other => panic!("no count: {other:?}"),
    };
    let different: std::collections::BTreeSet<&str> = column(units, "unit").into_iter().collect();
    let of_models: usize = results[0].iter().map(|row| count(&row[4])).sum();
    assert_eq!(of_models, different.len(), "every unit is trained, and counted once");
    let kinds: std::collections::BTreeSet<_> = results[0].iter().map(|row| format!("{:?}", &row[..3])).collect();
    assert_eq!(kinds.len(), results[0].len());
    let draws: std::collections::BTreeSet<_> = results[0].iter().map(|row| format!("{:?}", row[2])).collect();
    let data_seeds: std::collections::BTreeSet<&str> = column(units, "data_seed").into_iter().collect();
    assert_eq!(draws.len(), data_seeds.len(), "every draw by itself");
    assert!(results[0].iter().any(|row| row[1] == Value::Text("holdout".to_owned())));
    assert!(results[0].iter().any(|row| matches!(row[1], Value::Integer(_))), "folds by themselves");
    let of_configurations: usize = results[1].iter().map(|row| count(&row[6])).sum();
    let done: std::collections::BTreeSet<&str> = column(units, "unit")
        .into_iter()
        .zip(column(units, "ending"))
        .filter_map(|(unit, ending)| (ending == "done").then_some(unit))
        .collect();
    assert_eq!(of_configurations, done.len());
    let of_hosts: usize = results[2].iter().map(|row| count(&row[1])).sum();
    let of_minutes: usize = results[3].iter().map(|row| count(&row[1])).sum();
    assert_eq!((of_hosts, of_minutes), (different.len(), different.len()));
    assert_eq!(results[4].len(), 10);
    assert_eq!(results[5], Vec::<Vec<Value>>::new(), "nothing failed");
}

#[test]
fn an_unfinished_run_is_exported_as_it_stands() {
    let scratch = Scratch::new();
    let mut serve = seedgrid(["serve", "--listen", "127.0.0.1:0"]);
    serve.arg(repository("experiments/paper-small.toml")).arg("--run-dir").arg(scratch.path("run"));
    let coordinator = Running::start(&mut serve);
    coordinator.until_stderr("seedgrid-worker --join", 1);
    let export = || {
        let ended = finish(seedgrid(["export", "--format", "csv"]).arg(scratch.path("run")));
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        (csv::rows(&fs::read_to_string(scratch.path("run/export/units.csv")).unwrap()), ended.stderr)
    };
    let (units, notes) = export();
    assert!(column(&units, "ending").iter().all(|ending| *ending == "waiting"));
    assert!(notes.contains("42 units are without a result") && notes.contains("26 more units wait"), "{notes}");
    assert!(!scratch.path("run/export/units.parquet").exists());
    assert_eq!(
        csv::rows(&fs::read_to_string(scratch.path("run/export/epochs.csv")).unwrap()).len(),
        1,
        "the header alone"
    );

    let mut command = worker(["--slots", "2"]);
    command.arg("--join").arg(scratch.path("run/join.toml")).arg("--cache").arg(scratch.path("cache"));
    let _worker = Running::start(&mut command);
    coordinator.until_stderr("epochs (", 3);
    let (running, _) = export();
    assert_eq!(running[0], units[0], "columns stay the same to the end");
    let trained = column(&running, "ending").iter().filter(|ending| ["done", "diverged"].contains(*ending)).count();
    assert!(trained >= 3, "{trained}");
    let empty = column(&running, "error").iter().filter(|error| error.is_empty()).count();
    assert!(empty >= running.len() - 1 - trained);
}

#[test]
fn runs_that_cannot_be_exported_are_refused() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("thesis")).unwrap();
    let foreign = finish(seedgrid(["export"]).arg(scratch.path("thesis")));
    assert_eq!(foreign.code(), 2);
    assert!(foreign.stderr.contains("study.db") && foreign.stderr.contains("hint:"), "{}", foreign.stderr);

    let spec = scratch.write("spec.toml", &holdout(&["fc"], "1..=2", 2));
    assert_eq!(finish(&mut scratch.run(&spec, "run")).code(), 0);
    scratch.write("file", "precious");
    for output in [scratch.path("file"), scratch.path("file/below"), "/proc/nowhere".into()] {
        let ended = finish(seedgrid(["export"]).arg(scratch.path("run")).arg("--output").arg(&output));
        assert_eq!(ended.code(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("--output DIR"), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(scratch.path("file")).unwrap(), "precious");

    // Folders with other files, such as the report.
    fs::create_dir(scratch.path("mine")).unwrap();
    scratch.write("mine/units.csv", "unit,price\n");
    let into = |output: &Path| finish(seedgrid(["export"]).arg(scratch.path("run")).arg("--output").arg(output));
    let table = fs::read(scratch.path("run/report/units.csv")).unwrap();
    for output in ["mine", "run/report", "run"] {
        let ended = into(&scratch.path(output));
        assert_eq!(ended.code(), 2, "{output}: {}", ended.stderr);
        assert!(ended.stderr.contains("is not empty and holds no export"), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(scratch.path("mine/units.csv")).unwrap(), "unit,price\n");
    assert_eq!(fs::read(scratch.path("run/report/units.csv")).unwrap(), table);
    // An existing export is overwritten, and other files stay.
    for _ in 0..2 {
        assert_eq!(into(&scratch.path("taken")).code(), 0);
        scratch.write("taken/notes.txt", "mine");
    }
    fs::remove_file(scratch.path("taken/units.csv")).unwrap();
    assert_eq!(into(&scratch.path("taken")).code(), 0, "its Parquet files show that it is an export");
    scratch.write("taken/epochs.csv", "mine");
    let ended = into(&scratch.path("taken"));
    assert_eq!(ended.code(), 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("epochs.csv is no file of an export"), "{}", ended.stderr);

    // A result with other pairs: the error names it, and no partial file is left.
    let store = Connection::open(scratch.path("run/study.db")).unwrap();
    let payload: Vec<u8> = store.query_row("SELECT payload FROM results LIMIT 1", [], |row| row.get(0)).unwrap();
    store.execute("UPDATE results SET payload = ?", [&payload[..payload.len() / 2]]).unwrap();
    let damaged = finish(seedgrid(["export"]).arg(scratch.path("run")));
    assert_eq!(damaged.code(), 1);
    assert!(damaged.stderr.contains("is damaged") && damaged.stderr.contains("hint:"), "{}", damaged.stderr);
    assert_eq!(fs::read_dir(scratch.path("run/export")).unwrap().count(), 0);
}
