//! What every model and every kind of data set must have: its words in the documentation, and a data set's golden digest.

#![allow(clippy::unwrap_used, reason = "tests may")]

use std::{fs, path::Path};

use seedgrid_common::{
    data::{
        self, DatasetSpec, encode, mnist_files,
        pairs::{PAIR_PIXELS, Pairs},
    },
    model,
    text::whole,
};

fn spec_page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec.md")).unwrap()
}

/// docs/spec.md has the models and their hyper-parameters as their schemas say them. The message is what belongs there.
#[test]
fn documented_models_and_hyperparameters_are_the_schemas() {
    let mut models = "| `model` | title in reports | |\n|---|---|---|\n".to_owned();
    let mut rows: Vec<(String, String)> = Vec::new();
    for model in model::ALL {
        models.push_str(&format!("| `{}` | {} | {} |\n", model.name, model.title, model.summary));
        for parameter in model.parameters {
            let default = parameter.default_value().map_or("required".to_owned(), |value| value.to_string());
            let end = format!("{} | {default} | {} |", parameter.kind.expectation(), parameter.meaning);
            let start = format!("| `{}` | ", parameter.name);
            match rows.iter_mut().find(|(row, rest)| row.starts_with(&start) && *rest == end) {
                Some((row, _)) => row.push_str(&format!(", {}", model.name)),
                None => rows.push((format!("{start}{}", model.name), end)),
            }
        }
    }
    let rows: String = rows.iter().map(|(start, end)| format!("{start} | {end}\n")).collect();
    let parameters = format!("| hyper-parameter | models | value | default | |\n|---|---|---|---|---|\n{rows}");
    let page = spec_page();
    // In any order of the rows: some read better beside others.
    let lacking = |table: &str| table.lines().any(|row| !page.contains(&format!("{row}\n")));
    assert!(!lacking(&models) && !lacking(&parameters), "docs/spec.md must have these tables:\n{models}\n{parameters}");
}

/// docs/spec.md names every kind of data set.
#[test]
fn documented_data_sets_are_the_kinds() {
    let page = spec_page();
    for kind in data::ALL {
        let row =
            format!("| `{}` | {} | {} | {} |", kind.name, kind.summary, kind.train.pairs_max, kind.test.pairs_max);
        assert!(page.contains(&format!("{row}\n")), "docs/spec.md must have the row\n{row}");
    }
}

/// docs/data.md compares kinds side by side; of each that it names it says title and limits as the program has them.
#[test]
fn documented_limits_are_the_kinds() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/data.md")).unwrap();
    let row = |head: &str| -> Vec<String> {
        let line = page.lines().find(|line| line.starts_with(head)).unwrap_or_else(|| panic!("{head} is missing"));
        line.trim_matches('|').split('|').skip(1).map(|cell| cell.trim().to_owned()).collect()
    };
    let (names, titles, limits) = (row("| | `"), row("| title in reports |"), row("| most pairs |"));
    assert_eq!(names.len(), 2);
    for ((name, title), limit) in names.iter().zip(titles).zip(limits) {
        let kind = data::find(name.trim_matches('`')).unwrap();
        let most = format!("{} training, {} test", whole(kind.train.pairs_max), whole(kind.test.pairs_max));
        assert_eq!(limit, most, "{name}");
        if !kind.reads_files {
            let spec = DatasetSpec { kind, train_pairs: 1, test_pairs: 1, seed: 0 };
            assert_eq!(title, data::build(&spec, &[]).unwrap().about.title, "{name}");
        }
    }
    let mnist = &page[page.find("| file (plain").unwrap()..];
    for file in mnist_files::FILES {
        let row = format!("| {} | {} | {} |", file.name, whole(file.bytes), file.sha256);
        assert!(mnist.contains(&row), "docs/data.md must have the row\n{row}");
    }
}

/// Of 50 training and 50 test pairs, data seed 0. Other bytes are another data set: no stored result fits it.
const GOLDEN: &[(&str, &str)] = &[("glyph-pairs", "e9ca6c45df9c1ef6a6abdd05534e82a470f731e08f02e07a82380261757d2557")];

/// Every kind that reads no files; for those that do, their own tests know what is in the files.
#[test]
fn golden_data_sets() {
    let found: Vec<(&str, String)> = data::ALL
        .iter()
        .filter(|kind| !kind.reads_files)
        .map(|kind| {
            let spec = DatasetSpec { kind, train_pairs: 50, test_pairs: 50, seed: 0 };
            (kind.name, encode::digest(&encode::encode(&data::build(&spec, &[]).unwrap()).unwrap()))
        })
        .collect();
    let expected: Vec<_> = GOLDEN.iter().map(|&(name, digest)| (name, digest.to_owned())).collect();
    assert_eq!(found, expected, "a data seed gives the same bytes for ever");
}

/// A larger set begins with the smaller one, and seeds, parts and pairs differ.
#[test]
fn every_drawn_kind_is_drawn_pair_by_pair() {
    for kind in data::ALL.iter().filter(|kind| !kind.reads_files) {
        let of = |train_pairs, test_pairs, seed| {
            let dataset = data::build(&DatasetSpec { kind, train_pairs, test_pairs, seed }, &[]).unwrap();
            [&dataset.train, &dataset.test].map(|part| Pairs::from_examples(part).unwrap())
        };
        let ([train, test], [large_train, large_test]) = (of(3, 2, 9), of(5, 4, 9));
        let start = |of: &[f32], pairs: usize| of[..pairs * PAIR_PIXELS].to_vec();
        assert_eq!(large_train.digits[..3], train.digits, "{kind:?}");
        assert_eq!(start(&large_train.pixels, 3), train.pixels, "{kind:?}");
        assert_eq!(start(&large_test.pixels, 2), test.pixels, "{kind:?}");
        assert_ne!(test.pixels, start(&train.pixels, 2), "{kind:?}");
        assert_ne!(of(3, 2, 10), [train, test], "{kind:?}");
    }
}
