//! Whole studies of made-up results, aggregated.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod synthetic;

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedgrid_common::{
    data::{Dataset, folds::split},
    decision,
    matrix::{Digests, Selections, expand},
    outputs::Outputs,
    spec::{RaceRule, SelectionRule},
    training::{Ending, UnitResult},
    unit::{Fold, UnitId, Value},
};
use seedgrid_coordinator::{
    aggregate::{
        Missing,
        document::{Against, ConfigurationReport, IntervalMethod, Report, Spread, UnitEnding, Verdict},
    },
    report::{report_json, terminal_table},
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
    study.lose(study.unit(0, 1, 0), Missing::Failed);
    study.lose(study.unit(0, 1, 3), Missing::Cancelled);
    study.lose(study.unit(1, 2, 5), Missing::NotTrained);
    let report = study.aggregate().report;
    // Unit ids change with the revisions of models and kernels, which is no matter of the aggregate.
    let mut json = report_json(&report).unwrap();
    let planned = study.plan.stages.iter().flat_map(|stage| &stage.configurations).flat_map(|row| &row.units);
    for (number, (id, _)) in planned.enumerate() {
        json = json.replace(&id.to_string(), &format!("unit {number}"));
    }
    insta::assert_snapshot!("report.json", json);
    insta::assert_snapshot!("terminal-table", terminal_table(&report, 100));
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
fn folds_are_pooled_pair_by_pair() {
    let mut study = Synthetic::new("pool", 60, vec![cross_validation("tune", 5, 1..=2, vec![row("fc", &[])])]);
    // Each fold's predictions are its pairs' labels, so pooling in any wrong order would not be perfect.
    let labels: BTreeMap<u32, Vec<f32>> = (0..5).map(|index| (index, fold_labels(&study.dataset, index, 5))).collect();
    for (id, unit) in study.plan.units() {
        let Fold::Part { index, .. } = unit.fold else { panic!("a fold") };
        put(study.results.get_mut(&id).unwrap(), labels[&index].clone());
    }
    let row = &study.aggregate().report.stages[0].configurations[0];
    assert_eq!((row.roc.auc, row.precision_recall.average_precision), (Some(1.0), Some(1.0)));
    assert_eq!(row.averaged.error, Some(0.0));
    assert_eq!(row.averaged.seeds, [1, 2]);
}

fn fold_labels(dataset: &Dataset, index: u32, of: u32) -> Vec<f32> {
    let split = split(dataset, Fold::Part { index, of }).expect("enough pairs");
    split.scored.labels(dataset).into_iter().map(|label| f32::from(label) - 0.5).collect()
}

#[test]
fn a_seed_with_a_missing_fold_is_in_no_curve_but_in_the_mean() {
    let mut study = Synthetic::new("hole", 60, vec![cross_validation("tune", 5, 1..=2, vec![row("fc", &[])])]);
    study.lose(study.unit(0, 0, 7), Missing::Failed);
    let row = &study.aggregate().report.stages[0].configurations[0];
    assert_eq!(row.n, 9);
    assert_eq!(row.averaged.seeds, [1]);
    assert_eq!(row.roc.auc, row.seeds[0].auc);
    assert_eq!((row.seeds[1].n, row.seeds[1].planned, row.seeds[1].auc), (4, 5, None));
    assert_eq!(row.seeds[1].reason.as_deref(), Some("only 4 of 5 folds have scores"));
    assert!(row.seeds[1].error.is_some());
}

#[test]
fn one_class_only_gives_no_curve_and_a_reason() {
    let mut study = Synthetic::new("one-class", 30, vec![holdout("final", 1..=2, vec![row("fc", &[])])]);
    study.dataset.test.digits.iter_mut().for_each(|digits| *digits = [0, 9]);
    let aggregate = study.aggregate();
    let row = &aggregate.report.stages[0].configurations[0];
    assert_eq!(row.roc.auc, None);
    assert_eq!(row.roc.reason.as_deref(), Some("every scored pair is of class 1, so there is nothing to tell apart"));
    assert_eq!(row.precision_recall.reason, row.roc.reason);
    assert!(row.error.spread.mean.is_some() && row.averaged.error.is_some());
    assert!(aggregate.curves[0][0].roc.is_none() && aggregate.curves[0][0].roc_band.is_none());
}

#[test]
fn a_result_that_does_not_fit_the_data_set_is_in_no_curve() {
    let mut study = Synthetic::new("misfit", 30, vec![holdout("final", 1..=2, vec![row("fc", &[])])]);
    changed(&mut study, |result| put(result, vec![0.5; 29]));
    let row = &study.aggregate().report.stages[0].configurations[0];
    assert_eq!(row.roc.auc, None);
    assert!(row.roc.reason.as_deref().unwrap().contains("scored 29 pairs where 30 were to be scored"));
}

#[test]
fn an_average_over_the_seeds_is_an_average_of_probabilities() {
    let mut study = Synthetic::new("average", 30, vec![holdout("final", 1..=3, vec![row("fc", &[])])]);
    let dataset = study.dataset.clone();
    // Two of three seeds are slightly wrong, one is very right: most seeds err on every pair, their average on none.
    for (place, strength) in [-0.4_f32, -0.4, 2.0].into_iter().enumerate() {
        let id = study.unit(0, 0, place);
        let sign = |pair| if dataset.test.label(pair) == 1 { 1.0 } else { -1.0 };
        put(study.results.get_mut(&id).unwrap(), (0..30).map(|pair| strength * sign(pair)));
    }
    let row = &study.aggregate().report.stages[0].configurations[0];
    assert_eq!(row.averaged.error, Some(0.0));
    assert_eq!(row.roc.auc, Some(1.0));
    assert_eq!(row.roc.seeds.min, Some(0.0));
    assert_eq!(row.roc.seeds.max, Some(1.0));
}

/// Networks that give every pair the same logits: whichever class these mean, units, averages and pooled folds say the same of it.
#[test]
fn collapsed_networks_have_one_error() {
    let stages =
        [holdout("final", 1..=3, vec![row("fc", &[])]), cross_validation("tune", 5, 1..=3, vec![row("fc", &[])])];
    for (stage, score) in
        stages.into_iter().flat_map(|stage| [0.0, 1e-9, -1e-9, 30.0, 1e-40].map(|score| (stage.clone(), score)))
    {
        let mut study = Synthetic::new("collapsed", 60, vec![stage]);
        for (id, unit) in study.plan.units() {
            let labels = match unit.fold {
                Fold::Holdout => (0..60).map(|pair| study.dataset.test.label(pair)).collect(),
                Fold::Part { .. } => split(&study.dataset, unit.fold).unwrap().scored.labels(&study.dataset),
            };
            let result = study.results.get_mut(&id).unwrap();
            put(result, vec![score; labels.len()]);
            // As a worker counts.
            let class = decision::class(&[0.0, score]);
            let Ending::Done(scores) = &mut result.ending else { panic!("done") };
            scores.wrong = labels.into_iter().filter(|label| usize::from(*label) != class).count() as u32;
        }
        let row = &study.aggregate().report.stages[0].configurations[0];
        let counted: f64 = row.units.iter().map(|unit| unit.error.unwrap()).sum::<f64>() / row.units.len() as f64;
        assert!((row.averaged.error.unwrap() - counted).abs() < 1e-12, "{score}: {:?} and {counted}", row.averaged);
        assert_eq!(row.roc.auc, Some(0.5), "nothing is ranked");
    }
}

/// The average of one seed is that seed, for the smallest differences that there are too.
#[test]
fn one_seeds_average_is_its_unit() {
    let mut study = Synthetic::new("one", 60, vec![holdout("final", 1..=1, vec![row("fc", &[])])]);
    let id = study.unit(0, 0, 0);
    let given: Vec<f32> =
        (0..60).map(|pair| f32::from_bits(1 + pair / 2) * if pair % 2 == 0 { 1.0 } else { -1.0 }).collect();
    put(study.results.get_mut(&id).unwrap(), given.clone());
    let class = |pair: usize| u8::from(given[pair] > 0.0);
    let wrong = (0..60).filter(|&pair| class(pair) != study.dataset.test.label(pair)).count();
    let Ending::Done(scores) = &mut study.results.get_mut(&id).unwrap().ending else { panic!("done") };
    scores.wrong = wrong as u32;
    let aggregate = study.aggregate();
    let row = &aggregate.report.stages[0].configurations[0];
    assert_eq!(row.averaged.error, row.units[0].error);
    assert_eq!(row.roc.auc, row.seeds[0].auc);
    let thresholds = aggregate.curves[0][0].precision_recall.as_ref().unwrap();
    assert_eq!(thresholds.len(), 61, "no two pairs tie");
    assert_eq!(thresholds[1].threshold, f64::from(f32::from_bits(30)));
}

/// Three networks of which two rank everything the wrong way round and one the right way, by more: together they are perfect.
#[test]
fn areas_of_single_networks_are_not_those_of_the_ensemble() {
    let mut study = Synthetic::new("areas", 30, vec![holdout("final", 1..=3, vec![row("fc", &[])])]);
    let dataset = study.dataset.clone();
    for (place, strength) in [-0.4_f32, -0.4, 2.0].into_iter().enumerate() {
        let id = study.unit(0, 0, place);
        let sign = |pair| if dataset.test.label(pair) == 1 { 1.0 } else { -1.0 };
        put(study.results.get_mut(&id).unwrap(), (0..30).map(|pair| strength * sign(pair)));
    }
    let report = study.aggregate().report;
    let row = &report.stages[0].configurations[0];
    assert_eq!(row.units.iter().map(|unit| unit.auc).collect::<Vec<_>>(), [Some(0.0), Some(0.0), Some(1.0)]);
    assert_eq!((row.auc.spread.n, row.auc.undefined), (3, 0));
    assert!((row.auc.spread.mean.unwrap() - 1.0 / 3.0).abs() < 1e-12);
    assert!((row.auc.spread.std.unwrap() - (1.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    assert_eq!((row.roc.auc, row.precision_recall.average_precision), (Some(1.0), Some(1.0)));
    assert!(row.average_precision.spread.mean.unwrap() < 0.9);
    let table = terminal_table(&report, 100);
    assert!(table.contains("AUC ± std") && table.contains("0.3333 ± 0.5774"), "{table}");
    let apart =
        "Ensembles (predictions averaged over the seeds): FC Network (3 networks) error 0.0000, AUC 1.0000, AP 1.0000.";
    let plain = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains(apart), "{table}");
}

/// Folds whose networks score on different levels: each ranks its own pairs perfectly, and pooled they do not.
#[test]
fn areas_of_folds_are_not_pooled() {
    let mut study = Synthetic::new("levels", 60, vec![cross_validation("tune", 5, 1..=2, vec![row("fc", &[])])]);
    for (id, unit) in study.plan.units() {
        let Fold::Part { index, .. } = unit.fold else { panic!("a fold") };
        let labels = split(&study.dataset, unit.fold).unwrap().scored.labels(&study.dataset);
        let level = 5.0 * index as f32;
        put(study.results.get_mut(&id).unwrap(), labels.into_iter().map(|label| level + f32::from(label)));
    }
    let row = &study.aggregate().report.stages[0].configurations[0];
    assert_eq!((row.auc.spread.n, row.auc.spread.mean, row.auc.spread.std), (10, Some(1.0), Some(0.0)));
    assert_eq!(row.average_precision.spread.mean, Some(1.0));
    assert!(row.seeds.iter().all(|seed| seed.auc.unwrap() < 0.9), "pooled: {:?}", row.seeds);
}

#[test]
fn an_area_that_is_undefined_is_counted_and_is_no_zero() {
    let mut study = drawn();
    study.others.get_mut(&2).unwrap().test.digits.iter_mut().for_each(|digits| *digits = [0, 9]);
    let report = study.aggregate().report;
    let row = &report.stages[0].configurations[0];
    let reason = "every scored pair is of class 1, so there is nothing to tell apart";
    for (unit, number) in row.units.iter().zip(0..) {
        let undefined = (6..9).contains(&number);
        assert_eq!((unit.auc.is_none(), unit.average_precision.is_none()), (undefined, undefined), "{unit:?}");
        assert_eq!(unit.areas_reason.as_deref(), undefined.then_some(reason));
    }
    assert_eq!((row.n, row.auc.spread.n, row.auc.undefined), (12, 9, 3));
    assert_eq!(row.auc.undefined_reason.as_deref(), Some(reason));
    let defined: Vec<f64> = row.units.iter().filter_map(|unit| unit.auc).collect();
    assert!((row.auc.spread.mean.unwrap() - defined.iter().sum::<f64>() / 9.0).abs() < 1e-12);
    let plain = terminal_table(&report, 100).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains(&format!("3 of 12 done units have no AUC and no AP: {reason}. Their means")), "{plain}");
}

#[test]
fn learning_curves_average_what_still_trains() {
    let mut study = Synthetic::new("learning", 30, vec![holdout("final", 1..=3, vec![row("fc", &[])])]);
    for (place, epochs) in [2_usize, 3, 5].into_iter().enumerate() {
        let id = study.unit(0, 0, place);
        let result = study.results.get_mut(&id).unwrap();
        result.epochs.truncate(epochs);
        result.epochs.iter_mut().for_each(|epoch| epoch.train_loss = (place + 1) as f64);
    }
    let learning = &study.aggregate().curves[0][0].learning;
    let seen: Vec<(usize, f64)> = learning.epochs.iter().map(|epoch| (epoch.units, epoch.train_loss)).collect();
    assert_eq!(seen, [(3, 2.0), (3, 2.0), (2, 2.5), (1, 3.0), (1, 3.0)]);
    study.diverge(study.unit(0, 0, 2), 5);
    let aggregate = study.aggregate();
    let learning = &aggregate.curves[0][0].learning;
    assert_eq!(learning.epochs.iter().map(|epoch| epoch.units).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(learning.units.iter().map(|unit| unit.diverged).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(aggregate.report.stages[0].configurations[0].units[2].ending, UnitEnding::Diverged);
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
    study.lose(study.unit(0, 0, 3), Missing::Failed);
    let report = study.aggregate().report;
    let [pair] = report.stages[0].comparisons.pairs.as_slice() else { panic!("one pair") };
    // The first seed lacks a fold, so the second is compared alone.
    assert_eq!((pair.t_test.method, pair.t_test.seeds), (IntervalMethod::SeedsFolds, 1));
    assert!((pair.t_test.freedom.unwrap() - 4.0).abs() < 1e-9);
    assert!(pair.t_test.covers.contains("as there is one seed"), "{}", pair.t_test.covers);
    let rows = &report.stages[0].configurations;
    let shared = (5..10).map(|unit| rows[0].units[unit].error.unwrap() - rows[1].units[unit].error.unwrap());
    assert!((pair.difference.unwrap() - shared.sum::<f64>() / 5.0).abs() < 1e-12);
    assert!(pair.seeds_test.p.is_none() && pair.seeds_test.reason.is_some());
    assert!(pair.auc_test.p.is_none() && pair.auc_test.reason.is_some());
    study.lose(study.unit(0, 1, 7), Missing::Failed);
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
    let report = Synthetic::new("reused", 60, stages).aggregate().report;
    assert_eq!(report.stages.iter().map(|stage| stage.scored_on_test).collect::<Vec<_>>(), [5, 5]);
    let text = terminal_table(&report, 100);
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

/// What happened to each unit of [`small`]: 0 done, 1 diverged, 2 failed, 3 cancelled, 4 not trained and not said why.
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
                2 => study.lose(*id, Missing::Failed),
                3 => study.lose(*id, Missing::Cancelled),
                _ => { study.results.remove(id); }
            }
        }
        let report = study.aggregate().report;
        let fate = |wanted| fates.iter().filter(|fate| **fate == wanted).count();
        let counts = report.counts;
        prop_assert_eq!(
            [counts.done, counts.diverged, counts.failed, counts.cancelled, counts.not_trained],
            [0, 1, 2, 3, 4].map(fate)
        );
        prop_assert_eq!(report.complete, fate(2) + fate(3) + fate(4) == 0);
        for row in report.stages.iter().flat_map(|stage| &stage.configurations) {
            let errors: Vec<f64> = row.units.iter().filter_map(|unit| unit.error).collect();
            prop_assert_eq!((row.n, row.n), (errors.len(), row.counts.done));
            prop_assert_eq!(row.units.len(), row.counts.planned);
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
            let table = terminal_table(&report, width);
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
        let table = terminal_table(&study.aggregate().report, width);
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
    study.lose(study.unit(0, 0, 1), Missing::Failed);
    let selection = study.aggregate().report.stages.remove(0).selection.unwrap();
    assert_eq!(selection.models[0].incomplete, [1]);
}

/// [`holdout`] on the draws 0 to 3 of the data.
fn drawn() -> Synthetic {
    let mut stage = holdout("draws", 1..=3, vec![row("fc", &[]), row("cnn", &[])]);
    stage.data_seeds = vec![0, 1, 2, 3];
    let mut study = Synthetic::new("drawn", 50, vec![stage]);
    study.study.references = table_3("draws");
    study
}

#[test]
fn several_draws_of_the_data_are_one_sample_each() {
    let report = drawn().aggregate().report;
    assert_eq!(report.dataset.draws.len(), 4);
    let stage = &report.stages[0];
    let row = &stage.configurations[0];
    assert_eq!((row.n, row.draw.pairs, row.draws.len()), (12, 200, 4));
    assert_eq!((row.error.interval.method, row.draw.standard_error), (IntervalMethod::SeedsDraws, None));
    assert!(row.error.given_examples.is_none());
    // Draws differ by much here, and the interval says so.
    let means: Vec<f64> = row.draws.iter().map(|draw| draw.error.unwrap()).collect();
    let center = means.iter().sum::<f64>() / 4.0;
    let std = (means.iter().map(|mean| (mean - center).powi(2)).sum::<f64>() / 3.0).sqrt();
    assert!(row.error.interval.standard_error.unwrap() >= std / 2.0 * (1.0 - 1e-12));
    assert!(row.draw.draws_std.unwrap() > 0.0 && row.draw.seeds_std.unwrap() > 0.0);
    // One prediction of every seed, of the pairs of every draw.
    assert_eq!(row.averaged.seeds, [1, 2, 3]);
    assert!(row.seeds.iter().all(|seed| (seed.n, seed.planned) == (4, 4) && seed.auc.is_some()));
    assert!(row.units.iter().map(|unit| unit.data_seed).eq([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]));
}

#[test]
fn configurations_are_compared_draw_by_draw() {
    let mut study = drawn();
    // A hole takes its seed out of the comparison.
    study.lose(study.unit(0, 0, 4), Missing::Failed);
    let report = study.aggregate().report;
    let [pair] = report.stages[0].comparisons.pairs.as_slice() else { panic!("one pair") };
    assert_eq!((pair.t_test.method, pair.t_test.seeds), (IntervalMethod::SeedsDraws, 2));
    assert!(pair.mcnemar.p.is_none() && pair.mcnemar.reason.is_some());
    let [first, second] = report.stages[0].configurations.as_slice() else { panic!("two") };
    let mean = |row: &ConfigurationReport, units: &[usize]| {
        units.iter().map(|unit| row.units[*unit].error.unwrap()).sum::<f64>() / units.len() as f64
    };
    let draws = [[0, 2], [3, 5], [6, 8], [9, 11]];
    let differences = draws.map(|units| mean(first, &units) - mean(second, &units));
    let [low, high] = pair.t_test.ci95.unwrap();
    assert!(((low + high) / 2.0 - differences.iter().sum::<f64>() / 4.0).abs() < 1e-12);
    assert!((pair.difference.unwrap() - (low + high) / 2.0).abs() < 1e-12, "what is reported is what is tested");
}

#[test]
fn one_draw_of_others_varies_as_ours_do() {
    let report = drawn().aggregate().report;
    let stage = &report.stages[0];
    for reference in &stage.references {
        let row = &stage.configurations[reference.configuration - 1];
        assert_eq!(reference.ours.draw_standard_error, None, "the spread over draws has it");
        assert!(reference.theirs.draw_standard_error >= row.draw.draws_std);
    }
}

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
    let report = study.aggregate().report;
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
        assert_eq!(one.why, "outraced");
        assert_eq!(one.skipped, 2 * (10 - *folds as usize));
        assert_eq!((row.counts.skipped, row.counts.done), (one.skipped, 2 * *folds as usize));
        let [error, mean] = [one.error.unwrap(), row.error.spread.mean.unwrap()];
        assert!((error - mean).abs() < 1e-9, "both are over the same folds");
        assert!(one.p.unwrap() < 0.05 && one.rank_sum.unwrap() > f64::from(*folds));
        let skipped = row.units.iter().filter(|unit| unit.ending == UnitEnding::Skipped);
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
    let text = terminal_table(&report, 100).split_whitespace().collect::<Vec<_>>().join(" ");
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
    study.lose(fourth, Missing::NotTrained);
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
    study.lose(failed, Missing::Failed);
    study.settle();
    let report = study.aggregate().report;
    assert!(!report.complete);
    let rung = &report.stages[0].race.as_ref().unwrap().models[0].rungs[0];
    let first = rung.left.iter().find(|one| one.configuration == 1).unwrap();
    assert_eq!((first.why.as_str(), first.error, first.skipped), ("incomplete", None, 16));
    assert_eq!(report.stages[0].counts.failed, 1);
    assert_eq!(report.stages[0].selection.as_ref().unwrap().models[0].incomplete, [1]);
}
