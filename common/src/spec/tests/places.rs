//! Keys in tables that do not have them.

use std::collections::BTreeSet;

use super::{BASE, changed};
use crate::{
    model,
    spec::{Problem, parse, tables_and_keys::TABLES},
};

/// The base spec with an unknown key in each of its tables, in the order of [`TABLES`].
fn with_an_unknown_key() -> Vec<(&'static str, Vec<String>)> {
    let row = "auxiliary_weight = 0.3\n";
    let folds = |rule: &str| {
        let race =
            format!("evaluation = {{ folds = 10 }}\nselect = \"lowest\"\nrace = {{ rule = \"{rule}\", zzz = 1 }}");
        changed("evaluation = \"holdout\"", &race)
    };
    let texts = [
        vec![changed("name = \"base\"\n", "name = \"base\"\nzzz = 1\n")],
        vec![changed("seed = 0\n", "seed = 0\nzzz = 1\n")],
        vec![changed("seeds = \"1..=3\"\n", "seeds = \"1..=3\"\nzzz = 1\n")],
        vec![changed(row, &format!("{row}zzz = 1\n"))],
        vec![changed("max_epochs = 300", "max_epochs = 300, zzz = 1")],
        vec![changed("\"holdout\"", "{ folds = 10, zzz = 1 }")],
        vec![folds("friedman"), folds("halving")],
        vec![changed("{ grid = [0.01, 0.005] }", "{ grid = [0.01], zzz = 1 }")],
        vec![format!("{BASE}\n[[reference]]\nzzz = 1\n")],
    ];
    TABLES.iter().map(|(table, _)| *table).zip(texts).collect()
}

/// The list of tables has exactly the keys that the readers of the tables know.
#[test]
fn every_table_is_listed_with_its_keys() {
    let cases = with_an_unknown_key();
    assert_eq!(cases.len(), TABLES.len());
    for ((table, texts), (_, keys)) in cases.iter().zip(TABLES) {
        let mut asked_for = BTreeSet::new();
        for text in texts {
            let errors = parse("s.toml", text).unwrap_err();
            for error in errors.errors() {
                if let Problem::UnknownKey { key, known, .. } = &error.problem {
                    assert_eq!(key, "zzz");
                    asked_for.extend(known.iter().copied());
                }
            }
        }
        // A row also has its model's hyper-parameters.
        let of_models: BTreeSet<&str> =
            model::ALL.into_iter().flat_map(|model| model.parameters).map(|parameter| parameter.name).collect();
        let asked_for: BTreeSet<&str> = asked_for.difference(&of_models).copied().collect();
        assert_eq!(asked_for, keys.iter().copied().collect(), "{table}");
    }
}

/// Every key of every table, in each table without it: the error names the tables that have it.
#[test]
fn every_known_key_in_a_wrong_table_is_sent_where_it_belongs() {
    let mut said = 0;
    for (table, texts) in with_an_unknown_key() {
        let here = TABLES.iter().find(|(name, _)| *name == table).map(|(_, keys)| *keys).unwrap();
        for (other, key) in TABLES.iter().flat_map(|(other, keys)| keys.iter().map(move |key| (other, key))) {
            // A reference has `epochs`; anywhere else, `max_epochs` is meant.
            if here.contains(key) || *key == "epochs" {
                continue;
            }
            let text = texts[0].replace("zzz = 1", &format!("{key} = 1"));
            let message = parse("s.toml", &text).unwrap_err().to_string();
            let belongs = message.lines().any(|line| {
                line.contains(&format!("unknown key `{key}`")) && line.contains("belongs in") && line.contains(other)
            });
            assert!(belongs, "{key} of {other} in {table}:\n{message}");
            said += 1;
        }
    }
    assert!(said > 200, "{said}");
}

#[test]
fn words_of_other_programs_are_understood() {
    for (from, to, said) in [
        ("learning_rate = 0.1", "lr = 0.1", "unknown key `lr` in model `cnn`, did you mean `learning_rate`?"),
        ("max_epochs = 300", "epochs = 300", "unknown key `epochs` in `stop`, did you mean `max_epochs`?"),
        (
            "batch_size = 20\nhidden",
            "bs = 20\nhidden",
            "unknown key `bs` in model `fc-aux`, did you mean `batch_size`?",
        ),
        ("auxiliary_weight = 0.3", "wd = 0.1", "unknown key `wd` in model `fc-aux`, did you mean `weight_decay`?"),
        ("learning_rate = 0.1", "learning_rate = 0.1\nepochs = 20", "`max_epochs` belongs in `stop`"),
        ("seeds = \"1..=3\"\n", "seeds = \"1..=3\"\nlr = 0.1\n", "`learning_rate` belongs in `[[stage.model]]`"),
        ("seed = 0\n", "from = \"tune\"\n", "`from` belongs in `[[stage]]` or `[[stage.model]]`"),
        ("\"standardize\"", "\"z-score\"", "did you mean `standardize`?"),
    ] {
        let message = parse("s.toml", &changed(from, to)).unwrap_err().to_string();
        assert!(message.contains(said), "{to}: {said:?} is missing in\n{message}");
        assert!(!message.contains("missing key"), "what is meant is not missing as well:\n{message}");
    }
}
