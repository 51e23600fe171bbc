use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    data::{DatasetSpec, build, folds::split},
    matrix::{Selections, expand},
    network_outputs::Outputs,
    spec,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::Unit,
};

use super::{document::Method, *};
use crate::{
    aggregate::{Aggregate, Input, aggregate},
    plan::data_draws::{DataDraw, DataDraws},
    scheduler::race::RaceTrack,
    store::{TrainedBy, TrainedRecord},
};

const SPEC: &str = r#"name = "s"
[dataset]
kind = "glyph-pairs"
train_pairs = 60
test_pairs = 40
[[stage]]
name = "final"
evaluation = "holdout"
seeds = "1..=4"
stop = { loss_delta = 0.001, max_epochs = 9 }
[[stage.model]]
model = "fc"
batch_size = 10
learning_rate = { grid = [0.1, 0.2] }
[[stage.model]]
model = "cnn"
batch_size = 10
learning_rate = 0.1
"#;

/// A run whose units have as many wrong pairs as `wrong` returns; None is not trained.
fn side(path: &str, spec: &str, wrong: impl Fn(&Unit) -> Option<u32>) -> Side {
    let study = spec::parse("s.toml", spec).unwrap_or_else(|error| panic!("{error}"));
    let draw = |seed: u64| {
        let spec = DatasetSpec { seed, ..study.dataset.clone() };
        // Equal data have equal digests here.
        DataDraw::new(&build(&spec, &[]).unwrap(), format!("digest {spec:?}"))
    };
    let seeds: BTreeSet<u64> = study.stages.iter().flat_map(|stage| stage.data_seeds.iter().copied()).collect();
    let draws = DataDraws::new(seeds.into_iter().map(|seed| (seed, draw(seed))).collect(), study.dataset.seed).unwrap();
    let plan = expand(&study, &draws.digests(), &Selections::new());
    let result = |unit: &Unit, wrong: u32| {
        let dataset = &draws.first().targets;
        // The first pairs are the wrong ones.
        let labels = split(dataset, unit.fold).unwrap().scored.classes(dataset).unwrap();
        let is_one = |(place, label): (usize, &u32)| (*label == 1) != (place < wrong as usize);
        let logits = labels.iter().enumerate().flat_map(|one| if is_one(one) { [0.0, 1.0] } else { [1.0, 0.0] });
        let outputs = Outputs::new(2, logits.collect()).unwrap();
        let epochs = vec![EpochMetrics { epoch: 1, train_loss: 0.5, train_error: 0.25, validation_error: None }];
        UnitResult { epochs, ending: Ending::Done(Scores { converged: true, outputs, wrong, loss: 0.6 }) }
    };
    let results: BTreeMap<_, _> =
        plan.units().into_iter().filter_map(|(id, unit)| Some((id, result(unit, wrong(unit)?)))).collect();
    let trained = results.iter().map(|(id, result)| {
        let mut digest = [0; 32];
        if let Ending::Done(scores) = &result.ending {
            digest[0] = scores.wrong as u8;
        }
        let worker = TrainedBy {
            host: "h".to_owned(),
            place: String::new(),
            device: "cpu".to_owned(),
            isa: String::new(),
            version: "1".to_owned(),
        };
        let record = TrainedRecord {
            attempt: 1,
            digest,
            numerics_class: "class".to_owned(),
            diverged: false,
            epochs: 1,
            train_seconds: Some(1.0),
            worker: Some(worker),
        };
        (*id, record)
    });
    let trained = trained.collect();
    let input = Input {
        study: &study,
        plan: &plan,
        selections: &Selections::new(),
        track: &RaceTrack::default(),
        draws: &draws,
        given_up: &BTreeMap::new(),
        failures: &BTreeMap::new(),
    };
    let Ok(aggregate) = aggregate(&input, &results);
    let (labels, units) = (compared_run::labels(&aggregate), compared_run::units(&aggregate));
    let Aggregate { report, errors, .. } = aggregate;
    Side {
        path: path.into(),
        report,
        errors,
        units,
        labels,
        spec: spec.to_owned(),
        trained,
        versions: vec!["1".to_owned()],
        numerics_classes: vec!["class".to_owned()],
    }
}

fn by_seed(unit: &Unit) -> Option<u32> {
    Some(3 + unit.seed as u32)
}

/// More wrong pairs than [`by_seed`], with a difference that varies between seeds.
fn worse(unit: &Unit) -> Option<u32> {
    Some(3 + unit.seed as u32 + 4 + unit.seed as u32 % 2)
}

#[test]
fn equal_runs_are_equal_bit_for_bit() {
    let found = compare(&[side("a", SPEC, by_seed), side("b", SPEC, by_seed)]);
    assert_eq!((found.units.shared, found.units.trained, found.units.identical), (12, 12, 12));
    assert!(found.spec_differences.is_empty() && found.same_dataset);
    let stage = &found.stages[0];
    assert_eq!(stage.configurations.len(), 3);
    for one in &stage.configurations {
        assert_eq!((one.difference.mean, one.difference.ci95), (Some(0.0), None));
        assert!(one.difference.reason.as_ref().unwrap().contains("they never differ"));
    }
    let text = text(&found, 100);
    assert!(text.contains("all bit-identical") && text.contains("3 of 3 came out the same"), "{text}");
    assert!(!text.contains("B − A:"), "{text}");
}

#[test]
fn units_that_learnt_nothing_are_named_with_their_run() {
    let longer = SPEC.replace("1..=4", "1..=5");
    // One seed of the CNN is far above the others, in the second run only.
    let stuck = |unit: &Unit| Some(if unit.configuration.model == "cnn" && unit.seed == 5 { 39 } else { 4 });
    let found = compare(&[side("a", &longer, |_| Some(4)), side("b", &longer, stuck)]);
    let said = text(&found, 100).split_whitespace().collect::<Vec<_>>().join(" ");
    let doubts = "Doubtful: means of B have units that show no learning in them (Basic CNN: 1 stuck).";
    assert!(said.contains(doubts), "{said}");
    assert!(!said.contains("Doubtful: means of A"), "{said}");
    let cnn = found.stages[0].configurations.iter().find(|one| one.model == "cnn").unwrap();
    assert_eq!((cnn.first.stuck, cnn.second.stuck, cnn.second.untrained), (0, 1, 0));
}

#[test]
fn configurations_go_by_what_they_are() {
    // The rows in another order, one value of the axis removed, and a new one.
    let (fc, cnn) = ("model = \"fc\"", "model = \"cnn\"");
    let turned = SPEC
        .replace(fc, "model = \"x\"")
        .replace(cnn, "model = \"fc-aux\"")
        .replace("model = \"x\"", fc)
        .replace("[0.1, 0.2]", "[0.3, 0.2]");
    let found = compare(&[side("a", SPEC, by_seed), side("b", &turned, worse)]);
    let stage = &found.stages[0];
    let pair =
        |one: &ComparedConfiguration| (one.model.clone(), one.first.number, one.second.number, one.settings.len());
    assert_eq!(
        stage.configurations.iter().map(pair).collect::<Vec<_>>(),
        [("fc".to_owned(), 1, 1, 1), ("fc".to_owned(), 2, 2, 0)],
        "the equal ones first; then the only one that is left on either side"
    );
    assert_eq!(matching_setting(&stage.configurations[0]), "learning_rate: 0.1 in A, 0.3 in B");
    assert_eq!(stage.only_first.iter().map(|one| one.model.as_str()).collect::<Vec<_>>(), ["cnn"]);
    assert_eq!(stage.only_second.iter().map(|one| one.model.as_str()).collect::<Vec<_>>(), ["fc-aux"]);
    let words = text(&found, 100);
    assert!(words.contains("not one configuration. learning_rate: 0.1 in A, 0.3 in B"), "{words}");
    assert!(words.contains("In A alone: Basic CNN"), "{words}");
    assert!(words.lines().all(|line| line.chars().count() <= 100), "{words}");
}

fn matching_setting(one: &ComparedConfiguration) -> String {
    text::setting(&one.settings[0])
}

#[test]
fn equal_seeds_are_paired_and_others_are_not() {
    let paired =
        compare(&[side("a", SPEC, by_seed), side("b", &SPEC.replace("max_epochs = 9", "max_epochs = 8"), worse)]);
    let one = &paired.stages[0].configurations[0];
    assert_eq!((one.difference.method, one.difference.seeds_first), (Method::PairedExamples, 4));
    assert_eq!(one.settings[0].name, "stop.max_epochs");
    assert!((one.difference.mean.unwrap() - 4.5 / 40.0).abs() < 1e-12);
    // Wider than over the seeds alone, whose differences are 5, 4, 5, 4 pairs of 40: other pairs would differ more.
    let half = 3.182_446_305_28 * (1.0_f64 / 3.0).sqrt() / 40.0 / 2.0;
    let [low, high] = one.difference.ci95.unwrap();
    assert!(high - low > 2.0 * half && one.difference.covers.contains("test pairs"), "{low} {high} {half}");

    let fewer = compare(&[side("a", SPEC, by_seed), side("b", &SPEC.replace("1..=4", "2..=4"), worse)]);
    let one = &fewer.stages[0].configurations[0];
    assert_eq!((one.difference.method, one.difference.seeds_first), (Method::PairedExamples, 3));
    assert_eq!((fewer.units.shared, fewer.units.only_first, fewer.units.only_second), (9, 3, 0));
    assert_eq!((one.common_seeds(), paired.stages[0].configurations[0].common_seeds()), (Some(3), None));
    for text in [text(&fewer, 100), page(&fewer)] {
        assert_eq!(text.matches(") over 3 common seeds").count(), 3, "of each row: {text}");
        assert!(text.contains("Over common seeds: B − A is of the seeds that both"), "{text}");
    }
    assert!(!text(&paired, 100).contains("common seed"), "{}", text(&paired, 100));

    let others = compare(&[side("a", SPEC, by_seed), side("b", &SPEC.replace("1..=4", "5..=9"), by_seed)]);
    let one = &others.stages[0].configurations[0].difference;
    assert_eq!((one.method, one.seeds_first, one.seeds_second), (Method::Independent, 4, 5));
}

#[test]
fn what_never_differs_over_the_common_seeds_differs_by_nothing() {
    // The second run has more seeds, each with more errors than the last.
    let found = compare(&[side("a", SPEC, by_seed), side("b", &SPEC.replace("1..=4", "1..=12"), by_seed)]);
    for one in &found.stages[0].configurations {
        let difference = &one.difference;
        assert_eq!((difference.method, difference.seeds_first), (Method::PairedExamples, 4));
        assert_eq!((difference.mean, difference.ci95), (Some(0.0), None));
        assert_eq!(difference.reason.as_deref(), Some("they never differ"));
        assert_eq!((one.first.seeds, one.second.seeds, one.common_seeds()), (4, 12, Some(4)));
    }
    for text in [text(&found, 100), page(&found)] {
        assert_eq!(text.matches("0.0000 over 4 common seeds").count(), 3, "{text}");
    }
}

#[test]
fn numbers_have_one_form_and_long_lists_say_where_the_rest_is() {
    let stages: String = (0..14)
        .map(|_| SPEC.split_once("[[stage]]").unwrap().1)
        .enumerate()
        .fold(SPEC.to_owned(), |spec, (number, stage)| {
            format!("{spec}[[stage]]{}", stage.replace("\"final\"", &format!("\"s{number}\"")))
        });
    let other = stages.replace("loss_delta = 0.001", "loss_delta = 0");
    let found = compare(&[side("a", &stages, by_seed), side("b", &other, by_seed)]);
    let words = text(&found, 100);
    assert!(words.contains("final.stop.loss_delta: 0.001 in A, 0 in B"), "{words}");
    assert!(words.contains("not one configuration. stop.loss_delta: 0.001 in A, 0 in B."), "{words}");
    assert!(words.contains("  and 3 more: `--format json` has all"), "{words}");
}

#[test]
fn folds_are_paired_where_the_data_are_the_same() {
    let folds = SPEC.replace("\"holdout\"", "{ folds = 3 }");
    let by_fold = |add: u32| {
        move |unit: &Unit| match unit.fold {
            seedgrid_common::unit::Fold::Part { index, .. } => Some(2 + index + unit.seed as u32 % 2 * add),
            seedgrid_common::unit::Fold::Holdout => None,
        }
    };
    let same = compare(&[side("a", &folds, by_fold(0)), side("b", &folds, by_fold(3))]);
    let one = &same.stages[0].configurations[0].difference;
    assert_eq!((one.method, one.seeds_first, one.seeds_second), (Method::PairedFolds, 4, 4));
    assert!((one.mean.unwrap() - 1.5 / 20.0).abs() < 1e-12);

    // Other data mean other pairs in the folds, so nothing can be paired.
    let other = folds.replace("test_pairs = 40", "test_pairs = 40\nseed = 1");
    let other = compare(&[side("a", &folds, by_fold(0)), side("b", &other, by_fold(3))]);
    assert!(!other.same_dataset);
    let one = &other.stages[0].configurations[0].difference;
    assert_eq!(one.method, Method::Independent);
    let text = text(&other, 100);
    assert!(text.contains("data: different") && text.contains("dataset.seed: not set in A, 1 in B"), "{text}");
}

#[test]
fn other_data_widen_the_interval() {
    let width = |difference: &document::Difference| difference.ci95.map(|[low, high]| high - low).unwrap();
    let same = compare(&[side("a", SPEC, by_seed), side("b", SPEC, worse)]);
    let other = SPEC.replace("test_pairs = 40", "test_pairs = 40\nseed = 1");
    let other = compare(&[side("a", SPEC, by_seed), side("b", &other, worse)]);
    let [same, other] = [&same, &other].map(|found| &found.stages[0].configurations[0].difference);
    assert_eq!((same.method, other.method), (Method::PairedExamples, Method::Independent));
    assert!((same.mean.unwrap() - other.mean.unwrap()).abs() < 1e-12);
    assert!(width(other) > width(same), "{} {}", width(other), width(same));
}

/// [`SPEC`] with a second stage, and each stage's data seeds.
fn two_stages(first: &str, second: &str) -> String {
    let drawn = |seeds: &str| format!("evaluation = \"holdout\"\ndata_seeds = {seeds}");
    let (head, stage) = SPEC.split_once("[[stage]]").unwrap();
    let stage = |name: &str, seeds: &str| {
        format!("[[stage]]{}", stage.replace("\"final\"", name).replace("evaluation = \"holdout\"", &drawn(seeds)))
    };
    format!("{head}{}{}", stage("\"final\"", first), stage("\"more\"", second))
}

#[test]
fn stages_that_swap_their_data_are_not_the_same() {
    let found = compare(&[side("a", &two_stages("0", "1"), by_seed), side("b", &two_stages("1", "0"), worse)]);
    assert!(!found.same_dataset);
    for stage in &found.stages {
        assert!(!stage.data.same);
        assert_eq!(stage.configurations[0].difference.method, Method::Independent);
    }
    let words = text(&found, 100);
    assert!(words.contains("data of final: different") && words.contains("data of more: different"), "{words}");
    assert!(words.contains("data seed 0") && words.contains("data seed 1"), "{words}");
}

#[test]
fn another_stage_changes_nothing_about_one() {
    let alone = compare(&[side("a", SPEC, by_seed), side("b", SPEC, worse)]);
    let beside = compare(&[side("a", SPEC, by_seed), side("b", &two_stages("0", "\"0..=2\""), worse)]);
    assert!(beside.same_dataset, "of the stage that both have");
    assert_eq!(alone.stages, beside.stages);
    assert_eq!(beside.stages[0].configurations[0].difference.method, Method::PairedExamples);
    assert!(text(&beside, 100).contains("data: the same"), "{}", text(&beside, 100));
}

#[test]
fn several_draws_are_paired_by_draw() {
    let spec = SPEC.replace("seeds = \"1..=4\"", "seeds = \"1..=4\"\ndata_seeds = \"0..=2\"");
    let digest = |seed: u64| format!("seed: {seed} ");
    // DataDraw 0 differs by 2 pairs, 1 by 4 and 2 by 6; on every seed alike, so that four seeds of one draw add nothing to
    // one.
    let drawn = move |unit: &Unit| {
        let draw = (0..3).find(|seed| unit.dataset_digest.contains(&digest(*seed))).unwrap();
        Some(3 + unit.seed as u32 + 2 + 2 * draw as u32)
    };
    let found = compare(&[side("a", &spec, by_seed), side("b", &spec, drawn)]);
    assert!(found.same_dataset);
    let one = &found.stages[0].configurations[0].difference;
    assert_eq!((one.method, one.seeds_first, one.seeds_second), (Method::PairedDraws, 4, 4));
    // t(0.975, 2) = 4.30265273; differences of 2, 4 and 6 of 40: std 2 / 40.
    let half = 4.302_652_729_911_275 * 2.0 / 40.0 / 3.0_f64.sqrt();
    let [low, high] = one.ci95.unwrap();
    assert!((low - (0.1 - half)).abs() < 1e-9 && (high - (0.1 + half)).abs() < 1e-9, "{low} {high}");
}

#[test]
fn draws_that_differ_are_not_paired() {
    let spec = |draws: &str| SPEC.replace("seeds = \"1..=4\"", &format!("seeds = \"1..=4\"\ndata_seeds = {draws}"));
    let varied =
        |unit: &Unit| Some(3 + unit.seed as u32 + unit.dataset_digest.len() as u32 % 2 + unit.id().0[0] as u32 % 5);
    let sides = [side("a", &spec("\"0..=2\""), varied), side("b", &spec("\"1..=3\""), varied)];
    let found = compare(&sides);
    let one = &found.stages[0].configurations[0].difference;
    assert_eq!(one.method, Method::Independent);
    let rows = sides.each_ref().map(|side| &side.report.stages[0].configurations[0].error.interval);
    let parts = rows.map(|interval| (interval.standard_error.unwrap(), interval.freedom.unwrap()));
    let half = crate::aggregate::half_width(&parts, 0.025);
    let [low, high] = one.ci95.unwrap();
    assert!(((high - low) / 2.0 - half).abs() < 1e-12, "each run's own standard error, and nothing else");
}

#[test]
fn two_results_of_one_unit_are_an_error_unless_their_classes_differ() {
    let once =
        |unit: &Unit| Some(3 + unit.seed as u32 + u32::from(unit.seed == 2 && unit.configuration.model == "cnn"));
    let sides = [side("a", SPEC, by_seed), side("b", SPEC, once)];
    let found = compare(&sides);
    assert_eq!((found.units.trained, found.units.identical, found.units.contradicting.len()), (12, 11, 1));
    assert_eq!(found.units.contradicting[0].label, "cnn seed 2");
    assert!(
        text(&found, 100).contains("error: 1 unit of one numerics class has different results"),
        "{}",
        text(&found, 100)
    );
    assert!(page(&found).contains("cnn seed 2"), "{}", page(&found));

    let [first, mut second] = sides;
    second.trained.values_mut().for_each(|record| record.numerics_class = "other".to_owned());
    let found = compare(&[first, second]);
    assert_eq!((found.units.other_class, found.units.contradicting.len()), (1, 0));
    assert!(text(&found, 100).contains("1 different in another numerics class"), "{}", text(&found, 100));
}

#[test]
fn unfinished_runs_are_named() {
    let half = |unit: &Unit| by_seed(unit).filter(|_| unit.seed > 2);
    let found = compare(&[side("a", SPEC, by_seed), side("b", SPEC, half)]);
    let words = text(&found, 100);
    assert!(words.contains("unfinished: 6 of 12 units trained"), "{words}");
    assert_eq!((found.units.shared, found.units.trained, found.units.identical), (12, 6, 6));
    let one = &found.stages[0].configurations[0].difference;
    assert_eq!((one.method, one.seeds_first), (Method::PairedExamples, 2));
    let nothing = compare(&[side("a", SPEC, |_| None), side("b", SPEC, |_| None)]);
    assert!(text(&nothing, 100).contains("nothing to compare"), "{}", text(&nothing, 100));
    assert_eq!(nothing.units.trained, 0);
}

#[test]
fn many_configurations_show_what_stands_out() {
    let many: Vec<String> = (1..=30).map(|number| format!("0.{number:02}")).collect();
    let spec = SPEC.replace("[0.1, 0.2]", &format!("[{}]", many.join(", ")));
    let found = compare(&[side("a", &spec, by_seed), side("b", &spec, by_seed)]);
    assert_eq!(found.stages[0].configurations.len(), 31);
    let words = text(&found, 100);
    assert!(words.lines().count() < 60, "{words}");
    assert!(words.contains("Of 31 configurations these are"), "{words}");
}
