//! Which configuration a report calls the best, and what stands in place of means that are none.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedgrid_common::{hyperparameters::Value, training::Ending, unit::UnitId};
use serde_json::Value as Json;

use crate::{
    csv, provenance,
    synthetic::{Synthetic, cross_validation, holdout, row},
    written,
};

/// Lets a unit err on so many pairs.
fn err(study: &mut Synthetic, id: UnitId, wrong: u32) {
    match &mut study.results.get_mut(&id).unwrap().ending {
        Ending::Done(scores) => scores.wrong = wrong,
        Ending::Diverged { .. } => panic!("the unit diverged"),
    }
}

/// A hold-out stage of 40 test pairs: for each configuration how many each seed gets wrong, None where it diverged.
fn study(wrong: &[&[Option<u32>]]) -> Synthetic {
    let rates: Vec<Value> = (1..=wrong.len()).map(|place| Value::Number(place as f64 / 100.0)).collect();
    let rows = vec![row("fc", &[("learning_rate", &rates)])];
    let mut study = Synthetic::new("ranked", 40, vec![holdout("final", 1..=wrong[0].len() as u64, rows)]);
    for (place, seeds) in wrong.iter().enumerate() {
        for (seed, wrong) in seeds.iter().enumerate() {
            let id = study.unit(0, place, seed);
            match wrong {
                Some(wrong) => err(&mut study, id, *wrong),
                None => study.diverge(id, 7),
            }
        }
    }
    study
}

fn report(files: &BTreeMap<String, String>) -> Json {
    serde_json::from_str(&files["report.json"]).unwrap()
}

/// The only seed of six that did not diverge errs least of all.
fn one_survivor() -> Synthetic {
    study(&[
        &[None, None, Some(1), None, None, None],
        &[Some(20); 6],
        &[Some(20), Some(19), Some(21), Some(20), Some(20), Some(20)],
    ])
}

#[test]
fn who_is_chosen_among_survivors_is_praised_nowhere() {
    let (_folder, files) = written(&one_survivor(), &provenance("a"));
    let report = report(&files);
    let rows = report["stages"][0]["configurations"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["rank"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 1, 2]);
    assert_eq!(
        (&rows[0]["error"]["mean"], &rows[0]["error"]["reason"]),
        (&Json::Null, &"5 of 6 units diverged".into())
    );
    assert_eq!((&rows[0]["error_of_done"]["mean"], &rows[1]["error_of_done"]), (&0.025.into(), &Json::Null));
    let page = &files["report.html"];
    for name in ["report.md", "report.html"] {
        let best = "Lowest mean error: FC Network (learning_rate=0.02), 0.5000 ± 0.0000 over 6 seeds.";
        assert!(files[name].contains(best), "{name}: {}", files[name]);
        assert!(files[name].contains("The error of the one that is done is 0.0250."), "{name}");
    }
    let bold: Vec<&str> =
        page.split("<tr class=\"lowest\">").skip(1).map(|row| row.split("</tr>").next().unwrap()).collect();
    // The two whose mean errors are the same.
    assert!(bold.len() == 2 && bold[0].contains("<td>0.02</td>") && bold[1].contains("<td>0.03</td>"));
    let line = |name: &str| {
        files[name].lines().find(|line| line.contains("1 of 6") && line.contains("diverged")).map(str::to_owned)
    };
    assert!(line("report.md").unwrap().matches("diverged").count() == 3, "error and areas");
    assert!(line("tables.tex").is_some(), "{}", files["tables.tex"]);
    assert!(files["errors.svg"].contains("5 of 6 diverged") && !files["errors.svg"].contains(">0.0250"));
    let table = csv(&files["configurations.csv"]);
    let column = table[0].iter().position(|cell| cell == "error_mean").unwrap();
    assert_eq!([1, 2, 3].map(|place| table[place][column].as_str()), ["", "0.5", "0.5"]);
}

#[test]
fn nothing_is_compared_with_a_mean_that_has_a_diverged_unit_in_it() {
    let comparisons = |study: &Synthetic| study.aggregate().report.stages.remove(0).comparisons;
    for pair in comparisons(&one_survivor()).pairs {
        assert_eq!(pair.difference.is_none(), pair.first == 1);
        let reason = pair.t_test.reason.filter(|_| pair.first == 1);
        assert_eq!(reason.as_deref(), (pair.first == 1).then_some("units of one of them diverged"));
    }
    // Of many, all are compared with the best one: with the first of those without diverged units.
    let mut many: Vec<&[Option<u32>]> = vec![&[Some(20), Some(21)]; 14];
    (many[0], many[1], many[5]) = (&[None, Some(0)], &[Some(1), None], &[Some(9), Some(8)]);
    let study = study(&many);
    assert_eq!(comparisons(&study).best, Some(6));
    let (_folder, files) = written(&study, &provenance("a"));
    assert!(
        files["report.md"].contains("lowest mean error, FC Network (learning_rate=0.06) (0.2125"),
        "{}",
        files["report.md"]
    );
}

#[test]
fn where_every_configuration_has_diverged_units_none_has_the_lowest_mean_error() {
    let diverged = study(&[&[None, Some(0), None], &[Some(9), None, Some(9)], &[None, None, None]]);
    let (_folder, files) = written(&diverged, &provenance("a"));
    let sentence = "No configuration has a mean error: units of each diverged, or have no result. The fewest diverged of FC Network \
                    (learning_rate=0.02), 1 of 3 seeds.";
    assert!(files["report.md"].contains(sentence), "{}", files["report.md"]);
    assert!(!files["report.html"].contains("class=\"lowest\""));
    let ranks = |study: &Synthetic| -> Vec<usize> {
        study.aggregate().report.stages[0].configurations.iter().map(|row| row.rank).collect()
    };
    assert_eq!(ranks(&diverged), [2, 1, 3]);
}

#[test]
fn what_lacks_a_result_is_never_the_best() {
    let mut study = study(&[&[Some(0), Some(0)], &[Some(30), Some(30)]]);
    study.lose(study.unit(0, 0, 1), seedgrid_coordinator::scheduler::unit_state::UnitState::Quarantined);
    let (_folder, files) = written(&study, &provenance("a"));
    assert!(files["report.md"].contains("Lowest mean error: FC Network (learning_rate=0.02)"));
    study.lose(study.unit(0, 1, 1), seedgrid_coordinator::scheduler::unit_state::UnitState::Waiting);
    let (_folder, files) = written(&study, &provenance("a"));
    assert!(
        files["report.md"].contains("No configuration has a result of each of its units"),
        "{}",
        files["report.md"]
    );
    assert!(!files["report.html"].contains("class=\"lowest\""));
}

#[test]
fn a_mean_is_printed_as_the_counts_give_it() {
    // 23, 17 and 23 of 40; and 1, 2 and 3 in another order, whose doubles add up to something else.
    let wrong: [&[Option<u32>]; 4] = [
        &[Some(23), Some(17), Some(23)],
        &[Some(4), Some(8), Some(12)],
        &[Some(12), Some(8), Some(4)],
        &[Some(12), Some(4), Some(8)],
    ];
    let study = study(&wrong);
    let (_folder, files) = written(&study, &provenance("a"));
    assert!(files["report.json"].contains("\"mean\": 0.525,"));
    let table = csv(&files["configurations.csv"]);
    let column = |name: &str| table[0].iter().position(|cell| cell == name).unwrap();
    let means: Vec<&str> = table[1..].iter().map(|row| row[column("error_mean")].as_str()).collect();
    assert_eq!(means, ["0.525", "0.2", "0.2", "0.2"]);
    let ranks: Vec<&str> = table[1..].iter().map(|row| row[column("rank")].as_str()).collect();
    assert_eq!(ranks, ["4", "1", "2", "3"], "of equal ones the first of the file");
    let best = "Lowest mean error: FC Network (learning_rate=0.02), 0.2000 ± 0.1000 over 3 seeds. FC Network (learning_rate=0.03); FC Network \
                (learning_rate=0.04) have the same mean error.";
    for name in ["report.md", "report.html"] {
        assert!(files[name].contains(best), "others share the lowest error: {name}: {}", files[name]);
    }
    assert_eq!(files["report.html"].matches("<tr class=\"lowest\">").count(), 3);
    assert!(!files.values().any(|text| text.contains("0.5249999")));
}

#[test]
fn the_best_one_is_named_with_those_that_are_as_good() {
    let said = |wrong: &[&[Option<u32>]]| {
        let (_folder, files) = written(&study(wrong), &provenance("a"));
        let line = files["report.md"].lines().find(|line| line.starts_with("Lowest mean error")).map(str::to_owned);
        line.unwrap().split_once(" over 1 seed.").unwrap().1.to_owned()
    };
    let (low, high): (&[Option<u32>], &[Option<u32>]) = (&[Some(3)], &[Some(4)]);
    assert_eq!(said(&[high, low]), "");
    assert_eq!(said(&[low, high, low]), " FC Network (learning_rate=0.03) has the same mean error.");
    assert_eq!(said(&[low, low, low, high, low, low]), " 4 others have the same mean error.");
}

#[test]
fn seeds_that_javascript_would_confuse_are_told_apart() {
    let (one, other) = ((1 << 53) + 1, u64::MAX);
    let mut stage = holdout("final", 1..=1, vec![row("fc", &[])]);
    (stage.seeds, stage.data_seeds) = (vec![3, one, other], vec![1 << 53, one]);
    let study = Synthetic::new("large", 40, vec![stage]);
    let aggregate = study.aggregate();
    let (_folder, files) = written(&study, &provenance("a"));
    let stage = &report(&files)["stages"][0];
    assert_eq!(stage["seeds"], serde_json::json!([3, "9007199254740993", "18446744073709551615"]));
    assert_eq!(stage["data_seeds"], serde_json::json!(["9007199254740992", "9007199254740993"]));
    assert!(files["seeds.csv"].contains(",9007199254740993,"), "tables have digits alone");
    let read: seedgrid_coordinator::aggregate::Report = serde_json::from_str(&files["report.json"]).unwrap();
    assert_eq!(read, aggregate.report);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn neither_folds_nor_seeds_in_another_order_change_the_ranks(
        wrong in prop::collection::vec((0_u8..12, 0_u32..4), 36), fold_turn in 0_usize..3, seed_turn in 0_usize..2,
    ) {
        // Three folds of 13 pairs, two seeds, six configurations.
        let rates = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(|rate| Value::Number(rate / 100.0));
        let ranks = |fold_turn: usize, seed_turn: usize| -> Vec<usize> {
            let rows = vec![row("fc", &[("learning_rate", &rates)])];
            let mut study = Synthetic::new("turned", 39, vec![cross_validation("tune", 3, 1..=2, rows)]);
            for configuration in 0..6 {
                for seed in 0..2 {
                    for fold in 0..3 {
                        let id = study.unit(0, configuration, 3 * seed + fold);
                        let from = 6 * configuration + 3 * ((seed + seed_turn) % 2) + (fold + fold_turn) % 3;
                        match wrong[from] {
                            (0, _) => study.diverge(id, 2),
                            (_, wrong) => err(&mut study, id, wrong),
                        }
                    }
                }
            }
            study.aggregate().report.stages[0].configurations.iter().map(|row| row.rank).collect()
        };
        prop_assert_eq!(ranks(0, 0), ranks(fold_turn, seed_turn));
    }
}
