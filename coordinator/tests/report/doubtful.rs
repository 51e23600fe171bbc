//! Units that learnt nothing, in every form of the report.

use super::*;

/// A seed that stopped on the plateau before learning began, and another that is far above the others.
fn with_doubts() -> Synthetic {
    let mut study = Synthetic::new("doubts", 100, vec![holdout("final", 1..=6, vec![row("fc", &[])])]);
    let plateau = study.results.get_mut(&study.unit(0, 0, 2)).expect("the unit is trained");
    plateau.epochs.truncate(3);
    plateau.epochs.iter_mut().for_each(|epoch| epoch.train_error = 0.55);
    let stuck = study.unit(0, 0, 4);
    for (id, wrong) in study.plan.units().keys().zip(20..) {
        if let Some(Ending::Done(scores)) = study.results.get_mut(id).map(|result| &mut result.ending) {
            scores.wrong = if *id == stuck { 47 } else { wrong };
        }
    }
    study
}

#[test]
fn units_that_learnt_nothing_are_averaged_and_named_in_every_form() {
    let study = with_doubts();
    let aggregate = study.aggregate();
    let row = &aggregate.report.stages[0].configurations[0];
    // In the means all the same, and converged, as the rule says.
    assert_eq!((row.n, row.converged, row.untrained, row.stuck), (6, 6, 1, 1));
    let flagged = |flag: fn(&UnitReport) -> Option<bool>| -> Vec<u64> {
        aggregate.curves[0][0].units.iter().filter(|unit| flag(unit) == Some(true)).map(|unit| unit.seed).collect()
    };
    assert_eq!((flagged(|unit| unit.untrained), flagged(|unit| unit.stuck)), (vec![3], vec![5]));

    let (_folder, files) = written(&study, &provenance("a"));
    let terminal = terminal_table(&aggregate, 100).split_whitespace().collect::<Vec<_>>().join(" ");
    for (form, text) in [
        ("report.html", &files["report.html"]),
        ("report.md", &files["report.md"]),
        ("tables.tex", &files["tables.tex"]),
        ("terminal", &terminal),
    ] {
        assert!(text.contains("1 of 6 trained units is untrained (seed 3)"), "{form}: {text}");
        assert!(text.contains("1 of 6 trained units is stuck (seed 5)"), "{form}: {text}");
    }
    assert!(terminal.contains("are in means and curves (1 untrained, 1 stuck)"), "{terminal}");
    assert!(files["report.html"].contains("<td>yes, untrained</td>"), "converged is not said without a word");
    let units = csv(&files["units.csv"]);
    let column = |name: &str| units[0].iter().position(|column| column == name).expect("the column is there");
    let of = |name: &str| units[1..].iter().map(|unit| unit[column(name)].clone()).collect::<Vec<_>>();
    assert_eq!(of("untrained"), ["false", "false", "true", "false", "false", "false"]);
    assert_eq!(of("stuck"), ["false", "false", "false", "false", "true", "false"]);
}

#[test]
fn what_learnt_says_nothing_of_it() {
    let study = Synthetic::new("plain", 100, vec![holdout("final", 1..=6, five())]);
    let aggregate = study.aggregate();
    let report = &aggregate.report;
    assert!(report.stages[0].configurations.iter().all(|row| row.untrained + row.stuck == 0));
    assert!(!terminal_table(&aggregate, 100).contains("Doubtful"));
}
