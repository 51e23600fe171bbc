use seedgrid_common::training::Normalize;

use super::*;

const STOP: StopRule = StopRule { max_epochs: 100, ..StopRule::PAPER };

fn configuration(model: &str, learning_rate: f64) -> Configuration {
    let model = model::find(model).unwrap();
    let value = |parameter: &model::Parameter| match parameter.name {
        "learning_rate" => Value::Number(learning_rate),
        "batch_size" => Value::Integer(20),
        _ => parameter.default_value().unwrap(),
    };
    let hyperparameters = model.parameters.iter().map(|one| (one.name.to_owned(), value(one))).collect();
    Configuration { model: model.name.to_owned(), hyperparameters, stop: STOP, normalize: Normalize::Standardize }
}

fn job(configuration: &Configuration) -> Job<'_> {
    Job { configuration, folds: None, dataset: "mine", train_pairs: 1000 }
}

/// A unit with this many epochs of this many seconds.
fn sample(configuration: &Configuration, place: Place, epochs: u32, seconds_an_epoch: f64) -> Sample {
    Sample {
        configuration: configuration.clone(),
        fold: Fold::Holdout,
        dataset: "mine".to_owned(),
        train_pairs: 1000,
        epochs,
        diverged: false,
        seconds: f64::from(epochs) * seconds_an_epoch,
        place,
    }
}

/// The expected seconds of an epoch of the job.
fn seconds_an_epoch(measured: &Measured, job: &Job<'_>) -> f64 {
    measured.pace(job).bounds.expected * job.epoch_cost()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected, "{found} instead of {expected}");
}

#[test]
fn equal_configurations_say_it_best() {
    let (own, other) = (configuration("fc", 0.1), configuration("fc", 0.2));
    let measured = Measured::new([
        sample(&own, Place::ThisStudy, 30, 0.5),
        sample(&own, Place::ThisStudy, 50, 0.5),
        sample(&other, Place::ThisStudy, 90, 2.0),
        sample(&own, Place::OtherRuns, 7, 9.0),
    ]);
    let job = job(&own);
    let (pace, epochs) = (measured.pace(&job), measured.epochs(&job));
    close(seconds_an_epoch(&measured, &job), 0.5);
    assert_eq!((pace.origin, epochs.origin), (Origin::SameConfiguration, Origin::SameConfiguration));
    assert_eq!(epochs.bounds, Bounds { low: 30.0, expected: 40.0, high: 50.0 });
}

#[test]
fn else_those_of_the_model_that_are_most_alike() {
    let wanted = configuration("fc", 0.1);
    let near = configuration("fc", 0.2);
    let mut far = configuration("fc", 0.3);
    far.hyperparameters.insert("batch_size".to_owned(), Value::Integer(50));
    let measured = Measured::new([
        sample(&near, Place::ThisStudy, 40, 1.0),
        sample(&far, Place::ThisStudy, 90, 3.0),
        sample(&configuration("cnn", 0.1), Place::ThisStudy, 20, 7.0),
    ]);
    let epochs = measured.epochs(&job(&wanted));
    assert_eq!((epochs.bounds.expected, epochs.origin), (40.0, Origin::SameModel));
    close(seconds_an_epoch(&measured, &job(&wanted)), 1.0);
}

#[test]
fn a_network_of_twice_the_work_takes_twice_as_long() {
    let mut wide = configuration("fc", 0.1);
    wide.hyperparameters.insert("hidden".to_owned(), Value::Integers(vec![300, 50, 20, 10]));
    let measured = Measured::new([sample(&configuration("fc", 0.1), Place::ThisStudy, 10, 1.0)]);
    let expected = job(&wide).epoch_cost() / job(&configuration("fc", 0.1)).epoch_cost();
    assert!(expected > 1.9);
    close(seconds_an_epoch(&measured, &job(&wide)), expected);
    let folds = Job { folds: Some(10), ..job(&wide) };
    close(folds.epoch_cost() / job(&wide).epoch_cost(), 0.9 + 0.1 / 3.0);
}

#[test]
fn a_slow_machine_is_slow_for_every_model() {
    let (fc, cnn) = (configuration("fc", 0.1), configuration("cnn", 0.1));
    let guessed = seconds_an_epoch(&Measured::default(), &job(&fc));
    let measured = Measured::new([sample(&fc, Place::ThisStudy, 10, 7.0 * guessed)]);
    let found = measured.pace(&job(&cnn));
    assert_eq!(found.origin, Origin::OtherModels);
    close(found.bounds.expected, 7.0 * Measured::default().pace(&job(&cnn)).bounds.expected);
    assert!(found.bounds.low < found.bounds.expected && found.bounds.expected < found.bounds.high);
}

#[test]
fn other_runs_come_after_this_study_and_before_guesses() {
    let wanted = configuration("fc", 0.1);
    let elsewhere = Measured::new([sample(&wanted, Place::OtherRuns, 60, 1.0)]);
    assert_eq!(elsewhere.pace(&job(&wanted)).origin, Origin::OtherRuns);
    assert_eq!(elsewhere.epochs(&job(&wanted)).bounds.expected, 60.0);
    let nothing = Measured::default();
    let (pace, epochs) = (nothing.pace(&job(&wanted)), nothing.epochs(&job(&wanted)));
    assert_eq!((pace.origin, epochs.origin), (Origin::Guess, Origin::Guess));
    assert_eq!((epochs.bounds.low, epochs.bounds.high), (2.0, 100.0), "from what the rule allows to its limit");
    assert!(pace.bounds.high / pace.bounds.low > 8.0, "a guess is no measurement");
}

#[test]
fn what_was_measured_for_it_is_the_speed_and_says_nothing_of_convergence() {
    let wanted = configuration("fc", 0.1);
    let mut tried = wanted.clone();
    tried.stop = StopRule { loss_delta: 0.0, max_epochs: 5, ..STOP };
    let measured = Measured::new([sample(&tried, Place::Now, 5, 4.0), sample(&wanted, Place::ThisStudy, 30, 1.0)]);
    close(seconds_an_epoch(&measured, &job(&wanted)), 4.0);
    assert_eq!(measured.pace(&job(&wanted)).origin, Origin::MeasuredNow);
    assert_eq!(measured.epochs(&job(&wanted)).bounds.expected, 30.0);
}

#[test]
fn a_rule_that_never_fires_is_known_to_the_epoch() {
    let mut fixed = configuration("fc", 0.1);
    fixed.stop.loss_delta = 0.0;
    let found = Measured::default().epochs(&job(&fixed));
    assert_eq!(found, Found { bounds: Bounds::exactly(100.0), origin: Origin::Spec });
}

#[test]
fn what_an_earlier_limit_ended_may_go_on_for_as_long_again() {
    let wanted = configuration("fc", 0.1);
    let mut short = wanted.clone();
    short.stop.max_epochs = 50;
    let measured =
        Measured::new([sample(&short, Place::ThisStudy, 50, 1.0), sample(&short, Place::ThisStudy, 40, 1.0)]);
    let bounds = measured.epochs(&job(&wanted)).bounds;
    assert_eq!((bounds.expected, bounds.high), (70.0, 100.0));
    let mut lower = wanted.clone();
    lower.stop.max_epochs = 30;
    assert_eq!(measured.epochs(&job(&lower)).bounds, Bounds { low: 30.0, expected: 30.0, high: 30.0 });
}

#[test]
fn divergence_is_expected_of_equal_configurations_only() {
    let (bad, other) = (configuration("fc", 9.0), configuration("fc", 0.1));
    let diverged = Sample { diverged: true, ..sample(&bad, Place::ThisStudy, 0, 1.0) };
    let diverged = Sample { seconds: 0.1, ..diverged };
    let measured = Measured::new([diverged]);
    assert_eq!(measured.epochs(&job(&bad)).bounds.expected, 0.0);
    assert_eq!(measured.epochs(&job(&other)).origin, Origin::Guess);
}

#[test]
fn times_that_are_no_times_are_left_out() {
    let wanted = configuration("fc", 0.1);
    let broken = [f64::NAN, f64::INFINITY, -1.0, 0.0];
    let measured = Measured::new(broken.map(|seconds| Sample { seconds, ..sample(&wanted, Place::ThisStudy, 5, 1.0) }));
    assert_eq!(measured.pace(&job(&wanted)).origin, Origin::Guess);
}
