//! The differences of two specs, key by key. Pure.

use std::collections::BTreeMap;

use seedgrid_common::hyperparameters;
use toml::{Table, Value};

use super::document::Setting;

/// Every key with different values, sorted; empty for specs of equal content in any layout. Text that is not TOML
/// counts as empty: a stored spec was parsed before.
pub(super) fn differences(first: &str, second: &str) -> Vec<Setting> {
    let [first, second] = [first, second].map(|text| {
        let mut flat = BTreeMap::new();
        flatten("", &Value::Table(text.parse::<Table>().unwrap_or_default()), &mut flat);
        flat
    });
    let mut keys: Vec<&String> = first.keys().chain(second.keys()).collect();
    keys.sort();
    keys.dedup();
    let differing = keys.into_iter().filter(|key| first.get(*key) != second.get(*key));
    differing
        .map(|key| Setting { name: key.clone(), first: first.get(key).cloned(), second: second.get(key).cloned() })
        .collect()
}

/// Writes each value with its path. Tables of an array are named by their name or their model, so that an inserted
/// table does not change the paths of the later ones.
fn flatten(path: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Table(table) => table.iter().for_each(|(name, value)| flatten(&below(name), value, flat)),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for item in items {
                let named = ["name", "model"].iter().find_map(|key| item.get(key)?.as_str());
                let name = named.unwrap_or("row").to_owned();
                let count = seen.entry(name.clone()).or_default();
                *count += 1;
                let name = if *count > 1 { format!("{name}#{count}") } else { name };
                flatten(&below(&name), item, flat);
            }
        }
        other => {
            flat.insert(path.to_owned(), written(other));
        }
    }
}

/// A value in the form of a spec, and each number in the form of labels, which is unique.
fn written(value: &Value) -> String {
    match value {
        Value::Float(number) => hyperparameters::Value::Number(*number).to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "name = \"a\"\n[dataset]\nseed = 0\n[[stage]]\nname = \"final\"\nseeds = \"1..=3\"\n[[stage.model]]\nmodel = \
                        \"cnn\"\nlearning_rate = 0.1\n[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = 0.2\n";

    fn shown(second: &str) -> Vec<String> {
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let line = |one: Setting| format!("{}: {} {}", one.name, word(&one.first), word(&one.second));
        differences(SPEC, second).into_iter().map(line).collect()
    }

    #[test]
    fn only_what_is_said_counts() {
        let spaced = SPEC.replace(" = ", "   =  ").replace("[dataset]", "# a comment\n[dataset]");
        assert_eq!(shown(&spaced), Vec::<String>::new());
    }

    #[test]
    fn a_number_has_one_form() {
        let whole = SPEC.replace("0.1\n", "1\n").replace("0.2", "[0.5, 1]");
        let real = whole.replace("= 1\n", "= 1.0\n").replace("0.5, 1]", "0.50, 1.0]");
        assert_eq!(differences(&whole, &real), []);
        assert!(shown(&real).contains(&"stage.final.model.cnn.learning_rate: 0.1 1".to_owned()), "{:?}", shown(&real));
        assert!(shown(&real).contains(&"stage.final.model.cnn#2.learning_rate: 0.2 [0.5, 1]".to_owned()));
    }

    #[test]
    fn differences_are_named_with_their_tables() {
        let other = SPEC.replace("1..=3", "1..=4").replace("0.2", "0.3").replace("seed = 0\n", "");
        assert_eq!(
            shown(&other),
            [
                "dataset.seed: 0 -",
                "stage.final.model.cnn#2.learning_rate: 0.2 0.3",
                "stage.final.seeds: \"1..=3\" \"1..=4\""
            ]
        );
    }

    #[test]
    fn one_more_row_is_one_difference() {
        let more = SPEC.replacen(
            "[[stage.model]]",
            "[[stage.model]]\nmodel = \"fc\"\nlearning_rate = 1.0\n[[stage.model]]",
            1,
        );
        assert_eq!(shown(&more), ["stage.final.model.fc.learning_rate: - 1", "stage.final.model.fc.model: - \"fc\""]);
    }
}
