//! Configurations that left a race, in every form of the report.

use super::*;

/// A stage that races over four folds.
pub(crate) fn racing(name: &str) -> Stage {
    let rates = [0.1, 0.9, 0.5].map(Value::Number);
    let mut stage = cross_validation(name, 4, 1..=1, vec![row("fc", &[("learning_rate", &rates)])]);
    stage.select = Some(SelectionRule::Lowest);
    stage.race = Some(RaceRule::Friedman { first: 2, alpha: 0.5 });
    stage
}

#[test]
fn who_left_a_race_is_in_every_form_of_the_report() {
    let mut study = Synthetic::new("raced", 200, vec![racing("tune")]);
    study.settle();
    let (_folder, files) = written(&study, &provenance("a"));
    assert!(files["report.md"].contains("### The race"));
    let (_, race) = files["report.html"].split_once("<summary>The race</summary>").unwrap();
    let (_, head) = race.split_once("<table ").unwrap();
    assert!(head.starts_with("class=\"sortable\""), "sorts as the others do");
    for name in ["report.md", "report.html"] {
        assert!(files[name].contains("units were skipped"), "{name}");
        assert!(!files[name].contains("Incomplete"), "{name}: what was skipped is not missing");
    }
    let units = csv(&files["units.csv"]);
    let ending = units[0].iter().position(|cell| cell == "ending").unwrap();
    assert!(units[1..].iter().any(|unit| unit[ending] == "skipped"));
    let rows = csv(&files["configurations.csv"]);
    assert!(rows[0].iter().any(|column| column == "skipped"));

    let (_folder, files) = written(&small(), &provenance("a"));
    assert!(!files["report.md"].contains("race") && !files["report.html"].contains("The race"));
}

#[test]
fn who_left_a_race_is_not_called_the_best() {
    let mut study = Synthetic::new("raced", 200, vec![racing("tune")]);
    study.settle();
    // As if the first folds, which all have, had been the easy ones.
    let race = &study.track.races[0];
    let winner = &study.plan.stages[0].configurations[race.racing[0]];
    assert!(race.racing.len() == 1);
    for (id, _) in &winner.units {
        if let Ending::Done(scores) = &mut study.results.get_mut(id).unwrap().ending {
            scores.wrong = scores.outputs.rows() as u32;
        }
    }
    let rate = winner.configuration.hyperparameters["learning_rate"].to_string();
    let (_folder, files) = written(&study, &provenance("a"));
    let lowest = format!("Lowest mean error: FC Network (learning_rate={rate}), 1.0000");
    assert!(files["report.md"].contains(&lowest), "{}", files["report.md"]);
}
