//! Compares tests and whole races with SciPy, scikit-posthocs and an independent program; fixtures/races.py computed
//! the expected numbers.

use std::collections::BTreeMap;

use seedgrid_common::{
    matrix::{self, PlannedConfiguration, Selections},
    spec::{self, Evaluation, RaceRule},
    unit::UnitId,
};
use serde::Deserialize;

use super::{
    BlockErrors, LeaveReason, Leaver, Rungs, error_blocks::BlockError, fold, judge, run, rung_decision::signed_ranks,
};
use crate::scheduler::ranking::Ended;
use crate::statistics::friedman::Friedman;

#[derive(Deserialize)]
struct Fixtures {
    friedman: Vec<Tested>,
    wilcoxon: Vec<Paired>,
    races: Vec<Raced>,
}

#[derive(Deserialize)]
struct Tested {
    errors: Vec<Vec<f64>>,
    rank_sums: Vec<f64>,
    statistic: Option<f64>,
    p: Option<f64>,
    against_best: Vec<f64>,
}

#[derive(Deserialize)]
struct Paired {
    first: Vec<f64>,
    second: Vec<f64>,
    statistic: Option<f64>,
    p: Option<f64>,
    first_is_worse: bool,
}

#[derive(Deserialize)]
struct Raced {
    rule: Rule,
    of: u32,
    /// Numbers of wrong pairs; -1 is a diverged unit, -2 a failed one.
    wrong: Vec<Vec<i64>>,
    left: Vec<(usize, u32, String)>,
    racing: Vec<usize>,
}

#[derive(Deserialize)]
struct Rule {
    rule: String,
    first: u32,
    alpha: Option<f64>,
    keep: Option<f64>,
}

impl Rule {
    fn read(&self) -> RaceRule {
        match (self.rule.as_str(), self.alpha, self.keep) {
            ("friedman", Some(alpha), _) => RaceRule::Friedman { first: self.first, alpha },
            ("halving", _, Some(keep)) => RaceRule::Halving { first: self.first, keep },
            _ => panic!("{} is no rule", self.rule),
        }
    }
}

fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("fixtures/races.json")).unwrap()
}

/// Blocks of one unit each; the errors have at most nine decimals.
fn blocks(errors: &[f64]) -> Vec<BlockError> {
    BlockErrors::of_units(&errors.iter().map(|error| vec![share(*error)]).collect::<Vec<_>>()).folds
}

fn share(error: f64) -> Ended {
    Ended::Scored { wrong: (error * 1e9).round() as u32, of: 1_000_000_000 }
}

/// Compares to 7 of the 8 stored digits.
#[track_caller]
fn close(found: Option<f64>, expected: Option<f64>) {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            assert!((found - expected).abs() <= 1e-7 * expected.abs() + 1e-300, "{found:e} instead of {expected:e}");
        }
        (found, expected) => assert_eq!(found, expected),
    }
}

#[test]
fn friedmans_test_is_scipys_and_the_comparisons_are_scikit_posthocs() {
    for given in fixtures().friedman {
        let errors: Vec<Vec<BlockError>> = given.errors.iter().map(|errors| blocks(errors)).collect();
        let test = Friedman::new(&errors.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let sums: Vec<f64> = test.doubled.iter().map(|sum| *sum as f64 / 2.0).collect();
        assert_eq!(sums, given.rank_sums);
        close(test.statistic(), given.statistic);
        close(test.p(), given.p);
        let compared = test.against_best();
        assert_eq!(compared.len(), given.against_best.len());
        compared.into_iter().zip(given.against_best).for_each(|(found, expected)| close(Some(found), Some(expected)));
    }
}

#[test]
fn wilcoxons_test_is_scipys_and_counting() {
    for given in fixtures().wilcoxon {
        let test = signed_ranks(&blocks(&given.first), &blocks(&given.second));
        assert_eq!(test.map(|test| test.statistic), given.statistic);
        close(test.map(|test| test.p), given.p);
        assert_eq!(test.is_some_and(|test| test.first_is_worse), given.first_is_worse);
    }
}

/// This many configurations with this many folds.
fn candidates(count: usize, folds: usize) -> Vec<PlannedConfiguration> {
    let rates: Vec<String> = (1..=count).map(|rate| format!("0.{rate:03}")).collect();
    let text = format!(
        "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 100\ntest_pairs = 100\n[[stage]]\nname = \"tune\"\nevaluation = \
         {{ folds = {folds} }}\nseeds = 1\nstop = {{ loss_delta = 0, max_epochs = 1 }}\n[[stage.model]]\nmodel = \"fc\"\nbatch_size = \
         10\nlearning_rate = {{ grid = [{}] }}\n",
        rates.join(", ")
    );
    let study = spec::parse("fixture.toml", &text).unwrap();
    matrix::expand(&study, &[(0, "digest".to_owned())].into(), &Selections::new()).stages.remove(0).configurations
}

#[test]
fn whole_races_run_as_another_program_says() {
    for given in fixtures().races {
        let folds = given.wrong[0].len();
        let planned = candidates(given.wrong.len(), folds);
        let ended: BTreeMap<UnitId, Ended> = planned
            .iter()
            .zip(&given.wrong)
            .flat_map(|(planned, wrong)| {
                planned.units.iter().map(|(id, unit)| {
                    let ended = match wrong[fold(unit.fold) as usize] {
                        -1 => Ended::Diverged,
                        -2 => Ended::Failed,
                        wrong => Ended::Scored { wrong: wrong as u32, of: given.of },
                    };
                    (*id, ended)
                })
            })
            .collect();
        let field: Vec<&PlannedConfiguration> = planned.iter().collect();
        let rule = (given.rule.read(), folds as u32);
        let once = run(("tune", "fc"), rule, &field, &Rungs::new(), &|id| ended.get(&id).copied());
        let left: Vec<(usize, u32, String)> = once
            .race
            .rungs
            .iter()
            .flat_map(|rung| rung.left.iter().map(|one| (one.place, rung.folds, one.why.name().to_owned())))
            .collect();
        assert_eq!((&left, &once.race.racing), (&given.left, &given.racing), "{}", rule.0);
        assert!(once.race.is_over() && once.waits_for.is_empty());

        // Known rungs are not decided again, and need no results.
        let known: Rungs = once.made.iter().map(|rung| (rung.key, rung.left.clone())).collect();
        let again = run(("tune", "fc"), rule, &field, &known, &|_| None);
        assert_eq!((again.race, again.made.len()), (once.race, 0));
    }
}

#[test]
fn a_race_waits_at_its_rung_and_for_nothing_behind() {
    let planned = candidates(3, 4);
    let field: Vec<&PlannedConfiguration> = planned.iter().collect();
    let rule = (RaceRule::Halving { first: 2, keep: 0.5 }, 4);
    let at_start = run(("tune", "fc"), rule, &field, &Rungs::new(), &|_| None);
    assert_eq!((at_start.race.released, at_start.waits_for.len(), at_start.made.len()), (2, 6, 0));
    let up_to = |folds: u32| {
        move |id: UnitId| -> Option<Ended> {
            let place = candidates(3, 4)
                .iter()
                .position(|one| one.units.iter().any(|(other, unit)| *other == id && fold(unit.fold) < folds))?;
            Some(Ended::Scored { wrong: place as u32, of: 10 })
        }
    };
    let half = run(("tune", "fc"), rule, &field, &Rungs::new(), &up_to(2));
    assert_eq!(half.race.rungs[0].left, [Leaver { place: 2, why: LeaveReason::Outraced }]);
    assert!(half.race.is_over(), "with four folds there is no second rung: the winners' last folds are given out");
    let other = run(("tune", "fc"), (RaceRule::Halving { first: 2, keep: 0.4 }, 4), &field, &Rungs::new(), &up_to(2));
    assert_ne!(other.made[0].key, half.made[0].key, "another rule's rung is another one");
    let fewer = run(("tune", "fc"), rule, &field[..2], &Rungs::new(), &up_to(2));
    assert_ne!(fewer.made[0].key, half.made[0].key, "as is one of other candidates");
}

#[test]
fn ties_at_the_last_place_all_stay() {
    let errors = [[0.3, 0.1], [0.1, 0.1], [0.1, 0.3], [0.2, 0.3]].map(|errors| errors.map(|error| vec![share(error)]));
    assert_eq!(halved(&errors), [None, None, None, Some(LeaveReason::Outraced)]);
}

/// The reasons of leavers in a race that keeps half.
fn halved<const N: usize>(units: &[[Vec<Ended>; N]]) -> Vec<Option<LeaveReason>> {
    let errors: Vec<BlockErrors> = units.iter().map(|units| BlockErrors::of_units(units)).collect();
    let judged = judge(RaceRule::Halving { first: 1, keep: 0.5 }, &errors.iter().collect::<Vec<_>>());
    assert!(judged.test.is_none());
    judged.contenders.iter().map(|one| one.leaves).collect()
}

#[test]
fn halving_sends_diverged_ones_away_first_however_many_they_are() {
    let (good, bad) = ([vec![share(0.1)], vec![share(0.2)]], [vec![share(0.9)], vec![share(1.0)]]);
    let diverged = || [vec![Ended::Diverged], vec![Ended::Diverged]];
    let once = [vec![share(0.0)], vec![Ended::Diverged]];
    let field = [diverged(), good, diverged(), once, diverged(), bad, diverged(), diverged()];
    let left = Some(LeaveReason::Diverged);
    assert_eq!(halved(&field), [left, None, left, left, left, None, left, left]);
    // All pairs wrong is not a divergence, and without scored units no configuration is better.
    assert_eq!(halved(&[[vec![share(1.0)]], [vec![Ended::Diverged]]]), [None, left]);
    assert_eq!(halved(&[diverged(), diverged(), diverged()]), [None; 3]);
}

#[test]
fn a_race_decides_alike_whatever_the_order_of_folds_and_seeds() {
    // Both have 6 of 30 wrong; a sum of doubles in this order makes the first worse by the last digit.
    let seeds = |wrong: [u32; 3]| vec![wrong.map(|wrong| Ended::Scored { wrong, of: 10 }).to_vec()];
    let errors: Vec<BlockErrors> =
        [[1, 2, 3], [3, 2, 1], [2, 2, 2]].map(|wrong| BlockErrors::of_units(&seeds(wrong))).to_vec();
    for rule in [RaceRule::Halving { first: 1, keep: 0.3 }, RaceRule::Friedman { first: 1, alpha: 0.9 }] {
        let judged = judge(rule, &errors.iter().collect::<Vec<_>>());
        assert!(judged.contenders.iter().all(|one| one.leaves.is_none() && one.error == Some(0.2)), "{judged:?}");
    }
}

#[test]
fn a_single_configuration_has_nobody_to_race_against() {
    let planned = candidates(1, 5);
    let field: Vec<&PlannedConfiguration> = planned.iter().collect();
    let alone =
        run(("tune", "fc"), (RaceRule::Friedman { first: 3, alpha: 0.05 }, 5), &field, &Rungs::new(), &|_| None);
    assert!(alone.race.is_over() && alone.race.rungs.is_empty(), "all of its folds are given out at once");
}

#[test]
fn equal_means_are_equal_in_whatever_order_seeds_come() {
    // 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 in doubles.
    let text = include_str!("fixtures/small.toml").replace("seeds = 1\n", "seeds = [1, 2, 3]\n");
    let study = spec::parse("small.toml", &text).unwrap();
    assert_eq!(study.stages[0].evaluation, Evaluation::Folds(3));
    let planned =
        matrix::expand(&study, &[(0, "digest".to_owned())].into(), &Selections::new()).stages.remove(0).configurations;
    let errors = |place: usize, wrong: [u32; 3]| {
        let of_seed: BTreeMap<UnitId, Ended> = planned[place]
            .units
            .iter()
            .map(|(id, unit)| (*id, Ended::Scored { wrong: wrong[unit.seed as usize - 1], of: 10 }))
            .collect();
        BlockErrors::from_units(&planned[place], 2, |id| of_seed.get(&id).copied()).unwrap()
    };
    assert_eq!(errors(0, [1, 2, 3]), errors(1, [3, 2, 1]));
    assert_eq!(errors(0, [1, 2, 3]).all.mean().unwrap().to_f64(), 0.2);
}
