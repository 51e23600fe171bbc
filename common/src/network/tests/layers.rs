//! Each layer's shapes, variables and names.

use super::{mixed, resolved};
use crate::{
    hyperparameters::{Hyperparameters, Value},
    network::{Initial, Join, Loss, Network, Operation, Shape, Source, parse},
};

/// A network of these layers over `input`, with a linear layer to the classes if the layers end with a vector.
fn over(input: &str, layers: &str) -> Network {
    let text = format!(
        "[[block]]\nname = \"block\"\nfrom = \"{input}\"\nlayers = [{layers}]\n\n\
         [[output]]\ntarget = \"digit\"\nfrom = \"block\"\njoin = \"features\"\n"
    );
    resolved(&text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn shape(input: &str, layers: &str) -> Vec<usize> {
    over(input, layers).blocks[0].output.0.clone()
}

/// Names and shapes of a network's variables without those of its output.
fn variables(network: &Network) -> Vec<(String, Vec<usize>)> {
    let own = network.variables().into_iter().filter(|variable| !variable.name.starts_with("digit."));
    own.map(|variable| (variable.name, variable.shape)).collect()
}

#[test]
fn windows_count_as_in_pytorch() {
    // floor((n + 2 * padding - kernel) / stride) + 1 for the inputs 3 x 9 x 8 and 2 x 10.
    for (input, layers, expected) in [
        ("image", "{ conv = 5, kernel = 3 }", vec![5, 7, 6]),
        ("image", "{ conv = 5, kernel = 3, stride = 2 }", vec![5, 4, 3]),
        ("image", "{ conv = 5, kernel = 3, stride = 2, padding = 1 }", vec![5, 5, 4]),
        ("image", "{ conv = 5, kernel = [1, 3], stride = [1, 2], padding = [0, 2] }", vec![5, 9, 5]),
        ("image", "{ conv = 5, kernel = 5, padding = \"same\" }", vec![5, 9, 8]),
        ("image", "{ conv = 6, kernel = 3, groups = 3 }", vec![6, 7, 6]),
        ("image", "{ conv = 5, kernel = [9, 8] }", vec![5, 1, 1]),
        ("image", "{ conv = 5, kernel = 10, padding = 1 }", vec![5, 2, 1]),
        ("image", "{ max-pool = 2 }", vec![3, 4, 4]),
        ("image", "{ max-pool = 3, stride = 2, padding = 1 }", vec![3, 5, 4]),
        ("image", "{ average-pool = [3, 2] }", vec![3, 3, 4]),
        ("image", "{ average-pool = 4, stride = 5 }", vec![3, 2, 1]),
        ("image", "\"global-max-pool\"", vec![3]),
        ("image", "\"global-average-pool\"", vec![3]),
        ("image", "\"flatten\"", vec![216]),
        ("image", "\"batch-norm\", \"layer-norm\", { group-norm = 3 }, { dropout = 0.1 }", vec![3, 9, 8]),
        ("signal", "{ conv = 4, kernel = 3 }", vec![4, 8]),
        ("signal", "{ conv = 4, kernel = 4, stride = 3, padding = 2 }", vec![4, 4]),
        ("signal", "{ max-pool = 3 }", vec![2, 3]),
        ("signal", "\"global-average-pool\"", vec![2]),
        ("columns", "\"flatten\", { linear = 4 }, \"layer-norm\"", vec![4]),
        ("codes", "{ embedding = 5 }", vec![5, 4]),
        ("codes", "\"flatten\", { embedding = 5 }, \"flatten\"", vec![20]),
        ("image", "{ concat = [[], [{ conv = 4, kernel = 1 }]] }", vec![7, 9, 8]),
        ("image", "{ add = [[{ conv = 4, kernel = 3 }], [{ conv = 4, kernel = 3 }, \"relu\"]] }", vec![4, 7, 6]),
    ] {
        assert_eq!(shape(input, layers), expected, "{input}: {layers}");
    }
}

#[test]
fn activations_keep_shapes_and_have_their_numbers() {
    let layers = "\"relu\", \"leaky-relu\", { leaky-relu = 0.2 }, \"elu\", { elu = 0.5 }, \"gelu\", \"silu\", \"sigmoid\", \
                  \"tanh\", \"softplus\", { layer = \"relu\", name = \"last\" }";
    let network = over("image", layers);
    let operations: Vec<&Operation> = network.blocks[0].layers.iter().map(|layer| &layer.operation).collect();
    assert_eq!(
        operations,
        [
            &Operation::Relu,
            &Operation::LeakyRelu { slope: 0.01 },
            &Operation::LeakyRelu { slope: 0.2 },
            &Operation::Elu { alpha: 1.0 },
            &Operation::Elu { alpha: 0.5 },
            &Operation::Gelu,
            &Operation::Silu,
            &Operation::Sigmoid,
            &Operation::Tanh,
            &Operation::Softplus,
            &Operation::Relu,
        ]
    );
    assert_eq!(network.blocks[0].output, Shape(vec![3, 9, 8]));
    assert_eq!(network.blocks[0].layers.last().unwrap().name, "last");
}

#[test]
fn variables_have_pytorchs_names_and_shapes() {
    let of = |input, layers| variables(&over(input, layers));
    let own = |list: &[(&str, &[usize])]| -> Vec<(String, Vec<usize>)> {
        list.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
    };
    assert_eq!(
        of("image", "{ conv = 6, kernel = [3, 2], groups = 3, name = \"c\" }"),
        own(&[("c.weight", &[6, 1, 3, 2]), ("c.bias", &[6])])
    );
    assert_eq!(of("signal", "{ conv = 4, kernel = 3, bias = false }"), own(&[("block.0.weight", &[4, 2, 3])]));
    assert_eq!(
        of("image", "\"relu\", \"batch-norm\""),
        own(&[
            ("block.1.weight", &[3]),
            ("block.1.bias", &[3]),
            ("block.1.running_mean", &[3]),
            ("block.1.running_var", &[3]),
            ("block.1.num_batches_tracked", &[]),
        ])
    );
    assert_eq!(of("signal", "\"layer-norm\""), own(&[("block.0.weight", &[2, 10]), ("block.0.bias", &[2, 10])]));
    assert_eq!(of("image", "{ group-norm = 3 }"), own(&[("block.0.weight", &[3]), ("block.0.bias", &[3])]));
    assert_eq!(of("codes", "{ embedding = 5 }"), own(&[("block.0.weight", &[12, 5])]));
    // A dropout of probability 0 keeps its number, so that names do not depend on a probability.
    assert_eq!(
        of("columns", "{ dropout = 0 }, { linear = 2 }"),
        own(&[("block.1.weight", &[2, 6]), ("block.1.bias", &[2])])
    );
    assert_eq!(over("columns", "{ dropout = 0 }").blocks[0].layers, []);
    assert_eq!(
        of(
            "columns",
            "{ residual = [{ linear = 5, bias = false }, \"relu\"], shortcut = [{ linear = 5, bias = false }] }"
        ),
        own(&[("block.0.residual.0.weight", &[5, 6]), ("block.0.shortcut.0.weight", &[5, 6])])
    );
}

#[test]
fn running_statistics_are_variables_but_no_parameters() {
    let network = over("image", "\"batch-norm\", \"global-average-pool\"");
    let trained: Vec<bool> = network.variables().iter().map(|variable| variable.trained).collect();
    assert_eq!(trained, [true, true, false, false, false, true, true]);
    assert_eq!(network.parameter_count(), 6 + 3 * 10 + 10);
}

/// First values of the weight and the bias (2 outputs of 6 inputs).
fn initial(layer: &str) -> Vec<Initial> {
    over("columns", layer).variables().iter().take(2).map(|variable| variable.initial).collect()
}

#[test]
fn initial_values_follow_their_formulas() {
    let zero = Initial::Constant(0.0);
    let bound = Initial::Uniform { bound: 1.0 / 6.0_f64.sqrt() };
    assert_eq!(initial("{ linear = 2 }"), [bound, bound]);
    assert_eq!(initial("{ linear = 2, init = \"uniform\" }"), [bound, bound]);
    // torch.nn.init.kaiming_uniform_(nonlinearity="relu"): sqrt(2) * sqrt(3 / 6) = 1; kaiming_normal_: sqrt(2 / 6).
    assert_eq!(initial("{ linear = 2, init = \"kaiming-uniform\" }"), [Initial::Uniform { bound: 1.0 }, zero]);
    let deviation = (2.0 / 6.0_f64).sqrt();
    assert_eq!(initial("{ linear = 2, init = \"kaiming-normal\" }"), [Initial::Normal { deviation }, zero]);
    // xavier_uniform_: sqrt(6 / (6 + 2)); xavier_normal_: sqrt(2 / (6 + 2)) = 0.5.
    let bound = Initial::Uniform { bound: 0.75_f64.sqrt() };
    assert_eq!(initial("{ linear = 2, init = \"xavier-uniform\" }"), [bound, zero]);
    assert_eq!(initial("{ linear = 2, init = \"xavier-normal\" }"), [Initial::Normal { deviation: 0.5 }, zero]);
    assert_eq!(initial("{ linear = 2, init = \"zeros\" }"), [zero, zero]);
    // A kernel of 3 x 3 over 3 channels: fan in 27, and fan out 5 * 9 = 45.
    let conv = over("image", "{ conv = 5, kernel = 3, init = \"xavier-uniform\" }");
    assert_eq!(conv.variables()[0].initial, Initial::Uniform { bound: (6.0 / 72.0_f64).sqrt() });
    assert_eq!(over("codes", "{ embedding = 2 }").variables()[0].initial, Initial::Normal { deviation: 1.0 });
}

/// The sketch of the design, word for word.
const SKETCH: &str = r#"
parameters = { width = 16, dropout = 0.25 }

[[block]]
name = "features"
from = "image"
layers = [{ conv = "width", kernel = 3, padding = 1 }, "batch-norm", "relu", { max-pool = 2 },
          "flatten", { linear = 128 }, "relu", { dropout = "dropout" }]

[[output]]
target = "digit"
from = "features"
"#;

#[test]
fn an_output_without_layers_gets_a_linear_layer_to_its_target() {
    let network = resolved(SKETCH).unwrap();
    // 3*16*9 + 16, 2*16, 16*4*4*128 + 128, 128*10 + 10.
    assert_eq!(network.parameter_count(), 448 + 32 + 32_896 + 1_290);
    let output = network.primary_output();
    assert_eq!(output.loss, Loss::CrossEntropy { label_smoothing: 0.0, class_weights: None });
    assert_eq!((output.width, output.weight), (10, 1.0));
    let head = &network.blocks[output.block];
    assert_eq!((head.layers[0].name.as_str(), head.layers.len()), ("digit", 1));
    let given = Hyperparameters::from([("width".to_owned(), Value::Integer(4))]);
    let narrow = parse("net.toml", SKETCH).unwrap().resolve(&given, &mixed()).unwrap();
    assert_eq!(narrow.blocks[0].layers[0].output, Shape(vec![4, 9, 8]));
}

#[test]
fn repeats_and_choices_are_expanded() {
    let text = r#"
parameters = { widths = [4, 5], depth = 2, norm = true, act = { default = "gelu" } }
[[block]]
name = "a"
from = "columns"
layers = [
    { repeat = "widths", as = "w", layers = [
        { linear = "2 * w", name = "l#" },
        { choose = "norm", true = ["batch-norm"], false = [] },
        { repeat = "depth", layers = [{ activation = "act" }, { linear = "w * 3", name = "m#" }] },
    ] },
    { repeat = [1, 2], as = "k", layers = [{ linear = "k" }] },
    { repeat = 2, layers = ["relu"] },
]
[[output]]
target = "place"
from = "a"
layers = [{ linear = "2 * target" }, { linear = "target" }]
"#;
    let network = resolved(text).unwrap();
    let layers: Vec<String> =
        network.layers().map(|listed| format!("{} {}", listed.layer.name, listed.layer.text())).collect();
    assert_eq!(
        layers,
        [
            "l1 Linear 6 to 8",
            "a.1 BatchNorm",
            "a.2 GELU",
            "m1.1 Linear 8 to 12",
            "a.4 GELU",
            "m1.2 Linear 12 to 12",
            "l2 Linear 12 to 10",
            "a.7 BatchNorm",
            "a.8 GELU",
            "m2.1 Linear 10 to 15",
            "a.10 GELU",
            "m2.2 Linear 15 to 15",
            "a.12 Linear 15 to 1",
            "a.13 Linear 1 to 2",
            "a.14 ReLU",
            "a.15 ReLU",
            "place.0 Linear 2 to 6",
            "place.1 Linear 6 to 3",
        ]
    );
    assert_eq!(network.primary_output().loss, Loss::Squared);
}

#[test]
fn values_are_joined_shared_and_read_by_copy() {
    let text = r#"
[[block]]
name = "tower"
each = ["image", "other"]
layers = [{ conv = 4, kernel = 3 }, { dropout = 0.5 }]
[[block]]
name = "joined"
from = "tower"
layers = ["global-average-pool"]
[[block]]
name = "sum"
from = ["tower.image", "tower.other"]
join = "add"
layers = ["flatten"]
[[block]]
name = "all"
from = ["joined", "columns", "image"]
join = "features"
layers = []
[[output]]
target = "sick"
from = ["all", "sum"]
loss = "binary-cross-entropy"
[[output]]
target = "digit"
from = "tower.other"
layers = ["global-max-pool", { linear = 10 }]
label_smoothing = 0.1
class_weights = "balanced"
weight = 0.5
primary = true
width = 10
"#;
    let network = resolved(text).unwrap();
    let shapes: Vec<String> = network.blocks.iter().map(|block| format!("{} {}", block.input, block.output)).collect();
    assert_eq!(shapes, ["3 x 9 x 8 4 x 7 x 6", "8 x 7 x 6 8", "4 x 7 x 6 168", "230 230", "398 1", "4 x 7 x 6 10"]);
    assert_eq!(network.blocks[2].join, Join::Add);
    assert_eq!(network.blocks[5].copies[0].reads, [Source::Block { block: 0, copy: 1 }]);
    assert_eq!(network.primary_output().target, "digit");
    assert_eq!(network.dropout_layers()[0].values_per_example, 2 * 4 * 7 * 6);
    // 2 copies of 4*7*6 outputs of 27, 398 to 1, 4 to 10.
    assert_eq!(network.multiplications(), 2 * 168 * 27 + 398 + 40);
    let inputs: Vec<&str> = network.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["columns", "image", "other"]);
}

#[test]
fn equal_networks_have_equal_texts_with_sorted_keys() {
    let network = resolved(SKETCH).unwrap();
    let text = network.canonical_json();
    assert_eq!(text, resolved(SKETCH).unwrap().canonical_json());
    assert!(text.starts_with("{\"blocks\":[{\"copies\":"), "{text}");
    assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
}
