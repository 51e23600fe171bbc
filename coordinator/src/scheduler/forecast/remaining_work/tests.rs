use seedgrid_common::{matrix, spec};

use super::*;
use crate::scheduler::forecast::{Place, Sample};

/// A study with the paper's shape and a known number of epochs for every unit.
fn study() -> Study {
    let text = "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 100\ntest_pairs = 100\n\n[[stage]]\nname = \
                \"tune\"\nevaluation = { folds = 2 }\nseeds = 1\nselect = \"lowest\"\nstop = { loss_delta = 0.0, max_epochs = 10 }\n\
                [[stage.model]]\nmodel = \"fc\"\nbatch_size = 10\nlearning_rate = { grid = [0.1, 0.2, 0.3] }\n\n[[stage]]\nname = \
                \"final\"\nfrom = \"tune\"\nevaluation = \"holdout\"\nseeds = \"1..=4\"\nstop = { max_epochs = 20 }\n\n[[stage]]\n\
                name = \"more\"\nevaluation = \"holdout\"\nseeds = 1\nstop = { loss_delta = 0.0, max_epochs = 20 }\n\
                [[stage.model]]\nmodel = \"fc\"\nbatch_size = 10\nlearning_rate = 0.1\n";
    spec::parse("s.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

/// Training costs a second per pair and epoch, scoring a third of that.
fn measured(study: &Study, plan: &Plan) -> Measured {
    let configuration = plan.stages[0].configurations[0].configuration.clone().into_value();
    Measured::new([Sample {
        configuration,
        fold: seedgrid_common::unit::Fold::Holdout,
        dataset: "digest".to_owned(),
        train_pairs: study.dataset.train_pairs,
        epochs: 10,
        diverged: false,
        seconds: 10.0 * 100.0,
        place: Place::ThisStudy,
    }])
}

fn forecast_of(slots: usize, left: impl Fn(UnitId) -> bool) -> Forecast {
    let (study, selections) = (study(), Selections::new());
    let plan = matrix::expand(&study, &[(0, "digest".to_owned())].into(), &selections);
    let work = Work { study: &study, plan: &plan, selections: &selections, dataset: "digest" };
    forecast(work, left, &measured(&study, &plan), slots)
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

const TUNE: f64 = 10.0 * (50.0 + 50.0 / 3.0);
const FINAL: f64 = 20.0 * 100.0;

#[test]
fn waiting_rows_count_and_come_after_what_they_wait_for() {
    let one = forecast_of(1, |_| true);
    assert_eq!(one.units, 3 * 2 + 4 + 1);
    close(one.core_seconds.expected, 6.0 * TUNE + 4.0 * FINAL + FINAL);
    close(one.wall_seconds.expected, one.core_seconds.expected);
    assert_eq!(one.stages[1].waiting.len(), 1);
    close(one.stages[1].waiting[0].unwrap().seconds.expected, FINAL);
    assert_eq!(one.epochs, [(Origin::Spec, 1.0)]);

    // On many slots: the longest tuning unit, then a unit of the selected configuration.
    let many = forecast_of(64, |_| true);
    close(many.wall_seconds.expected, TUNE + FINAL);
    close(many.core_seconds.expected, one.core_seconds.expected);
    // On two: the long unit without predecessors goes first, beside three tuning units; then the other three, two and
    // one.
    close(FINAL, 3.0 * TUNE);
    close(forecast_of(2, |_| true).wall_seconds.expected, FINAL + 2.0 * TUNE + 2.0 * FINAL);
}

#[test]
fn what_is_done_is_not_left() {
    let nothing = forecast_of(1, |_| false);
    // Without a selection, a forecast cannot exclude rows that wait for one.
    assert_eq!(nothing.units, 4);
    close(nothing.core_seconds.expected, 4.0 * FINAL);
    assert_eq!(nothing.stages[0].core_seconds, Bounds::default());
}

#[test]
fn a_unit_that_stages_share_is_trained_once() {
    let text = "name = \"s\"\n[dataset]\nkind = \"glyph-pairs\"\ntrain_pairs = 100\ntest_pairs = 100\n\n[[stage]]\nname = \"a\"\n\
                evaluation = \"holdout\"\nseeds = \"1..=3\"\nstop = { loss_delta = 0.0, max_epochs = 20 }\n[[stage.model]]\nmodel = \
                \"fc\"\nbatch_size = 10\nlearning_rate = 0.1\n\n[[stage]]\nname = \"b\"\nevaluation = \"holdout\"\nseeds = \
                \"2..=4\"\nstop = { loss_delta = 0.0, max_epochs = 20 }\n[[stage.model]]\nmodel = \"fc\"\nbatch_size = 10\n\
                learning_rate = 0.1\n";
    let study = spec::parse("s.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let selections = Selections::new();
    let plan = matrix::expand(&study, &[(0, "digest".to_owned())].into(), &selections);
    let work = Work { study: &study, plan: &plan, selections: &selections, dataset: "digest" };
    let found = forecast(work, |_| true, &measured(&study, &plan), 1);
    assert_eq!(found.units, 4);
    close(found.core_seconds.expected, 4.0 * FINAL);
    close(found.stages[1].core_seconds.expected, FINAL);
}

#[test]
fn bounds_keep_their_order() {
    let (study, selections) = (study(), Selections::new());
    let plan = matrix::expand(&study, &[(0, "digest".to_owned())].into(), &selections);
    let work = Work { study: &study, plan: &plan, selections: &selections, dataset: "digest" };
    for slots in [1, 3, 7, 100] {
        let found = forecast(work, |_| true, &Measured::default(), slots);
        for bounds in [found.core_seconds, found.wall_seconds] {
            assert!(0.0 < bounds.low && bounds.low <= bounds.expected && bounds.expected <= bounds.high, "{bounds:?}");
        }
        assert_eq!(found.speed, [(Origin::Guess, 1.0)]);
    }
}
