//! Seedgrid's side of scripts/bench-training.sh: trains what it is told and says how long that took.
//!
//! Each line on standard input is a command, and gets one line of JSON:
//!
//! - `train MODEL EPOCHS THREADS`: trains the model on 1000 random pairs in batches of 20, once in each of THREADS threads at the
//!   same time; `epochs_ms` are the durations of each epoch (mean over the threads), `evaluation_ms` that of scoring 1000 pairs.
//! - `rate`: `gflops`, the rate of a large product with the `gemm` crate on one thread.
//! - `work MODEL`: `gflop`, the live work of one epoch of 1000 pairs (2 operations a multiplication).

#![allow(clippy::print_stdout, reason = "an example's output")]

#[path = "../benches/random/mod.rs"]
mod random;

use std::{error::Error, hint::black_box, io, thread, time::Instant};

use candle_core::Device;
use random::{dataset, hyperparameters, unit};
use seedgrid_common::{data::Dataset, model, training::EpochMetrics, unit::Unit};
use seedgrid_worker::{
    networks::work::live_work,
    training::{Checkpoint, Observer, Wish, train},
};
use serde_json::json;

const PAIRS: usize = 1000;
const BATCH: u64 = 20;

/// Notes when each epoch ends.
struct Clock(Vec<Instant>);

impl Observer for Clock {
    fn epoch(&mut self, _: &EpochMetrics) {
        self.0.push(Instant::now());
    }

    fn batch(&mut self) -> Wish {
        Wish::GoOn
    }

    fn save(&mut self, _: Checkpoint) {}
}

/// Durations in milliseconds: of each epoch but the first, which begins before training does, and of the scoring.
fn timed(unit: &Unit, dataset: &Dataset) -> (Vec<f64>, f64) {
    let mut clock = Clock(Vec::new());
    let trained = train(unit, dataset, None, &Device::Cpu, &mut clock);
    let end = Instant::now();
    trained.expect("random pairs can be trained on");
    let milliseconds = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e3;
    let epochs = clock.0.windows(2).map(|pair| milliseconds(pair[0], pair[1])).collect();
    (epochs, milliseconds(clock.0[clock.0.len() - 1], end))
}

fn train_in_threads(unit: &Unit, dataset: &Dataset, threads: usize) -> serde_json::Value {
    let timed: Vec<(Vec<f64>, f64)> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| timed(unit, dataset))).collect();
        running.into_iter().map(|thread| thread.join().expect("training does not panic")).collect()
    });
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / threads as f64;
    let epochs: Vec<f64> =
        (0..timed[0].0.len()).map(|epoch| mean(&mut timed.iter().map(|(epochs, _)| epochs[epoch]))).collect();
    json!({ "epochs_ms": epochs, "evaluation_ms": mean(&mut timed.iter().map(|(_, evaluation)| *evaluation)) })
}

/// GFLOP/s of a product of square matrices that fit into the second-level cache.
fn gemm_rate() -> f64 {
    const SIDE: usize = 384;
    let (left, right) = (vec![1.0_f32; SIDE * SIDE], vec![1.0_f32; SIDE * SIDE]);
    let mut product = vec![0.0_f32; SIDE * SIDE];
    let side = SIDE as isize;
    let mut once = || {
        // SAFETY: three matrices of SIDE x SIDE values, each with columns of stride 1 and rows of stride SIDE.
        unsafe {
            gemm::gemm(
                SIDE,
                SIDE,
                SIDE,
                product.as_mut_ptr(),
                1,
                side,
                false,
                left.as_ptr(),
                1,
                side,
                right.as_ptr(),
                1,
                side,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
        black_box(&mut product);
    };
    once();
    let start = Instant::now();
    const TIMES: usize = 30;
    (0..TIMES).for_each(|_| once());
    (2 * SIDE * SIDE * SIDE * TIMES) as f64 / start.elapsed().as_secs_f64() / 1e9
}

fn model(name: &str) -> Result<&'static model::Model, String> {
    model::find(name).ok_or_else(|| format!("no model is called {name}"))
}

fn answer(command: &str, dataset: &Dataset) -> Result<serde_json::Value, Box<dyn Error>> {
    match command.split_whitespace().collect::<Vec<_>>()[..] {
        ["train", name, epochs, threads] => {
            Ok(train_in_threads(&unit(model(name)?.name, BATCH, epochs.parse()?, &[]), dataset, threads.parse()?))
        }
        ["rate"] => Ok(json!({ "gflops": gemm_rate() })),
        ["work", name] => {
            let model = model(name)?;
            let work = live_work(&(model.network)(&hyperparameters(model, BATCH)))?;
            Ok(json!({ "gflop": 2e-9 * PAIRS as f64 * (work.forward + work.backward) as f64 }))
        }
        _ => Err(format!("not a command: {command}").into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let dataset = dataset(PAIRS, PAIRS);
    for line in io::stdin().lines() {
        println!("{}", answer(&line?, &dataset)?);
    }
    Ok(())
}
