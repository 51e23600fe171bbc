//! The paper's five networks are the same as those of `common::model`.

use crate::{
    hyperparameters::{Hyperparameters, Value},
    model::{self, Digits, Input, Layer as Before, Shape as ShapeBefore},
    network::{Initial, Network, Operation, Schema, Shape, TRAINING_PARAMETERS, builtin, tests::pairs},
};

/// Every combination of settings that changes one of the networks.
fn settings() -> Vec<Hyperparameters> {
    let text = |word: &str| Value::Text(word.to_owned());
    let mut all = Vec::new();
    for dropout in [0.0, 0.25, 0.5] {
        for at in ["input", "output", "both"] {
            for end in ["linear", "relu"] {
                for hidden in [vec![150, 50, 20, 10], vec![1], vec![4096, 3], vec![7; 8]] {
                    for auxiliary in [0.0, 0.3, 1.0] {
                        all.push(Hyperparameters::from([
                            ("dropout".to_owned(), Value::Number(dropout)),
                            ("dropout_at".to_owned(), text(at)),
                            ("tower_end".to_owned(), text(end)),
                            ("hidden".to_owned(), Value::Integers(hidden.clone())),
                            ("auxiliary_weight".to_owned(), Value::Number(auxiliary)),
                            ("learning_rate".to_owned(), Value::Number(0.1)),
                        ]));
                    }
                }
            }
        }
    }
    all
}

fn shape(before: ShapeBefore) -> Shape {
    match before {
        ShapeBefore::Image(channels, height, width) => Shape(vec![channels, height, width]),
        ShapeBefore::Flat(width) => Shape(vec![width]),
    }
}

/// The layers before, each with its shapes and how often it stands in the network; dropout of probability 0 is left out.
fn before(network: &model::Network) -> Vec<(Before, Shape, Shape, usize)> {
    let copies = if network.input == Input::Each { 2 } else { 1 };
    let mut all = Vec::new();
    let mut part = |layers: &[Before], mut input: ShapeBefore, copies| {
        for layer in layers {
            let output = layer.output(input).unwrap();
            if !matches!(layer, Before::Dropout { probability: 0.0 }) {
                all.push((layer.clone(), shape(input), shape(output), copies));
            }
            input = output;
        }
        input
    };
    let tower = part(&network.tower, network.input_shape(), copies);
    let joined = ShapeBefore::Flat(copies * tower.len());
    part(&network.comparison, joined, 1);
    if let Digits::Heads(heads) = &network.digits {
        for head in heads.iter() {
            part(head, joined, 1);
        }
    }
    all
}

fn same(now: &Operation, before: &Before) -> bool {
    match (now, before) {
        (
            Operation::Conv { outputs, kernel, stride, padding, groups: 1, bias: true, .. },
            Before::Conv2d { outputs: expected, kernel: size, .. },
        ) => outputs == expected && *kernel == [*size; 2] && *stride == [1, 1] && *padding == [0, 0],
        (Operation::Linear { outputs, bias: true, .. }, Before::Linear { outputs: expected, .. }) => {
            outputs == expected
        }
        (Operation::MaxPool(window), Before::MaxPool { size }) => {
            window.kernel == [*size; 2] && window.stride == [*size; 2] && window.padding == [0, 0]
        }
        (Operation::Dropout { probability }, Before::Dropout { probability: expected }) => probability == expected,
        (Operation::Relu, Before::Relu) | (Operation::Flatten, Before::Flatten) => true,
        _ => false,
    }
}

fn compare(name: &str, now: &Network, network: &model::Network) {
    let before = before(network);
    let layers: Vec<_> = now.layers().collect();
    assert_eq!(layers.len(), before.len(), "{name}");
    for (listed, (layer, input, output, copies)) in layers.iter().zip(&before) {
        assert!(same(&listed.layer.operation, layer), "{name}: {:?} is not {layer:?}", listed.layer);
        assert_eq!((&listed.layer.input, &listed.layer.output), (input, output), "{name}: {layer:?}");
        assert_eq!(listed.block.copies.len(), *copies, "{name}: {layer:?}");
    }
    let variables: Vec<_> = now.variables().into_iter().map(|one| (one.name, one.shape, one.initial)).collect();
    let expected: Vec<_> = network
        .layers()
        .flat_map(|layer| {
            let (name, shape) = match layer {
                Before::Conv2d { name, inputs, outputs, kernel } => (name, vec![*outputs, *inputs, *kernel, *kernel]),
                Before::Linear { name, inputs, outputs } => (name, vec![*outputs, *inputs]),
                _ => return Vec::new(),
            };
            let seen: usize = shape[1..].iter().product();
            let initial = Initial::Uniform { bound: 1.0 / (seen as f64).sqrt() };
            let bias = (format!("{name}.bias"), vec![shape[0]], initial);
            vec![(format!("{name}.weight"), shape, initial), bias]
        })
        .collect();
    assert_eq!(variables, expected, "{name}");
    let dropouts: Vec<_> =
        now.dropout_layers().into_iter().map(|one| (one.probability, one.values_per_example)).collect();
    let expected: Vec<_> = before
        .iter()
        .filter_map(|(layer, input, _, copies)| match layer {
            Before::Dropout { probability } => Some((*probability, copies * input.values())),
            _ => None,
        })
        .collect();
    assert_eq!(dropouts, expected, "{name}");
    assert_eq!(now.parameter_count(), network.parameter_count() as u64, "{name}");
    assert_eq!(now.multiplications(), network.multiplications() as u64, "{name}");
}

/// The targets of the outputs and the weights of their losses.
fn compare_outputs(name: &str, now: &Network, network: &model::Network, auxiliary: f64) {
    assert_eq!(now.primary_output().target, "comparison", "{name}");
    let targets: Vec<_> = now.outputs.iter().map(|output| (output.target.as_str(), output.weight)).collect();
    let expected = match network.digits {
        Digits::Untrained => vec![("comparison", 1.0)],
        Digits::Tower | Digits::Heads(_) => {
            vec![("comparison", 1.0 - auxiliary), ("first_digit", auxiliary), ("second_digit", auxiliary)]
        }
    };
    assert_eq!(targets, expected, "{name}");
    if network.digits == Digits::Tower {
        let reads: Vec<_> =
            now.outputs[1..].iter().map(|output| &now.blocks[output.block].copies[0].reads[0]).collect();
        let copy = |copy| crate::network::Source::Block { block: 0, copy };
        assert_eq!(reads, [&copy(0), &copy(1)], "{name}");
    }
}

#[test]
fn the_papers_networks_are_as_before() {
    let schema: Schema = pairs();
    for model in model::ALL {
        let definition = &builtin::find(model.name).unwrap().definition;
        for given in settings() {
            let network = (model.network)(&given);
            let now = definition.resolve(&given, &schema).unwrap();
            compare(model.name, &now, &network);
            let Some(Value::Number(auxiliary)) = given.get("auxiliary_weight") else { panic!("it is set") };
            compare_outputs(model.name, &now, &network, *auxiliary);
        }
    }
}

#[test]
fn the_papers_parameters_are_as_before() {
    for model in model::ALL {
        let definition = &builtin::find(model.name).unwrap().definition;
        let now: Vec<_> = definition
            .parameters
            .iter()
            .map(|one| (one.name.clone(), one.kind.expectation(), one.default.clone(), one.meaning.clone()))
            .collect();
        let own = model.parameters.iter().filter(|one| !TRAINING_PARAMETERS.contains(&one.name));
        let before: Vec<_> = own
            .map(|one| (one.name.to_owned(), one.kind.expectation(), one.default_value(), one.meaning.to_owned()))
            .collect();
        assert_eq!(now, before, "{}", model.name);
        let said = [&definition.title, &definition.summary, &definition.source].map(|text| text.as_deref().unwrap());
        assert_eq!(said, [model.title, model.summary, model.source], "{}", model.name);
    }
}
