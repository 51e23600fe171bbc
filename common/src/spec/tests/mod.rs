mod axes;
mod bad;
mod files;
mod fuzz;
mod good;
mod places;
mod selected;

use crate::{
    matrix::{Plan, Selections, expand},
    spec::Study,
};

/// The study's plan on made-up digests of data sets.
fn expanded(study: &Study) -> Plan {
    let digests = study.data_seeds().into_iter().map(|seed| (seed, format!("draw {seed}"))).collect();
    expand(study, &digests, &Selections::new())
}

/// A right spec; the tests below change or extend it.
const BASE: &str = r#"name = "base"

[dataset]
kind = "glyph-pairs"
train_pairs = 1000
test_pairs = 200
seed = 0

[[stage]]
name = "final"
evaluation = "holdout"
seeds = "1..=3"
stop = { loss_delta = 0.001, max_epochs = 300 }
normalize = "standardize"

[[stage.model]]
model = "cnn"
learning_rate = 0.1
batch_size = 20

[[stage.model]]
model = "fc-aux"
learning_rate = { grid = [0.01, 0.005] }
batch_size = 20
hidden = [150, 50, 20, 10]
auxiliary_weight = 0.3
"#;

/// [`BASE`] with its only occurrence of `from` replaced by `to`.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(BASE.matches(from).count(), 1, "{from:?} must be in the base spec once");
    BASE.replace(from, to)
}
