//! The expansion of rows with zipped, excluded and sampled axes.

use proptest::{collection::vec, prelude::*};

use super::{BASE, changed, expanded};
use crate::{hyperparameters::Value, matrix::Plan, spec::parse, training::Normalize, unit::Configuration};

fn plan(text: &str) -> Plan {
    expanded(&parse("axes.toml", text).unwrap_or_else(|errors| panic!("{errors}\n{text}")))
}

/// The base spec with one row, `cnn` with these lines.
fn row(lines: &str) -> String {
    format!("{}[[stage.model]]\nmodel = \"cnn\"\n{lines}\n", &BASE[..BASE.find("[[stage.model]]").unwrap()])
}

fn configurations(lines: &str) -> Vec<Configuration> {
    plan(&row(lines)).stages[0]
        .configurations
        .iter()
        .map(|planned| planned.configuration.clone().into_value())
        .collect()
}

fn labels(lines: &str) -> Vec<String> {
    let label = |configuration: &Configuration| configuration.label().replace("cnn ", "");
    configurations(lines).iter().map(label).collect()
}

fn shown(lines: &str) -> Vec<String> {
    plan(&row(lines)).stages[0].shown.names("cnn").map(str::to_owned).collect()
}

fn numbers(configurations: &[Configuration], name: &str) -> Vec<f64> {
    configurations
        .iter()
        .map(|configuration| match &configuration.hyperparameters[name] {
            Value::Number(number) => *number,
            Value::Integer(whole) => *whole as f64,
            other => panic!("{other} is no number"),
        })
        .collect()
}

#[test]
fn zipped_axes_vary_together_where_the_first_of_them_stands() {
    let lines = r#"
        learning_rate = { grid = [0.1, 0.2, 0.1] }
        dropout = { grid = [0, 0.25] }
        batch_size = { grid = [5, 10, 15] }
        zip = [["batch_size", "learning_rate"]]
    "#;
    assert_eq!(
        labels(lines),
        [
            "batch_size=5 dropout=0 learning_rate=0.1",
            "batch_size=5 dropout=0.25 learning_rate=0.1",
            "batch_size=10 dropout=0 learning_rate=0.2",
            "batch_size=10 dropout=0.25 learning_rate=0.2",
            "batch_size=15 dropout=0 learning_rate=0.1",
            "batch_size=15 dropout=0.25 learning_rate=0.1",
        ]
    );
    assert_eq!(shown(lines), ["batch_size", "dropout", "learning_rate"]);
}

#[test]
fn two_zips_are_crossed() {
    let lines = r#"
        learning_rate = { grid = [1, 2] }
        batch_size = { grid = [1, 2] }
        dropout = { grid = [0, 0.25] }
        momentum = { grid = [0, 0.25] }
        zip = [["learning_rate", "batch_size"], ["momentum", "dropout"]]
    "#;
    let first = |label: &String| label.split(' ').next().unwrap().to_owned();
    let shown = labels(lines);
    assert_eq!(shown.len(), 4);
    assert_eq!(
        shown.iter().map(first).collect::<Vec<_>>(),
        ["batch_size=1", "batch_size=1", "batch_size=2", "batch_size=2"]
    );
}

#[test]
fn exclusions_leave_out_what_has_all_their_values() {
    let lines = r#"
        learning_rate = { grid = [1, 0.1] }
        batch_size = { grid = [10, 20] }
        dropout = { grid = [0, 0.25] }
        exclude = [{ learning_rate = 1.0, batch_size = 10 }, { dropout = 0.25, learning_rate = 0.1 }]
    "#;
    assert_eq!(
        labels(lines),
        [
            "batch_size=20 dropout=0 learning_rate=1",
            "batch_size=20 dropout=0.25 learning_rate=1",
            "batch_size=10 dropout=0 learning_rate=0.1",
            "batch_size=20 dropout=0 learning_rate=0.1",
        ]
    );
}

#[test]
fn every_axis_is_shown_if_only_one_value_is_left_of_it() {
    let lines = r#"
        learning_rate = { grid = [1, 0.1] }
        batch_size = { grid = [10, 20] }
        exclude = [{ batch_size = 10 }]
    "#;
    assert_eq!(shown(lines), ["batch_size", "learning_rate"]);
    assert_eq!(shown("learning_rate = { grid = [1] }\nbatch_size = 5"), ["learning_rate"]);
}

#[test]
fn normalisation_is_an_axis_like_others() {
    let lines = r#"
        normalize = { grid = ["none", "standardize"] }
        learning_rate = { grid = [1, 0.1] }
        batch_size = 20
        exclude = [{ normalize = "none", learning_rate = 1 }]
    "#;
    let found: Vec<(Normalize, f64)> = configurations(lines)
        .iter()
        .map(|configuration| {
            assert!(!configuration.hyperparameters.contains_key("normalize"));
            (configuration.normalize, numbers(std::slice::from_ref(configuration), "learning_rate")[0])
        })
        .collect();
    assert_eq!(found, [(Normalize::None, 0.1), (Normalize::Standardize, 1.0), (Normalize::Standardize, 0.1)]);
    assert_eq!(shown(lines), ["learning_rate", "normalize"]);
    assert_eq!(labels(lines)[0], "batch_size=20 learning_rate=0.1 normalize=none");
}

#[test]
fn adam_and_momentum_may_be_axes_of_a_row_that_keeps_them_apart() {
    let lines = r#"
        learning_rate = 0.1
        batch_size = 20
        optimiser = { grid = ["sgd", "adam"] }
        momentum = { grid = [0, 0.9] }
        exclude = [{ optimiser = "adam", momentum = 0.9 }]
    "#;
    assert_eq!(labels(lines).len(), 3);
}

#[test]
fn samples_are_crossed_with_grids() {
    let lines = r#"
        learning_rate = { log_uniform = [0.001, 1] }
        batch_size = { uniform = [5, 100] }
        dropout = { grid = [0, 0.25, 0.5] }
        samples = 4
        sample_seed = 7
    "#;
    let found = configurations(lines);
    assert_eq!(found.len(), 12);
    // The draws that common/fixtures/golden.py computes, each with every dropout.
    assert_eq!(numbers(&found, "learning_rate")[..6], [0.004969, 0.004969, 0.004969, 0.07153, 0.07153, 0.07153]);
    assert_eq!(numbers(&found, "batch_size")[2..5], [77.0, 43.0, 43.0]);
    assert_eq!(numbers(&found, "dropout")[..4], [0.0, 0.25, 0.5, 0.0]);
    assert_eq!(shown(lines), ["batch_size", "dropout", "learning_rate"]);
}

#[test]
fn every_kind_of_setting_can_be_sampled() {
    let lines = r#"
        learning_rate = { uniform = [0.01, 0.1] }
        batch_size = { log_uniform = [5, 50] }
        weight_decay = { log_uniform = [1e-6, 1e-2] }
        optimiser = { choice = ["sgd", "adam"] }
        normalize = { choice = ["scale", "standardize"] }
        samples = 30
    "#;
    let found = configurations(lines);
    assert_eq!(found.len(), 30);
    assert!(numbers(&found, "learning_rate").iter().all(|rate| (0.01..=0.1).contains(rate)));
    assert!(numbers(&found, "batch_size").iter().all(|batch| (5.0..=50.0).contains(batch)));
    assert!(found.iter().any(|one| one.normalize == Normalize::Scale));
    let hidden = changed("hidden = [150, 50, 20, 10]", "hidden = { choice = [[150, 50], [10]] }\nsamples = 2");
    assert_eq!(plan(&hidden).stages[0].configurations.len(), 1 + 2 * 2);
}

#[test]
fn the_order_of_keys_does_not_change_what_is_sampled() {
    let keys = [
        "learning_rate = { log_uniform = [0.001, 1] }",
        "batch_size = { uniform = [5, 100] }",
        "dropout = { uniform = [0, 0.5] }",
        "samples = 5",
    ];
    let sorted = |keys: Vec<&str>| {
        let mut found = labels(&keys.join("\n"));
        found.sort();
        found
    };
    assert_eq!(sorted(keys.to_vec()), sorted(keys.iter().rev().copied().collect()));
    let seeded = sorted(keys.iter().copied().chain(["sample_seed = 1"]).collect());
    assert_ne!(sorted(keys.to_vec()), seeded);
    assert_eq!(sorted(keys.to_vec()), sorted(keys.iter().copied().chain(["sample_seed = 0"]).collect()), "the default");
}

#[test]
fn rows_that_overlap_only_without_their_exclusions_are_different() {
    let grid = "learning_rate = { grid = [1, 0.1] }\nbatch_size = { grid = [10, 20] }\n";
    let cross = format!(
        "{grid}exclude = [{{ learning_rate = 1, batch_size = 10 }}, {{ learning_rate = 0.1, batch_size = 20 }}]\n"
    );
    let zip = format!("{grid}zip = [[\"learning_rate\", \"batch_size\"]]\n");
    let both = |second: &str| format!("{}[[stage.model]]\nmodel = \"cnn\"\n{second}", row(&cross));
    assert_eq!(plan(&both(&zip)).units().len(), 4 * 3);
    let error = parse("axes.toml", &both(grid)).unwrap_err().to_string();
    assert!(error.contains("the same configuration: cnn batch_size=20 learning_rate=1 ("), "{error}");
}

/// A grid of this many values that start at `first`.
fn grid(name: &str, first: usize, count: usize) -> String {
    let values: Vec<String> = (first..first + count).map(|value| value.to_string()).collect();
    format!("{name} = {{ grid = [{}] }}\n", values.join(", "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A zip gives a part of the product of its grids, each of its points with all values of the other axes.
    #[test]
    fn a_zip_is_a_part_of_the_product(zipped in 1_usize..6, other in 1_usize..4) {
        let dropouts: Vec<String> = (0..other).map(|value| format!("0.{value}")).collect();
        let grids = format!(
            "{}{}dropout = {{ grid = [{}] }}\n", grid("learning_rate", 1, zipped), grid("batch_size", 11, zipped), dropouts.join(", ")
        );
        let product = labels(&grids);
        let zip = labels(&format!("{grids}zip = [[\"learning_rate\", \"batch_size\"]]\n"));
        prop_assert_eq!(product.len(), zipped * zipped * other);
        prop_assert_eq!(zip.len(), zipped * other);
        prop_assert!(zip.iter().all(|label| product.contains(label)));
        let mut order = product.iter().filter(|label| zip.contains(label));
        prop_assert!(zip.iter().all(|label| order.next() == Some(label)), "in the product's order");
    }

    /// Exclusions leave the product without the excluded points, in its order.
    #[test]
    fn exclusions_are_a_difference(rates in 1_usize..5, batches in 1_usize..5, excluded in vec((1_usize..5, 11_usize..15), 1..4)) {
        let grids = format!("{}{}", grid("learning_rate", 1, rates), grid("batch_size", 11, batches));
        let entries: Vec<String> =
            excluded.iter().map(|(rate, batch)| format!("{{ learning_rate = {rate}, batch_size = {batch} }}")).collect();
        let text = row(&format!("{grids}exclude = [{}]\n", entries.join(", ")));
        let kept: Vec<String> = labels(&grids)
            .into_iter()
            .filter(|label| !excluded.iter().any(|(rate, batch)| *label == format!("batch_size={batch} learning_rate={rate}")))
            .collect();
        let matched = excluded.iter().all(|(rate, batch)| *rate <= rates && *batch < 11 + batches);
        match parse("axes.toml", &text) {
            Ok(study) => {
                prop_assert!(matched && !kept.is_empty());
                let left: Vec<String> = expanded(&study).stages[0]
                    .configurations
                    .iter()
                    .map(|planned| planned.configuration.label().replace("cnn ", ""))
                    .collect();
                prop_assert_eq!(left, kept);
            }
            Err(_) => prop_assert!(!matched || kept.is_empty()),
        }
    }

    /// A study's samples are always the same, in their ranges, and all different.
    #[test]
    fn samples_are_deterministic_and_in_range(samples in 1_usize..40, seed in 0..i64::MAX) {
        let lines = format!(
            "learning_rate = {{ log_uniform = [1e-4, 1] }}\nbatch_size = {{ uniform = [3, 9] }}\nsamples = {samples}\nsample_seed = {seed}\n"
        );
        let found = configurations(&lines);
        prop_assert_eq!(&found, &configurations(&lines));
        prop_assert_eq!(found.len(), samples);
        prop_assert!(numbers(&found, "learning_rate").iter().all(|rate| (1e-4..=1.0).contains(rate)));
        prop_assert!(numbers(&found, "batch_size").iter().all(|batch| (3.0..=9.0).contains(batch)));
        prop_assert!(found.iter().enumerate().all(|(index, one)| !found[..index].contains(one)));
    }
}
