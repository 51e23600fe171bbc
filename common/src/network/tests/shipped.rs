//! The networks that ship with Seedgrid, beside the paper's.

use crate::{
    hyperparameters::{Hyperparameters, Value},
    network::{InputShape, Network, Schema, TargetKind, builtin},
};

fn resolved(name: &str, given: Hyperparameters, input: (&str, InputShape), target: (&str, TargetKind)) -> Network {
    let schema =
        Schema { inputs: [(input.0.to_owned(), input.1)].into(), targets: [(target.0.to_owned(), target.1)].into() };
    let definition = &builtin::find(name).unwrap().definition;
    definition.resolve(&given, &schema).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn lenet_5_has_61_706_weights() {
    let network = resolved(
        "lenet-5",
        Hyperparameters::new(),
        ("image", InputShape::numbers([1, 28, 28])),
        ("class", TargetKind::Classes(10)),
    );
    // 6*25+6 = 156; 16*6*25+16 = 2,416; 400*120+120 = 48,120; 120*84+84 = 10,164; 84*10+10 = 850.
    assert_eq!(network.parameter_count(), 156 + 2_416 + 48_120 + 10_164 + 850);
    assert_eq!(network.parameter_count(), 61_706);
}

#[test]
fn the_small_resnet_is_resnet_20_with_projections() {
    let image = || ("image", InputShape::numbers([3, 32, 32]));
    let network = resolved("resnet-small", Hyperparameters::new(), image(), ("class", TargetKind::Classes(10)));
    // ResNet-20 of He et al. (table 6) has 0.27 million: convolutions of 3*3 without bias, 2 for each channel of a batch
    // norm. Stem: 432 + 32. Stage 1: 6 * (2,304 + 32) = 14,016. Stage 2: 4,608 + 64, then 5 * (9,216 + 64) = 46,400.
    // Stage 3: 18,432 + 128, then 5 * (36,864 + 128) = 184,960. Linear: 650. Their sum is 269,722. The projections of
    // option B add 512 + 64 and 2,048 + 128.
    let published = 464 + 14_016 + 4_672 + 46_400 + 18_560 + 184_960 + 650;
    assert_eq!(published, 269_722);
    assert_eq!(network.parameter_count(), published + 576 + 2_176);
    // 19 convolutions of 3 x 3, 2 projections, 1 linear layer.
    let weights = network.variables().iter().filter(|variable| variable.shape.len() > 1).count();
    assert_eq!(weights, 22);
    let deep = Hyperparameters::from([("blocks".to_owned(), Value::Integer(8))]);
    let network = resolved("resnet-small", deep, image(), ("class", TargetKind::Classes(10)));
    let weights = network.variables().iter().filter(|variable| variable.shape.len() > 1).count();
    assert_eq!(weights, 56 + 2, "ResNet-56");
}

#[test]
fn the_mlp_takes_any_table() {
    let given = Hyperparameters::from([("batch_norm".to_owned(), Value::Flag(true))]);
    let network = resolved("mlp", given, ("features", InputShape::numbers([30])), ("target", TargetKind::Numbers(1)));
    // 30*128+128, 128*128+128, two batch norms of 2*128, 128+1.
    assert_eq!(network.parameter_count(), 3_968 + 16_512 + 512 + 129);
}

#[test]
fn the_1d_cnn_takes_signals_of_any_length() {
    for length in [1, 7, 150] {
        let network = resolved(
            "cnn-1d",
            Hyperparameters::new(),
            ("signal", InputShape::numbers([3, length])),
            ("class", TargetKind::Classes(4)),
        );
        // 3*128*7+128, 128*256*5+256, 256*128*3+128, batch norms of 2*(128+256+128), 128*4+4.
        assert_eq!(network.parameter_count(), 2_816 + 164_096 + 98_432 + 1_024 + 516);
    }
}
