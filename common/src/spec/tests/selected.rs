//! Rows that start from a selection, checked against every candidate.

use crate::spec::{
    Problem, SpecErrors, Study, parse,
    stop_rule::{MIN_EPOCHS, PATIENCE},
};

/// A study with a selecting stage: `row` is the rest of its only row, `stage` the rest of the later stage.
fn study(stop: &str, row: &str, stage: &str) -> Result<Study, SpecErrors> {
    parse(
        "s.toml",
        &format!(
            r#"name = "s"
[dataset]
kind = "glyph-pairs"
train_pairs = 40
test_pairs = 40
[[stage]]
name = "tune"
evaluation = {{ folds = 4 }}
seeds = 1
stop = {{ loss_delta = 0.001, {stop} }}
select = "lowest"
[[stage.model]]
model = "fc"
{row}
[[stage]]
name = "final"
from = "tune"
seeds = "1..=2"
{stage}
"#
        ),
    )
}

const ROW: &str = "learning_rate = { grid = [0.1, 0.01] }\nbatch_size = 10";
const HOLDOUT: &str = "evaluation = \"holdout\"";

fn refused(stop: &str, row: &str, stage: &str) -> (Problem, String) {
    let errors = study(stop, row, stage).unwrap_err();
    let found: Vec<_> = errors.errors().iter().collect();
    assert_eq!(found.len(), 1, "{errors}");
    assert!(errors.to_string().starts_with("s.toml:"), "with its place: {errors}");
    (found[0].problem.clone(), errors.to_string())
}

#[test]
fn what_fits_is_read_without_doubt() {
    let study = study("max_epochs = 5", ROW, HOLDOUT).unwrap();
    assert!(study.doubtful_selections().is_empty());
}

#[test]
fn a_batch_that_no_fold_of_the_later_stage_fills() {
    let folds = "evaluation = { folds = 2 }";
    let (problem, words) = refused("max_epochs = 5", "learning_rate = 0.1\nbatch_size = 30", folds);
    assert!(matches!(problem, Problem::NoCandidate { .. }), "{words}");
    assert!(words.contains("a batch of 30 is larger than the 20 pairs") && words.contains("use at most 20"), "{words}");
    // Only one of the two sizes fits, and the selection is not known yet.
    let some = study("max_epochs = 5", "learning_rate = 0.1\nbatch_size = { grid = [10, 30] }", folds).unwrap();
    let doubts = some.doubtful_selections();
    assert_eq!(doubts.len(), 1);
    assert!(doubts[0].contains("1 of 2") && doubts[0].contains("a batch of 30"), "{doubts:?}");
    // A row with its own size does not depend on the selected one.
    let own = format!("{folds}\n[[stage.model]]\nmodel = \"fc\"\nbatch_size = 20");
    assert!(study("max_epochs = 5", "learning_rate = 0.1\nbatch_size = 30", &own).is_ok());
}

#[test]
fn momentum_for_adam_alone() {
    let later = format!("{HOLDOUT}\n[[stage.model]]\nmodel = \"fc\"\nmomentum = 0.9");
    let (_, words) = refused("max_epochs = 5", &format!("{ROW}\noptimiser = \"adam\""), &later);
    assert!(words.contains("takes no momentum") && words.contains("remove `momentum`"), "{words}");
    // One of the row's own values fits nothing.
    let later = later.replace("0.9", "{ grid = [0.0, 0.9] }");
    assert!(study("max_epochs = 5", &format!("{ROW}\noptimiser = \"adam\""), &later).is_err());
    let both =
        study("max_epochs = 5", &format!("{ROW}\noptimiser = {{ grid = [\"adam\", \"sgd\"] }}"), &later).unwrap();
    assert_eq!(both.doubtful_selections().len(), 1);
}

#[test]
fn a_rule_that_comes_too_late_once_it_is_put_together() {
    let fewer = format!("{HOLDOUT}\nstop = {{ max_epochs = 5 }}");
    let (_, words) = refused("max_epochs = 12, min_epochs = 10", ROW, &fewer);
    assert!(words.contains("`min_epochs` is 10") && words.contains("`max_epochs` = 5"), "{words}");
    let row = format!("{ROW}\nstop = {{ max_epochs = 12, patience = 8 }}");
    let (_, words) = refused("max_epochs = 2", &row, &fewer);
    assert!(words.contains("`patience` is 8"), "{words}");
    let longer = format!("{HOLDOUT}\nstop = {{ max_epochs = 10 }}");
    assert!(study("max_epochs = 12, min_epochs = 10", ROW, &longer).is_ok());
}

#[test]
fn what_nobody_wrote_follows_the_number_of_epochs_and_what_was_written_stays() {
    let rules = |stop: &str, epochs: &str| {
        let study = study(stop, ROW, &format!("{HOLDOUT}\nstop = {{ {epochs} }}")).unwrap();
        let rule = study.stages[1].selected[0].stop.over(study.stages[0].rows[0].stop);
        (rule.min_epochs, rule.patience, rule.max_epochs)
    };
    assert_eq!(rules("max_epochs = 7", "max_epochs = 50"), (MIN_EPOCHS, PATIENCE, 50));
    assert_eq!(rules("max_epochs = 50", "max_epochs = 7"), (7, PATIENCE, 7));
    assert_eq!(rules("max_epochs = 50", "max_epochs = 3"), (3, 3, 3));
    assert_eq!(rules("max_epochs = 50", "patience = 2"), (MIN_EPOCHS, 2, 50));
    // The paper's rules: its final stage takes the rule of the selected configuration.
    assert_eq!(rules("max_epochs = 50, min_epochs = 1, patience = 1", "max_epochs = 300"), (1, 1, 300));
    assert_eq!(rules("max_epochs = 50, min_epochs = 30", "max_epochs = 300"), (30, PATIENCE, 300));
}

#[test]
fn rows_of_rows_that_start_from_a_selection() {
    let between = "evaluation = { folds = 4 }\nselect = \"lowest\"\n[[stage.model]]\nmodel = \"fc\"\nbatch_size = 30\n\
                   [[stage]]\nname = \"last\"\nfrom = \"final\"\nseeds = 1\nevaluation = { folds = 2 }";
    let (_, words) = refused("max_epochs = 5", ROW, between);
    assert!(words.contains("stage `final`") && words.contains("a batch of 30"), "{words}");
}

#[test]
fn races_of_one() {
    let race = |row: &str| {
        study("max_epochs = 5", &format!("{row}\n"), HOLDOUT).map(|mut study| {
            study.stages[0].race = Some(crate::spec::RaceRule::Halving { first: 2, keep: 0.5 });
            study.races_without_rivals().len()
        })
    };
    assert_eq!(race(ROW).unwrap(), 0);
    assert_eq!(race("learning_rate = 0.1\nbatch_size = 10").unwrap(), 1);
}

#[test]
fn references_for_what_can_never_be_selected() {
    let with = |given: &str| {
        let reference = format!(
            "{HOLDOUT}\n[[reference]]\nstage = \"final\"\nmodel = \"fc\"\nwhere = {{ {given} }}\nerror = 0.1\nsource = \"x\""
        );
        study("max_epochs = 5", ROW, &reference)
    };
    assert!(with("learning_rate = 0.01").is_ok());
    assert!(with("learning_rate = 0.01, batch_size = 10").is_ok());
    for (given, known) in
        [("batch_size = 11", "batch_size=10"), ("learning_rate = 0.5", "learning_rate=0.1, learning_rate=0.01")]
    {
        let words = with(given).unwrap_err().to_string();
        assert!(words.contains(&format!("trained here: {known};")), "{words}");
    }
}

#[test]
fn a_stage_that_was_probably_meant() {
    let words = study("max_epochs = 5", ROW, HOLDOUT).map(drop);
    assert!(words.is_ok());
    let text = "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 40\ntest_pairs = 40\n[[stage]]\nname = \"tune\"\n\
                evaluation = { folds = 4 }\nseeds = 1\nselect = \"lowest\"\nstop = { loss_delta = 0.001, max_epochs = 2 }\n\
                [[stage.model]]\nmodel = \"fc\"\nlearning_rate = 0.1\nbatch_size = 10\n[[stage]]\nname = \"final\"\nfrom = \"tunee\"\n\
                evaluation = \"holdout\"\nseeds = 1\n";
    let words = parse("s.toml", text).unwrap_err().to_string();
    assert!(words.contains("did you mean `tune`?"), "{words}");
}
