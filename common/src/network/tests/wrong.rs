//! Wrong networks and their errors.

use std::fmt::Write as _;

use miette::{Diagnostic as _, GraphicalReportHandler, GraphicalTheme};

use super::{mixed, resolved};
use crate::{
    hyperparameters::{Hyperparameters, Value},
    network::{
        NetworkErrors, TRAINING_PARAMETERS, builtin, definition::LOSSES, initialisation::INITIALISATIONS, parse,
        read_layers, read_networks,
    },
};

/// A right network; the cases below spoil it.
const BASE: &str = r#"parameters = { width = 8, share = 0.25, end = { words = ["none", "relu"], default = "none" } }

[[block]]
name = "tower"
each = ["image", "other"]
layers = [
    { conv = "width", kernel = 3, padding = 1, name = "conv1" },
    "relu",
    { choose = "end", none = [], relu = ["relu"] },
    { max-pool = 2 },
]

[[block]]
name = "features"
from = "tower"
layers = ["flatten", { linear = 16 }, { dropout = "share" }]

[[output]]
target = "digit"
from = "features"

[[output]]
target = "price"
from = "tower.image"
layers = ["global-average-pool", { linear = "target" }]
"#;

fn errors(text: &str) -> NetworkErrors {
    match resolved(text) {
        Ok(_) => panic!("must be refused:\n{text}"),
        Err(errors) => errors,
    }
}

/// (The mistake, the text in the base network, its replacement.)
const CASES: &[(&str, &str, &str)] = &[
    ("an unknown layer", "\"relu\",\n    { choose", "\"relo\",\n    { choose"),
    ("a layer of another program", "{ linear = 16 }", "{ dense = 16 }"),
    ("an unknown key of a layer", "padding = 1", "pading = 1"),
    ("a layer without its value", "{ max-pool = 2 }", "\"max-pool\""),
    ("a value where there is none", "\"flatten\", { linear", "{ flatten = 2 }, { linear"),
    ("two layers in one table", "{ linear = 16 }", "{ linear = 16, dropout = 0.5 }"),
    ("an unknown key of the network", "parameters = ", "parameter = "),
    ("an unknown parameter", "conv = \"width\"", "conv = \"widht\""),
    ("a word as a size", "conv = \"width\"", "conv = \"end\""),
    ("no product", "conv = \"width\"", "conv = \"width + 1\""),
    ("an unused parameter", "share = 0.25", "share = 0.25, depth = 3"),
    ("a training parameter", "share = 0.25", "share = 0.25, learning_rate = 0.1"),
    ("a default out of range", "share = 0.25", "share = { default = 2.5, minimum = 0, below = 1 }"),
    ("a value out of the layer's range", "share = 0.25", "share = 1.0"),
    ("a number in quotes", "kernel = 3", "kernel = \"3.0\""),
    ("a choice without a word", "none = [], relu = [\"relu\"]", "none = []"),
    ("a choice with an unknown word", "none = []", "non = []"),
    ("two blocks of one name", "name = \"features\"", "name = \"tower\""),
    ("a block that is read too early", "each = [\"image\", \"other\"]", "each = [\"image\", \"features\"]"),
    ("a block that reads itself", "from = \"tower\"", "from = \"features\""),
    ("an unread block", "target = \"digit\"\nfrom = \"features\"", "target = \"digit\"\nfrom = \"tower\""),
    ("an unknown copy", "from = \"tower.image\"", "from = \"tower.imag\""),
    ("an unknown input", "from = \"tower\"", "from = \"imag\""),
    ("copies of different shapes", "each = [\"image\", \"other\"]", "each = [\"image\", \"signal\"]"),
    ("from and each", "from = \"tower\"", "from = \"tower\"\neach = [\"tower\"]"),
    ("joined values of different shapes", "from = \"tower\"", "from = [\"tower\", \"columns\"]"),
    ("a block with an input's name", "\"features\"", "\"columns\""),
    ("linear on an image", "\"flatten\", { linear = 16 }", "{ linear = 16 }"),
    ("a convolution on a vector", "{ linear = 16 }", "{ conv = 16, kernel = 3 }"),
    ("a kernel that is too large", "kernel = 3, padding = 1", "kernel = 10"),
    ("pooling that is too large", "{ max-pool = 2 }", "{ max-pool = 9 }"),
    ("padding of more than half a window", "{ max-pool = 2 }", "{ max-pool = 2, padding = 2 }"),
    ("groups that do not divide", "padding = 1", "padding = 1, groups = 2"),
    ("sizes for another number of dimensions", "kernel = 3", "kernel = [3, 3, 3]"),
    ("a size of 0", "kernel = 3", "kernel = 0"),
    ("a size beyond the limit", "{ linear = 16 }", "{ linear = \"width * 4000000000\" }"),
    ("too many weights", "{ linear = 16 }", "{ linear = 100000 }, { linear = 100000 }"),
    ("too many layers", "{ linear = 16 }", "{ repeat = 20000, layers = [\"relu\"] }"),
    ("branches of different shapes", "{ linear = 16 }", "{ residual = [{ linear = 16 }, \"relu\"] }"),
    ("a name twice", "{ linear = 16 }", "{ linear = 16, name = \"conv1\" }"),
    ("a name in a repeat", "{ linear = 16 }", "{ repeat = 2, layers = [{ linear = 16, name = \"l\" }] }"),
    ("an embedding of numbers", "{ linear = 16 }", "{ embedding = 16 }"),
    ("codes as numbers", "from = \"tower\"\nlayers = [\"flatten\",", "from = [\"codes\"]\nlayers = ["),
    ("an unknown target", "target = \"digit\"", "target = \"digits\""),
    ("one target twice", "target = \"price\"", "target = \"digit\""),
    ("a loss that does not fit", "target = \"digit\"", "target = \"digit\"\nloss = \"squared\""),
    ("a key of another loss", "target = \"price\"", "target = \"price\"\nlabel_smoothing = 0.1"),
    ("class weights of another number", "target = \"digit\"", "target = \"digit\"\nclass_weights = [1, 2]"),
    ("another width than the target's", "{ linear = \"target\" }", "{ linear = 2 }"),
    ("a negative weight", "from = \"features\"\n", "from = \"features\"\nweight = -2\n"),
    ("a share beyond 1", "parameters = {", "auxiliary_weight = 1.5\nparameters = {"),
    ("two primary outputs", "target = \"", "primary = true\ntarget = \""),
    ("no output", "[[output]]", "[[outputs]]"),
    ("broken TOML", "layers = [\"flatten\",", "layers = [\"flatten\" \"relu\","),
];

#[test]
fn catalogue() {
    let mut listing = String::new();
    for (what, from, to) in CASES {
        assert!(BASE.contains(from), "{from:?} must be in the base network");
        write!(listing, "## {what}\n{}\n\n", errors(&BASE.replace(from, to))).unwrap();
    }
    insta::assert_snapshot!(listing);
}

#[test]
fn the_base_network_is_right() {
    resolved(BASE).unwrap_or_else(|errors| panic!("{errors}"));
}

#[test]
fn independent_mistakes_are_reported_together() {
    let wrong =
        BASE.replace("padding = 1", "padding = 1, groups = 2").replace("{ dropout = \"share\" }", "{ dropout = 1 }");
    let wrong = wrong.replace("share = 0.25, ", "").replace("target = \"price\"", "target = \"prize\"");
    let errors = errors(&wrong);
    let lines: Vec<usize> = errors.errors().iter().map(|error| error.line).collect();
    assert_eq!(lines, [7, 16, 23], "{errors}");
}

#[test]
fn an_error_shows_its_file_its_layer_and_both_shapes() {
    let wrong = BASE.replace("\"flatten\", { linear = 16 }", "\"flatten\", { conv = 4, kernel = 5 }");
    let errors = errors(&wrong);
    assert_eq!(errors.errors()[0].written(), "{ conv = 4, kernel = 5 }");
    assert_eq!(errors.related().unwrap().count(), errors.errors().len());
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none());
    handler.render_report(&mut text, &errors.errors()[0]).unwrap();
    for part in ["net.toml:16", "conv reads (channels, length) or (channels, height, width), not 256", "help:"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn losses_are_weighted_in_one_way() {
    let two = BASE.replace("parameters", "auxiliary_weight = 0.3\nparameters");
    resolved(&two).unwrap_or_else(|errors| panic!("{errors}"));
    let both = errors(&two.replace("target = \"price\"", "target = \"price\"\nweight = 2"));
    assert_eq!(both.errors()[0].problem.to_string(), "`weight` and `auxiliary_weight` cannot both be set");
    assert!(both.errors()[0].earlier.is_some());
    let (alone, _) = two.split_at(two.rfind("[[output]]").unwrap());
    assert_eq!(errors(alone).errors()[0].problem.to_string(), "`auxiliary_weight` is set, but there is one output");
}

/// The reference has every word of the language.
#[test]
fn the_reference_names_every_word() {
    let reference = include_str!("../../../../docs/networks.md");
    let losses = LOSSES.iter().map(|(word, _)| *word);
    let initialisations = INITIALISATIONS.iter().map(|(word, _)| *word);
    for word in read_layers::words().into_iter().chain(losses).chain(initialisations) {
        let forms = [format!("\"{word}\""), format!("{{ {word} = ")];
        assert!(forms.iter().any(|form| reference.contains(form)), "docs/networks.md lacks `{word}`");
    }
    for builtin in builtin::all() {
        assert!(reference.contains(&format!("`{}`", builtin.name)), "docs/networks.md lacks `{}`", builtin.name);
    }
    for name in TRAINING_PARAMETERS {
        assert!(reference.contains(name), "docs/networks.md lacks `{name}`");
    }
}

#[test]
fn values_of_rows_are_checked() {
    let definition = parse("net.toml", BASE).unwrap();
    let given = Hyperparameters::from([
        ("width".to_owned(), Value::Text("wide".to_owned())),
        ("end".to_owned(), Value::Text("gelu".to_owned())),
    ]);
    let errors = definition.resolve(&given, &mixed()).unwrap_err().to_string();
    assert_eq!(
        errors,
        "net.toml:1:16: `width` must be a whole number from 1 to 1000000, not wide\n\
         net.toml:1:41: `end` must be one of none, relu, not gelu"
    );
}

#[test]
fn networks_of_a_spec_are_read_with_their_places() {
    let network = BASE.replace("[[", "[[network.own.").replace("parameters", "[network.own]\nparameters");
    let text = format!("name = \"study\"\n\n{network}\n[network.other]\nfile = \"other.toml\"\n");
    let document = toml::de::DeTable::parse(&text).unwrap();
    let networks = document.get_ref().get("network").unwrap();
    let read = read_networks("study.toml", &text, networks).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(matches!(&read["other"], crate::network::Declared::File { path, .. } if path == "other.toml"));
    let crate::network::Declared::Here(own) = &read["own"] else { panic!("it is defined here") };
    assert_eq!(own.targets(), ["digit", "price"]);
    own.resolve(&own.defaults(), &mixed()).unwrap_or_else(|errors| panic!("{errors}"));
    let wrong = text.replace("{ linear = 16 }", "{ linear = \"wdth\" }").replace("file =", "fil =");
    let document = toml::de::DeTable::parse(&wrong).unwrap();
    let errors = read_networks("study.toml", &wrong, document.get_ref().get("network").unwrap()).unwrap_err();
    let places: Vec<(usize, usize)> = errors.errors().iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(places, [(19, 33), (30, 1), (31, 1)], "{errors}");
}
