//! The scripted trainer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use miette::Diagnostic;
use seedgrid_common::{
    data::Dataset,
    network_outputs::Outputs,
    training::{Ending, EpochMetrics, Scores, UnitResult},
    unit::Unit,
    wire::blob::Blob,
};
use seedgrid_worker::{
    lifecycle::attempt::Output,
    run::trainer::{Description, Task, Trainer},
    training::{Observer, Wish},
};

/// Seeds with a special outcome in the scripted trainer.
pub const PANICS: u64 = 1_000;
pub const FAILS: u64 = 1_001;

/// The time between two looks at whether a held unit may go on, or is to stop.
const LOOK: Duration = Duration::from_millis(2);

/// A trainer that trains nothing: it counts trainings.
#[derive(Debug)]
pub struct Drill {
    pub epochs: u32,
    pub batches: u32,
    /// Whether units stay in their first batch until [`release`](Self::release).
    held: AtomicBool,
    pub training: AtomicUsize,
    pub peak: AtomicUsize,
    pub starts: AtomicUsize,
    /// Number of units that were trained to their end.
    pub finished: AtomicUsize,
}

impl Drill {
    /// A trainer of units with 5 epochs. `held`: units are in training until they are released or stopped.
    pub fn new(held: bool) -> Arc<Self> {
        Arc::new(Self {
            epochs: 5,
            batches: 10,
            held: AtomicBool::new(held),
            training: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            starts: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
        })
    }

    /// Lets all units train to their end, also those that start later.
    pub fn release(&self) {
        self.held.store(false, Ordering::SeqCst);
    }
}

impl Trainer for Drill {
    fn describe(&self) -> Description {
        Description { device: "cpu".to_owned(), isa: "none".to_owned(), numerics_class: "drill".to_owned() }
    }

    fn train(
        &self,
        Task { unit, keep_weights, .. }: Task<'_>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Option<Output>, Box<dyn Diagnostic + Send + Sync>> {
        assert_eq!(dataset.about.title, "scripted");
        self.starts.fetch_add(1, Ordering::SeqCst);
        match unit.seed {
            PANICS => panic!("a panic in training"),
            FAILS => return Err("an error in training".into()),
            _ => {}
        }
        self.peak.fetch_max(self.training.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let result = self.train_batches(unit, observer);
        self.finished.fetch_add(usize::from(result.is_some()), Ordering::SeqCst);
        self.training.fetch_sub(1, Ordering::SeqCst);
        Ok(result.map(|result| Output { result, weights: keep_weights.then(|| weights(unit.seed)) }))
    }
}

impl Drill {
    fn train_batches(&self, unit: &Unit, observer: &mut dyn Observer) -> Option<UnitResult> {
        let mut epochs = Vec::new();
        for epoch in 1..=self.epochs {
            for _ in 0..self.batches {
                loop {
                    if matches!(observer.batch(), Wish::Stop | Wish::SaveAndStop) {
                        return None;
                    }
                    if !self.held.load(Ordering::SeqCst) {
                        break;
                    }
                    thread::sleep(LOOK);
                }
            }
            let loss = 1.0 / f64::from(epoch) + unit.seed as f64;
            let metrics = EpochMetrics { epoch, train_loss: loss, train_error: 0.25, validation_error: None };
            epochs.push(metrics);
            observer.epoch(&metrics);
        }
        let values = (0..40).map(|place| ((unit.seed + place) % 7) as f32).collect();
        let outputs = Outputs::new(2, values).unwrap();
        let ending = Ending::Done(Scores { converged: true, outputs, wrong: 5, loss: 0.5 });
        Some(UnitResult { epochs, ending })
    }
}

/// The scripted trainer's weights of a unit: three parts of a blob.
pub fn weights(seed: u64) -> Blob {
    Blob::new((0..600_000_u64).map(|index| (index * seed % 251) as u8).collect())
}
