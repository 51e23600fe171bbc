//! Any text is read or refused, without a panic.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{mixed, pairs};
use crate::network::{Network, builtin, parse};

/// Reads the text and resolves the network of a right one.
fn survives(text: &str) {
    let definition = match parse("random.toml", text) {
        Ok(definition) => definition,
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            for error in errors.errors() {
                assert!(text.get(error.span.clone()).is_some(), "{error:?}");
            }
            assert!(errors.errors().is_sorted_by_key(|error| error.span.start));
            return;
        }
    };
    for schema in [mixed(), pairs()] {
        match definition.resolve(&definition.defaults(), &schema) {
            Ok(network) => {
                assert_eq!(definition.resolve(&definition.defaults(), &schema).unwrap(), network);
                let text = network.canonical_json();
                assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
            }
            Err(errors) => assert!(!errors.to_string().is_empty()),
        }
    }
}

/// Pieces that spoil a network.
const PIECES: [&str; 32] = [
    "",
    "=",
    "\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "0",
    "-1",
    "nan",
    "1e999",
    "true",
    "[]",
    "{}",
    "\"relu\"",
    "\"flatten\"",
    "{ linear = 0 }",
    "{ linear = \"width * width\" }",
    "{ conv = 3, kernel = 3 }",
    "{ max-pool = 9 }",
    "{ repeat = 99999999, layers = [\"relu\"] }",
    "{ repeat = 4000000000, layers = [{ choose = \"norm\", true = [], false = [] }] }",
    "{ add = [[], [{ linear = 3 }]] }",
    "\"image\"",
    "\"first\"",
    "\"tower.first\"",
    "[[block]]\n",
    "[[output]]\n",
    "[parameters]\n",
    "99999999999999999999",
];

/// A layer that fits more or less.
fn layer() -> impl Strategy<Value = String> {
    let fixed = select(vec![
        "\"relu\"",
        "\"flatten\"",
        "\"batch-norm\"",
        "\"layer-norm\"",
        "\"global-average-pool\"",
        "{ max-pool = 2 }",
        "{ average-pool = 3, stride = 1, padding = 1 }",
        "{ linear = 4 }",
        "{ dropout = 0.3 }",
        "{ embedding = 3 }",
        "{ group-norm = 2 }",
        "{ repeat = 2, layers = [{ linear = 5 }] }",
    ])
    .prop_map(str::to_owned);
    let conv = (1_usize..5, 1_usize..5, 1_usize..3, 0_usize..3, 1_usize..3).prop_map(
        |(channels, kernel, stride, padding, groups)| {
            format!(
                "{{ conv = {channels}, kernel = {kernel}, stride = {stride}, padding = {padding}, groups = {groups} }}"
            )
        },
    );
    prop_oneof![fixed, conv].prop_recursive(2, 8, 3, |inner| {
        vec(inner, 0..3).prop_map(|layers| format!("{{ residual = [{}], shortcut = [] }}", layers.join(", ")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_survived(text in ".{0,200}") {
        survives(&text);
    }

    #[test]
    fn spoiled_networks_are_survived(
        which in 0..9_usize,
        spoils in vec((any::<prop::sample::Index>(), 0..40_usize, select(PIECES.to_vec())), 1..4),
    ) {
        let mut text = builtin::all()[which].text.to_owned();
        for (at, length, piece) in spoils {
            let start = (0..=at.index(text.len())).rev().find(|&place| text.is_char_boundary(place)).unwrap();
            let end = (start..=text.len().min(start + length)).rev().find(|&place| text.is_char_boundary(place)).unwrap();
            text.replace_range(start..end, piece);
        }
        survives(&text);
    }

    #[test]
    fn random_layers_are_survived(
        input in select(vec!["image", "signal", "columns", "codes"]),
        layers in vec(layer(), 0..6),
    ) {
        survives(&format!(
            "[[block]]\nname = \"b\"\nfrom = \"{input}\"\nlayers = [{}]\n[[output]]\ntarget = \"digit\"\nfrom = \"b\"\n",
            layers.join(", ")
        ));
    }
}
