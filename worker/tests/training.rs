//! Whole trainings, compared with PyTorch, and their guarantees.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/random/mod.rs"]
mod random;

use candle_core::Device;
use miette::Diagnostic as _;
use random::dataset;
use seedgrid_common::{
    classification::Binary,
    data::{Dataset, Labelled as _, Part, folds::split, pairs::Pairs, values::NumberType},
    hyperparameters::{Hyperparameters, Value},
    model,
    training::{Ending, EpochMetrics, Normalize, Scores, UnitResult},
    unit::{Configuration, Fold, KERNELS_REVISION, Unit},
};
use seedgrid_worker::training::{
    Checkpoint, Observer, TrainError, Trained, Wish, parameter_count, train, weights_file,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// An observer that counts its events, and stops on request.
#[derive(Default)]
struct Watcher {
    epochs: Vec<EpochMetrics>,
    batches: usize,
    batches_max: Option<usize>,
    epochs_max: Option<usize>,
}

impl Observer for Watcher {
    fn epoch(&mut self, metrics: &EpochMetrics) {
        self.epochs.push(*metrics);
    }

    fn batch(&mut self) -> Wish {
        if self.batches_max == Some(self.batches) || self.epochs_max == Some(self.epochs.len()) {
            return Wish::Stop;
        }
        self.batches += 1;
        Wish::GoOn
    }

    fn save(&mut self, _: Checkpoint) {
        panic!("no state was wished for");
    }
}

fn unit(model: &str, learning_rate: f64, epochs: u32) -> Unit {
    random::unit(model, 16, epochs, &[("learning_rate", Value::Number(learning_rate))])
}

fn finish(unit: &Unit, dataset: &Dataset) -> UnitResult {
    match train(unit, dataset, None, &Device::Cpu, &mut Watcher::default()).unwrap() {
        Trained::Finished { result, .. } => result,
        Trained::Stopped => panic!("nobody stopped it"),
    }
}

fn scores(result: &UnitResult) -> &Scores {
    match &result.ending {
        Ending::Done(scores) => scores,
        Ending::Diverged { epoch } => panic!("diverged in epoch {epoch}"),
    }
}

#[derive(Deserialize)]
struct Runs {
    cases: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    model: String,
    /// Hyper-parameters that differ from the defaults.
    settings: Hyperparameters,
    epochs: Vec<Epoch>,
    probabilities: Vec<f32>,
    wrong: u32,
    loss: f64,
}

#[derive(Deserialize)]
struct Epoch {
    loss: f64,
    error: f64,
}

#[test]
fn a_training_follows_pytorchs_loss_by_loss() {
    let runs: Runs = serde_json::from_str(include_str!("fixtures/runs.json")).unwrap();
    assert_eq!(runs.cases.len(), 5 + 6, "the paper's models, and the settings of one");
    for run in runs.cases {
        let mut unit = unit(&run.model, 0.0, run.epochs.len() as u32);
        unit.configuration.hyperparameters.extend(run.settings);
        // 50 pairs in batches of 16: the last one has 2.
        let result = finish(&unit, &dataset(50, 9));
        assert_eq!(result.epochs.len(), run.epochs.len());
        for (found, expected) in result.epochs.iter().zip(&run.epochs) {
            let error = (found.train_loss - expected.loss).abs() / expected.loss;
            let label = unit.label();
            assert!(error < 1e-4, "{label}, epoch {}: {} and {}", found.epoch, found.train_loss, expected.loss);
            assert!((found.train_error - expected.error).abs() < 1e-9, "{}, epoch {}", run.model, found.epoch);
            assert_eq!(found.validation_error, None);
        }
        let scores = scores(&result);
        assert_eq!(scores.wrong, run.wrong);
        assert!((scores.loss - run.loss).abs() < 1e-4 * run.loss, "{}", run.model);
        let found = Binary::all(&scores.outputs).unwrap();
        assert_eq!(found.len(), run.probabilities.len());
        for (found, expected) in found.iter().map(Binary::probability).zip(&run.probabilities) {
            assert!((found - f64::from(*expected)).abs() < 1e-4, "{}: {found} and {expected}", run.model);
        }
    }
}

/// A unit's result, and the file of its weights.
fn kept(unit: &Unit, dataset: &Dataset) -> (UnitResult, Vec<u8>) {
    match train(unit, dataset, None, &Device::Cpu, &mut Watcher::default()).unwrap() {
        Trained::Finished { result, network } => (result, weights_file::write(&network.unwrap()).unwrap()),
        Trained::Stopped => panic!("nobody stopped it"),
    }
}

#[test]
fn every_models_kept_weights_predict_what_its_result_says() {
    let dataset = dataset(75, 120);
    for model in model::ALL {
        for normalize in [Normalize::Standardize, Normalize::Scale] {
            let mut unit = unit(model.name, 0.05, 1);
            unit.configuration.normalize = normalize;
            let (result, bytes) = kept(&unit, &dataset);
            let mut network = weights_file::read(&bytes, &Device::Cpu).unwrap();
            assert_eq!(network.unit(), &unit);
            let pairs = Pairs::from_examples(&dataset.test).unwrap();
            let predictions = network.predict(&pairs.pixels).unwrap();
            let outputs: Vec<f32> = predictions.iter().flat_map(|one| one.comparison).collect();
            assert_eq!(outputs, scores(&result).outputs.values(), "{}", unit.label());
            let class = |pair: usize| Binary::from_logits(predictions[pair].comparison).class();
            let wrong =
                (0..120).filter(|&pair| u32::from(class(pair)) != dataset.classes(Part::Test).unwrap()[pair]).count();
            assert_eq!(wrong, scores(&result).wrong as usize);
            // Read and written again, the file has the same bytes; so has another training's file.
            assert_eq!(weights_file::write(&network).unwrap(), bytes, "{}", unit.label());
            assert_eq!(kept(&unit, &dataset).1, bytes, "{}", unit.label());
            let tensors = 4 * parameter_count(&unit.configuration).unwrap();
            assert!((tensors..tensors + 4096).contains(&bytes.len()), "the head is short");
        }
    }
}

#[test]
fn a_diverged_unit_has_no_network() {
    let unit = unit("fc", 1e30, 3);
    let trained = train(&unit, &dataset(35, 9), None, &Device::Cpu, &mut Watcher::default()).unwrap();
    assert!(matches!(&trained, Trained::Finished { network: None, .. }), "{trained:?}");
}

/// The first 16 hexadecimal digits of the digest of a unit's result, for each model.
///
/// A changed line means changed results: raise the model's `revision`, or `KERNELS_REVISION` where all of them have
/// changed, and write the new digests here.
const GOLDEN: &[(&str, u32, &str)] = &[
    ("cnn", 1, "3cceb0fc9694fdf6"),
    ("cnn-shared", 1, "125d696a974bf59a"),
    ("cnn-shared-aux", 1, "bc831a169db9ce60"),
    ("fc", 1, "04cf13589ac6fc2c"),
    ("fc-aux", 1, "7e7e4f1abd29c222"),
];
const GOLDEN_KERNELS_REVISION: u32 = 1;

#[test]
fn golden_results() {
    let found: Vec<(&str, u32, String)> = model::ALL
        .into_iter()
        .map(|model| {
            let result = finish(&unit(model.name, 0.05, 2), &dataset(35, 9));
            let digest = Sha256::digest(serde_json::to_vec(&result).unwrap());
            (model.name, model.revision, digest[..8].iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .collect();
    let expected: Vec<_> = GOLDEN.iter().map(|&(name, revision, digest)| (name, revision, digest.to_owned())).collect();
    assert_eq!(KERNELS_REVISION, GOLDEN_KERNELS_REVISION, "new kernels: are their digests below new too? {found:#?}");
    assert_eq!(found, expected, "results have changed without a raised revision");
}

/// The golden results of `fc-aux` with hyper-parameters that the defaults leave unused.
#[test]
fn golden_results_of_optimisers() {
    let golden = [
        ("momentum", Value::Number(0.9), "c5bfd0ad9ebc801e"),
        ("weight_decay", Value::Number(0.1), "facb58708df380ff"),
        ("initial_scale", Value::Number(0.5), "096a1322d318f454"),
        ("optimiser", Value::Text("adam".to_owned()), "dcd7d0aa16afeba7"),
    ];
    let expected: Vec<(&str, String)> = golden.iter().map(|(name, _, digest)| (*name, (*digest).to_owned())).collect();
    let found = golden.map(|(name, value, _)| {
        let mut unit = unit("fc-aux", 0.01, 2);
        unit.configuration.hyperparameters.insert(name.to_owned(), value);
        let digest = Sha256::digest(serde_json::to_vec(&finish(&unit, &dataset(35, 9))).unwrap());
        (name, digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    });
    assert_eq!(found.as_slice(), expected, "results have changed");
}

/// Runs the golden tests again in a process of its own for each set of instructions of this machine.
#[test]
fn every_set_of_instructions_gives_the_golden_results() {
    for instructions in seedgrid_worker::kernels::instructions::Instructions::available() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["golden_results", "golden_results_of_optimisers", "--exact"])
            .env("SEEDGRID_INSTRUCTIONS", instructions.name())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{}", instructions.name());
    }
}

#[test]
fn equal_units_give_equal_results_alone_and_side_by_side() {
    let dataset = dataset(40, 9);
    let unit = unit("cnn-shared-aux", 0.05, 2);
    let bytes = || serde_json::to_vec(&finish(&unit, &dataset)).unwrap();
    let alone = bytes();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(bytes)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), alone);
        }
    });
    let other = Unit { seed: 12, ..unit.clone() };
    assert_ne!(serde_json::to_vec(&finish(&other, &dataset)).unwrap(), alone, "the seed matters");
}

#[test]
fn an_absurd_learning_rate_diverges() {
    for model in model::ALL {
        let mut watcher = Watcher::default();
        let trained = train(&unit(model.name, 1e20, 5), &dataset(40, 9), None, &Device::Cpu, &mut watcher).unwrap();
        let Trained::Finished { result, .. } = trained else { panic!("nobody stopped it") };
        let Ending::Diverged { epoch } = result.ending else { panic!("{}: {:?}", model.name, result.ending) };
        assert_eq!(result.epochs.len() + 1, epoch as usize);
        assert!(result.epochs.iter().all(|metrics| metrics.train_loss.is_finite()));
        assert_eq!(watcher.epochs, result.epochs, "the diverged epoch was not shown as a whole one");
    }
}

#[test]
fn raw_pixels_diverge_at_the_papers_learning_rate_or_end_finite() {
    let mut raw = unit("cnn", 0.1, 3);
    raw.configuration.normalize = Normalize::None;
    let result = finish(&raw, &dataset(40, 9));
    match result.ending {
        Ending::Diverged { epoch } => assert_eq!(epoch as usize, result.epochs.len() + 1),
        Ending::Done(scores) => assert!(scores.loss.is_finite()),
    }
}

#[test]
fn the_last_partial_batch_is_used() {
    // 16 + 16 + 1 pairs; the last pair's digits are reversed below.
    let mut dataset = dataset(33, 9);
    let mut watcher = Watcher::default();
    let unit = unit("fc", 0.05, 3);
    train(&unit, &dataset, None, &Device::Cpu, &mut watcher).unwrap();
    assert_eq!(watcher.batches, 9);
    for metrics in &watcher.epochs {
        let wrong = metrics.train_error * 33.0;
        assert!((wrong - wrong.round()).abs() < 1e-9, "each of 33 pairs counts once: {wrong}");
    }
    let before = finish(&unit, &dataset);
    let mut pairs = Pairs::from_examples(&dataset.train).unwrap();
    pairs.digits[32].reverse();
    dataset.train = pairs.to_examples(NumberType::U8);
    assert_ne!(finish(&unit, &dataset), before, "every pair is trained on");
}

#[test]
fn training_stops_by_its_rule() {
    let dataset = dataset(40, 9);
    let mut lenient = unit("fc", 0.01, 50);
    lenient.configuration.stop.loss_delta = 1e9;
    let result = finish(&lenient, &dataset);
    assert_eq!(result.epochs.len(), 2, "two losses are needed");
    assert!(scores(&result).converged);
    let limited = finish(&unit("fc", 0.01, 3), &dataset);
    assert_eq!(limited.epochs.len(), 3);
    assert!(!scores(&limited).converged);
    assert_eq!(limited.epochs[..2], result.epochs[..], "the rule changes when training ends, nothing else");
}

#[test]
fn folds_are_validated_after_each_epoch_and_scored_at_the_end() {
    let mut folded = unit("fc-aux", 0.05, 3);
    folded.fold = Fold::Part { index: 1, of: 4 };
    let result = finish(&folded, &dataset(40, 9));
    let scores = scores(&result);
    assert_eq!(
        (scores.outputs.rows(), scores.outputs.columns()),
        (10, 2),
        "a quarter of the training pairs, and no test pair"
    );
    assert_eq!(result.epochs[2].validation_error, Some(scores.error()), "the last validation is the score");
    let labels = split(&dataset(40, 9), folded.fold).unwrap().scored.classes(&dataset(40, 9)).unwrap();
    let said = Binary::all(&scores.outputs).unwrap();
    let wrong = said.iter().zip(&labels).filter(|(said, label)| u32::from(said.class()) != **label).count();
    assert_eq!(wrong, scores.wrong as usize, "the count is of the outputs");
    for metrics in &result.epochs {
        let wrong = metrics.train_error * 30.0;
        assert!((wrong - wrong.round()).abs() < 1e-9, "30 pairs are trained on");
    }
}

/// Stages select by the folds' validation errors, so this test shows that tuning never uses the test set.
#[test]
fn cross_validation_never_looks_at_the_test_pairs() {
    let fair = dataset(40, 9);
    let mut poisoned = fair.clone();
    let mut pairs = Pairs::from_examples(&poisoned.test).unwrap();
    pairs.pixels.fill(f32::NAN);
    pairs.digits.fill([7, 0]);
    poisoned.test = pairs.to_examples(NumberType::F32);
    for index in 0..4 {
        for model in ["cnn", "fc-aux"] {
            let mut folded = unit(model, 0.05, 2);
            folded.fold = Fold::Part { index, of: 4 };
            assert_eq!(finish(&folded, &fair), finish(&folded, &poisoned), "{model}, fold {index}");
        }
    }
    let held_out = unit("fc-aux", 0.05, 2);
    assert_ne!(finish(&held_out, &fair), finish(&held_out, &poisoned), "the hold-out does look, at the end");
}

#[test]
fn the_observer_can_stop_it() {
    let dataset = dataset(40, 9);
    let stop = |mut watcher: Watcher| {
        let trained = train(&unit("fc", 0.05, 5), &dataset, None, &Device::Cpu, &mut watcher).unwrap();
        assert!(matches!(trained, Trained::Stopped), "{trained:?}");
        (watcher.epochs.len(), watcher.batches)
    };
    assert_eq!(stop(Watcher { batches_max: Some(0), ..Watcher::default() }), (0, 0));
    assert_eq!(stop(Watcher { batches_max: Some(4), ..Watcher::default() }), (1, 4));
    assert_eq!(stop(Watcher { epochs_max: Some(2), ..Watcher::default() }), (2, 6));
}

#[test]
fn units_that_cannot_be_trained_are_refused() {
    let refuse = |unit: &Unit, dataset: &Dataset| {
        let mut watcher = Watcher::default();
        let error = train(unit, dataset, None, &Device::Cpu, &mut watcher).unwrap_err();
        assert_eq!(watcher.batches, 0);
        assert!(error.help().is_some(), "{error} has no hint");
        error
    };
    let good = unit("cnn", 0.1, 1);
    let change = |name: &str, value: Option<Value>| {
        let mut unit = good.clone();
        let given = &mut unit.configuration.hyperparameters;
        match value {
            Some(value) => given.insert(name.to_owned(), value),
            None => given.remove(name),
        };
        unit
    };
    let small = dataset(15, 9);
    assert!(matches!(refuse(&good, &small), TrainError::LargeBatch { batch: 16, pairs: 15 }));
    assert!(matches!(refuse(&good, &dataset(20, 0)), TrainError::NothingToScore));
    let set = dataset(20, 9);
    let unknown = Unit {
        configuration: Configuration { model: "x".to_owned(), ..(*good.configuration).clone() }.into(),
        ..good.clone()
    };
    assert!(matches!(refuse(&unknown, &set), TrainError::UnknownModel { .. }));
    assert!(matches!(
        refuse(&change("dropout", None), &set),
        TrainError::MissingHyperparameter { name: "dropout", .. }
    ));
    let wide = change("width", Some(Value::Integer(3)));
    assert!(matches!(refuse(&wide, &set), TrainError::UnknownHyperparameter { .. }));
    let negative = change("learning_rate", Some(Value::Number(-1.0)));
    assert!(matches!(refuse(&negative, &set), TrainError::BadHyperparameter(_)));
    let mut adam = change("optimiser", Some(Value::Text("adam".to_owned())));
    adam.configuration.hyperparameters.insert("momentum".to_owned(), Value::Number(0.9));
    assert!(matches!(refuse(&adam, &set), TrainError::Contradiction(_)));
    let folded = Unit { fold: Fold::Part { index: 3, of: 3 }, ..good.clone() };
    assert!(matches!(refuse(&folded, &set), TrainError::Split(_)));
}
