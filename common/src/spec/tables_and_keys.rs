//! The tables of a spec, and the keys that belong in each.

use std::collections::BTreeMap;

use super::{nearest_word::nearest, synonyms};
use crate::{model, nearest_word::plain};

/// The tables of a spec, as messages name them, each with its keys. `[[stage.model]]` also has the hyper-parameters of
/// its model.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("the top of the file", &["name", "dataset", "stage", "reference"]),
    ("`[dataset]`", &["kind", "train_pairs", "test_pairs", "seed"]),
    (
        "`[[stage]]`",
        &[
            "name",
            "evaluation",
            "seeds",
            "data_seeds",
            "stop",
            "normalize",
            "select",
            "race",
            "keep_weights",
            "from",
            "model",
        ],
    ),
    (ROW, &["model", "from", "stop", "normalize", "zip", "exclude", "samples", "sample_seed"]),
    ("`stop`", &["loss_delta", "max_epochs", "min_epochs", "patience", "loss_drop", "loss"]),
    ("`evaluation`", &["folds"]),
    ("`race`", &["rule", "first", "alpha", "keep"]),
    ("an axis such as `learning_rate`", &["grid", "choice", "uniform", "log_uniform"]),
    (
        "`[[reference]]`",
        &["stage", "model", "where", "error", "std", "n", "epochs", "pairs", "margin", "source", "note"],
    ),
];

/// The table of a stage's rows.
const ROW: &str = "`[[stage.model]]`";

/// A misplaced key, and the tables in which it has a meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The key: as written, or the probable one.
    pub key: &'static str,
    /// The tables that have the key, in the order of a file.
    pub tables: Vec<&'static str>,
}

/// The right place of a key that is none of `here`, the keys of its table. The key is found by a synonym, by its own
/// name, or by the nearest known key.
pub(super) fn elsewhere(written: &str, here: &[&str]) -> Option<Elsewhere> {
    let mut known: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
    // The keys of a race depend on its rule: keys of another rule do not belong in another table.
    for (table, keys) in TABLES.iter().filter(|(_, keys)| !here.iter().all(|key| keys.contains(key))) {
        for key in *keys {
            known.entry(key).or_default().push(table);
        }
    }
    let table = if here.contains(&"where") { "`where`" } else { ROW };
    for parameter in model::ALL.into_iter().flat_map(|model| model.parameters) {
        known.entry(parameter.name).or_insert_with(|| vec![table]);
    }
    let has = |key: &&str| known.get_key_value(*key);
    // `epochs` is a key of references, but written elsewhere it means `max_epochs`.
    let meant = synonyms::find(&plain(written)).iter().find_map(has).or_else(|| has(&written)).or_else(|| {
        let keys: Vec<&'static str> = known.keys().copied().collect();
        // A much longer or shorter key is too far a guess.
        nearest(written, &keys).filter(|key| key.len().abs_diff(written.len()) <= 2).and_then(|key| has(&key))
    });
    meant.map(|(key, tables)| Elsewhere { key, tables: tables.clone() })
}

#[cfg(test)]
mod tests {
    use super::elsewhere;

    #[test]
    fn keys_are_found_in_other_tables() {
        let found = |written| {
            elsewhere(written, &["grid", "name"]).map(|elsewhere| (elsewhere.key, elsewhere.tables.join(" or ")))
        };
        assert_eq!(found("from"), Some(("from", "`[[stage]]` or `[[stage.model]]`".to_owned())));
        assert_eq!(found("seeds"), Some(("seeds", "`[[stage]]`".to_owned())));
        assert_eq!(found("learning_rate"), Some(("learning_rate", "`[[stage.model]]`".to_owned())));
        assert_eq!(found("lr"), Some(("learning_rate", "`[[stage.model]]`".to_owned())));
        assert_eq!(found("epochs"), Some(("max_epochs", "`stop`".to_owned())));
        assert_eq!(found("max_epoch"), Some(("max_epochs", "`stop`".to_owned())));
        assert_eq!(found("nesterov"), None);
        assert_eq!(found("scale"), None);
        let of_reference = elsewhere("learning_rate", &["stage", "where"]).map(|elsewhere| elsewhere.tables);
        assert_eq!(of_reference, Some(vec!["`where`"]));
        assert_eq!(found("alpha"), Some(("alpha", "`race`".to_owned())));
        assert_eq!(elsewhere("alpha", &["rule", "first", "keep"]), None);
    }
}
