//! `cargo bench`: the layers of the convolutional networks, one step and one epoch of each model. Times are for looking at what a
//! change does; comparisons with PyTorch are scripts/bench-training.sh's.

#![allow(missing_docs, reason = "criterion's macros make a public function")]

mod random;

use std::hint::black_box;

use candle_core::Device;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use random::{dataset, hyperparameters, unit};
use seedgrid_common::{
    data::pairs::PAIR_PIXELS,
    model::{self, Network},
    random::Stream,
    training::EpochMetrics,
};
use seedgrid_worker::{
    kernels::{affine::Windows, pool::MaxPool},
    networks::{Engine as _, Weights, direct::Direct, dropout_layers, optimiser::Step},
    training::{Checkpoint, Observer, Wish, train},
};

const BATCH: usize = 20;

fn values(count: usize) -> Vec<f32> {
    let mut stream = Stream::new(1, "bench");
    (0..count).map(|_| stream.unit_f32() - 0.5).collect()
}

/// A convolution as its live outputs need it: forward, gradient of the weights, gradient of the input.
fn convolution(c: &mut Criterion, name: &str, side: usize, inputs: usize, outputs: usize) {
    let windows = Windows::of_convolution(side, side, inputs, 3, BATCH);
    let count = BATCH * windows.per_image();
    let (input, weights, bias) = (values(BATCH * side * side * inputs), values(9 * inputs * outputs), values(outputs));
    let (mut output, by_output) = (vec![0.0; count * outputs], values(count * outputs));
    let (mut by_weights, mut by_input) = (vec![0.0; weights.len()], vec![0.0; input.len()]);
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements((2 * count * 9 * inputs * outputs) as u64));
    group.bench_function("forward", |b| b.iter(|| windows.forward(BATCH, &input, &weights, &bias, &mut output)));
    group.bench_function("weights' gradient", |b| {
        b.iter(|| windows.weights_gradient(BATCH, outputs, &input, &by_output, &mut by_weights));
    });
    group.bench_function("input's gradient", |b| {
        b.iter(|| windows.input_gradient(BATCH, outputs, &by_output, &weights, &mut by_input));
    });
}

fn layers(c: &mut Criterion) {
    convolution(c, "conv1 12x12x2 to 32", 12, 2, 32);
    convolution(c, "conv2 10x10x32 to 64", 10, 32, 64);
    convolution(c, "conv3 4x4x64 to 128", 4, 64, 128);
    let hidden = Windows::of_vectors(392, BATCH);
    let (input, weights, bias) = (values(BATCH * 392), values(392 * 150), values(150));
    let mut output = vec![0.0; BATCH * 150];
    c.bench_function("linear 392 to 150/forward", |b| {
        b.iter(|| hidden.forward(BATCH, &input, &weights, &bias, &mut output));
    });
    let pool = MaxPool { size: 2, height: 4, width: 4, channels: 64 };
    let input = values(BATCH * 64 * 64);
    let (mut output, mut chosen) = (vec![0.0; BATCH * 16 * 64], vec![0; BATCH * 16 * 64]);
    c.bench_function("max-pooling 8x8x64/forward", |b| {
        b.iter(|| pool.forward(BATCH, &input, &mut output, &mut chosen));
    });
}

/// Forward, backward and descent on one batch.
fn steps(c: &mut Criterion) {
    for model in model::ALL {
        let network: Network = (model.network)(&hyperparameters(model, BATCH as u64));
        let weights = Weights::initial(&network, 1.0, 1, &Device::Cpu).expect("a CPU has room for them");
        let mut engine = Direct::new(&network, &weights, BATCH).expect("the models' layers fit together");
        let pixels = values(BATCH * PAIR_PIXELS);
        let layers = dropout_layers(&network).expect("the models' layers fit together");
        let masks: Vec<Vec<f32>> = layers.iter().map(|layer| vec![1.0; layer.values_per_pair * BATCH]).collect();
        c.bench_function(&format!("step/{}", model.name), |b| {
            b.iter(|| {
                let mut by_logits = engine.forward(&pixels, Some(masks.clone())).expect("a step");
                by_logits.comparison.iter_mut().chain(&mut by_logits.digits).for_each(|value| *value *= 1e-3);
                engine.backward(&by_logits).expect("a step");
                engine.take(&Step::Plain { rate: 1e-6 }).expect("a step");
            });
        });
    }
}

struct Nobody;

impl Observer for Nobody {
    fn epoch(&mut self, metrics: &EpochMetrics) {
        black_box(metrics);
    }

    fn batch(&mut self) -> Wish {
        Wish::GoOn
    }

    fn save(&mut self, _: Checkpoint) {}
}

/// A unit of one epoch of 1000 pairs, from its initial weights to its score of 20 pairs.
fn epochs(c: &mut Criterion) {
    let dataset = dataset(1000, 20);
    let mut group = c.benchmark_group("epoch");
    group.sample_size(10);
    for model in model::ALL {
        let unit = unit(model.name, BATCH as u64, 1, &[]);
        group.bench_function(model.name, |b| {
            b.iter(|| train(&unit, &dataset, None, &Device::Cpu, &mut Nobody).expect("random pairs can be trained on"));
        });
    }
}

criterion_group!(benches, layers, steps, epochs);
criterion_main!(benches);
