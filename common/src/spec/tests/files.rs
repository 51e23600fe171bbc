//! Tests of every spec in experiments/, and of every one in docs/spec.md.

use std::{fs, path::Path};

use super::expanded;
use crate::spec::{Look, SpecErrors, Study, parse};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn study(name: &str, text: &str) -> Study {
    let study = parse(name, text).unwrap_or_else(|errors| panic!("{errors}"));
    let plan = expanded(&study);
    assert!(!plan.units().is_empty());
    study
}

#[test]
fn every_experiment_is_parsed_and_expanded() {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("experiments")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert_eq!(study(stem, &fs::read_to_string(&path).unwrap()).name, stem, "a study is named as its file");
            names.push(stem.to_owned());
        }
    }
    for expected in ["quickstart", "table3"] {
        assert!(names.iter().any(|name| name == expected), "experiments/{expected}.toml is missing");
    }
}

#[test]
fn table_3_has_fifty_units() {
    let text = fs::read_to_string(root().join("experiments/table3.toml")).unwrap();
    let plan = expanded(&study("table3", &text));
    assert_eq!(plan.units().len(), 50);
    let models: Vec<&str> =
        plan.stages[0].configurations.iter().map(|planned| planned.configuration.model.as_str()).collect();
    assert_eq!(models, ["cnn", "cnn-shared", "cnn-shared-aux", "fc", "fc-aux"], "the table's order");
}

/// The specs that reproduce the paper write its stopping rule: a change of the defaults must not change their units.
#[test]
fn the_papers_specs_say_their_stopping_rule() {
    for (name, rules) in [
        ("paper", &[(1, 1)][..]),
        ("paper-small", &[(1, 1)]),
        ("table3", &[(1, 1)]),
        // Two of the three rules wait.
        ("fc-readings", &[(1, 1), (1, 5), (30, 1)]),
    ] {
        let text = fs::read_to_string(root().join(format!("experiments/{name}.toml"))).unwrap();
        let stages = study(name, &text).stages;
        for row in stages.iter().flat_map(|stage| &stage.rows) {
            let rule = row.stop;
            assert!(rules.contains(&(rule.min_epochs, rule.patience)), "{name}: {rule:?} of {}", row.model);
        }
        for row in stages.iter().flat_map(|stage| &stage.selected) {
            assert_eq!((row.stop.min_epochs, row.stop.patience), (None, None), "{name}: it takes what was selected");
        }
    }
}

/// Fenced blocks of docs/spec.md: (language, text).
fn documented() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("docs/spec.md")).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, block))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn documented_specs_are_right_and_documented_errors_are_real() {
    let (mut right, mut wrong) = (0, 0);
    let mut errors: Option<SpecErrors> = None;
    for (language, text) in documented() {
        match (language.as_str(), &errors) {
            ("toml", _) if text.starts_with("# wrong.toml\n") => errors = parse("wrong.toml", &text).err(),
            ("toml", _) => {
                errors = None;
                // The other blocks are parts of a spec.
                if text.starts_with("name = ") {
                    study("docs/spec.md", &text);
                    right += 1;
                }
            }
            ("text", Some(errors)) => {
                let (list, picture) = (format!("{errors}\n"), errors.render(Look::Monochrome, 110));
                assert!(text == list || text == picture, "docs/spec.md shows\n{text}\nfor\n{list}\n{picture}");
                wrong += 1;
            }
            _ => {}
        }
    }
    assert!(right >= 2, "the documentation shows whole specs");
    assert_eq!(wrong, 2, "the documentation shows errors as a list and as a picture");
}
