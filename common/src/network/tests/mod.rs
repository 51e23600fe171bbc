mod layers;
mod paper;
mod random_text;
mod shipped;
mod wrong;

use super::{InputShape, Network, NetworkErrors, Schema, TargetKind, parse};

/// The schema of pairs of digits.
fn pairs() -> Schema {
    let image = InputShape::numbers([1, 14, 14]);
    let targets = [
        ("comparison", TargetKind::Classes(2)),
        ("first_digit", TargetKind::Classes(10)),
        ("second_digit", TargetKind::Classes(10)),
    ];
    Schema {
        inputs: [("first".to_owned(), image.clone()), ("second".to_owned(), image)].into(),
        targets: targets.map(|(name, kind)| (name.to_owned(), kind)).into(),
    }
}

/// A data set with an input of each form, and a target of each kind.
fn mixed() -> Schema {
    let inputs = [
        ("image", InputShape::numbers([3, 9, 8])),
        ("other", InputShape::numbers([3, 9, 8])),
        ("signal", InputShape::numbers([2, 10])),
        ("columns", InputShape::numbers([6])),
        ("codes", InputShape::codes([4], 12)),
    ];
    let targets = [
        ("digit", TargetKind::Classes(10)),
        ("sick", TargetKind::Classes(2)),
        ("price", TargetKind::Numbers(1)),
        ("place", TargetKind::Numbers(3)),
    ];
    Schema {
        inputs: inputs.map(|(name, input)| (name.to_owned(), input)).into(),
        targets: targets.map(|(name, kind)| (name.to_owned(), kind)).into(),
    }
}

/// The network of `text` with its defaults, for [`mixed`].
fn resolved(text: &str) -> Result<Network, NetworkErrors> {
    parse("net.toml", text)?.resolve(&Default::default(), &mixed())
}
