//! Files that no training wrote are refused, or read and trained to the end, without a panic.

#[path = "../../../benches/random/mod.rs"]
mod random;

use std::{collections::BTreeMap, sync::LazyLock};

use candle_core::Device;
use proptest::{collection::vec, option, prelude::*, sample::Index};
use safetensors::SafeTensors;
use seedgrid_common::{data::Dataset, hyperparameters::Value, unit::Unit};

use super::*;
use crate::training::{Observer, Trained, Wish, numerics_class::numerics_class, train};

const PAIRS: usize = 24;
const BATCH: u64 = 8;

/// A unit with momentum or Adam, its data set, and the file of a checkpoint in its second epoch.
struct Sample {
    unit: Unit,
    dataset: Dataset,
    file: Vec<u8>,
}

static SAMPLES: LazyLock<[Sample; 2]> = LazyLock::new(|| ["sgd", "adam"].map(sample));

fn sample(optimiser: &str) -> Sample {
    let momentum = if optimiser == "sgd" { 0.9 } else { 0.0 };
    let settings = [
        ("optimiser", Value::Text(optimiser.to_owned())),
        ("momentum", Value::Number(momentum)),
        ("learning_rate", Value::Number(0.001)),
        ("hidden", Value::Integers(vec![3])),
    ];
    let unit = random::unit("fc", BATCH, 4, &settings);
    let dataset = random::dataset(PAIRS, 9);
    let mut saver = Saver { after: 4, state: None };
    train(&unit, &dataset, None, &Device::Cpu, &mut saver).expect("it can be trained");
    let file = write(&saver.state.expect("it was stopped"), &unit).expect("it can be written");
    Sample { unit, dataset, file }
}

/// An observer that stops after so many batches.
struct Saver {
    after: usize,
    state: Option<Checkpoint>,
}

impl Observer for Saver {
    fn epoch(&mut self, _: &EpochMetrics) {}

    fn batch(&mut self) -> Wish {
        match self.after.checked_sub(1) {
            Some(left) => self.after = left,
            None => return Wish::SaveAndStop,
        }
        Wish::GoOn
    }

    fn save(&mut self, checkpoint: Checkpoint) {
        self.state = Some(checkpoint);
    }
}

/// The file with another head, and all tensors but the omitted one, under a matching digest.
fn forged(sample: &Sample, change: impl FnOnce(&mut Head), left_out: Option<Index>) -> Vec<u8> {
    let tensors = SafeTensors::deserialize(&sample.file).expect("it was written here");
    let mut kept: BTreeMap<String, TensorView<'_>> =
        tensors.iter().map(|(name, view)| (name.to_owned(), view)).collect();
    if let Some(index) = left_out {
        let name = kept.keys().nth(index.index(kept.len())).expect("an index of these").clone();
        kept.remove(&name);
    }
    let mut head = head(&sample.file).expect("it was written here");
    change(&mut head);
    head.sha256 = digest(&head, kept.iter().map(|(name, view)| (name.as_str(), view.data())));
    let metadata = HashMap::from([(ENTRY.to_owned(), json(&head))]);
    safetensors::serialize(kept, Some(metadata)).expect("the same tensors as before")
}

/// The result of reading and training a file; a panic fails the test.
fn outcome(sample: &Sample, file: &[u8]) -> Result<Trained, String> {
    let class = numerics_class(&Device::Cpu);
    let checkpoint = read(file, &sample.unit, &class).map_err(|error| error.to_string())?;
    let mut nobody = Saver { after: usize::MAX, state: None };
    train(&sample.unit, &sample.dataset, Some(&checkpoint), &Device::Cpu, &mut nobody)
        .map_err(|error| seedgrid_common::error_chain::with_hint(&error))
}

fn any_size() -> impl Strategy<Value = u64> {
    prop_oneof![0..40_u64, Just(u64::MAX), Just(u64::from(u32::MAX)), any::<u64>()]
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1.0, any::<f64>(), Just(-0.0), Just(1e308)]
}

proptest! {
    #[test]
    fn fuzz_no_bytes_panic(bytes in vec(any::<u8>(), 0..200), length in any_size()) {
        let class = numerics_class(&Device::Cpu);
        for sample in &*SAMPLES {
            prop_assert!(read(&bytes, &sample.unit, &class).is_err());
            // The beginning of a file: the length of its head.
            let begun = [&length.to_le_bytes()[..], &bytes].concat();
            prop_assert!(read(&begun, &sample.unit, &class).is_err());
        }
    }

    /// Blanks may change into other white space; every other change is noticed.
    #[test]
    fn fuzz_altered_files_are_refused_or_say_the_same(
        which in 0..2_usize, edits in vec((any::<Index>(), any::<u8>()), 1..8), cut in any::<Index>(),
    ) {
        let sample = &SAMPLES[which];
        let mut file = sample.file.clone();
        for (place, byte) in edits {
            let place = place.index(file.len());
            file[place] = byte;
        }
        file.truncate(cut.index(2 * file.len()).max(1));
        if let Ok(checkpoint) = read(&file, &sample.unit, &numerics_class(&Device::Cpu)) {
            prop_assert_eq!(&write(&checkpoint, &sample.unit).expect("it was read"), &sample.file);
        }
    }

    /// A forger of a head can forge its digest too.
    #[test]
    fn fuzz_forged_heads_are_refused_or_trained(
        which in 0..2_usize,
        epochs in option::of(vec((any::<u32>(), any_number(), any_number(), option::of(any_number())), 0..6)),
        sizes in vec(option::of(any_size()), 5),
        numbers in vec(option::of(any_number()), 3),
        left_out in option::weighted(0.2, any::<Index>()),
    ) {
        let sample = &SAMPLES[which];
        let file = forged(sample, |head| {
            if let Some(epochs) = epochs {
                let epoch = |(epoch, train_loss, train_error, validation_error)| EpochMetrics { epoch, train_loss, train_error, validation_error };
                head.history = epochs.into_iter().map(epoch).collect();
            }
            let Head { batches, pairs, loss, wrong, shuffle, dropout, powers, .. } = head;
            let set = |place: &mut u64, index: usize| *place = sizes[index].unwrap_or(*place);
            set(shuffle, 0);
            set(dropout, 1);
            *batches = sizes[2].map_or(*batches, |size| size as u32);
            *pairs = sizes[3].map_or(*pairs, |size| size as usize);
            *wrong = sizes[4].map_or(*wrong, |size| size as u32);
            *loss = numbers[0].unwrap_or(*loss);
            *powers = (numbers[1].unwrap_or(powers.0), numbers[2].unwrap_or(powers.1));
        }, left_out);
        match outcome(sample, &file) {
            Ok(Trained::Finished { result, .. }) => {
                prop_assert!(result.epochs.len() <= 4);
                prop_assert!((1..).zip(&result.epochs).all(|(number, epoch)| epoch.epoch == number && epoch.train_loss.is_finite()));
            }
            Ok(Trained::Stopped) => prop_assert!(false, "nobody stopped it"),
            Err(error) => prop_assert!(!error.is_empty()),
        }
    }
}

#[test]
fn fuzz_begins_with_files_that_are_read() {
    for sample in &*SAMPLES {
        assert!(outcome(sample, &sample.file).is_ok());
        assert!(outcome(sample, &forged(sample, |_| {}, None)).is_ok());
        let refused = outcome(sample, &forged(sample, |head| head.batches += 1, None)).err();
        let refused = refused.unwrap_or_default();
        assert!(refused.contains("contradict each other"), "{refused}");
        // The end of a stream, where no more words can be drawn.
        for far in [|head: &mut Head| head.shuffle = u64::MAX, |head: &mut Head| head.dropout = u64::MAX] {
            assert!(outcome(sample, &forged(sample, far, None)).is_err_and(|error| error.contains("random streams")));
        }
    }
}
