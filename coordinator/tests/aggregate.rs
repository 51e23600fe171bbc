//! Whole studies of made-up results, aggregated.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

#[path = "aggregate/curves.rs"]
mod curves;
#[path = "aggregate/draws.rs"]
mod draws;
#[path = "aggregate/races.rs"]
mod races;
mod synthetic;

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedgrid_common::{
    classification,
    data::{Dataset, Digests, Labelled as _, Part, folds::split, pairs::Pairs, values::NumberType},
    hyperparameters::Value,
    matrix::{Selections, expand},
    network_outputs::Outputs,
    spec::{RaceRule, SelectionRule},
    training::{Ending, UnitResult},
    unit::{Fold, UnitId},
};
use seedgrid_coordinator::{
    aggregate::{
        Aggregate, Curves, UnitReport,
        report_json::{Against, IntervalMethod, Report, Spread, Verdict},
    },
    report::{report_json, terminal_table},
    scheduler::unit_state::UnitState,
};
use synthetic::{Synthetic, cross_validation, five, holdout, row, table_3};

fn small() -> Synthetic {
    let weights = [0.3, 0.1].map(Value::Number);
    let rows = vec![row("fc", &[]), row("fc-aux", &[("auxiliary_weight", &weights)])];
    let stages = vec![holdout("final", 1..=4, rows.clone()), cross_validation("tune", 4, 1..=2, rows)];
    let mut study = Synthetic::new("small", 40, stages);
    study.study.references = [table_3("final"), table_3("tune")].concat();
    study
}

fn json(study: &Synthetic) -> String {
    report_json(&study.aggregate().report).expect("a report is JSON")
}

/// Every result in hand, for a study of one stage and one model, changed by `change`.
fn changed(study: &mut Synthetic, change: impl Fn(&mut UnitResult)) {
    study.results.values_mut().for_each(change);
}

/// Puts logits of 0 and of these into a result.
fn put(result: &mut UnitResult, scores: impl IntoIterator<Item = f32>) {
    let Ending::Done(done) = &mut result.ending else { panic!("the unit diverged") };
    done.outputs = Outputs::new(2, scores.into_iter().flat_map(|score| [0.0, score]).collect()).unwrap();
}

#[test]
fn a_report_with_every_kind_of_hole_is_as_it_was() {
    let mut study = small();
    study.diverge(study.unit(0, 0, 1), 3);
    study.lose(study.unit(0, 1, 0), UnitState::Quarantined);
    study.lose(study.unit(0, 1, 3), UnitState::Cancelled);
    study.lose(study.unit(1, 2, 5), UnitState::Waiting);
    let aggregate = study.aggregate();
    insta::assert_snapshot!("report.json", report_json(&aggregate.report).unwrap());
    insta::assert_snapshot!("terminal-table", terminal_table(&aggregate, 100));
}

#[test]
fn report_json_is_read_back_as_it_was_written() {
    let report = small().aggregate().report;
    let read: Report = serde_json::from_str(&report_json(&report).unwrap()).unwrap();
    assert_eq!(read, report);
}

#[test]
fn results_that_the_plan_does_not_name_are_counted_and_change_nothing() {
    let mut study = small();
    let before = json(&study);
    let stranger = study.results.values().next().unwrap().clone();
    study.results.insert(UnitId([7; 16]), stranger);
    let after = json(&study);
    assert_ne!(after, before);
    assert_eq!(after.replace("\"unnamed_results\": 1", "\"unnamed_results\": 0"), before);
}

#[test]
fn a_unit_that_two_stages_share_is_counted_once() {
    let stages = vec![holdout("a", 1..=3, vec![row("fc", &[])]), holdout("b", 2..=4, vec![row("fc", &[])])];
    let report = Synthetic::new("shared", 40, stages).aggregate().report;
    assert_eq!((report.counts.planned, report.counts.done), (4, 4));
    assert_eq!(report.stages.iter().map(|stage| stage.counts.planned).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn variants_name_axes_and_what_differs_and_nothing_else() {
    let mut slow = row("fc", &[("learning_rate", &[Value::Number(0.1)])]);
    slow.stop.max_epochs = 50;
    let rows = vec![row("cnn", &[]), row("fc", &[("learning_rate", &[Value::Number(0.2)])]), slow.clone(), slow];
    let report = Synthetic::new("variants", 40, vec![holdout("a", 1..=1, rows)]).aggregate().report;
    let variants: Vec<&str> = report.stages[0].configurations.iter().map(|row| row.variant.as_str()).collect();
    let same = "learning_rate=0.1 stop.max_epochs=50";
    let third = format!("{same} row 3");
    let fourth = format!("{same} row 4");
    assert_eq!(variants, ["", "learning_rate=0.2 stop.max_epochs=300", &third, &fourth]);
}

#[test]
fn configurations_with_the_same_units_do_not_differ() {
    let rows = vec![row("fc", &[]), row("fc", &[])];
    for stage in [holdout("final", 1..=3, rows.clone()), cross_validation("tune", 3, 1..=2, rows)] {
        let report = Synthetic::new("same", 60, vec![stage]).aggregate().report;
        let [pair] = report.stages[0].comparisons.pairs.as_slice() else { panic!("one pair") };
        assert_eq!(pair.difference, Some(0.0));
        assert_eq!((pair.mcnemar.p, pair.mcnemar.reason.is_some()), (None, true));
        assert_eq!((pair.t_test.p, pair.t_test.reason.as_deref()), (None, Some("they never differ")));
        assert_eq!((pair.auc_test.p, pair.auc_test.reason.is_some()), (None, true));
    }
}

#[test]
fn many_configurations_are_compared_with_the_best_one_only() {
    let rates: Vec<Value> = (1..=13).map(|rate| Value::Number(f64::from(rate) / 50.0)).collect();
    let stage = |rates: &[Value]| vec![holdout("search", 1..=3, vec![row("fc", &[("learning_rate", rates)])])];
    let all = Synthetic::new("all", 60, stage(&rates[1..])).aggregate().report;
    assert_eq!(all.stages[0].comparisons.against, Against::EachOther);
    assert_eq!(all.stages[0].comparisons.pairs.len(), 12 * 11 / 2);
    let many = Synthetic::new("many", 60, stage(&rates)).aggregate().report;
    let comparisons = &many.stages[0].comparisons;
    let best = comparisons.best.unwrap();
    assert_eq!((comparisons.against, comparisons.pairs.len()), (Against::Best, 12));
    assert!(comparisons.pairs.iter().all(|pair| pair.second == best && pair.first != best));
    assert!(
        comparisons.pairs.iter().all(|pair| pair.difference.unwrap() >= 0.0),
        "nothing errs less than the best one"
    );
    assert!(comparisons.pairs.is_sorted_by_key(|pair| pair.first), "in the order of the table");
}

#[test]
fn folds_are_compared_where_both_are_done() {
    let mut study =
        Synthetic::new("holes", 60, vec![cross_validation("tune", 5, 1..=2, vec![row("fc", &[]), row("cnn", &[])])]);
    study.lose(study.unit(0, 0, 3), UnitState::Quarantined);
    let Aggregate { report, curves, .. } = study.aggregate();
    let [pair] = report.stages[0].comparisons.pairs.as_slice() else { panic!("one pair") };
    // The first seed lacks a fold, so the second is compared alone.
    assert_eq!((pair.t_test.method, pair.t_test.seeds), (IntervalMethod::SeedsFolds, 1));
    assert!((pair.t_test.freedom.unwrap() - 4.0).abs() < 1e-9);
    assert!(pair.t_test.covers.contains("as there is one seed"), "{}", pair.t_test.covers);
    let rows = &curves[0];
    let shared = (5..10).map(|unit| rows[0].units[unit].error.unwrap() - rows[1].units[unit].error.unwrap());
    assert!((pair.difference.unwrap() - shared.sum::<f64>() / 5.0).abs() < 1e-12);
    assert!(pair.seeds_test.p.is_none() && pair.seeds_test.reason.is_some());
    assert!(pair.auc_test.p.is_none() && pair.auc_test.reason.is_some());
    study.lose(study.unit(0, 1, 7), UnitState::Quarantined);
    let report = study.aggregate().report;
    let test = &report.stages[0].comparisons.pairs[0].t_test;
    assert_eq!((test.p, test.seeds), (None, 0));
    assert!(test.reason.as_ref().unwrap().contains("a seed of which both"), "{test:?}");
}

#[test]
fn intervals_are_about_other_seeds_and_other_examples() {
    let report = Synthetic::new("wide", 400, vec![holdout("final", 1..=8, five())]).aggregate().report;
    let stage = &report.stages[0];
    for row in &stage.configurations {
        let given = row.error.given_examples.as_ref().unwrap();
        let width = |ends: Option<[f64; 2]>| ends.map(|[low, high]| high - low).unwrap();
        let (wide, narrow) = (width(row.error.interval.ci95), width(given.ci95));
        assert!(wide > 1.3 * narrow, "{}: {wide} {narrow}", row.model);
        assert!(row.error.interval.covers.contains("not the draw of the training pairs"));
        // Less than the binomial bound, as every seed errs on the same hard pairs and on others hardly ever.
        let error = row.error.spread.mean.unwrap();
        let binomial = (error * (1.0 - error) / 400.0).sqrt();
        let draw = row.draw.standard_error.unwrap();
        assert!(draw < 0.98 * binomial && draw > 0.3 * binomial, "{}: {draw} {binomial}", row.model);
    }
    for pair in &stage.comparisons.pairs {
        let [single, all] = [pair.t_test.ci95, pair.t_test.ci95_simultaneous].map(Option::unwrap);
        assert!(all[0] < single[0] && all[1] > single[1], "ten intervals that hold together are wider");
        assert!((single[0] + single[1] - 2.0 * pair.difference.unwrap()).abs() < 1e-12, "the middle is the difference");
        let seeds = &pair.seeds_test;
        assert_eq!((seeds.method, seeds.seeds), (IntervalMethod::Seeds, 8));
        assert!((seeds.freedom.unwrap() - 7.0).abs() < 1e-9, "paired by seed");
    }
}

#[test]
fn tuning_stages_have_no_resampled_intervals() {
    let mut stage = cross_validation("tune", 3, 1..=2, vec![row("fc", &[])]);
    stage.select = Some(SelectionRule::Lowest);
    let report = Synthetic::new("tuned", 60, vec![stage]).aggregate().report;
    let row = &report.stages[0].configurations[0];
    assert!(row.roc.auc.is_some() && row.roc.ci95.is_none());
    assert_eq!(row.roc.ci95_reason.as_deref(), Some("not computed in a stage that selects"));
}

#[test]
fn test_pairs_that_are_used_again_are_counted() {
    let rates: Vec<Value> = (1..=4).map(|rate| Value::Number(f64::from(rate) / 10.0)).collect();
    let grid = vec![row("fc", &[("learning_rate", &rates)])];
    let stages = vec![holdout("search", 1..=2, grid), holdout("final", 1..=2, vec![row("cnn", &[])])];
    let aggregate = Synthetic::new("reused", 60, stages).aggregate();
    assert_eq!(aggregate.report.stages.iter().map(|stage| stage.scored_on_test).collect::<Vec<_>>(), [5, 5]);
    let text = terminal_table(&aggregate, 100);
    assert_eq!(text.matches("5 configurations of this study are scored on these test pairs").count(), 2, "{text}");
}

#[test]
fn references_change_nothing_else() {
    let mut study = small();
    let with = study.aggregate();
    let digests: Digests = [(0, synthetic::DIGEST.to_owned())].into();
    let plan = expand(&study.study, &digests, &Selections::new());
    study.study.references.clear();
    assert_eq!(plan, expand(&study.study, &digests, &Selections::new()));
    let mut without = study.aggregate();
    for (stage, other) in without.report.stages.iter_mut().zip(&with.report.stages) {
        assert!(stage.references.is_empty());
        stage.references.clone_from(&other.references);
    }
    assert_eq!(with, without);
}

#[test]
fn a_verdict_takes_seeds_and_draws_of_both_sides_together() {
    let mut study = Synthetic::new("verdict", 1000, vec![holdout("final", 1..=10, vec![row("fc", &[])])]);
    let row = study.aggregate().report.stages[0].configurations[0].clone();
    let (ours, std) = (row.error.spread.mean.unwrap(), row.error.spread.std.unwrap());
    let mut reference = table_3("final").remove(3);
    let mut verdict = |error: f64, pairs: Option<u64>, std: Option<f64>| {
        reference.error = error;
        (reference.std, reference.n, reference.pairs) = (std, std.map(|_| 10), pairs);
        study.study.references = vec![reference.clone()];
        study.aggregate().report.stages[0].references[0].clone()
    };
    assert_eq!(verdict(ours, Some(1000), None).verdict, Some(Verdict::Within));
    assert_eq!(verdict(ours + 0.03, Some(1000), None).verdict, Some(Verdict::Within), "both draws explain it");
    assert_eq!(
        verdict(ours + 0.06, Some(1_000_000), Some(0.0)).verdict,
        Some(Verdict::Differs),
        "their draw was larger"
    );
    assert_eq!(verdict(ours + 0.06, Some(1_000_000), Some(0.1)).verdict, Some(Verdict::Within), "their seeds vary");
    assert_eq!(
        verdict(ours, None, Some(2.0)).verdict,
        Some(Verdict::TooUncertain),
        "a wide interval agrees with everything"
    );
    let found = verdict(ours + 0.2, None, Some(0.02));
    assert_eq!((found.verdict, found.theirs.pairs), (Some(Verdict::Differs), 1000));
    // Their draw moves their error as ours moves ours, by less than the binomial deviation.
    let (e, share) = (ours + 0.2, row.draw.standard_error.unwrap() / (ours * (1.0 - ours) / 1000.0).sqrt());
    assert!(share < 0.98, "{share}");
    let theirs = 0.02 * 0.02 / 10.0 + share * share * e * (1.0 - e) / 1000.0;
    assert!((found.theirs.standard_error.unwrap().powi(2) - theirs).abs() < 1e-15);
    let variance = row.error.interval.standard_error.unwrap().powi(2) + theirs;
    let factor = found.uncertainty95.unwrap() / variance.sqrt();
    assert!((1.96..2.0).contains(&factor), "many degrees of freedom, as the draws weigh most: {factor}");
    assert!(std > 0.0);
}

/// The ending of each unit of [`small`]: 0 done, 1 diverged, 2 failed, 3 cancelled, 4 not trained and not said why.
fn holes() -> impl Strategy<Value = (Vec<u8>, u64)> {
    (prop::collection::vec(0_u8..5, 36), any::<u64>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_is_silently_missing((fates, shuffle) in holes()) {
        let mut study = small();
        let ids: Vec<UnitId> = study.plan.units().into_keys().collect();
        prop_assert_eq!(ids.len(), fates.len());
        for (id, fate) in ids.iter().zip(&fates) {
            match fate {
                0 => {}
                1 => study.diverge(*id, 2),
                2 => study.lose(*id, UnitState::Quarantined),
                3 => study.lose(*id, UnitState::Cancelled),
                _ => { study.results.remove(id); }
            }
        }
        let aggregate = study.aggregate();
        let report = &aggregate.report;
        let fate = |wanted| fates.iter().filter(|fate| **fate == wanted).count();
        let counts = report.counts;
        prop_assert_eq!(
            [counts.done, counts.diverged, counts.failed, counts.cancelled, counts.not_trained],
            [0, 1, 2, 3, 4].map(fate)
        );
        prop_assert_eq!(report.complete, fate(2) + fate(3) + fate(4) == 0);
        let units = aggregate.curves.iter().flatten().map(|curves| &curves.units);
        for (row, units) in report.stages.iter().flat_map(|stage| &stage.configurations).zip(units) {
            let errors: Vec<f64> = units.iter().filter_map(|unit| unit.error).collect();
            prop_assert_eq!((row.n, row.n), (errors.len(), row.counts.done));
            prop_assert_eq!(units.len(), row.counts.planned);
            prop_assert_eq!(row.error_of_done.is_some(), row.counts.diverged > 0);
            let of_done = row.error_of_done.as_ref().unwrap_or(&row.error.spread);
            match of_done.mean {
                None => prop_assert!(errors.is_empty()),
                Some(mean) => prop_assert!((mean - errors.iter().sum::<f64>() / errors.len() as f64).abs() < 1e-12),
            }
            prop_assert!(row.error.spread.mean.is_none() || row.counts.diverged == 0);
            for spread in [&row.error.spread, &row.epochs, &row.loss, &row.train_loss, &row.roc.seeds] {
                prop_assert!(explained(spread));
            }
            prop_assert_eq!(row.roc.auc.is_none(), row.roc.reason.is_some());
            for interval in [Some(&row.error.interval), row.error.given_examples.as_ref()].into_iter().flatten() {
                prop_assert_eq!(interval.ci95.is_none(), interval.reason.is_some());
                prop_assert!(interval.ci95.is_none_or(|[low, high]| 0.0 <= low && low <= high && high <= 1.0));
            }
            prop_assert_eq!(row.roc.ci95.is_none(), row.roc.ci95_reason.is_some());
            prop_assert_eq!(row.roc.band.curves < 2, row.roc.band.reason.is_some());
            prop_assert_eq!(row.draw.standard_error.is_none(), row.draw.reason.is_some());
            prop_assert!(row.roc.auc.is_none_or(|auc| (0.0..=1.0).contains(&auc)));
            prop_assert!(row.precision_recall.average_precision.is_none_or(|ap| (0.0..=1.0).contains(&ap)));
        }
        for stage in &report.stages {
            prop_assert_eq!(stage.comparisons.pairs.len(), 3);
            for pair in &stage.comparisons.pairs {
                let (t_test, mcnemar) = (&pair.t_test, &pair.mcnemar);
                prop_assert_eq!(t_test.p.is_none(), t_test.reason.is_some());
                prop_assert_eq!(t_test.p.is_none(), t_test.ci95.is_none() && t_test.t.is_none() && t_test.p_holm.is_none());
                prop_assert_eq!(t_test.p.is_none(), t_test.ci95_simultaneous.is_none());
                prop_assert_eq!(pair.auc_test.p.is_none(), pair.auc_test.reason.is_some());
                prop_assert_eq!(pair.hedges_g.is_none(), pair.hedges_g_reason.is_some());
                prop_assert_eq!(mcnemar.p.is_none(), mcnemar.reason.is_some());
                prop_assert!(t_test.p.zip(t_test.p_holm).is_none_or(|(p, holm)| p <= holm && holm <= 1.0));
            }
            prop_assert_eq!(stage.references.len(), 3);
            for reference in &stage.references {
                prop_assert_eq!(reference.verdict.is_none(), reference.reason.is_some());
            }
        }
        for width in [100, 80, 60] {
            let table = terminal_table(&aggregate, width);
            prop_assert!(table.lines().all(|line| line.chars().count() <= width), "{}", table);
        }

        // The same results, committed in another order.
        let mut order: Vec<(UnitId, UnitResult)> = study.results.clone().into_iter().collect();
        seedgrid_common::random::Stream::new(shuffle, "order").shuffle(&mut order);
        let before = json(&study);
        study.results = order.into_iter().collect();
        prop_assert_eq!(json(&study), before);
    }
}

fn explained(spread: &Spread) -> bool {
    let whole = [spread.mean, spread.std, spread.min, spread.max].iter().all(Option::is_some);
    whole != spread.reason.is_some()
}

#[test]
fn a_long_name_does_not_widen_the_terminal_table() {
    let many = [150_u64; 8].to_vec();
    let hidden = [Value::Integers(many.clone()), Value::Integers(many[1..].to_vec())];
    let rows = vec![row("fc-aux", &[("hidden", &hidden)])];
    let name = "a-study-with-a-name-that-goes-on".repeat(2);
    let study = Synthetic::new(&name, 30, vec![holdout(&name, 1..=3, rows), holdout("five", 1..=2, five())]);
    for width in [100, 80, 64] {
        let table = terminal_table(&study.aggregate(), width);
        assert!(table.lines().all(|line| line.chars().count() <= width), "{table}");
        let rows: Vec<&str> = table.lines().skip_while(|line| !line.starts_with("five")).collect();
        assert!(rows.iter().any(|line| line.contains(" ± ")) && table.contains("hidden=[150,"), "{table}");
    }
}

#[test]
fn configurations_that_lack_a_unit_are_named_as_not_considered() {
    let rates = [0.05, 0.1].map(Value::Number);
    let mut tune = cross_validation("tune", 3, 1..=1, vec![row("fc", &[("learning_rate", &rates)])]);
    tune.select = Some(SelectionRule::Lowest);
    let mut study = Synthetic::new("tuned", 40, vec![tune]);
    study.lose(study.unit(0, 0, 1), UnitState::Quarantined);
    let selection = study.aggregate().report.stages.remove(0).selection.unwrap();
    assert_eq!(selection.models[0].incomplete, [1]);
}
