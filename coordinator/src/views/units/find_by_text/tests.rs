use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use seedgrid_common::unit::UnitId;

use super::*;
use crate::{plan::Planned, views::units};

fn line(number: u8, label: &str) -> UnitLine {
    UnitLine::planned(UnitId([number; 16]), label.to_owned(), label.to_owned())
}

#[test]
fn units_are_found_by_id_prefix_and_label() {
    let lines = [line(0x1a, "cnn seed 1"), line(0x1b, "cnn seed 12"), line(0x2c, "fc learning_rate=0.1 seed 1")];
    let found = |text: &str| find(&lines, text).map(|line| line.id.0[0]);
    assert_eq!(found(&lines[1].id.to_string()), Ok(0x1b));
    assert_eq!(found("2C2"), Ok(0x2c));
    assert_eq!(found("cnn seed 1"), Ok(0x1a), "a whole label wins");
    assert_eq!(found("seed 12"), Ok(0x1b));
    assert_eq!(found("FC"), Ok(0x2c));
    for text in ["xyz", ""] {
        let Err(NotFound::None { .. }) = found(text) else { panic!("{text} fits nothing") };
    }
    for text in ["1", "seed 1", "cnn"] {
        let Err(NotFound::Several { count: 2, shown, .. }) = found(text) else { panic!("{text} fits two") };
        assert_eq!(shown.lines().count(), 2);
    }
}

#[test]
fn stages_are_offered_where_none_has_the_name() {
    let stages = ["tune", "final"].map(str::to_owned);
    assert_eq!(stages_instead(&stages, "final"), None);
    assert_eq!(stages_instead(&stages, "nope").unwrap(), "  no stage is called `nope`; there are tune, final");
}

/// The units of a study, in the form of `units`.
fn listed(text: &str) -> Vec<UnitLine> {
    let study = Planned::undrawn(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    units::lines(&study, &BTreeMap::new(), false)
}

/// A study of one stage with these rows.
fn spec(evaluation: &str, rows: &str) -> String {
    format!(
        "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 400\ntest_pairs = 40\n{}",
        stage("final", evaluation, rows)
    )
}

fn stage(name: &str, evaluation: &str, rows: &str) -> String {
    format!(
        "[[stage]]\nname = \"{name}\"\nevaluation = {evaluation}\nseeds = \"1..=3\"\n\
         stop = {{ loss_delta = 0.001, max_epochs = 2 }}\n{rows}"
    )
}

#[test]
fn a_default_that_is_an_axis_of_another_row_is_shown_and_found() {
    let row = |more: &str| format!("[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = 0.1\nbatch_size = 20\n{more}\n");
    let explicit = listed(&spec("\"holdout\"", &row("dropout = { grid = [0, 0.5] }")));
    let beside = listed(&spec("\"holdout\"", &(row("dropout = { grid = [0, 0.25] }") + &row(""))));
    let alone = listed(&spec("\"holdout\"", &row("dropout = { grid = [0.5] }")));
    for lines in [explicit, beside, alone] {
        for text in
            ["dropout=0.5 seed 3", "seed 3 dropout=0.50", "cnn dropout = 5e-1, seed=3", "Basic CNN (dropout=.5) seed 3"]
        {
            assert_eq!(find(&lines, text).map(|line| line.label.as_str()), Ok("cnn dropout=0.5 seed 3"), "{text}");
        }
    }
}

#[test]
fn settings_that_labels_do_not_show_are_found_all_the_same() {
    let lines =
        listed(&spec("\"holdout\"", "[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = 0.1\nbatch_size = 20\n"));
    for text in [
        "cnn seed 3",
        "learning_rate=0.10 seed 3",
        "seed 3 dropout=0.5 optimiser=\"sgd\"",
        "max_epochs=2 stop.patience=2 seed 3",
    ] {
        assert_eq!(find(&lines, text).map(|line| line.label.as_str()), Ok("cnn seed 3"), "{text}");
    }
}

#[test]
fn numbers_belong_to_what_they_stand_behind() {
    let rows = "[[stage.model]]\nmodel = \"fc\"\nlearning_rate = 0.1\nbatch_size = 20\nhidden = { grid = [[30, 10], [20, 10]] }\n";
    let text = spec("{ folds = 4 }", rows).replace("seeds = ", "data_seeds = \"1..=3\"\nseeds = ");
    let lines = listed(&text);
    for text in [
        "fc hidden=[30, 10] fold 3 of 4 seed 1 data seed 2",
        "data seed 2 seed 1 fold 3 hidden = [30,10]",
        "fold=3/4 data_seed=2 hidden=[30, 10,] seed=1",
    ] {
        let found = find(&lines, text).map(|line| line.label.as_str());
        assert_eq!(found, Ok("fc hidden=[30, 10] fold 3 of 4 seed 1 data seed 2"), "{text}");
    }
    assert_eq!(all(&lines, "data seed 2 fold 1").len(), 6);
}

#[test]
fn who_misses_is_told_what_there_is() {
    let rows =
        "[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = 0.1\nbatch_size = 20\ndropout = { grid = [0, 0.25] }\n";
    let lines = listed(&spec("\"holdout\"", rows));
    let said = find(&lines, "dropout=0.5 seed 3").unwrap_err().to_string();
    assert!(said.contains("no unit has `dropout=0.5`; there are dropout=0, dropout=0.25\n"), "{said}");
    assert!(said.contains("\n    cnn dropout=0 seed 3\n"), "{said}");
    let said = find(&lines, "cnn drop=0.25 seed 3").unwrap_err().to_string();
    assert!(said.contains("nothing is called `drop=0.25`"), "{said}");
    assert!(said.lines().nth(3).is_some_and(|first| first.trim() == "cnn dropout=0.25 seed 3"), "{said}");
    let said = find(&lines, "cnm seed 4").unwrap_err().to_string();
    assert!(said.contains("no unit has `cnm`; there are cnn\n") && said.contains("no unit has `seed 4`"), "{said}");
}

/// A number in one of the forms that people write.
fn written(value: f64, form: usize) -> String {
    match form % 4 {
        0 => format!("{value:.5}"),
        1 => format!("{value:e}"),
        2 if value.fract() != 0.0 => format!("+{value}0"),
        _ => value.to_string(),
    }
}

/// The same label with its settings in reverse order and its numbers in another form.
fn rewritten(label: &str, form: usize) -> String {
    let label = label.replace(", ", ",");
    let mut words: Vec<String> = label
        .split(' ')
        .map(|word| match word.split_once('=').map(|(name, value)| (name, value.parse::<f64>())) {
            Some((name, Ok(value))) => format!("{name}={}", written(value, form)),
            Some(_) | None => word.to_owned(),
        })
        .collect();
    // Words that belong together stay together.
    let tail = words.iter().position(|word| matches!(word.as_str(), "fold" | "seed")).unwrap_or(words.len());
    let end = words.split_off(tail);
    words.reverse();
    [end, words].concat().join(" ")
}

/// A row of a random study: for each of some settings an axis, a value or nothing.
fn row() -> impl Strategy<Value = String> {
    let values = vec(prop::sample::select(vec!["0.5", "0.25", "0", "1e-1", "0.10"]), 0..3);
    (prop::sample::select(vec!["cnn", "fc"]), values, vec(1_u32..40, 1..3), vec(1_u32..5, 0..3), any::<bool>())
        .prop_map(|(model, dropouts, batches, rates, axis)| {
            let setting = |name: &str, mut values: Vec<String>| {
                values.sort();
                values.dedup_by(|a, b| a.parse::<f64>() == b.parse::<f64>());
                match &values[..] {
                    [] => String::new(),
                    [value] if !axis => format!("{name} = {value}\n"),
                    values => format!("{name} = {{ grid = [{}] }}\n", values.join(", ")),
                }
            };
            let rates = if rates.is_empty() { vec![2] } else { rates };
            let row = [
                setting("dropout", dropouts.iter().map(|value| (*value).to_owned()).collect()),
                setting("batch_size", batches.iter().map(u32::to_string).collect()),
                setting("learning_rate", rates.iter().map(|rate| (f64::from(*rate) / 1000.0).to_string()).collect()),
            ];
            format!("[[stage.model]]\nmodel = \"{model}\"\n{}", row.concat())
        })
}

proptest! {
    /// Every unit of a study is found by its own label in any form, and no other unit is.
    #[test]
    fn every_unit_is_found_by_its_own_label(
        stages in vec((prop::sample::select(vec!["\"holdout\"", "{ folds = 2 }"]), vec(row(), 1..4), 1_u32..4), 1..4),
        form in 0_usize..4,
    ) {
        let mut text = "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 400\ntest_pairs = 40\n".to_owned();
        for (index, (evaluation, rows, epochs)) in stages.iter().enumerate() {
            text += &stage(&format!("stage{index}"), evaluation, &rows.concat())
                .replace("max_epochs = 2", &format!("max_epochs = {epochs}"));
        }
        // Rows that name one configuration twice are refused.
        let Ok(study) = Planned::undrawn(&text) else { return Ok(()) };
        let lines = units::lines(&study, &BTreeMap::new(), false);
        for line in &lines {
            for label in [line.label.clone(), rewritten(&line.label, form)] {
                prop_assert_eq!(find(&lines, &label).map(|found| found.id), Ok(line.id), "{} in\n{}", label, text);
            }
            // The description finds the unit without the rest.
            prop_assert!(all(&lines, &line.description).contains(&line));
        }
    }

    /// With lines for some units and for all, the same is found or refused.
    #[test]
    fn in_a_study_the_same_is_found_as_among_all_lines(
        rows in vec(row(), 1..4),
        folds in any::<bool>(),
        place in any::<prop::sample::Index>(),
        part in any::<prop::sample::Index>(),
    ) {
        let text = spec(if folds { "{ folds = 2 }" } else { "\"holdout\"" }, &rows.concat());
        let Ok(study) = Planned::undrawn(&text) else { return Ok(()) };
        let lines = units::lines(&study, &BTreeMap::new(), false);
        let line = place.get(&lines);
        let id = line.id.to_string();
        let words = line.label.split(' ').chain([line.label.as_str(), "seed 2", "nope", "fold 1", &id, &id[..1]]);
        let text = *part.get(&words.collect::<Vec<_>>());
        let found = find_in_study(&study, text);
        prop_assert_eq!(found, find(&lines, text).cloned(), "{}", text);
    }
}
