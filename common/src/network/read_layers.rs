//! Reads lists of layers.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    definition::{ACTIVATIONS, ConvDefinition, LayerDefinition, LayerKind, Over, Padding, activation},
    error::Span,
    initialisation::{INITIALISATIONS, Initialisation},
    layer::Operation,
    limits::NAME_BYTES_MAX,
    parameter::Kind,
    problem::Problem,
    reader::{Entry, Needed, Reader, Table, unknown},
    values::{Flag, Real, Size},
};

/// A layer's word, with an example where it needs a value.
struct Word {
    word: &'static str,
    value: Value,
    example: &'static str,
}

/// Whether a layer's word has a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    Needed,
    Possible,
    None,
}

const fn needs(word: &'static str, example: &'static str) -> Word {
    Word { word, value: Value::Needed, example }
}

const fn bare(word: &'static str) -> Word {
    Word { word, value: Value::None, example: "" }
}

const fn may(word: &'static str) -> Word {
    Word { word, value: Value::Possible, example: "" }
}

/// Every layer's word.
const WORDS: &[Word] = &[
    needs("linear", "{ linear = 128 }"),
    needs("conv", "{ conv = 32, kernel = 3 }"),
    needs("max-pool", "{ max-pool = 2 }"),
    needs("average-pool", "{ average-pool = 2 }"),
    bare("global-max-pool"),
    bare("global-average-pool"),
    bare("batch-norm"),
    bare("layer-norm"),
    needs("group-norm", "{ group-norm = 8 }"),
    needs("dropout", "{ dropout = 0.5 }"),
    bare("relu"),
    may("leaky-relu"),
    may("elu"),
    bare("gelu"),
    bare("silu"),
    bare("sigmoid"),
    bare("tanh"),
    bare("softplus"),
    needs("activation", "{ activation = \"act\" }, where `act` is a parameter with words such as relu and gelu"),
    bare("flatten"),
    needs("embedding", "{ embedding = 8 }"),
    needs("residual", "{ residual = [{ linear = 64 }, \"relu\"] }"),
    needs("add", "{ add = [[{ linear = 64 }], []] }"),
    needs("concat", "{ concat = [[{ linear = 64 }], []] }"),
    needs("repeat", "{ repeat = 3, layers = [...] }"),
    needs("choose", "{ choose = \"end\", relu = [\"relu\"], linear = [] }"),
];

/// The words of other programs for layers of ours.
const SYNONYMS: &[(&str, &str)] = &[
    ("dense", "linear"),
    ("fc", "linear"),
    ("fully-connected", "linear"),
    ("convolution", "conv"),
    ("conv1d", "conv"),
    ("conv2d", "conv"),
    ("maxpool2d", "max-pool"),
    ("avg-pool", "average-pool"),
    ("avgpool2d", "average-pool"),
    ("batchnorm2d", "batch-norm"),
    ("batchnorm1d", "batch-norm"),
    ("gap", "global-average-pool"),
    ("adaptive-avg-pool", "global-average-pool"),
    ("swish", "silu"),
    ("if", "choose"),
    ("for", "repeat"),
    ("shortcut", "residual"),
    ("cat", "concat"),
];

/// Every layer's word, for messages and the reference.
pub(super) fn words() -> Vec<&'static str> {
    WORDS.iter().map(|word| word.word).collect()
}

fn unknown_layer(written: &str) -> Problem {
    let words = words();
    let problem = unknown("layer", written, &words);
    let plain = written.to_lowercase().replace('_', "-");
    match (SYNONYMS.iter().find(|(other, _)| *other == plain), problem) {
        (Some((_, ours)), Problem::Unknown { what, word, known, .. }) => {
            Problem::Unknown { what, word, suggestion: Some((*ours).to_owned()), known }
        }
        (_, problem) => problem,
    }
}

/// Reads a list of layers; None if one of them is wrong.
pub(super) fn read(entry: &Entry<'_>, reader: &mut Reader<'_>) -> Option<Vec<LayerDefinition>> {
    let items = entry.list("a list of layers", reader)?;
    // All are read, so that all problems are reported.
    let layers: Vec<Option<LayerDefinition>> = items.iter().map(|item| layer(entry, item, reader)).collect();
    layers.into_iter().collect()
}

fn layer(list: &Entry<'_>, item: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<LayerDefinition> {
    let at = item.span();
    match item.get_ref() {
        DeValue::String(written) => {
            let Some(word) = WORDS.iter().find(|word| word.word == written.as_ref()) else {
                reader.problems.report(&at, unknown_layer(written));
                return None;
            };
            if word.value == Value::Needed {
                reader.problems.report(&at, Problem::BareLayer { layer: word.word, example: word.example });
                return None;
            }
            Some(LayerDefinition { kind: without_value(word.word, &at), at, name: None })
        }
        DeValue::Table(entries) => table(at, entries, reader),
        _ => {
            let one = Entry { key: list.key.clone(), key_at: at, value: item };
            one.wrong("a list of layers, each a word or a table", reader);
            None
        }
    }
}

/// A layer that has no value, or its default.
fn without_value(word: &'static str, at: &Span) -> LayerKind {
    if let Some(operation) = activation(word) {
        return LayerKind::Fixed(operation);
    }
    match word {
        "batch-norm" => {
            LayerKind::BatchNorm { epsilon: Real::number(at.clone(), 1e-5), momentum: Real::number(at.clone(), 0.1) }
        }
        "layer-norm" => LayerKind::LayerNorm { epsilon: Real::number(at.clone(), 1e-5) },
        "global-max-pool" => LayerKind::Fixed(Operation::GlobalMaxPool),
        "global-average-pool" => LayerKind::Fixed(Operation::GlobalAveragePool),
        _ => LayerKind::Fixed(Operation::Flatten),
    }
}

/// A layer in braces.
fn table(at: Span, entries: &DeTable<'_>, reader: &mut Reader<'_>) -> Option<LayerDefinition> {
    let mut table = Table::new("the layer", at.clone(), entries);
    let written = table.entries();
    // The words of a choice may be those of layers.
    let is_choice = entries.get("choose").is_some();
    let mut named =
        WORDS.iter().filter(|word| entries.get(word.word).is_some() && (!is_choice || word.word == "choose"));
    let (word, value) = match (named.next(), named.next(), entries.get("layer")) {
        (Some(first), Some(second), _) => {
            let problem = Problem::TwoLayers { first: first.word, second: second.word };
            reader.problems.report(&at, problem);
            return None;
        }
        (Some(word), None, _) => (word, table.optional(word.word)?),
        (None, None, Some(_)) => {
            let entry = table.optional("layer")?;
            let text = entry.text("a layer's word", reader)?;
            let Some(word) = WORDS.iter().find(|word| word.word == text) else {
                reader.problems.report(&entry.at(), unknown_layer(&text));
                return None;
            };
            if word.value == Value::Needed {
                reader.problems.report(&entry.at(), Problem::BareLayer { layer: word.word, example: word.example });
                return None;
            }
            (word, entry)
        }
        (None, ..) => {
            let problem = match written.first() {
                Some(first) => unknown_layer(&first.key),
                None => Problem::NoLayer,
            };
            reader.problems.report(written.first().map_or(&at, |first| &first.key_at), problem);
            return None;
        }
    };
    table.place = format!("the layer `{}`", word.word);
    if word.value == Value::None && value.key == word.word {
        reader.problems.report(&value.key_at, Problem::ValueOfBareLayer { layer: word.word });
        return None;
    }
    let name = match word.word {
        "repeat" | "choose" => Some(None),
        _ => read_name(&mut table, reader),
    };
    let kind = kind(word.word, &value, &mut table, reader);
    table.finish(reader);
    Some(LayerDefinition { at, name: name?, kind: kind? })
}

/// The layer's name; None after a report.
fn read_name(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Option<String>> {
    let Some(entry) = table.optional("name") else { return Some(None) };
    let name = entry.text("a name", reader)?;
    let allowed = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || "_-.#".contains(char));
    if !allowed {
        let allowed = "ASCII letters, digits, `_`, `-`, `.` and `#`";
        let problem = Problem::BadName { name: reader.shown(&name), what: "a layer", allowed };
        reader.problems.report(&entry.at(), problem);
        return None;
    }
    Some(Some(name))
}

fn kind(word: &'static str, value: &Entry<'_>, table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<LayerKind> {
    let bare = value.key == "layer";
    Some(match word {
        "linear" => {
            let (bias, initialisation) = (bias(table, reader), initialisation(table, reader));
            LayerKind::Linear {
                width: value.size(reader)?,
                bias: bias?,
                initialisation: initialisation?.unwrap_or_default(),
            }
        }
        "conv" => {
            let outputs = value.size(reader);
            let kernel = table.required("kernel", "kernel = 3", reader).and_then(|entry| entry.sizes(reader));
            let stride = optional(table.optional("stride"), |entry| entry.sizes(reader));
            let padding = match table.optional("padding") {
                Some(entry) if entry.value.get_ref().as_str() == Some("same") => Some(Padding::Same(entry.at())),
                Some(entry) => entry.sizes(reader).map(Padding::Sizes),
                None => Some(Padding::None),
            };
            let groups = optional(table.optional("groups"), |entry| entry.size(reader));
            let (bias, initialisation) = (bias(table, reader), initialisation(table, reader));
            LayerKind::Conv(Box::new(ConvDefinition {
                outputs: outputs?,
                kernel: kernel?,
                stride: stride?,
                padding: padding?,
                groups: groups?,
                bias: bias?,
                initialisation: initialisation?.unwrap_or_default(),
            }))
        }
        "max-pool" | "average-pool" => {
            let kernel = value.sizes(reader);
            let stride = optional(table.optional("stride"), |entry| entry.sizes(reader));
            let padding = optional(table.optional("padding"), |entry| entry.sizes(reader));
            LayerKind::Pool { maximum: word == "max-pool", kernel: kernel?, stride: stride?, padding: padding? }
        }
        "batch-norm" => {
            let (epsilon, momentum) = (real(table, "epsilon", 1e-5, reader), real(table, "momentum", 0.1, reader));
            LayerKind::BatchNorm { epsilon: epsilon?, momentum: momentum? }
        }
        "layer-norm" => LayerKind::LayerNorm { epsilon: real(table, "epsilon", 1e-5, reader)? },
        "group-norm" => {
            let (groups, epsilon) = (value.size(reader), real(table, "epsilon", 1e-5, reader));
            LayerKind::GroupNorm { groups: groups?, epsilon: epsilon? }
        }
        "dropout" => LayerKind::Dropout(value.real(reader)?),
        "leaky-relu" if !bare => LayerKind::LeakyRelu(value.real(reader)?),
        "elu" if !bare => LayerKind::Elu(value.real(reader)?),
        "activation" => {
            let parameter = value.text("the name of a parameter", reader)?;
            reader.use_name(&parameter, &value.at(), Needed::Activation)?;
            let activations: Vec<String> = ACTIVATIONS.iter().map(|(word, _)| (*word).to_owned()).collect();
            reader.follow_words(&parameter, &activations);
            if let Some(Kind::Word(words)) = reader.words(&parameter).map(|known| known.parameter.kind.clone())
                && let Some(word) = words.iter().find(|word| activation(word).is_none())
            {
                let known: Vec<&str> = activations.iter().map(String::as_str).collect();
                reader.problems.report(&value.at(), unknown("activation", word, &known));
                return None;
            }
            LayerKind::Activation { parameter }
        }
        "embedding" => {
            let (width, initialisation) = (value.size(reader), initialisation(table, reader));
            LayerKind::Embedding { width: width?, initialisation: initialisation? }
        }
        "residual" => {
            let residual = read(value, reader);
            let shortcut = match table.optional("shortcut") {
                Some(entry) => read(&entry, reader),
                None => Some(Vec::new()),
            };
            let branches = vec![("residual".to_owned(), residual?), ("shortcut".to_owned(), shortcut?)];
            LayerKind::Branches { add: true, branches }
        }
        "add" | "concat" => LayerKind::Branches { add: word == "add", branches: branches(value, reader)? },
        "repeat" => repeat(value, table, reader)?,
        "choose" => choose(value, table, reader)?,
        _ => without_value(word, &value.at()),
    })
}

/// The value of a key, where it is there; None after a report.
fn optional<T>(entry: Option<Entry<'_>>, read: impl FnOnce(&Entry<'_>) -> Option<T>) -> Option<Option<T>> {
    match entry {
        Some(entry) => read(&entry).map(Some),
        None => Some(None),
    }
}

fn bias(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Flag> {
    match table.optional("bias") {
        Some(entry) => entry.flag(reader),
        None => Some(Flag::Fixed(true)),
    }
}

fn initialisation(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Option<Initialisation>> {
    optional(table.optional("init"), |entry| entry.word("initialisation", INITIALISATIONS, reader))
}

fn real(table: &mut Table<'_>, key: &str, default: f64, reader: &mut Reader<'_>) -> Option<Real> {
    match table.optional(key) {
        Some(entry) => entry.real(reader),
        None => Some(Real::number(table.at.clone(), default)),
    }
}

fn branches(value: &Entry<'_>, reader: &mut Reader<'_>) -> Option<Vec<(String, Vec<LayerDefinition>)>> {
    let items = value.list("a list of lists of layers", reader)?;
    if items.is_empty() {
        reader.problems.report(&value.at(), Problem::Empty { what: "the list of branches" });
        return None;
    }
    let branch = |(index, item)| {
        let one = Entry { key: value.key.clone(), key_at: value.key_at.clone(), value: item };
        read(&one, reader).map(|layers| (format!("branch{index}"), layers))
    };
    let branches: Vec<Option<_>> = items.iter().enumerate().map(branch).collect();
    branches.into_iter().collect()
}

fn repeat(value: &Entry<'_>, table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<LayerKind> {
    let over = match value.value.get_ref() {
        DeValue::Array(items) if !items.is_empty() => value.sizes(reader).map(|sizes| Over::List(sizes.sizes)),
        DeValue::String(name) if !name.contains('*') && !reader.loops.iter().any(|known| known == name.as_ref()) => {
            reader.use_name(name, &value.at(), Needed::Repeat).map(|()| Over::Parameter(name.clone().into_owned()))
        }
        DeValue::Array(_) => {
            reader.problems.report(&value.at(), Problem::Empty { what: "the list of the repeat" });
            None
        }
        _ => value.size(reader).map(Over::Count),
    };
    let variable = optional(table.optional("as"), |entry| {
        let name = entry.text("a name", reader)?;
        let taken = reader.words(&name).is_some() || reader.loops.contains(&name) || name == super::reader::TARGET;
        let is_name = name.len() <= NAME_BYTES_MAX
            && name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
        if taken {
            let what = "a parameter or an outer repeat, and this repeat,";
            reader.problems.report(&entry.at(), Problem::RepeatedName { what, name });
            return None;
        }
        if !is_name {
            let allowed = "ASCII letters, digits and `_`, starting with a letter";
            let problem = Problem::BadName { name: reader.shown(&name), what: "a member of a repeat", allowed };
            reader.problems.report(&entry.at(), problem);
            return None;
        }
        Some(name)
    });
    let depth = reader.loops.len();
    reader.loops.extend(variable.clone().flatten());
    let layers = table.required("layers", "layers = [{ linear = \"width\" }, \"relu\"]", reader).and_then(|entry| {
        let layers = read(&entry, reader)?;
        if layers.is_empty() {
            reader.problems.report(&entry.at(), Problem::Empty { what: "the list of repeated layers" });
            return None;
        }
        Some(layers)
    });
    reader.loops.truncate(depth);
    Some(LayerKind::Repeat { over: over?, variable: variable?, layers: layers? })
}

fn choose(value: &Entry<'_>, table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<LayerKind> {
    let parameter = value.text("the name of a parameter", reader)?;
    let entries: Vec<Entry<'_>> = table.entries().into_iter().filter(|entry| entry.key != "choose").collect();
    let written: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    let known = reader.use_name(&parameter, &value.at(), Needed::Choice);
    reader.follow_words(&parameter, &written);
    let words = match (known, reader.words(&parameter).map(|known| &known.parameter.kind)) {
        (Some(()), Some(Kind::Word(words))) => words.clone(),
        (Some(()), Some(Kind::Flag)) => vec!["true".to_owned(), "false".to_owned()],
        // The layers are read in any case, so that their problems are reported.
        _ => written.clone(),
    };
    // Unknown words are reported by the table.
    let cases: Vec<_> = words
        .iter()
        .filter_map(|word| table.optional(word))
        .map(|entry| (entry.key.clone(), read(&entry, reader)))
        .collect();
    let missing: Vec<String> =
        words.iter().filter(|word| !written.contains(word)).map(|word| format!("`{word}`")).collect();
    let misspelt = written.iter().any(|word| !words.contains(word));
    if !missing.is_empty() && !misspelt {
        let missing = missing.join(" and ");
        reader.problems.report(&value.at(), Problem::IncompleteChoice { parameter: parameter.clone(), missing });
    }
    known?;
    let cases = cases.into_iter().map(|(word, layers)| Some((word, layers?))).collect::<Option<_>>()?;
    Some(LayerKind::Choose { parameter, cases })
}

/// The layer that is added to an output without layers.
pub(super) fn linear_to_target(at: &Span, name: &str) -> LayerDefinition {
    let width = Size { at: at.clone(), factors: vec![super::values::Factor::Name(super::reader::TARGET.to_owned())] };
    let kind = LayerKind::Linear { width, bias: Flag::Fixed(true), initialisation: Initialisation::default() };
    LayerDefinition { at: at.clone(), name: Some(name.to_owned()), kind }
}
