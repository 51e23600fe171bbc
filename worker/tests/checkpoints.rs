//! A training that is interrupted and continues from its checkpoint file ends with the bits of an uninterrupted one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/random/mod.rs"]
mod random;

use std::collections::BTreeSet;

use candle_core::Device;
use seedgrid_common::{
    data::Dataset,
    hyperparameters::Value,
    model,
    random::Stream,
    training::{EpochMetrics, UnitResult},
    unit::{Fold, Unit},
};
use seedgrid_worker::training::{
    Checkpoint, Observer, Trained, Wish,
    checkpoint_file::{self, CheckpointError},
    numerics_class::numerics_class,
    train, weights_file,
};

const PAIRS: usize = 40;
const BATCH: u64 = 16;
const EPOCHS: u32 = 3;

fn dataset() -> Dataset {
    random::dataset(PAIRS, 9)
}

fn unit(model: &str, fold: Fold, set: &[(&str, Value)]) -> Unit {
    let settings = [&[("learning_rate", Value::Number(0.05))], set].concat();
    Unit { fold, ..random::unit(model, BATCH, EPOCHS, &settings) }
}

/// Every model, and every optimiser, with and without folds.
fn units() -> Vec<Unit> {
    let optimiser = |name: &str| ("optimiser", Value::Text(name.to_owned()));
    let momentum = ("momentum", Value::Number(0.9));
    let mut units: Vec<Unit> = model::ALL.iter().map(|model| unit(model.name, Fold::Holdout, &[])).collect();
    let fold = Fold::Part { index: 1, of: 4 };
    units.push(unit("fc-aux", fold, &[momentum.clone(), ("weight_decay", Value::Number(0.01))]));
    units.push(unit("cnn-shared-aux", fold, &[momentum]));
    units.push(unit("fc", Fold::Holdout, &[optimiser("adam"), ("learning_rate", Value::Number(0.001))]));
    units.push(unit("cnn-shared", fold, &[optimiser("adam"), ("learning_rate", Value::Number(0.001))]));
    units
}

/// An observer that stops after this many batches with the state, and keeps its metrics.
#[derive(Default)]
struct Interrupter {
    batches_left: Option<usize>,
    state: Option<Checkpoint>,
    epochs: Vec<EpochMetrics>,
    batches: usize,
}

impl Observer for Interrupter {
    fn epoch(&mut self, metrics: &EpochMetrics) {
        self.epochs.push(*metrics);
    }

    fn batch(&mut self) -> Wish {
        if self.batches_left == Some(self.batches) {
            return Wish::SaveAndStop;
        }
        self.batches += 1;
        Wish::GoOn
    }

    fn save(&mut self, checkpoint: Checkpoint) {
        self.state = Some(checkpoint);
    }
}

/// The result, the file of the weights and the number of batches of a training that is interrupted after every `every`
/// batches and continues from its checkpoint file.
fn trained(
    unit: &Unit,
    dataset: &Dataset,
    every: Option<usize>,
) -> (UnitResult, Option<Vec<u8>>, usize, Vec<EpochMetrics>) {
    let class = numerics_class(&Device::Cpu);
    let (mut file, mut batches, mut epochs) = (None::<Vec<u8>>, 0, Vec::new());
    loop {
        let checkpoint = file.as_deref().map(|bytes| checkpoint_file::read(bytes, unit, &class).unwrap());
        let mut observer = Interrupter { batches_left: every, ..Interrupter::default() };
        let trained = train(unit, dataset, checkpoint.as_ref(), &Device::Cpu, &mut observer).unwrap();
        batches += observer.batches;
        epochs.extend(observer.epochs);
        match trained {
            Trained::Finished { result, network } => {
                let weights = network.map(|network| weights_file::write(&network).unwrap());
                return (result, weights, batches, epochs);
            }
            Trained::Stopped => {
                let state = observer.state.unwrap();
                let bytes = checkpoint_file::write(&state, unit).unwrap();
                assert_eq!(bytes, checkpoint_file::write(&state, unit).unwrap(), "equal states give equal bytes");
                file = Some(bytes);
            }
        }
    }
}

#[test]
fn an_interrupted_training_gives_the_same_bits() {
    let dataset = dataset();
    for unit in units() {
        let whole = trained(&unit, &dataset, None);
        assert_eq!(whole.3, whole.0.epochs);
        // Interruptions within an epoch, at its end, and after every single batch; no batch is learnt twice.
        for every in [1, 2, 3, 5] {
            assert_eq!(trained(&unit, &dataset, Some(every)), whole, "{} every {every} batches", unit.label());
        }
    }
}

#[test]
fn a_diverging_training_diverges_where_it_would_have() {
    let unit = unit("fc", Fold::Holdout, &[("learning_rate", Value::Number(1e20))]);
    let dataset = dataset();
    let whole = trained(&unit, &dataset, None);
    assert!(whole.1.is_none(), "{:?}", whole.0.ending);
    assert_eq!(trained(&unit, &dataset, Some(1)), whole);
}

#[test]
fn saving_without_stopping_changes_nothing() {
    struct Saver(BTreeSet<(u32, u32)>);
    impl Observer for Saver {
        fn epoch(&mut self, _: &EpochMetrics) {}
        fn batch(&mut self) -> Wish {
            Wish::Save
        }
        fn save(&mut self, checkpoint: Checkpoint) {
            assert!(self.0.insert(checkpoint.progress()), "training only goes on");
        }
    }
    let (unit, dataset) = (unit("cnn", Fold::Holdout, &[]), dataset());
    let mut saver = Saver(BTreeSet::new());
    let Trained::Finished { result, .. } = train(&unit, &dataset, None, &Device::Cpu, &mut saver).unwrap() else {
        panic!("nobody stopped it");
    };
    assert_eq!(result, trained(&unit, &dataset, None).0);
    let batches = PAIRS.div_ceil(BATCH as usize) as u32;
    assert_eq!(saver.0, (0..EPOCHS).flat_map(|epoch| (0..batches).map(move |batch| (epoch, batch))).collect());
}

fn file_of(unit: &Unit) -> Vec<u8> {
    let mut observer = Interrupter { batches_left: Some(4), ..Interrupter::default() };
    train(unit, &dataset(), None, &Device::Cpu, &mut observer).unwrap();
    checkpoint_file::write(&observer.state.unwrap(), unit).unwrap()
}

#[test]
fn a_damaged_file_is_noticed_wherever_it_is_damaged() {
    let unit = unit("fc", Fold::Holdout, &[("momentum", Value::Number(0.9)), ("hidden", Value::Integers(vec![10]))]);
    let class = numerics_class(&Device::Cpu);
    let whole = file_of(&unit);
    assert!(checkpoint_file::read(&whole, &unit, &class).is_ok());
    let mut stream = Stream::new(1, "damage");
    for _ in 0..400 {
        let mut damaged = whole.clone();
        let place = stream.below(whole.len() as u32) as usize;
        damaged[place] ^= 1 << stream.below(8);
        // Even a flipped bit of padding or of a name's letter case is noticed: the digest or the format covers every
        // byte.
        assert!(checkpoint_file::read(&damaged, &unit, &class).is_err(), "a flipped bit of byte {place}");
        assert!(checkpoint_file::read(&whole[..place], &unit, &class).is_err(), "cut after {place} bytes");
    }
}

#[test]
fn a_file_of_another_unit_or_class_is_refused() {
    let class = numerics_class(&Device::Cpu);
    let one = unit("fc", Fold::Holdout, &[]);
    let file = file_of(&one);
    let other = Unit { seed: 12, ..one.clone() };
    assert!(matches!(checkpoint_file::read(&file, &other, &class), Err(CheckpointError::OtherUnit)));
    assert!(matches!(checkpoint_file::read(&file, &one, "cuda"), Err(CheckpointError::OtherClass { .. })));
}
