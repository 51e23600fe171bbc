//! Whole networks in both engines: values and gradients are compared with PyTorch and with finite differences.
//!
//! fixtures/make_fixtures.py wrote PyTorch's values.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use candle_core::Device;
use seedgrid_common::{
    data::pairs::PAIR_PIXELS,
    hyperparameters::{Hyperparameters, Value},
    model::{self, Digits, Input, Layer, Network},
    random::Stream,
};
use seedgrid_worker::{
    networks::{
        Engine, Logits, Masks, Weights,
        direct::Direct,
        dropout_layers,
        graph::Graph,
        optimiser::{Optimiser, Step},
    },
    training::loss_and_error::Objective,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    network: String,
    pairs: usize,
    loss: f64,
    comparison: Vec<f64>,
    digits: Vec<f64>,
    gradients: BTreeMap<String, Gradient>,
}

#[derive(Deserialize)]
struct Gradient {
    norm: f64,
    sampled: Vec<f64>,
}

/// A model's network with its defaults, or the one with odd sizes.
fn network(name: &str) -> Network {
    if name == "odd" {
        return odd();
    }
    (model::find(name).unwrap().network)(&hyperparameters(name))
}

/// A model's defaults.
fn hyperparameters(name: &str) -> Hyperparameters {
    let mut given = model::find(name).unwrap().defaults();
    given.insert("learning_rate".to_owned(), Value::Number(0.1));
    given.insert("batch_size".to_owned(), Value::Integer(20));
    given
}

/// A network with odd sizes: sizes that fill no vector, windows that leave borders, dropout on images, a real
/// flattening, dropout before any weight.
fn odd() -> Network {
    let conv = |name: &str, inputs, outputs, kernel| Layer::Conv2d { name: name.to_owned(), inputs, outputs, kernel };
    let linear = |name: &str, inputs, outputs| Layer::Linear { name: name.to_owned(), inputs, outputs };
    let dropout = |probability| Layer::Dropout { probability };
    Network {
        input: Input::Each,
        tower: vec![
            conv("a", 1, 5, 2),
            Layer::Relu,
            dropout(0.25),
            Layer::MaxPool { size: 3 },
            conv("b", 5, 7, 3),
            Layer::Relu,
            Layer::Flatten,
            linear("c", 28, 11),
            Layer::Relu,
            dropout(0.5),
        ],
        comparison: vec![linear("d", 22, 3), Layer::Relu, linear("e", 3, 2)],
        digits: Digits::Heads(Box::new(["f", "g"].map(|name| vec![dropout(0.1), linear(name, 22, 10)]))),
    }
}

/// The same pairs as in make_fixtures.py, with pixels around 0.
fn batch(pairs: usize) -> (Vec<f32>, Vec<[u32; 2]>) {
    let mut stream = Stream::new(7, "gradients");
    let pixels: Vec<f32> = (0..pairs * PAIR_PIXELS).map(|_| stream.below(256) as f32 / 128.0 - 1.0).collect();
    let digits = (0..pairs).map(|_| [0; 2].map(|_| stream.below(10))).collect();
    (pixels, digits)
}

fn masks(network: &Network, pairs: usize) -> Masks {
    let mut stream = Stream::new(3, "dropout");
    dropout_layers(network)
        .unwrap()
        .iter()
        .map(|layer| {
            let kept = (1.0 / (1.0 - layer.probability)) as f32;
            (0..pairs * layer.values_per_pair)
                .map(|_| if f64::from(stream.unit_f32()) < layer.probability { 0.0 } else { kept })
                .collect()
        })
        .collect()
}

fn objective(network: &Network) -> Objective {
    Objective { auxiliary_weight: (network.digits != Digits::Untrained).then_some(0.3) }
}

/// A batch's logits, mean loss and the loss's derivatives by the logits.
fn pass(engine: &mut dyn Engine, network: &Network, pairs: usize) -> (Logits, f64, Logits) {
    let (pixels, digits) = batch(pairs);
    let comparisons: Vec<u32> = digits.iter().map(|[first, second]| u32::from(first <= second)).collect();
    let logits = engine.forward(&pixels, Some(masks(network, pairs))).unwrap();
    let (tally, by_logits) = objective(network).measure(&logits, &comparisons, &digits);
    (logits, tally.mean_loss(), by_logits)
}

fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn norm(values: &[f64]) -> f64 {
    distance(values, &vec![0.0; values.len()])
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Compares an engine with PyTorch, each variable's gradient to a relative error of 1e-4.
fn compare(case: &Case, engine: &mut dyn Engine, network: &Network) {
    let context = format!("{} with {} pairs", case.network, case.pairs);
    let (logits, loss, by_logits) = pass(engine, network, case.pairs);
    assert!((loss - case.loss).abs() < 1e-5 * case.loss, "{context}: loss {loss}, PyTorch's {}", case.loss);
    for (found, expected) in [(&logits.comparison, &case.comparison), (&logits.digits, &case.digits)] {
        assert!(
            distance(&wide(found), expected) <= 1e-5 * norm(expected),
            "{context}: {found:?}, PyTorch's {expected:?}"
        );
    }
    engine.backward(&by_logits).unwrap();
    let gradients = engine.gradients().unwrap();
    assert!(gradients.keys().eq(case.gradients.keys()), "{context}: {:?}", gradients.keys());
    for (name, expected) in &case.gradients {
        let found = wide(&gradients[name]);
        // The same sample as in make_fixtures.py.
        let sampled: Vec<f64> = found.iter().copied().step_by((found.len() / 150).max(1)).collect();
        let error = distance(&sampled, &expected.sampled);
        assert!(error <= 1e-4 * norm(&expected.sampled), "{context}: {name} differs by {error} from PyTorch's");
        assert!((norm(&found) - expected.norm).abs() <= 1e-4 * expected.norm, "{context}: {name}");
    }
}

#[test]
fn values_and_gradients_agree_with_pytorch() {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/gradients.json")).unwrap();
    for case in &fixture.cases {
        let network = network(&case.network);
        let weights = Weights::initial(&network, 1.0, 3, &Device::Cpu).unwrap();
        // The engine has room for more pairs than the batch has, as in an epoch's last batch.
        compare(case, &mut Direct::new(&network, &weights, case.pairs + 2).unwrap(), &network);
        compare(case, &mut Graph::new(&network, &weights, &Device::Cpu).unwrap(), &network);
    }
    assert_eq!(fixture.cases.len(), 12, "six networks, with 1 and with 5 pairs");
}

#[test]
fn gradients_agree_with_finite_differences() {
    let names = model::ALL.into_iter().map(|model| model.name).chain(["odd"]);
    for name in names {
        let network = network(name);
        let weights = Weights::initial(&network, 1.0, 3, &Device::Cpu).unwrap();
        let mut engine = Direct::new(&network, &weights, 4).unwrap();
        let (_, _, by_logits) = pass(&mut engine, &network, 4);
        engine.backward(&by_logits).unwrap();
        for (variable, gradient) in engine.gradients().unwrap() {
            // Along its gradient the loss must rise by the gradient's length.
            let length = norm(&wide(&gradient));
            let values = weights.values(&variable).unwrap();
            let loss_at = |step: f64| {
                let moved: Vec<f32> = values
                    .iter()
                    .zip(&gradient)
                    .map(|(&value, &slope)| (f64::from(value) + step * f64::from(slope) / length) as f32)
                    .collect();
                let weights = weights.copy().unwrap();
                weights.set(&variable, &moved).unwrap();
                pass(&mut Direct::new(&network, &weights, 4).unwrap(), &network, 4).1
            };
            // Too long a step crosses a kink of ReLU or pooling; too short a step is lost in rounding.
            let differences = [1e-3, 2e-4, 4e-5].map(|share| {
                let step = share * norm(&wide(&values)).max(0.1);
                (loss_at(step) - loss_at(-step)) / (2.0 * step)
            });
            assert!(
                differences.iter().any(|difference| (difference - length).abs() < 0.01 * length),
                "{name}, {variable}: {differences:?} and {length}"
            );
        }
    }
}

#[test]
fn both_engines_agree_on_every_model() {
    for model in model::ALL {
        let network = network(model.name);
        let weights = Weights::initial(&network, 1.0, 3, &Device::Cpu).unwrap();
        let mut direct = Direct::new(&network, &weights, 5).unwrap();
        let mut graph = Graph::new(&network, &weights, &Device::Cpu).unwrap();
        let (logits, _, by_logits) = pass(&mut direct, &network, 5);
        let (others, _, _) = pass(&mut graph, &network, 5);
        let comparisons = (wide(&logits.comparison), wide(&others.comparison));
        let digits = (wide(&logits.digits), wide(&others.digits));
        for (one, other) in [comparisons, digits] {
            assert!(distance(&one, &other) <= 1e-5 * norm(&one), "{}: {one:?} and {other:?}", model.name);
        }
        direct.backward(&by_logits).unwrap();
        graph.backward(&by_logits).unwrap();
        let others = graph.gradients().unwrap();
        for (name, gradient) in direct.gradients().unwrap() {
            let (one, other) = (wide(&gradient), wide(&others[&name]));
            assert!(distance(&one, &other) <= 1e-4 * norm(&one), "{}, {name}", model.name);
        }
    }
}

#[test]
fn a_step_goes_down_the_gradient_in_both_engines() {
    let network = network("odd");
    let weights = Weights::initial(&network, 1.0, 3, &Device::Cpu).unwrap();
    let mut direct = Direct::new(&network, &weights, 3).unwrap();
    let mut graph = Graph::new(&network, &weights, &Device::Cpu).unwrap();
    for engine in [&mut direct as &mut dyn Engine, &mut graph] {
        let (_, before, by_logits) = pass(engine, &network, 3);
        engine.backward(&by_logits).unwrap();
        let gradients = engine.gradients().unwrap();
        engine.take(&Step::Plain { rate: 0.01 }).unwrap();
        let after = engine.weights().unwrap();
        for (name, _) in weights.iter() {
            let expected: Vec<f64> = wide(&weights.values(name).unwrap())
                .iter()
                .zip(wide(&gradients[name]))
                .map(|(weight, slope)| weight - 0.01 * slope)
                .collect();
            assert!(distance(&wide(&after.values(name).unwrap()), &expected) < 1e-6, "{name}");
        }
        assert!(pass(engine, &network, 3).1 < before);
    }
}

#[derive(Deserialize)]
struct Steps {
    cases: Vec<Moves>,
}

#[derive(Deserialize)]
struct Moves {
    settings: Hyperparameters,
    steps: usize,
    /// The change of each variable, sampled as in make_fixtures.py.
    moved: BTreeMap<String, Vec<f64>>,
}

#[test]
fn optimisers_go_where_pytorchs_go_in_both_engines() {
    let steps: Steps = serde_json::from_str(include_str!("fixtures/steps.json")).unwrap();
    let network = network("odd");
    let weights = Weights::initial(&network, 1.0, 3, &Device::Cpu).unwrap();
    for case in &steps.cases {
        let mut given = hyperparameters("fc");
        given.extend(case.settings.clone());
        let constants = model::Optimiser::from_hyperparameters(&given).unwrap();
        let mut direct = Direct::new(&network, &weights, 5).unwrap();
        let mut graph = Graph::new(&network, &weights, &Device::Cpu).unwrap();
        for engine in [&mut direct as &mut dyn Engine, &mut graph] {
            let mut optimiser = Optimiser::new(constants);
            for _ in 0..case.steps {
                let (_, _, by_logits) = pass(engine, &network, 5);
                engine.backward(&by_logits).unwrap();
                engine.take(&optimiser.step()).unwrap();
            }
            let after = engine.weights().unwrap();
            for (name, expected) in &case.moved {
                let (before, after) = (wide(&weights.values(name).unwrap()), wide(&after.values(name).unwrap()));
                let moved: Vec<f64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
                let sampled: Vec<f64> = moved.iter().copied().step_by((moved.len() / 150).max(1)).collect();
                let error = distance(&sampled, expected) / norm(expected);
                assert!(error < 1e-3, "{:?}: {name} differs by {error} from PyTorch's", case.settings);
            }
        }
    }
    assert_eq!(steps.cases.len(), 5, "momentum, weight decay, both, Adam, Adam with weight decay");
}

#[test]
fn initial_weights_fill_pytorchs_range() {
    let network = network("cnn");
    let weights = Weights::initial(&network, 1.0, 1, &Device::Cpu).unwrap();
    assert!(weights.iter().map(|(name, _)| name).is_sorted());
    for (name, inputs) in [("conv1", 18), ("conv2", 288), ("conv3", 576), ("hidden", 128), ("comparison", 100)] {
        let bound = 1.0 / f64::from(inputs).sqrt();
        let values = wide(&weights.values(&format!("{name}.weight")).unwrap());
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        assert!(largest <= bound && largest > 0.95 * bound, "{name}: {largest} of {bound}");
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        // Five standard deviations of the mean of values that are uniform in -bound..bound.
        assert!(mean.abs() < 5.0 * bound / (3.0 * values.len() as f64).sqrt(), "{name}: {mean}");
    }
    assert_ne!(weights.values("conv1.bias").unwrap(), vec![0.0; 32]);
    let other = Weights::initial(&network, 1.0, 2, &Device::Cpu).unwrap();
    assert_ne!(weights.values("conv1.weight").unwrap(), other.values("conv1.weight").unwrap());
    let halved = Weights::initial(&network, 0.5, 1, &Device::Cpu).unwrap();
    for (name, _) in weights.iter() {
        let expected: Vec<f32> = weights.values(name).unwrap().iter().map(|value| 0.5 * value).collect();
        assert_eq!(halved.values(name).unwrap(), expected, "{name}");
    }
}
