//! Stages of several draws of the data.

use super::*;

/// [`holdout`] on the draws 0 to 3 of the data.
pub(crate) fn drawn() -> Synthetic {
    let mut stage = holdout("draws", 1..=3, vec![row("fc", &[]), row("cnn", &[])]);
    stage.data_seeds = vec![0, 1, 2, 3];
    let mut study = Synthetic::new("drawn", 50, vec![stage]);
    study.study.references = table_3("draws");
    study
}

#[test]
fn several_draws_of_the_data_are_one_sample_each() {
    let Aggregate { report, curves, .. } = drawn().aggregate();
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
    assert_eq!(row.averaged.seeds, 3);
    assert!(
        curves[0][0].seeds.iter().all(|seed| (seed.n, seed.planned) == (4, 4) && seed.averaged && seed.auc.is_some())
    );
    assert!(curves[0][0].units.iter().map(|unit| unit.data_seed).eq([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]));
}

#[test]
fn configurations_are_compared_draw_by_draw() {
    let mut study = drawn();
    // A hole takes its seed out of the comparison.
    study.lose(study.unit(0, 0, 4), UnitState::Quarantined);
    let Aggregate { report, curves, .. } = study.aggregate();
    let [pair] = report.stages[0].comparisons.pairs.as_slice() else { panic!("one pair") };
    assert_eq!((pair.t_test.method, pair.t_test.seeds), (IntervalMethod::SeedsDraws, 2));
    assert!(pair.mcnemar.p.is_none() && pair.mcnemar.reason.is_some());
    let [first, second] = curves[0].as_slice() else { panic!("two") };
    let mean = |row: &Curves, units: &[usize]| {
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
