//! Stages with a race.

use seedgrid_coordinator::scheduler::race::LeaveReason;

use super::*;

/// Four learning rates, the first of them right, raced over ten folds by this rule.
fn raced(race: RaceRule) -> Synthetic {
    let rates = [0.1, 0.4, 0.9, 0.11].map(Value::Number);
    let mut stage = cross_validation("tune", 10, 1..=2, vec![row("fc", &[("learning_rate", &rates)])]);
    (stage.select, stage.race) = (Some(SelectionRule::Lowest), Some(race));
    Synthetic::new("raced", 200, vec![stage])
}

#[test]
fn what_a_race_skipped_is_named_and_is_not_missing() {
    let mut study = raced(RaceRule::Friedman { first: 3, alpha: 0.05 });
    study.settle();
    let aggregate = study.aggregate();
    let report = &aggregate.report;
    assert!(report.complete);
    let stage = &report.stages[0];
    let race = stage.race.as_ref().unwrap();
    assert_eq!((race.rule.as_str(), race.first, race.alpha, race.keep), ("friedman", 3, Some(0.05), None));
    let [model] = race.models.as_slice() else { panic!("one model") };
    assert!(model.ended);
    let left: Vec<_> = model.rungs.iter().flat_map(|rung| rung.left.iter().map(move |one| (rung.folds, one))).collect();
    assert!(left.iter().any(|(_, one)| one.configuration == 3), "the worst one left: {left:?}");
    assert!(left.iter().all(|(_, one)| one.configuration != 1), "the best one stays");
    for (folds, one) in &left {
        let row = &stage.configurations[one.configuration - 1];
        assert_eq!(one.why, LeaveReason::Outraced);
        assert_eq!(one.skipped, 2 * (10 - *folds as usize));
        assert_eq!((row.counts.skipped, row.counts.done), (one.skipped, 2 * *folds as usize));
        let [error, mean] = [one.error.unwrap(), row.error.spread.mean.unwrap()];
        assert!((error - mean).abs() < 1e-9, "both are over the same folds");
        assert!(one.p.unwrap() < 0.05 && one.rank_sum.unwrap() > f64::from(*folds));
        let skipped =
            aggregate.curves[0][one.configuration - 1].units.iter().filter(|unit| unit.ending == UnitState::Skipped);
        assert!(skipped.into_iter().all(|unit| unit.fold.unwrap() > *folds && unit.error.is_none()));
    }
    let skipped: usize = left.iter().map(|(_, one)| one.skipped).sum();
    assert_eq!((stage.counts.skipped, race.saved.units, report.saved.unwrap().units), (skipped, skipped, skipped));
    let estimate: f64 = left
        .iter()
        .map(|(_, one)| one.skipped as f64 * stage.configurations[one.configuration - 1].epochs.mean.unwrap())
        .sum();
    assert!((race.saved.epochs - estimate).abs() < 1e-6);
    assert_eq!(stage.selection.as_ref().unwrap().models[0].incomplete, [0_usize; 0]);
    let text = terminal_table(&aggregate, 100).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("units were skipped") && text.contains("FC Network: of 4 configurations"), "{text}");
}

#[test]
fn results_from_before_a_race_change_nothing() {
    let mut study = raced(RaceRule::Halving { first: 2, keep: 0.5 });
    study.settle();
    let everything = json(&study);
    let track = study.track.clone();
    study.results.retain(|id, _| track.is_released(*id));
    assert_eq!(json(&study), everything);
}

#[test]
fn an_unfinished_race_is_said_to_be_one() {
    let mut study = raced(RaceRule::Friedman { first: 3, alpha: 0.05 });
    let fourth = study.unit(0, 0, 1);
    study.lose(fourth, UnitState::Waiting);
    study.settle();
    let report = study.aggregate().report;
    let race = report.stages[0].race.as_ref().unwrap();
    assert!(!race.models[0].ended && race.models[0].rungs.is_empty());
    assert!(!report.complete);
    assert_eq!(report.saved.unwrap(), Default::default());
}

#[test]
fn who_failed_leaves_incomplete_and_is_missing() {
    let mut study = raced(RaceRule::Halving { first: 2, keep: 0.5 });
    let failed = study.unit(0, 0, 0);
    study.lose(failed, UnitState::Quarantined);
    study.settle();
    let report = study.aggregate().report;
    assert!(!report.complete);
    let rung = &report.stages[0].race.as_ref().unwrap().models[0].rungs[0];
    let first = rung.left.iter().find(|one| one.configuration == 1).unwrap();
    assert_eq!((first.why, first.error, first.skipped), (LeaveReason::Incomplete, None, 16));
    assert_eq!(report.stages[0].counts.failed, 1);
    assert_eq!(report.stages[0].selection.as_ref().unwrap().models[0].incomplete, [1]);
}
