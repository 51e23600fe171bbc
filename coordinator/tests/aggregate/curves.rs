//! Scores, classes, areas and curves of configurations.

use super::*;

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
    assert_eq!(row.averaged.seeds, 2);
}

/// Makes every test pair one of class 1.
fn all_of_class_1(dataset: &mut Dataset) {
    let mut pairs = Pairs::from_examples(&dataset.test).expect("they are pairs");
    pairs.digits.fill([0, 9]);
    dataset.test = pairs.to_examples(NumberType::U8);
}

/// The class of a test pair.
fn test_class(dataset: &Dataset, pair: usize) -> u32 {
    dataset.classes(Part::Test).expect("it has classes")[pair]
}

fn fold_labels(dataset: &Dataset, index: u32, of: u32) -> Vec<f32> {
    let split = split(dataset, Fold::Part { index, of }).expect("enough pairs");
    split.scored.classes(dataset).expect("it has classes").into_iter().map(|class| class as f32 - 0.5).collect()
}

#[test]
fn a_seed_with_a_missing_fold_is_in_no_curve_but_in_the_mean() {
    let mut study = Synthetic::new("hole", 60, vec![cross_validation("tune", 5, 1..=2, vec![row("fc", &[])])]);
    study.lose(study.unit(0, 0, 7), UnitState::Quarantined);
    let aggregate = study.aggregate();
    let row = &aggregate.report.stages[0].configurations[0];
    assert_eq!(row.n, 9);
    assert_eq!(row.averaged.seeds, 1);
    let seeds = &aggregate.curves[0][0].seeds;
    assert_eq!(seeds.iter().map(|seed| seed.averaged).collect::<Vec<_>>(), [true, false]);
    assert_eq!(row.roc.auc, seeds[0].auc);
    assert_eq!((seeds[1].n, seeds[1].planned, seeds[1].auc), (4, 5, None));
    assert_eq!(seeds[1].reason.as_deref(), Some("only 4 of 5 folds have scores"));
    assert!(seeds[1].error.is_some());
}

#[test]
fn one_class_only_gives_no_curve_and_a_reason() {
    let mut study = Synthetic::new("one-class", 30, vec![holdout("final", 1..=2, vec![row("fc", &[])])]);
    all_of_class_1(&mut study.dataset);
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
        let sign = |pair| if test_class(&dataset, pair) == 1 { 1.0 } else { -1.0 };
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
                Fold::Holdout => study.dataset.classes(Part::Test).unwrap().to_vec(),
                Fold::Part { .. } => split(&study.dataset, unit.fold).unwrap().scored.classes(&study.dataset).unwrap(),
            };
            let result = study.results.get_mut(&id).unwrap();
            put(result, vec![score; labels.len()]);
            // As a worker counts.
            let class = classification::class(&[0.0, score]);
            let Ending::Done(scores) = &mut result.ending else { panic!("done") };
            scores.wrong = labels.into_iter().filter(|label| *label as usize != class).count() as u32;
        }
        let aggregate = study.aggregate();
        let (row, units) = (&aggregate.report.stages[0].configurations[0], &aggregate.curves[0][0].units);
        let counted: f64 = units.iter().map(|unit| unit.error.unwrap()).sum::<f64>() / units.len() as f64;
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
    let class = |pair: usize| u32::from(given[pair] > 0.0);
    let wrong = (0..60).filter(|&pair| class(pair) != test_class(&study.dataset, pair)).count();
    let Ending::Done(scores) = &mut study.results.get_mut(&id).unwrap().ending else { panic!("done") };
    scores.wrong = wrong as u32;
    let aggregate = study.aggregate();
    let row = &aggregate.report.stages[0].configurations[0];
    let Curves { seeds, units, .. } = &aggregate.curves[0][0];
    assert_eq!(row.averaged.error, units[0].error);
    assert_eq!(row.roc.auc, seeds[0].auc);
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
        let sign = |pair| if test_class(&dataset, pair) == 1 { 1.0 } else { -1.0 };
        put(study.results.get_mut(&id).unwrap(), (0..30).map(|pair| strength * sign(pair)));
    }
    let aggregate = study.aggregate();
    let (row, units) = (&aggregate.report.stages[0].configurations[0], &aggregate.curves[0][0].units);
    assert_eq!(units.iter().map(|unit| unit.auc).collect::<Vec<_>>(), [Some(0.0), Some(0.0), Some(1.0)]);
    assert_eq!((row.auc.spread.n, row.auc.undefined), (3, 0));
    assert!((row.auc.spread.mean.unwrap() - 1.0 / 3.0).abs() < 1e-12);
    assert!((row.auc.spread.std.unwrap() - (1.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    assert_eq!((row.roc.auc, row.precision_recall.average_precision), (Some(1.0), Some(1.0)));
    assert!(row.average_precision.spread.mean.unwrap() < 0.9);
    let table = terminal_table(&aggregate, 100);
    assert!(table.contains(" AUC ") && table.contains("0.3333 ± 0.5774"), "{table}");
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
        let labels = split(&study.dataset, unit.fold).unwrap().scored.classes(&study.dataset).unwrap();
        let level = 5.0 * index as f32;
        put(study.results.get_mut(&id).unwrap(), labels.into_iter().map(|label| level + label as f32));
    }
    let aggregate = study.aggregate();
    let (row, seeds) = (&aggregate.report.stages[0].configurations[0], &aggregate.curves[0][0].seeds);
    assert_eq!((row.auc.spread.n, row.auc.spread.mean, row.auc.spread.std), (10, Some(1.0), Some(0.0)));
    assert_eq!(row.average_precision.spread.mean, Some(1.0));
    assert!(seeds.iter().all(|seed| seed.auc.unwrap() < 0.9), "pooled: {seeds:?}");
}

#[test]
fn an_area_that_is_undefined_is_counted_and_is_no_zero() {
    let mut study = draws::drawn();
    all_of_class_1(study.others.get_mut(&2).unwrap());
    let aggregate = study.aggregate();
    let (row, units) = (&aggregate.report.stages[0].configurations[0], &aggregate.curves[0][0].units);
    let reason = "every scored pair is of class 1, so there is nothing to tell apart";
    for (unit, number) in units.iter().zip(0..) {
        let undefined = (6..9).contains(&number);
        assert_eq!((unit.auc.is_none(), unit.average_precision.is_none()), (undefined, undefined), "{unit:?}");
        assert_eq!(unit.areas_reason.as_deref(), undefined.then_some(reason));
    }
    assert_eq!((row.n, row.auc.spread.n, row.auc.undefined), (12, 9, 3));
    assert_eq!(row.auc.undefined_reason.as_deref(), Some(reason));
    let defined: Vec<f64> = units.iter().filter_map(|unit| unit.auc).collect();
    assert!((row.auc.spread.mean.unwrap() - defined.iter().sum::<f64>() / 9.0).abs() < 1e-12);
    let plain = terminal_table(&aggregate, 100).split_whitespace().collect::<Vec<_>>().join(" ");
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
    let learning = study.aggregate().curves.remove(0).remove(0).learning;
    let seen: Vec<(usize, f64)> = learning.iter().map(|epoch| (epoch.units, epoch.train_loss)).collect();
    assert_eq!(seen, [(3, 2.0), (3, 2.0), (2, 2.5), (1, 3.0), (1, 3.0)]);
    study.diverge(study.unit(0, 0, 2), 5);
    let aggregate = study.aggregate();
    let Curves { learning, units, .. } = &aggregate.curves[0][0];
    assert_eq!(learning.iter().map(|epoch| epoch.units).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(units.iter().map(UnitReport::is_diverged).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(units[2].ending, UnitState::Diverged);
}
