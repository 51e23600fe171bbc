//! The meaning of right specs.

use super::{BASE, changed, expanded};
use crate::{
    data::{DatasetSpec, glyph_pairs},
    hyperparameters::Value,
    spec::{
        Axis, Evaluation, ModelRow, RaceRule, Stage, Study, parse,
        stop_rule::{MIN_EPOCHS, PATIENCE},
    },
    training::{Normalize, StopRule},
};

fn study(text: &str) -> Study {
    parse("good.toml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn values(row: &ModelRow, name: &str) -> Vec<Value> {
    let axis = row.axes.iter().find(|axis| axis.names == [name]).unwrap();
    axis.points.iter().map(|point| point[0].clone()).collect()
}

#[test]
fn the_base_is_read_whole() {
    let stop = StopRule { min_epochs: MIN_EPOCHS, patience: PATIENCE, ..StopRule::PAPER };
    let axis = |name: &str, values: &[Value]| Axis::new(name, values.to_vec());
    let training = || {
        [
            axis("optimiser", &[Value::Text("sgd".to_owned())]),
            axis("momentum", &[Value::Number(0.0)]),
            axis("weight_decay", &[Value::Number(0.0)]),
            axis("initial_scale", &[Value::Number(1.0)]),
        ]
    };
    let expected = Study {
        name: "base".to_owned(),
        dataset: DatasetSpec { kind: &glyph_pairs::KIND, train_pairs: 1000, test_pairs: 200, seed: 0 },
        stages: vec![Stage {
            name: "final".to_owned(),
            evaluation: Evaluation::Holdout,
            seeds: vec![1, 2, 3],
            data_seeds: vec![0],
            selected: Vec::new(),
            select: None,
            keep_weights: false,
            race: None,
            rows: vec![
                ModelRow {
                    model: "cnn".to_owned(),
                    axes: [
                        axis("learning_rate", &[Value::Number(0.1)]),
                        axis("batch_size", &[Value::Integer(20)]),
                        axis("dropout", &[Value::Number(0.5)]),
                        axis("dropout_at", &[Value::Text("output".to_owned())]),
                    ]
                    .into_iter()
                    .chain(training())
                    .collect(),
                    exclude: Vec::new(),
                    stop,
                    normalize: Normalize::Standardize,
                },
                ModelRow {
                    model: "fc-aux".to_owned(),
                    axes: [
                        axis("learning_rate", &[Value::Number(0.01), Value::Number(0.005)]),
                        axis("batch_size", &[Value::Integer(20)]),
                        axis("hidden", &[Value::Integers(vec![150, 50, 20, 10])]),
                        axis("auxiliary_weight", &[Value::Number(0.3)]),
                        axis("dropout", &[Value::Number(0.0)]),
                    ]
                    .into_iter()
                    .chain(training())
                    .collect(),
                    exclude: Vec::new(),
                    stop,
                    normalize: Normalize::Standardize,
                },
            ],
        }],
        references: Vec::new(),
    };
    assert_eq!(study(BASE), expected);
}

#[test]
fn layout_does_not_matter() {
    let inline = r#"
        stage = [{ name = "final", evaluation = "holdout", seeds = [3, 1, 2], normalize = "standardize", model = [
            { batch_size = 0x14, learning_rate = 1e-1, model = "cnn" },
            { model = 'fc-aux', learning_rate.grid = [1e-2, 5e-3], batch_size = 20, hidden = [150, 50, 20, 10], auxiliary_weight = 0.3 },
        ], stop.loss_delta = 0.001, stop.max_epochs = 3_00 }]
        dataset.kind = "glyph-pairs"
        dataset.train_pairs = 1_000
        dataset.test_pairs = 200
        name = "base"
    "#;
    let (mut inline, mut base) = (study(inline), study(BASE));
    assert_ne!(inline, base, "axes are in the order in which they are written");
    for study in [&mut inline, &mut base] {
        study
            .stages
            .iter_mut()
            .flat_map(|stage| &mut stage.rows)
            .for_each(|row| row.axes.sort_by_key(|axis| axis.names.clone()));
    }
    assert_eq!(inline, base);
    assert_eq!(study(&BASE.replace('\n', "\r\n")), study(BASE));
}

#[test]
fn axes_keep_the_order_of_the_file_and_defaults_follow() {
    let text = changed("learning_rate = 0.1\nbatch_size = 20", "batch_size = { grid = [50, 20] }\nlearning_rate = 1");
    let names: Vec<String> = study(&text).stages[0].rows[0].axes.iter().flat_map(|axis| axis.names.clone()).collect();
    assert_eq!(names[..4], ["batch_size", "learning_rate", "dropout", "dropout_at"]);
    assert_eq!(values(&study(&text).stages[0].rows[0], "batch_size"), [Value::Integer(50), Value::Integer(20)]);
    assert_eq!(
        values(&study(&text).stages[0].rows[0], "learning_rate"),
        [Value::Number(1.0)],
        "a whole number is a number"
    );
}

#[test]
fn a_grid_of_lists_is_an_axis_of_lists() {
    let text = changed("hidden = [150, 50, 20, 10]", "hidden = { grid = [[150, 50], [10]] }");
    let expected = [Value::Integers(vec![150, 50]), Value::Integers(vec![10])];
    assert_eq!(values(&study(&text).stages[0].rows[1], "hidden"), expected);
}

#[test]
fn a_row_overrides_its_stage_key_by_key() {
    let text = changed(
        "model = \"cnn\"\n",
        "model = \"cnn\"\nstop = { max_epochs = 50, patience = 2 }\nnormalize = \"none\"\n",
    );
    let rows = &study(&text).stages[0].rows;
    let own = StopRule { max_epochs: 50, min_epochs: MIN_EPOCHS, patience: 2, ..StopRule::PAPER };
    assert_eq!((rows[0].stop, rows[0].normalize), (own, Normalize::None));
    let stage = rows[1].stop;
    assert_eq!((stage.max_epochs, stage.patience, rows[1].normalize), (300, PATIENCE, Normalize::Standardize));
}

#[test]
fn waits_that_nobody_wrote_are_cut_to_the_number_of_epochs() {
    let waits = |rule: &str| {
        let StopRule { min_epochs, patience, .. } = study(&changed("max_epochs = 300", rule)).stages[0].rows[0].stop;
        (min_epochs, patience)
    };
    assert_eq!(waits("max_epochs = 300"), (MIN_EPOCHS, PATIENCE));
    assert_eq!(waits("max_epochs = 7"), (7, PATIENCE));
    assert_eq!(waits("max_epochs = 1"), (1, 1));
    assert_eq!(waits("max_epochs = 300, min_epochs = 1, patience = 1"), (1, 1), "the paper's rule");
    assert_eq!(waits("max_epochs = 300, min_epochs = 1"), (1, PATIENCE));
}

#[test]
fn a_stage_may_leave_stop_to_its_rows() {
    let text = changed("stop = { loss_delta = 0.001, max_epochs = 300 }\n", "").replace(
        "batch_size = 20",
        "batch_size = 20\nstop = { loss_delta = 0, max_epochs = 9, min_epochs = 9, loss_drop = 0.1 }",
    );
    let own = StopRule {
        loss_delta: 0.0,
        max_epochs: 9,
        min_epochs: 9,
        patience: PATIENCE,
        loss_drop: 0.1,
        ..StopRule::PAPER
    };
    assert!(study(&text).stages[0].rows.iter().all(|row| row.stop == own));
}

#[test]
fn defaults() {
    let text = changed("seed = 0\n", "").replace("normalize = \"standardize\"\n", "");
    assert_eq!(study(&text), study(BASE));
}

#[test]
fn seeds_in_every_form() {
    for (written, seeds) in [
        ("7", vec![7]),
        ("\"7\"", vec![7]),
        ("\"1..=3\"", vec![1, 2, 3]),
        ("\"1..3\"", vec![1, 2]),
        ("[5, 2, 1]", vec![1, 2, 5]),
        ("[\"8..=10\", 1]", vec![1, 8, 9, 10]),
        ("0", vec![0]),
        ("9223372036854775807", vec![(1 << 63) - 1]),
    ] {
        assert_eq!(study(&changed("\"1..=3\"", written)).stages[0].seeds, seeds, "{written}");
    }
}

#[test]
fn folds() {
    for (written, folds) in [("2", 2), ("10", 10), ("50", 50)] {
        let text = changed("\"holdout\"", &format!("{{ folds = {written} }}"));
        assert_eq!(study(&text).stages[0].evaluation, Evaluation::Folds(folds));
    }
}

#[test]
fn races() {
    let race = |written: &str| {
        let stage = format!("{{ folds = 10 }}\nselect = \"lowest\"\nrace = {written}");
        study(&changed("\"holdout\"", &stage)).stages[0].race.unwrap()
    };
    let friedman = |first, alpha| RaceRule::Friedman { first, alpha };
    let halving = |first, keep| RaceRule::Halving { first, keep };
    for (written, rule) in [
        ("\"friedman\"", friedman(3, 0.05)),
        ("{ rule = \"friedman\" }", friedman(3, 0.05)),
        ("{ rule = \"friedman\", first = 2, alpha = 0.01 }", friedman(2, 0.01)),
        ("{ rule = \"friedman\", first = 9 }", friedman(9, 0.05)),
        ("\"halving\"", halving(2, 0.5)),
        ("{ rule = \"halving\", keep = 0.3 }", halving(2, 0.3)),
        ("{ rule = \"halving\", first = 1 }", halving(1, 0.5)),
    ] {
        assert_eq!(race(written), rule, "{written}");
        assert_eq!(race(&rule.to_string()), rule, "a rule is read as it is shown");
    }
    assert_eq!(study(BASE).stages[0].race, None);
}

#[test]
fn bounds_themselves_are_allowed() {
    for (from, to) in [
        ("batch_size = 20\nhidden", "batch_size = 1000\nhidden"),
        ("auxiliary_weight = 0.3", "auxiliary_weight = 0"),
        ("auxiliary_weight = 0.3", "auxiliary_weight = 1"),
        ("auxiliary_weight = 0.3", "dropout = 0.999"),
        ("auxiliary_weight = 0.3", "dropout = -0.0"),
        ("learning_rate = 0.1", "learning_rate = 1e-300"),
        ("max_epochs = 300", "max_epochs = 100000"),
        ("max_epochs = 300", "max_epochs = 1"),
        ("max_epochs = 300", "max_epochs = 7, patience = 7, min_epochs = 7"),
        ("loss_delta = 0.001", "loss_delta = 0"),
        ("train_pairs = 1000", "train_pairs = 100000"),
        ("test_pairs = 200", "test_pairs = 1"),
        (
            "kind = \"glyph-pairs\"\ntrain_pairs = 1000\ntest_pairs = 200",
            "kind = \"mnist-pairs\"\ntrain_pairs = 30000\ntest_pairs = 5000",
        ),
        ("seed = 0", "seed = 9223372036854775807"),
        ("seeds = \"1..=3\"", "seeds = \"1..=10000\""),
        ("name = \"base\"", "name = \"9-lives_A\""),
        ("name = \"base\"", &format!("name = \"{}\"", "n".repeat(64))),
    ] {
        study(&changed(from, to));
    }
}

#[test]
fn a_negative_zero_is_zero() {
    let rows = |to: &str| study(&changed("auxiliary_weight = 0.3", to)).stages[0].rows.clone();
    // The texts of -0.0 and 0.0 differ, although == finds them equal.
    assert_eq!(format!("{:?}", rows("dropout = -0.0")), format!("{:?}", rows("dropout = 0")));
    let stop = |to: &str| study(&changed("loss_delta = 0.001", to)).stages[0].rows[0].stop;
    assert_eq!(format!("{:?}", stop("loss_delta = -0.0")), format!("{:?}", stop("loss_delta = 0")));
}

#[test]
fn weights_are_kept_on_demand_and_change_no_unit() {
    let with = study(&changed("seeds = \"1..=3\"", "seeds = \"1..=3\"\nkeep_weights = true"));
    let without = study(&changed("seeds = \"1..=3\"", "seeds = \"1..=3\"\nkeep_weights = false"));
    assert_eq!((with.stages[0].keep_weights, without.stages[0].keep_weights), (true, false));
    assert_eq!(without, study(BASE));
    assert_eq!(expanded(&with), expanded(&without));
}

#[test]
fn rows_that_differ_in_one_axis_or_rule_are_different() {
    for own in ["dropout = 0.4", "normalize = \"scale\"", "stop = { patience = 2 }"] {
        let row = format!("[[stage.model]]\nmodel = \"cnn\"\nlearning_rate = 0.1\nbatch_size = 20\n{own}\n");
        assert_eq!(study(&format!("{BASE}{row}")).stages[0].rows.len(), 3, "{own}");
    }
}

#[test]
fn the_same_row_may_be_in_two_stages() {
    let stage = &BASE[BASE.find("[[stage]]").unwrap()..];
    assert_eq!(study(&format!("{BASE}\n{}", stage.replace("\"final\"", "\"again\""))).stages.len(), 2);
}

#[test]
fn references_are_read_and_change_no_unit() {
    let with = format!(
        "{BASE}\n[[reference]]\nstage = \"final\"\nmodel = \"fc-aux\"\nwhere = {{ learning_rate = 0.005, hidden = [150, 50, 20, 10] }}\n\
         error = 0.2135\nstd = 0.0925\nn = 10\nepochs = 95.5\npairs = 1000\nsource = \"Table III\"\nnote = \"one seed is stuck\"\n\
         \n[[reference]]\nstage = \"final\"\nmodel = \"cnn\"\nerror = 0\nsource = \"nobody\"\n"
    );
    let (with, without) = (study(&with), study(BASE));
    let [reference, bare] = with.references.as_slice() else { panic!("two references") };
    assert_eq!((reference.stage.as_str(), reference.model.as_str()), ("final", "fc-aux"));
    assert_eq!((reference.error, reference.std, reference.n), (0.2135, Some(0.0925), Some(10)));
    assert_eq!((reference.epochs, reference.pairs), (Some(95.5), Some(1000)));
    assert_eq!((reference.source.as_str(), reference.note.as_deref()), ("Table III", Some("one seed is stuck")));
    assert_eq!(
        (bare.error, bare.std, bare.n, bare.epochs, bare.pairs, &bare.note),
        (0.0, None, None, None, None, &None)
    );

    let (plan, other) = (expanded(&with), expanded(&without));
    assert_eq!(plan, other);
    let configurations = || plan.stages[0].configurations.iter().map(|planned| &planned.configuration);
    assert_eq!(configurations().map(|one| reference.is_for(one)).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(configurations().map(|one| bare.is_for(one)).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn a_stage_draws_the_data_as_often_as_it_says() {
    let drawn = |text: &str| study(text).stages[0].data_seeds.clone();
    assert_eq!(drawn(&changed("seed = 0", "seed = 7")), [7], "the data set's own seed, if the stage says nothing");
    let often = changed("seeds = \"1..=3\"", "seeds = \"1..=3\"\ndata_seeds = [4, \"0..=1\"]");
    assert_eq!(drawn(&often), [0, 1, 4]);
    let (plan, once) = (expanded(&study(&often)), expanded(&study(BASE)));
    assert_eq!(plan.units().len(), 3 * once.units().len());
}
