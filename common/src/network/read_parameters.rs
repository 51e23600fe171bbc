//! Reads the parameters of a network.

use toml::de::DeValue;

use super::{
    limits::{LIST_MAX, NAME_BYTES_MAX, PARTS_MAX, WHOLE_MAX},
    parameter::{End, Kind, Parameter},
    problem::Problem,
    reader::{Entry, Known, Reader, TARGET, Table, decimal, whole},
};
use crate::hyperparameters::Value;

/// The training parameters of every model, which a spec's rows have beside a network's own.
pub const TRAINING_PARAMETERS: &[&str] =
    &["learning_rate", "batch_size", "optimiser", "momentum", "weight_decay", "initial_scale"];

/// The other keys of a spec's rows, now or in later versions.
const ROW_KEYS: &[&str] = &[
    "model",
    "from",
    "stop",
    "normalize",
    "zip",
    "exclude",
    "samples",
    "sample_seed",
    "network",
    "where",
    "schedule",
    "warm_up",
    "nesterov",
    "gradient_clipping",
    "train_examples",
    "class_weights",
    "metric",
    "initial_weights",
    "epochs",
];

/// Reads `parameters`.
pub(super) fn read(entry: &Entry<'_>, reader: &mut Reader<'_>) {
    let DeValue::Table(entries) = entry.value.get_ref() else {
        entry.wrong("a table of names with defaults", reader);
        return;
    };
    let entries = Table::new("parameters", entry.at(), entries).entries();
    if entries.len() > PARTS_MAX {
        let problem = Problem::TooMany { what: "parameters", count: entries.len(), max: PARTS_MAX };
        reader.problems.report(&entry.key_at, problem);
        return;
    }
    for one in entries {
        if !is_name(&one.key, reader, &one) {
            continue;
        }
        let read = match one.value.get_ref() {
            DeValue::Table(entries) => {
                long_form(&one, Table::new(format!("parameter `{}`", one.key), one.at(), entries), reader)
            }
            _ => short_form(&one, reader).map(|(kind, default)| (parameter(&one, kind, Some(default)), None)),
        };
        if let Some((parameter, words)) = read {
            let words_follow = matches!(&parameter.kind, Kind::Word(_)) && words.is_none();
            reader.parameters.push(Known { parameter, at: one.key_at.clone(), used: false, words_follow });
        }
    }
}

fn parameter(entry: &Entry<'_>, kind: Kind, default: Option<Value>) -> Parameter {
    Parameter { name: entry.key.clone(), kind, default, meaning: String::new() }
}

fn is_name(name: &str, reader: &mut Reader<'_>, entry: &Entry<'_>) -> bool {
    let reason = if TRAINING_PARAMETERS.contains(&name) {
        "every model has it for its training, and a row sets it"
    } else if ROW_KEYS.contains(&name) {
        "it is a key of a row"
    } else if name == TARGET {
        "it stands for the width of an output's target"
    } else {
        let allowed = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() <= NAME_BYTES_MAX
            && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
        if !allowed {
            let problem = Problem::BadName {
                name: reader.shown(name),
                what: "a parameter",
                allowed: "ASCII letters, digits and `_`, starting with a letter",
            };
            reader.problems.report(&entry.key_at, problem);
        }
        return allowed;
    };
    reader.problems.report(&entry.key_at, Problem::ReservedName { name: name.to_owned(), reason });
    false
}

/// `width = 16`: the kind follows from the default.
fn short_form(entry: &Entry<'_>, reader: &mut Reader<'_>) -> Option<(Kind, Value)> {
    let value = plain(entry);
    if value.is_none() {
        entry.wrong("a number, a word, a flag, a list of whole numbers, or a table with a default", reader);
    }
    let value = value?;
    Some((kind_of(&value), value))
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Integer(number) => Kind::Whole { minimum: (*number).min(1), maximum: WHOLE_MAX.max(*number) },
        Value::Number(_) => Kind::Number { low: None, high: None },
        Value::Text(word) => Kind::Word(vec![word.clone()]),
        Value::Integers(items) => Kind::Wholes {
            longest: LIST_MAX.max(items.len()),
            minimum: items.iter().copied().min().unwrap_or(1).min(1),
            maximum: items.iter().copied().max().unwrap_or(1).max(WHOLE_MAX),
        },
        Value::Flag(_) => Kind::Flag,
    }
}

fn plain(entry: &Entry<'_>) -> Option<Value> {
    match entry.value.get_ref() {
        DeValue::String(text) => Some(Value::Text(text.clone().into_owned())),
        DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
        DeValue::Array(items) => {
            items.iter().map(|item| whole(item.get_ref())).collect::<Option<_>>().map(Value::Integers)
        }
        other => match whole(other) {
            Some(number) => Some(Value::Integer(number)),
            None => decimal(other).filter(|number| number.is_finite()).map(Value::Number),
        },
    }
}

/// `width = { default = 16, minimum = 1 }`. Returns the words as well, where they are written.
fn long_form(entry: &Entry<'_>, mut table: Table<'_>, reader: &mut Reader<'_>) -> Option<(Parameter, Option<()>)> {
    let default = table.optional("default");
    let kind = table.optional("kind");
    let words = table.optional("words");
    let bounds = ["minimum", "above", "maximum", "below"].map(|key| table.optional(key));
    let longest = table.optional("longest");
    let meaning = table.optional("meaning");
    let at = table.at.clone();
    table.finish(reader);
    let value = match &default {
        Some(default) => Some(short_form(default, reader)?.1),
        None => None,
    };
    let [minimum, above, maximum, below] = bounds;
    let is_decimal = |entry: &Option<Entry<'_>>| {
        entry.as_ref().is_some_and(|entry| matches!(entry.value.get_ref(), DeValue::Float(_)))
    };
    let kind = match (&kind, &words, &value) {
        (_, Some(_), _) => KindWord::Word,
        (Some(kind), None, _) => kind.word("kind", KIND_WORDS, reader)?,
        (None, None, Some(Value::Integer(_)))
            if above.is_some() || below.is_some() || is_decimal(&minimum) || is_decimal(&maximum) =>
        {
            KindWord::Number
        }
        (None, None, Some(value)) => match value {
            Value::Integer(_) => KindWord::Whole,
            Value::Number(_) => KindWord::Number,
            Value::Text(_) => KindWord::Word,
            Value::Integers(_) => KindWord::Wholes,
            Value::Flag(_) => KindWord::Flag,
        },
        (None, None, None) => {
            reader.problems.report(&at, Problem::NoKind { name: entry.key.clone() });
            return None;
        }
    };
    let takes = |keys: &[&Option<Entry<'_>>], reader: &mut Reader<'_>| {
        for key in keys.iter().filter_map(|key| key.as_ref()) {
            let place = format!("a parameter that is {}", kind.text());
            let problem = Problem::UnknownKey { key: key.key.clone(), place, suggestion: None, known: Vec::new() };
            reader.problems.report(&key.key_at, problem);
        }
    };
    let count = |entry: &Option<Entry<'_>>, default: u64, reader: &mut Reader<'_>| match entry {
        Some(entry) => {
            let number = whole(entry.value.get_ref());
            if number.is_none() {
                entry.wrong("a whole number", reader);
            }
            number
        }
        None => Some(default),
    };
    let end = |entry: &Option<Entry<'_>>, inclusive: bool, reader: &mut Reader<'_>| match entry {
        Some(entry) => {
            let number = decimal(entry.value.get_ref()).filter(|number| number.is_finite());
            if number.is_none() {
                entry.wrong("a finite number", reader);
            }
            Some(number.map(|at| Some(End { at, inclusive })))
        }
        None => None,
    };
    let smallest = match &value {
        Some(Value::Integer(number)) => (*number).min(1),
        Some(Value::Integers(items)) => items.iter().copied().min().unwrap_or(1).min(1),
        _ => 1,
    };
    let kind = match kind {
        KindWord::Number => {
            takes(&[&longest], reader);
            let low = end(&minimum, true, reader).or_else(|| end(&above, false, reader)).unwrap_or(Some(None))?;
            let high = end(&maximum, true, reader).or_else(|| end(&below, false, reader)).unwrap_or(Some(None))?;
            if let (Some(low), Some(high)) = (low, high)
                && (low.at > high.at || low.at == high.at && !(low.inclusive && high.inclusive))
            {
                reader.problems.report(&at, Problem::EmptyRange { name: entry.key.clone() });
                return None;
            }
            Kind::Number { low, high }
        }
        KindWord::Whole | KindWord::Wholes => {
            takes(&[&above, &below], reader);
            let lowest = count(&minimum, smallest, reader)?;
            let highest = count(&maximum, WHOLE_MAX.max(lowest), reader)?;
            if lowest > highest {
                reader.problems.report(&at, Problem::EmptyRange { name: entry.key.clone() });
                return None;
            }
            if kind == KindWord::Whole {
                takes(&[&longest], reader);
                Kind::Whole { minimum: lowest, maximum: highest }
            } else {
                let longest = count(&longest, LIST_MAX as u64, reader)?.min(super::limits::LAYERS_MAX as u64);
                Kind::Wholes { longest: longest as usize, minimum: lowest, maximum: highest }
            }
        }
        KindWord::Word => {
            takes(&[&minimum, &above, &maximum, &below, &longest], reader);
            match &words {
                Some(words) => Kind::Word(read_words(words, reader)?),
                None => Kind::Word(value.iter().map(Value::to_string).collect()),
            }
        }
        KindWord::Flag => {
            takes(&[&minimum, &above, &maximum, &below, &longest], reader);
            Kind::Flag
        }
    };
    let meaning = meaning.and_then(|meaning| meaning.text("a sentence", reader)).unwrap_or_default();
    let mut parameter = Parameter { meaning, ..parameter(entry, kind, None) };
    if let Some(value) = value {
        match parameter.check(value) {
            Ok(value) => parameter.default = Some(value),
            Err(error) => {
                let at = default.map_or(at, |default| default.at());
                reader.problems.report(&at, error);
            }
        }
    }
    Some((parameter, words.map(|_| ())))
}

fn read_words(entry: &Entry<'_>, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let items = entry.list("a list of words", reader)?;
    let mut words: Vec<String> = Vec::new();
    for item in items {
        let one = Entry { key: entry.key.clone(), key_at: entry.key_at.clone(), value: item };
        let word = one.text("a list of words", reader)?;
        let allowed = !word.is_empty() && word.len() <= NAME_BYTES_MAX && !word.contains(crate::text::steers);
        if !allowed || words.contains(&word) {
            one.wrong("a list of different words", reader);
            return None;
        }
        words.push(word);
    }
    if words.is_empty() {
        reader.problems.report(&entry.at(), Problem::Empty { what: "the list of words" });
        return None;
    }
    Some(words)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KindWord {
    Number,
    Whole,
    Wholes,
    Word,
    Flag,
}

const KIND_WORDS: &[(&str, KindWord)] = &[
    ("number", KindWord::Number),
    ("whole", KindWord::Whole),
    ("wholes", KindWord::Wholes),
    ("word", KindWord::Word),
    ("flag", KindWord::Flag),
];

impl KindWord {
    fn text(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::Wholes => "a list of whole numbers",
            Self::Word => "a word",
            Self::Flag => "a flag",
        }
    }
}
