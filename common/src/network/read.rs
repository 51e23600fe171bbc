//! Reads networks: from TOML to checked definitions.

use std::{collections::BTreeMap, sync::Arc};

use miette::NamedSource;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    definition::{BlockDefinition, ClassWeightsDefinition, Definition, LOSSES, Name, OutputDefinition},
    error::{NetworkErrors, Problems, Source, Span},
    limits::{NAME_BYTES_MAX, PARTS_MAX, TEXT_BYTES_MAX},
    problem::Problem,
    read_layers, read_parameters,
    reader::{Entry, Reader, Table, unknown},
    resolved::Join,
};

/// A network of a spec: defined there, or in a file of its own.
#[derive(Clone, Debug)]
pub enum Declared {
    /// `[network.NAME]` with blocks and outputs.
    Here(Box<Definition>),
    /// `[network.NAME]` with `file = "PATH"` alone: the caller reads the file and gives its text to [`parse`].
    File {
        /// The path as written.
        path: String,
        /// The place of the path in the text.
        at: Span,
    },
}

/// Reads a file that defines one network: its top level has the keys of `[network.NAME]`.
///
/// # Errors
/// Everything that is wrong with the network, as far as it is known without a data set; TOML's syntax is checked first.
pub fn parse(file: &str, text: &str) -> Result<Definition, NetworkErrors> {
    let source: Source = Arc::new(NamedSource::new(file, text.to_owned()));
    let mut reader = Reader::new(text);
    if text.len() > TEXT_BYTES_MAX {
        reader.problems.report(&(0..0), Problem::TooLong);
        std::mem::take(&mut reader.problems).finish(&source)?;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        let message = error.message().trim_end_matches(", expected nothing").to_owned();
        reader.problems.report(&error.span().unwrap_or(0..0), Problem::Syntax { message });
        std::mem::take(&mut reader.problems).finish(&source)?;
    }
    definition(Table::new("the network", 0..0, document.get_ref()), &mut reader, &source)
}

/// Reads the tables `[network.NAME]` of the spec `text` from `file`: `networks` is the value of the key `network`.
///
/// # Errors
/// Everything that is wrong with one of the networks, as far as it is known without a data set.
pub fn read_networks(
    file: &str,
    text: &str,
    networks: &Spanned<DeValue<'_>>,
) -> Result<BTreeMap<String, Declared>, NetworkErrors> {
    let source: Source = Arc::new(NamedSource::new(file, text.to_owned()));
    let mut reader = Reader::new(text);
    let all = Entry { key: "network".to_owned(), key_at: networks.span(), value: networks };
    let DeValue::Table(entries) = networks.get_ref() else {
        all.wrong("tables, each written [network.NAME]", &mut reader);
        reader.problems.finish(&source)?;
        return Ok(BTreeMap::new());
    };
    let mut declared = BTreeMap::new();
    let mut problems = Problems::default();
    for entry in Table::new("network", networks.span(), entries).entries() {
        let mut reader = Reader::new(text);
        let one = network(&entry, &mut reader, &source);
        problems.append(reader.problems);
        declared.extend(one.map(|one| (entry.key, one)));
    }
    problems.finish(&source)?;
    Ok(declared)
}

fn network(entry: &Entry<'_>, reader: &mut Reader<'_>, source: &Source) -> Option<Declared> {
    is_part_name(&entry.key, &entry.key_at, "a network", reader);
    let DeValue::Table(entries) = entry.value.get_ref() else {
        entry.wrong("a table, written [network.NAME]", reader);
        return None;
    };
    let mut table = Table::new(format!("`[network.{}]`", reader.shown(&entry.key)), entry.at(), entries);
    if entries.get("file").is_none() {
        return read_definition(table, reader, source).map(|read| Declared::Here(Box::new(read)));
    }
    let file = table.optional("file")?;
    let path = file.text("a path", reader);
    let at = file.at();
    table.finish(reader);
    Some(Declared::File { path: path?, at })
}

fn definition(table: Table<'_>, reader: &mut Reader<'_>, source: &Source) -> Result<Definition, NetworkErrors> {
    let read = read_definition(table, reader, source);
    std::mem::take(&mut reader.problems).finish(source)?;
    Ok(read.expect("a part is only left out after a problem was reported"))
}

fn read_definition(mut table: Table<'_>, reader: &mut Reader<'_>, source: &Source) -> Option<Definition> {
    let [title, summary, origin] = ["title", "summary", "source"].map(|key| {
        let entry = table.optional(key);
        entry.and_then(|entry| entry.text("a text", reader))
    });
    if let Some(entry) = table.optional("parameters") {
        read_parameters::read(&entry, reader);
    }
    let auxiliary = table.optional("auxiliary_weight");
    let blocks = table.optional("block");
    let outputs = table.optional("output");
    let at = table.at.clone();
    table.finish(reader);
    let auxiliary_weight = match &auxiliary {
        Some(entry) => entry.real(reader).map(Some),
        None => Some(None),
    };
    let block_tables = match &blocks {
        Some(entry) => few("blocks", entry, entry.tables("[[block]]", reader), reader),
        None => Vec::new(),
    };
    let blocks: Vec<Option<BlockDefinition>> =
        block_tables.iter().map(|(at, entries)| block(at.clone(), entries, reader)).collect();
    let output_tables = match &outputs {
        Some(entry) => few("outputs", entry, entry.tables("[[output]]", reader), reader),
        None => Vec::new(),
    };
    if output_tables.is_empty() {
        reader.problems.report(&at, Problem::NoOutput);
    }
    let mut primary: Option<(usize, Span)> = None;
    reader.in_output = true;
    let mut read_outputs = Vec::new();
    for (index, (at, entries)) in output_tables.iter().enumerate() {
        let (one, is_primary) = output(at.clone(), entries, reader);
        read_outputs.push(one);
        match (is_primary, &primary) {
            (Some(at), Some((_, first))) => reader.problems.collision(&at, first, Problem::TwoPrimaries),
            (Some(at), None) => primary = Some((index, at)),
            (None, _) => {}
        }
    }
    reader.in_output = false;
    references(&blocks, &read_outputs, reader);
    weights(auxiliary.as_ref(), &read_outputs, reader);
    finish_parameters(reader);
    Some(Definition {
        title,
        summary,
        source: origin,
        parameter_places: reader.parameters.iter().map(|known| known.at.clone()).collect(),
        parameters: reader.parameters.iter().map(|known| known.parameter.clone()).collect(),
        auxiliary_weight: auxiliary_weight?,
        blocks: blocks.into_iter().collect::<Option<_>>()?,
        outputs: read_outputs.into_iter().collect::<Option<_>>()?,
        primary: primary.map_or(0, |(index, _)| index),
        text: Arc::clone(source),
        at,
    })
}

/// The tables, unless there are too many.
fn few<'t>(
    what: &'static str,
    entry: &Entry<'t>,
    tables: Vec<(Span, &'t DeTable<'t>)>,
    reader: &mut Reader<'_>,
) -> Vec<(Span, &'t DeTable<'t>)> {
    if tables.len() <= PARTS_MAX {
        return tables;
    }
    let problem = Problem::TooMany { what, count: tables.len(), max: PARTS_MAX };
    reader.problems.report(&entry.key_at, problem);
    tables.into_iter().take(1).collect()
}

/// Reports a name that is none.
fn is_part_name(name: &str, at: &Span, what: &'static str, reader: &mut Reader<'_>) -> bool {
    let allowed = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char));
    if !allowed {
        let allowed = "ASCII letters, digits, `_` and `-`, starting with a letter or digit";
        let problem = Problem::BadName { name: reader.shown(name), what, allowed };
        reader.problems.report(at, problem);
    }
    allowed
}

const JOINS: &[(&str, Join)] = &[("channels", Join::Channels), ("features", Join::Features), ("add", Join::Add)];

fn block(at: Span, entries: &DeTable<'_>, reader: &mut Reader<'_>) -> Option<BlockDefinition> {
    let mut table = Table::new("`[[block]]`", at, entries);
    let name = table.required("name", "name = \"features\"", reader).and_then(|entry| {
        let name = Name { at: entry.at(), text: entry.text("a name", reader)? };
        is_part_name(&name.text, &name.at, "a block", reader).then_some(name)
    });
    if let Some(name) = &name {
        table.place = format!("block `{}`", name.text);
    }
    let (from, each) = (table.optional("from"), table.optional("each"));
    let copies = match (&from, &each) {
        (Some(from), None) => names(from, reader).map(|names| vec![names]),
        (None, Some(each)) => names(each, reader).map(|names| names.into_iter().map(|name| vec![name]).collect()),
        (from, _) => {
            let (place, both) = (table.place.clone(), from.is_some());
            reader.problems.report(&table.at, Problem::FromOrEach { place, both });
            None
        }
    };
    let join = read_join(&mut table, reader);
    let layers = table
        .required("layers", "layers = [{ linear = 128 }, \"relu\"]", reader)
        .and_then(|entry| read_layers::read(&entry, reader));
    table.finish(reader);
    Some(BlockDefinition { name: name?, copies: copies?, each: each.is_some(), join: join?, layers: layers? })
}

fn read_join(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Option<Join>> {
    match table.optional("join") {
        Some(entry) => entry.word("join", JOINS, reader).map(Some),
        None => Some(None),
    }
}

/// One name, or a list of different ones.
fn names(entry: &Entry<'_>, reader: &mut Reader<'_>) -> Option<Vec<Name>> {
    let expected = "the name of an input or a block, or a list of them";
    let items = match entry.value.get_ref() {
        DeValue::Array(items) if items.is_empty() => {
            reader.problems.report(&entry.at(), Problem::Empty { what: "the list" });
            return None;
        }
        DeValue::Array(items) => items.iter().collect(),
        _ => vec![entry.value],
    };
    let mut names: Vec<Name> = Vec::new();
    for item in items {
        let one = Entry { key: entry.key.clone(), key_at: entry.key_at.clone(), value: item };
        let name = Name { at: item.span(), text: one.text(expected, reader)? };
        if entry.key == "each"
            && let Some(first) = names.iter().find(|other| other.text == name.text)
        {
            let problem = Problem::RepeatedName { what: "two members of `each`", name: name.text };
            reader.problems.collision(&name.at, &first.at, problem);
            return None;
        }
        names.push(name);
    }
    Some(names)
}

/// Reads an output, and the place where it says that it is primary.
fn output(at: Span, entries: &DeTable<'_>, reader: &mut Reader<'_>) -> (Option<OutputDefinition>, Option<Span>) {
    let mut table = Table::new("`[[output]]`", at.clone(), entries);
    let target = table
        .required("target", "target = \"digit\"", reader)
        .and_then(|entry| Some((entry.text("the name of a target", reader)?, entry.at())));
    if let Some((target, _)) = &target {
        table.place = format!("the output for `{}`", reader.shown(target));
    }
    let from = table.required("from", "from = \"features\"", reader).and_then(|entry| names(&entry, reader));
    let join = read_join(&mut table, reader);
    let layers = match table.optional("layers") {
        Some(entry) => read_layers::read(&entry, reader).map(Some),
        None => Some(None),
    };
    let width = optional(table.optional("width"), |entry| entry.size(reader));
    let loss = optional(table.optional("loss"), |entry| Some((entry.at(), entry.word("loss", LOSSES, reader)?)));
    let label_smoothing = optional(table.optional("label_smoothing"), |entry| entry.real(reader));
    let class_weights =
        optional(table.optional("class_weights"), |entry| Some((entry.at(), class_weights(entry, reader)?)));
    let delta = optional(table.optional("delta"), |entry| entry.real(reader));
    let weight = optional(table.optional("weight"), |entry| entry.real(reader));
    let primary = table.optional("primary").and_then(|entry| match entry.value.get_ref() {
        DeValue::Boolean(flag) => flag.then(|| entry.at()),
        _ => {
            entry.wrong("true or false", reader);
            None
        }
    });
    table.finish(reader);
    let read = || {
        let (target, target_at) = target?;
        Some(OutputDefinition {
            at,
            target,
            target_at,
            from: from?,
            join: join?,
            layers: layers?,
            width: width?,
            loss: loss?,
            label_smoothing: label_smoothing?,
            class_weights: class_weights?,
            delta: delta?,
            weight: weight?,
        })
    };
    (read(), primary)
}

fn optional<T>(entry: Option<Entry<'_>>, read: impl FnOnce(&Entry<'_>) -> Option<T>) -> Option<Option<T>> {
    match entry {
        Some(entry) => read(&entry).map(Some),
        None => Some(None),
    }
}

fn class_weights(entry: &Entry<'_>, reader: &mut Reader<'_>) -> Option<ClassWeightsDefinition> {
    match entry.value.get_ref() {
        DeValue::String(word) if word == "balanced" => Some(ClassWeightsDefinition::Balanced),
        DeValue::Array(items) => {
            let real = |item| Entry { key: entry.key.clone(), key_at: entry.key_at.clone(), value: item }.real(reader);
            items.iter().map(real).collect::<Option<_>>().map(ClassWeightsDefinition::Given)
        }
        _ => {
            entry.wrong("\"balanced\" or a list of numbers", reader);
            None
        }
    }
}

/// Checks the names of blocks and outputs, and what they read of blocks.
fn references(blocks: &[Option<BlockDefinition>], outputs: &[Option<OutputDefinition>], reader: &mut Reader<'_>) {
    let named: Vec<&BlockDefinition> = blocks.iter().flatten().collect();
    let problems = &mut reader.problems;
    for (index, block) in named.iter().enumerate() {
        if let Some(first) = named[..index].iter().find(|other| other.name.text == block.name.text) {
            let problem = Problem::RepeatedName { what: "two blocks", name: block.name.text.clone() };
            problems.collision(&block.name.at, &first.name.at, problem);
        }
    }
    let complete = blocks.iter().all(Option::is_some)
        && outputs.iter().all(Option::is_some)
        && !outputs.is_empty()
        && problems.is_empty();
    let outputs: Vec<&OutputDefinition> = outputs.iter().flatten().collect();
    for (index, output) in outputs.iter().enumerate() {
        if let Some(first) = outputs[..index].iter().find(|other| other.target == output.target) {
            let problem = Problem::RepeatedName { what: "two outputs", name: output.target.clone() };
            problems.collision(&output.target_at, &first.target_at, problem);
        }
    }
    let mut read = vec![false; named.len()];
    let in_blocks = named
        .iter()
        .enumerate()
        .flat_map(|(index, block)| block.copies.iter().flatten().map(move |name| (index, name)));
    let in_outputs = outputs.iter().flat_map(|output| &output.from).map(|name| (named.len(), name));
    for (reading, name) in in_blocks.chain(in_outputs) {
        let (block, copy) = match name.text.split_once('.') {
            Some((block, copy)) => (block, Some(copy)),
            None => (name.text.as_str(), None),
        };
        let Some(index) = named.iter().position(|other| other.name.text == block) else { continue };
        read[index] = true;
        if index >= reading {
            let problem = Problem::LaterBlock { name: block.to_owned(), itself: index == reading };
            problems.report(&name.at, problem);
        }
        if let Some(copy) = copy {
            let copies: Vec<&str> = match named[index].each {
                true => named[index].copies.iter().flatten().map(|name| name.text.as_str()).collect(),
                false => Vec::new(),
            };
            if !copies.contains(&copy) {
                problems.report(&name.at, unknown("copy", copy, &copies));
            }
        }
    }
    // A block that could not be read, or has another's name, may read another.
    if complete {
        for (block, _) in named.iter().zip(&read).filter(|(_, read)| !**read) {
            problems.report(&block.name.at, Problem::UnreadBlock { name: block.name.text.clone() });
        }
    }
}

/// Checks that the losses are weighted in one way.
fn weights(auxiliary: Option<&Entry<'_>>, outputs: &[Option<OutputDefinition>], reader: &mut Reader<'_>) {
    let Some(auxiliary) = auxiliary else { return };
    if outputs.len() == 1 {
        reader.problems.report(&auxiliary.key_at, Problem::LonelyWeight);
    }
    for weight in outputs.iter().flatten().filter_map(|output| output.weight.as_ref()) {
        reader.problems.collision(&weight.at, &auxiliary.key_at, Problem::TwoWeights);
    }
}

/// Reports unused parameters, and defaults that are none of the words that follow from a choice.
fn finish_parameters(reader: &mut Reader<'_>) {
    // A use may stand in a layer that could not be read.
    let complete = reader.problems.is_empty();
    for known in &mut reader.parameters {
        let checked = known.parameter.default.take().map(|default| known.parameter.check(default));
        match checked {
            Some(Ok(default)) => known.parameter.default = Some(default),
            Some(Err(error)) => reader.problems.report(&known.at, error),
            None => {}
        }
        if complete && !known.used {
            reader.problems.report(&known.at, Problem::UnusedParameter { name: known.parameter.name.clone() });
        }
    }
}
