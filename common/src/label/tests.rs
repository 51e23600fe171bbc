use super::*;
use crate::{matrix::Selections, matrix::expand, spec::parse};

fn study(stages: &[(&str, &str, &str)]) -> Study {
    let mut text = "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 400\ntest_pairs = 40\n".to_owned();
    for (name, head, rows) in stages {
        text += &format!("[[stage]]\nname = \"{name}\"\nseeds = \"1..=2\"\n{head}\n");
        text += "stop = { loss_delta = 0.001, max_epochs = 2 }\n";
        for row in rows.split(';') {
            text += &format!("[[stage.model]]\n{}\n", row.replace(" & ", "\n"));
        }
    }
    parse("label.toml", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn digests(study: &Study) -> Digests {
    study.data_seeds().into_iter().map(|seed| (seed, format!("draw {seed}"))).collect()
}

fn unit_labels(study: &Study) -> Vec<String> {
    let labels = Labels::new(study, &digests(study));
    let plan = expand(study, &digests(study), &Selections::new());
    let units = plan.stages.iter().flat_map(|stage| &stage.configurations).flat_map(|planned| &planned.units);
    units.map(|(_, unit)| labels.unit(unit)).collect()
}

const HOLDOUT: &str = "evaluation = \"holdout\"";
const ROW: &str = "model = \"cnn\" & learning_rate = 0.1 & batch_size = 20";

#[test]
fn a_default_is_shown_where_another_row_has_an_axis() {
    let rows = format!("{ROW}; {ROW} & dropout = {{ grid = [0.25] }}; {}", ROW.replace("cnn", "fc"));
    let labels = unit_labels(&study(&[("final", HOLDOUT, &rows)]));
    assert_eq!(
        labels[..4],
        ["cnn dropout=0.5 seed 1", "cnn dropout=0.5 seed 2", "cnn dropout=0.25 seed 1", "cnn dropout=0.25 seed 2"]
    );
    assert_eq!(labels[4..], ["fc seed 1", "fc seed 2"], "axes are of a model");
}

#[test]
fn an_axis_of_one_value_is_shown_and_a_value_is_not() {
    let grid = ROW.replace("learning_rate = 0.1", "learning_rate = { grid = [0.1] }");
    assert_eq!(unit_labels(&study(&[("final", HOLDOUT, &grid)]))[0], "cnn learning_rate=0.1 seed 1");
    assert_eq!(unit_labels(&study(&[("final", HOLDOUT, ROW)]))[0], "cnn seed 1");
}

#[test]
fn stages_that_are_scored_alike_are_told_apart_and_others_by_their_folds() {
    let other = ROW.replace("0.1", "0.2");
    let alike = unit_labels(&study(&[("a", HOLDOUT, ROW), ("b", HOLDOUT, &other)]));
    assert_eq!([&alike[0], &alike[2]], ["cnn learning_rate=0.1 seed 1", "cnn learning_rate=0.2 seed 1"]);
    let folds = unit_labels(&study(&[("a", HOLDOUT, ROW), ("b", "evaluation = { folds = 2 }", &other)]));
    assert_eq!([&folds[0], &folds[3]], ["cnn seed 1", "cnn fold 2 of 2 seed 1"]);
}

#[test]
fn labels_do_not_change_when_a_selection_is_made() {
    let tuned = "model = \"cnn\" & batch_size = 20 & learning_rate = { grid = [0.1, 0.2] }";
    let (tune, from) = ("evaluation = { folds = 2 }\nselect = \"lowest\"", format!("{HOLDOUT}\nfrom = \"tune\""));
    let study = study(&[("tune", tune, tuned), ("final", &from, "model = \"cnn\""), ("more", HOLDOUT, ROW)]);
    let before = Labels::new(&study, &digests(&study));
    let plan = expand(&study, &digests(&study), &Selections::new());
    for planned in &plan.stages[0].configurations {
        let chosen = crate::matrix::Selection::Chosen(planned.configuration.clone().into_value());
        let selections = [(("tune".to_owned(), "cnn".to_owned()), chosen)].into();
        let stages = expand(&study, &digests(&study), &selections).stages;
        let unit = &stages[1].configurations[0].units[0].1;
        let rate = &unit.configuration.hyperparameters["learning_rate"];
        assert_eq!(
            before.unit(unit),
            format!("cnn learning_rate={rate} seed 1"),
            "what is selected is not known, and all else is the same"
        );
        assert_eq!(stages[1].variants(), [""], "alone in its stage");
    }
}

#[test]
fn units_of_two_draws_do_not_look_alike() {
    let one = unit_labels(&study(&[("final", HOLDOUT, ROW)]));
    assert!(one.iter().all(|label| !label.contains("data seed")), "{one:?}");
    let several = unit_labels(&study(&[("final", &format!("{HOLDOUT}\ndata_seeds = \"0..=1\""), ROW)]));
    assert_eq!(several[3], "cnn seed 2 data seed 1");
}

#[test]
fn numbers_and_settings_may_be_written_in_any_way() {
    let label = "fc batch_size=20 dropout=0.1 hidden=[30, 10] learning_rate=1e-5 fold 3 of 10 seed 12 data seed 0";
    for text in [
        "FC  learning_rate=0.00001 hidden=[30,10] dropout=0.10 batch_size=20 data_seed=0 seed=12 fold=3/10",
        "seed 12, fold 3 of 10, data seed 0, fc, dropout = 1e-1, learning-rate = 1.0e-5, batch_size=2_0, hidden = [ 30, 10, ]",
        "FC Network (batch_size=20.0 dropout=+.1 hidden=[30, 10] learning_rate=0.1e-4 row 7) fold 3 of 10 seed 12 data seed 0",
    ] {
        assert_eq!(Facts::read(text), Facts::read(label), "{text}");
    }
    for text in [
        "fc seed 1",
        "fc fold 12",
        "fc-aux",
        "seed 0",
        "data seed 12",
        "dropout=0.11",
        "hidden=[10, 30]",
        "fold 10 of 3",
        "fc xyz",
        "seed",
    ] {
        assert!(!Facts::read(text).are_among(&Facts::read(label)), "{text}");
    }
    assert!(Facts::read("max_epochs=5 loss=mean").are_among(&Facts::read("stop.max_epochs=5 stop.loss=mean")));
    assert_eq!(Facts::read("seed 18446744073709551615"), Facts::read("seed=18446744073709551615"));
    assert_ne!(Facts::read("seed 18446744073709551615"), Facts::read("seed 18446744073709551614"));
}
