use std::collections::BTreeSet;

use seedgrid_common::spec;

use super::*;

fn digests() -> Digests {
    [(0, "digest".to_owned())].into()
}

const SPEC: &str = r#"
name = "s"
[dataset]
kind = "glyph-pairs"
train_pairs = 100
test_pairs = 100
[[stage]]
name = "tune"
evaluation = { folds = 2 }
seeds = 1
stop = { loss_delta = 0.001, max_epochs = 9 }
select = "lowest"
[[stage.model]]
model = "fc"
learning_rate = { grid = [0.1, 0.01, 0.001] }
batch_size = 20
[[stage.model]]
model = "cnn"
learning_rate = { grid = [0.1, 0.2] }
batch_size = 10
[[stage]]
name = "final"
from = "tune"
evaluation = "holdout"
seeds = "1..=3"
stop = { max_epochs = 20 }
[[stage]]
name = "dropout"
from = "tune"
evaluation = { folds = 2 }
seeds = 1
select = "lowest"
[[stage.model]]
model = "cnn"
dropout = { grid = [0.1, 0.5] }
[[stage]]
name = "last"
from = "dropout"
evaluation = "holdout"
seeds = 1
"#;

fn study(text: &str) -> Study {
    spec::parse("spec.toml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Ends every unit of the plan; `error` returns the outcome by model, learning rate and fold.
fn end(plan: &Plan, ended: &mut BTreeMap<UnitId, Ended>, error: impl Fn(&str, &str, u32) -> Ended) {
    for (id, unit) in plan.units() {
        let rate = unit.configuration.hyperparameters["learning_rate"].to_string();
        let fold = match unit.fold {
            seedgrid_common::unit::Fold::Holdout => 0,
            seedgrid_common::unit::Fold::Part { index, .. } => index,
        };
        ended.entry(id).or_insert_with(|| error(&unit.configuration.model, &rate, fold));
    }
}

fn scored(wrong: u32) -> Ended {
    Ended::Scored { wrong, of: 50 }
}

fn chosen(settled: &Settled, stage: &str, model: &str) -> Option<String> {
    match settled.selections.get(&(stage.to_owned(), model.to_owned()))? {
        Selection::Chosen(configuration) => Some(configuration.hyperparameters["learning_rate"].to_string()),
        Selection::Nothing => Some("nothing".to_owned()),
    }
}

fn settled(text: &str, ended: &BTreeMap<UnitId, Ended>) -> Settled {
    settle(&study(text), &digests(), &Committed::default(), |id| ended.get(&id).copied())
}

#[test]
fn stages_follow_what_earlier_ones_select() {
    let mut ended = BTreeMap::new();
    let first = settled(SPEC, &ended);
    let waiting: Vec<usize> =
        first.plan.stages.iter().map(|stage| stage.waiting.iter().map(|row| row.units).sum()).collect();
    assert_eq!((waiting, first.open.len(), first.made.len()), (vec![0, 6, 4, 1], 2, 0));
    // 0.01 is best for fc in the mean, though 0.1 has the best fold; for cnn 0.2.
    end(&first.plan, &mut ended, |model, rate, fold| match (model, rate, fold) {
        ("fc", "0.1", 0) => scored(1),
        ("fc", "0.1", _) => scored(30),
        ("fc", "0.01", _) => scored(10),
        ("cnn", "0.2", _) => scored(2),
        _ => scored(20),
    });
    let second = settled(SPEC, &ended);
    assert_eq!(chosen(&second, "tune", "fc").as_deref(), Some("0.01"));
    assert_eq!(chosen(&second, "tune", "cnn").as_deref(), Some("0.2"));
    assert_eq!(second.made.len(), 2);
    let configurations = &second.plan.stages[1].configurations;
    assert_eq!(configurations.len(), 2, "one for each model, in the order of the spec");
    assert_eq!(configurations[0].configuration.model, "fc");
    assert!(configurations.iter().all(|one| one.configuration.stop.max_epochs == 20 && one.units.len() == 3));
    assert_eq!(
        configurations[1].configuration.stop.loss_delta, 0.001,
        "what the stage does not say comes with the selection"
    );
    assert_eq!(second.plan.stages[2].configurations.len(), 2, "the row's own axis on top");
    assert_eq!(second.plan.stages[3].waiting.len(), 1, "a chain goes on step by step");
    end(&second.plan, &mut ended, |_, _, _| scored(5));
    let third = settled(SPEC, &ended);
    assert!(third.plan.stages.iter().all(|stage| stage.waiting.is_empty()) && third.open.is_empty());
    assert_eq!(third.plan.stages[3].variants(), [""], "one configuration of one model needs no settings");
}

/// Where the plan of an earlier call is continued, everything is as if it had been expanded anew.
#[test]
fn settling_continues_an_earlier_plan() {
    let mut ended = BTreeMap::new();
    let mut before = (Plan::default(), Selections::new());
    for step in 0..4 {
        let fresh = settled(SPEC, &ended);
        let study = study(SPEC);
        if step == 0 {
            before.0 = matrix::expand(&study, &digests(), &Selections::new());
        }
        let known = |id| ended.get(&id).copied();
        let continued = settle_on(before, &study, &digests(), &Committed::default(), known);
        assert_eq!(continued.plan, fresh.plan);
        assert_eq!(continued.selections, fresh.selections);
        assert_eq!((&continued.open, &continued.made), (&fresh.open, &fresh.made));
        end(&fresh.plan, &mut ended, |_, _, fold| scored(fold));
        before = (continued.plan, continued.selections);
    }
    assert_eq!(before.1.len(), 3, "all selections were made on the way");
}

#[test]
fn failed_configurations_are_ignored_and_diverged_ones_are_worst() {
    let mut ended = BTreeMap::new();
    let plan = settled(SPEC, &ended).plan;
    end(&plan, &mut ended, |model, rate, fold| match (model, rate, fold) {
        ("fc", "0.1", 1) => Ended::Failed,
        ("fc", "0.1", _) => scored(0),
        ("fc", "0.01", 0) => scored(0),
        ("fc", "0.01", _) => Ended::Diverged,
        // Almost all wrong, and yet better than a configuration that diverged once.
        ("fc", ..) => scored(49),
        _ => Ended::Diverged,
    });
    let after = settled(SPEC, &ended);
    assert_eq!(chosen(&after, "tune", "fc").as_deref(), Some("0.001"));
    assert_eq!(chosen(&after, "tune", "cnn").as_deref(), Some("nothing"), "all diverged");
    let cnn = &after.plan.stages[1].waiting[0];
    assert!(cnn.unreachable && cnn.model == "cnn");
    assert!(after.plan.stages[3].waiting[0].unreachable, "what depends on it is out of reach too");
    assert_eq!(after.open.len(), 0);
}

#[test]
fn a_selection_waits_for_all_units_of_its_model_only() {
    let mut ended = BTreeMap::new();
    let plan = settled(SPEC, &ended).plan;
    end(&plan, &mut ended, |_, _, _| scored(7));
    let of_cnn: Vec<UnitId> =
        plan.units().into_iter().filter(|(_, unit)| unit.configuration.model == "cnn").map(|(id, _)| id).collect();
    ended.remove(&of_cnn[0]);
    let after = settled(SPEC, &ended);
    assert_eq!(chosen(&after, "tune", "fc").as_deref(), Some("0.1"), "of equal ones the first");
    assert_eq!(chosen(&after, "tune", "cnn"), None);
    assert_eq!(after.open, [HashSet::from([of_cnn[0]])]);
}

#[test]
fn what_was_committed_stands_until_the_candidates_change() {
    let mut ended = BTreeMap::new();
    let plan = settled(SPEC, &ended).plan;
    end(&plan, &mut ended, |_, rate, _| scored(if rate == "0.1" { 1 } else { 9 }));
    let decisions = settled(SPEC, &ended).made;
    let mut committed = Committed::default();
    committed.selections.extend(decisions.iter().map(|decision| (decision.key, decision.chosen)));
    *committed.selections.values_mut().next().unwrap() = Some(1);
    let again = settle(&study(SPEC), &digests(), &committed, |_| None);
    assert_eq!(again.made, [], "nothing is decided twice");
    assert!(again.selections.values().any(|selection| matches!(selection, Selection::Chosen(one)
        if one.hyperparameters["learning_rate"].to_string() != "0.1")));
    let more = SPEC.replace("[0.1, 0.01, 0.001]", "[0.1, 0.01, 0.001, 0.5]").replace("[0.1, 0.2]", "[0.1, 0.3]");
    assert_eq!(settle(&study(&more), &digests(), &committed, |_| None).open.len(), 2, "others are other selections");
}

#[test]
fn one_standard_error_takes_the_smaller_network() {
    let hidden = |wrong: [[u32; 2]; 3]| {
        selected("one-standard-error", (2, 1), |network, fold, _| scored(wrong[network][fold as usize]))
    };
    // Mean 5 and standard error 1 (in pairs): up to 6 counts as equally good.
    assert_eq!(hidden([[4, 6], [6, 6], [7, 7]]), "[30]");
    assert_eq!(hidden([[4, 6], [6, 6], [6, 6]]), "[10]");
    assert_eq!(hidden([[5, 5], [6, 6], [6, 6]]), "[90]", "no spread, no margin");
}

/// The number of hidden neurons of the FC network that `rule` selects among three, in `folds` folds with the seeds 1 to
/// `seeds`. `ended` returns the outcome of a unit by network, fold and seed, the latter two from 0.
fn selected(rule: &str, (folds, seeds): (u32, u64), ended: impl Fn(usize, u32, u64) -> Ended) -> String {
    let text = SPEC
        .replacen("{ folds = 2 }\nseeds = 1", &format!("{{ folds = {folds} }}\nseeds = \"1..={seeds}\""), 1)
        .replacen("\"lowest\"", &format!("\"{rule}\""), 1)
        .replace("{ grid = [0.1, 0.01, 0.001] }", "0.1\nhidden = { grid = [[90], [30], [10]] }");
    let plan = settled(&text, &BTreeMap::new()).plan;
    let networks = plan.stages[0].of_model("fc").enumerate();
    let of_unit = networks.flat_map(|(network, one)| one.units.iter().map(move |unit| (network, unit)));
    let ended: BTreeMap<UnitId, Ended> =
        of_unit.map(|(network, (id, unit))| (*id, ended(network, fold_of(unit), unit.seed - 1))).collect();
    match &settled(&text, &ended).selections[&("tune".to_owned(), "fc".to_owned())] {
        Selection::Chosen(one) => one.hyperparameters["hidden"].to_string(),
        Selection::Nothing => "nothing".to_owned(),
    }
}

#[test]
fn equal_counts_are_equal_means_whatever_the_order_of_folds() {
    // Added up in this order as doubles, 0.1 + 0.2 + 0.3 is above 0.3 + 0.2 + 0.1.
    let wrong = [[1, 2, 3], [3, 2, 1], [2, 2, 2]];
    let one = |network: usize, fold: u32| Ended::Scored { wrong: wrong[network][fold as usize], of: 10 };
    for rule in ["lowest", "one-standard-error"] {
        // All errors of the third are equal, so the second rule sees its mean only; it has the fewest weights.
        let expected = if rule == "lowest" { "[90]" } else { "[10]" };
        assert_eq!(selected(rule, (3, 1), |network, fold, _| one(network, fold)), expected, "{rule}");
        assert_eq!(selected(rule, (2, 3), |network, _, seed| one(network, seed as u32)), expected, "{rule}");
    }
}

#[test]
fn a_standard_error_is_over_folds_however_many_seeds_there_are() {
    // Five folds of 20, 24, 28, 32 and 36 wrong in the mean, on which six seeds differ by 1 up and down: mean 28 and standard error
    // sqrt(40) / sqrt(5) = 2.83. Over thirty units taken as independent it would be about 1.05.
    let wrong = |network: usize, fold: u32, seed: u64| match network {
        0 => scored(20 + 4 * fold + 2 * (seed % 2) as u32 - 1),
        1 => scored(30),
        _ => scored(31),
    };
    assert_eq!(selected("one-standard-error", (5, 6), wrong), "[30]");
    assert_eq!(selected("one-standard-error", (5, 1), |network, fold, _| wrong(network, fold, fold.into())), "[30]");
    assert_eq!(selected("lowest", (5, 6), wrong), "[90]");
}

#[test]
fn a_configuration_that_diverged_once_comes_after_every_other() {
    let ended = |network: usize, fold: u32, _| match (network, fold) {
        (0, 0) => Ended::Diverged,
        (0, _) => scored(0),
        (1, _) => scored(50),
        _ => scored(48 + fold),
    };
    assert_eq!(selected("lowest", (2, 1), ended), "[10]");
    assert_eq!(selected("one-standard-error", (2, 1), ended), "[10]");
    // Where each diverged at times: the fewest divergences win, then the lower mean of the rest.
    let often = |network: usize, fold: u32, seed| match (network, fold, seed) {
        (0, _, 0) | (_, 0, 0) => Ended::Diverged,
        (0, ..) => scored(0),
        (1, ..) => scored(9),
        _ => scored(8),
    };
    for rule in ["lowest", "one-standard-error"] {
        assert_eq!(selected(rule, (2, 2), often), "[10]");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    #[test]
    fn neither_the_order_of_folds_nor_that_of_seeds_changes_a_choice(
        wrong in proptest::collection::vec((0_u32..4, 0_u32..12), 27), fold_turn in 0_u32..3, seed_turn in 0_u64..3,
    ) {
        // Folds score 9, 10 and 11 pairs.
        let ended = |network: usize, fold: u32, seed: u64| match wrong[network * 9 + fold as usize * 3 + seed as usize] {
            (_, 0) => Ended::Diverged,
            (wrong, _) => Ended::Scored { wrong, of: 9 + fold },
        };
        let turned = |network, fold, seed| ended(network, (fold + fold_turn) % 3, (seed + seed_turn) % 3);
        for rule in ["lowest", "one-standard-error"] {
            proptest::prop_assert_eq!(selected(rule, (3, 3), ended), selected(rule, (3, 3), turned));
        }
    }
}

#[test]
fn what_cannot_be_selected_is_refused() {
    for (from, to, message) in [
        ("from = \"tune\"\nevaluation = \"holdout\"", "from = \"tun\"\nevaluation = \"holdout\"", "no stage `tun`"),
        (
            "from = \"tune\"\nevaluation = \"holdout\"",
            "from = \"last\"\nevaluation = \"holdout\"",
            "`last` does not come before",
        ),
        (
            "from = \"tune\"\nevaluation = \"holdout\"",
            "from = \"final\"\nevaluation = \"holdout\"",
            "`final` does not come before",
        ),
        ("from = \"dropout\"", "from = \"final\"", "`final` selects nothing"),
        ("model = \"cnn\"\ndropout", "model = \"cnn-shared\"\ndropout", "no model `cnn-shared` to select from"),
        (
            "evaluation = { folds = 2 }\nseeds = 1\nstop",
            "evaluation = \"holdout\"\nseeds = 1\nstop",
            "hold-out stage cannot select",
        ),
        (
            "\"lowest\"\n[[stage.model]]\nmodel = \"fc\"",
            "\"best\"\n[[stage.model]]\nmodel = \"fc\"",
            "unknown rule of selection `best`",
        ),
    ] {
        assert!(SPEC.contains(from), "{from}");
        let errors = spec::parse("spec.toml", &SPEC.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(errors.contains(message), "{message} is missing in {errors}");
    }
}

/// [`SPEC`] whose first stage races over more folds.
fn racing() -> String {
    SPEC.replacen("{ folds = 2 }", "{ folds = 4 }", 1).replacen(
        "select = \"lowest\"",
        "select = \"lowest\"\nrace = { rule = \"halving\", first = 1, keep = 0.5 }",
        1,
    )
}

fn fold_of(unit: &seedgrid_common::unit::Unit) -> u32 {
    match unit.fold {
        seedgrid_common::unit::Fold::Holdout => 0,
        seedgrid_common::unit::Fold::Part { index, .. } => index,
    }
}

#[test]
fn what_left_the_race_is_not_selected_whatever_its_later_folds_would_be() {
    let mut ended = BTreeMap::new();
    let first = settled(&racing(), &ended);
    assert_eq!(first.open.iter().map(HashSet::len).collect::<Vec<_>>(), [3, 2], "the first fold of each configuration");
    assert_eq!(first.to_come(), ToCome { waiting: 6 + 4 + 1, undecided: 3 * (3 + 2) });
    // 0.001 is bad in the first fold alone; it would have won.
    end(&first.plan, &mut ended, |_, rate, fold| match (rate, fold) {
        ("0.001", 0) => scored(30),
        ("0.001", _) => scored(0),
        ("0.1", _) => scored(10),
        _ => scored(11),
    });
    let after = settled(&racing(), &ended);
    assert_eq!(chosen(&after, "tune", "fc").as_deref(), Some("0.1"));
    assert_eq!(after.rungs.len(), 3, "fc after one and two folds, cnn after one");
    let skipped: Vec<(String, u32)> = after
        .plan
        .units()
        .into_iter()
        .filter(|(id, unit)| after.track.is_skipped(*id) && unit.configuration.model == "fc")
        .map(|(_, unit)| (unit.configuration.hyperparameters["learning_rate"].to_string(), fold_of(unit)))
        .collect();
    let skipped: BTreeSet<(String, u32)> = skipped.into_iter().collect();
    let of = |rate: &str, folds: std::ops::Range<u32>| folds.map(|fold| (rate.to_owned(), fold)).collect::<Vec<_>>();
    assert_eq!(skipped, [of("0.001", 1..4), of("0.01", 2..4)].concat().into_iter().collect());
    assert_eq!(after.track.held(), 0);

    let without = SPEC.replacen("{ folds = 2 }", "{ folds = 4 }", 1);
    assert_eq!(chosen(&settled(&without, &ended), "tune", "fc").as_deref(), Some("0.001"));
    assert_ne!(settled(&without, &ended).made[0].key, after.made[0].key, "with a race it is another selection");
}

#[test]
fn rungs_that_were_committed_stand_and_need_no_results() {
    let mut ended = BTreeMap::new();
    let plan = settled(&racing(), &ended).plan;
    end(&plan, &mut ended, |_, rate, _| scored(if rate == "0.1" { 1 } else { 9 }));
    let after = settled(&racing(), &ended);
    let mut committed = Committed::default();
    committed.rungs.extend(after.rungs.iter().map(|decision| (decision.rung.key, decision.rung.left.clone())));
    committed.selections.extend(after.made.iter().map(|decision| (decision.key, decision.chosen)));
    let again = settle(&study(&racing()), &digests(), &committed, |_| None);
    assert_eq!((&again.track, &again.selections), (&after.track, &after.selections));
    assert!(again.made.is_empty() && again.rungs.is_empty());
    let other = racing().replace("keep = 0.5", "keep = 0.6");
    let other = settle(&study(&other), &digests(), &committed, |_| None);
    assert!(other.open.len() == 2 && other.track.skipped() == 0, "by another rule nothing is decided yet");
}

#[test]
fn a_unit_that_another_stage_wants_is_not_skipped() {
    let shared = "[[stage]]\nname = \"all\"\nevaluation = { folds = 4 }\nseeds = 1\nstop = { loss_delta = 0.001, max_epochs = 9 }\n\
                  [[stage.model]]\nmodel = \"fc\"\nlearning_rate = 0.001\nbatch_size = 20\n";
    let text = racing() + shared;
    let mut ended = BTreeMap::new();
    let first = settled(&text, &ended);
    assert_eq!(first.track.held(), 3 * (2 + 2), "the folds of 0.001 are given out for the other stage");
    end(&first.plan, &mut ended, |_, rate, _| scored(if rate == "0.001" { 40 } else { 1 }));
    let after = settled(&text, &ended);
    assert!(after.track.race("tune", "fc").unwrap().left_at(2).is_some());
    let shared = &after.plan.stages[0].configurations[2];
    assert!(shared.units.iter().all(|(id, _)| after.track.is_released(*id)));
}

#[test]
fn a_failed_unit_takes_its_configuration_out_of_the_race() {
    let mut ended = BTreeMap::new();
    let plan = settled(&racing(), &ended).plan;
    end(&plan, &mut ended, |model, rate, fold| match (model, rate, fold) {
        ("fc", "0.1", 0) => Ended::Failed,
        ("cnn", ..) => Ended::Failed,
        _ => scored(5),
    });
    let after = settled(&racing(), &ended);
    let fc = after.track.race("tune", "fc").unwrap();
    assert_eq!(fc.left_at(0).map(|(rung, why)| (rung.folds, why)), Some((1, race::LeaveReason::Incomplete)));
    assert_eq!(
        chosen(&after, "tune", "fc").as_deref(),
        Some("0.01"),
        "ties stay, and of equal ones the first is selected"
    );
    let cnn = after.track.race("tune", "cnn").unwrap();
    assert!(cnn.racing.is_empty() && cnn.is_over());
    assert_eq!(chosen(&after, "tune", "cnn").as_deref(), Some("nothing"));
}
