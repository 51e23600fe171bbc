//! What people write to mean a unit, read as facts that hold of it or do not.

use std::{collections::BTreeSet, fmt};

use crate::{model, unit::Unit};

/// Something that holds of a unit. Numbers are in their shortest form, names without case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// Its model, or a word that is no fact.
    Word(String),
    /// A setting and its value.
    Setting(String, String),
    /// It is a hold-out.
    Holdout,
    /// Its fold, from 1 on.
    Fold(String),
    /// Of how many folds this is one.
    Folds(String),
    /// Its seed.
    Seed(String),
    /// The seed of its draw of the data.
    DataSeed(String),
}

impl Fact {
    /// Whether both are about the same: of one unit, at most one of them holds.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Setting(one, _), Self::Setting(other, _)) => one == other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Setting(name, value) => write!(f, "{name}={value}"),
            Self::Holdout => f.write_str("hold-out"),
            Self::Fold(fold) => write!(f, "fold {fold}"),
            Self::Folds(of) => write!(f, "of {of} folds"),
            Self::Seed(seed) => write!(f, "seed {seed}"),
            Self::DataSeed(seed) => write!(f, "data seed {seed}"),
        }
    }
}

/// Facts, in whatever order they were written.
///
/// `cnn learning_rate=0.1 seed 3`, `seed=3 learning_rate = 1e-1 cnn` and `Basic CNN (learning_rate=0.10) seed 3` are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeSet<Fact>);

impl Facts {
    /// Reads a label, or what somebody wrote in the place of one.
    pub fn read(text: &str) -> Self {
        let text = tidy(&text.trim().to_lowercase());
        let mut words = text.split_whitespace().peekable();
        let mut facts = BTreeSet::new();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None if word == "data" && words.next_if_eq(&"seed").is_some() => {
                    ("data_seed", words.next_if(is_number))
                }
                None if matches!(word, "seed" | "fold" | "row") => (word, words.next_if(is_number)),
                None => (word, None),
            };
            facts.extend(match (name, value) {
                ("hold-out" | "holdout", None) => vec![Fact::Holdout],
                (name, None) => vec![Fact::Word(name.to_owned())],
                (name, Some(value)) => setting(name, value),
            });
            // `fold 3 of 10` says both.
            if name == "fold" && words.next_if_eq(&"of").is_some() {
                facts.extend(words.next_if(is_number).map(|of| Fact::Folds(canonical(of))));
            }
        }
        Self(facts)
    }

    /// All that holds of a unit, but for its data seed.
    pub fn of(unit: &Unit) -> Self {
        Self::read(&super::description(unit, None))
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of these are among `others`.
    pub fn are_among(&self, others: &Self) -> bool {
        self.0.is_subset(&others.0)
    }

    /// How many of these are among `others`.
    pub fn shared(&self, others: &Self) -> usize {
        self.0.intersection(&others.0).count()
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.0.iter()
    }
}

/// Whether a word is a number, or two as in `3/10`.
fn is_number(word: &&str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
}

/// Facts of `name=value`. The number of a row says nothing of a unit: equal rows have the same ones.
fn setting(name: &str, value: &str) -> Vec<Fact> {
    let name = name.replace('-', "_");
    // As a spec writes it, in `stop = { max_epochs = 20 }`.
    let name = name.strip_prefix("stop.").unwrap_or(&name);
    match name {
        "row" => Vec::new(),
        "seed" => vec![Fact::Seed(canonical(value))],
        "data_seed" => vec![Fact::DataSeed(canonical(value))],
        "fold" => {
            let (fold, of) = value.split_once('/').map_or((value, None), |(fold, of)| (fold, Some(of)));
            [Fact::Fold(canonical(fold))].into_iter().chain(of.map(|of| Fact::Folds(canonical(of)))).collect()
        }
        _ => vec![Fact::Setting(name.to_owned(), canonical(value))],
    }
}

/// Words with one blank between them: without brackets around settings, blanks around `=` and in lists, and quotes. A title of a model is
/// replaced by its name.
fn tidy(text: &str) -> String {
    let mut titles: Vec<(String, &str)> =
        model::ALL.iter().map(|model| (model.title.to_lowercase(), model.name)).collect();
    titles.sort_by_key(|(title, _)| std::cmp::Reverse(title.len()));
    let named = titles.iter().find_map(|(title, name)| {
        let rest = text.strip_prefix(title.as_str())?;
        (rest.is_empty() || rest.starts_with([' ', '('])).then(|| format!("{name}{rest}"))
    });
    let mut tidy = String::with_capacity(text.len());
    let (mut depth, mut blank) = (0_usize, false);
    for character in named.as_deref().unwrap_or(text).chars() {
        match character {
            '"' | '\'' => continue,
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let separates = character.is_whitespace() || (depth == 0 && matches!(character, ',' | ';' | '(' | ')'));
        match character {
            _ if separates => blank = depth == 0,
            '=' => {
                tidy.push('=');
                blank = false;
            }
            _ => {
                if std::mem::take(&mut blank) && !tidy.is_empty() && !tidy.ends_with('=') {
                    tidy.push(' ');
                }
                tidy.push(character);
            }
        }
    }
    tidy
}

/// A value in the one form that all ways of writing it have: `1.0`, `1e0` and `+1` are `1`, `0.10` is `0.1`.
fn canonical(value: &str) -> String {
    if let Some(items) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // A comma may stand behind the last one.
        let items: Vec<String> = items.split(',').filter(|item| !item.is_empty()).map(canonical).collect();
        return format!("[{}]", items.join(","));
    }
    let digits = value.replace('_', "");
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.to_string();
    }
    match digits.parse::<f64>() {
        // -0 is 0. Whole ones look like those that were written without a point.
        Ok(number) if number.is_finite() && digits.contains(|byte: char| byte.is_ascii_digit()) => {
            (number + 0.0).to_string()
        }
        Ok(_) | Err(_) => value.to_owned(),
    }
}

/// The labels, of all with their descriptions, that are most like what was written: at most `count`, the best first.
pub fn nearest<'a>(written: &str, labels: impl Iterator<Item = (&'a str, &'a str)>, count: usize) -> Vec<&'a str> {
    let wanted = Facts::read(written);
    let written = written.to_lowercase();
    // Comparing long texts costs time, and helps nobody.
    let alike = |label: &str| if written.len() > 200 { 0.0 } else { strsim::sorensen_dice(&written, label) };
    let score =
        |(label, description): (&'a str, &'a str)| (wanted.shared(&Facts::read(description)), alike(label), label);
    let mut scored: Vec<(usize, f64, &str)> =
        labels.map(score).filter(|(shared, alike, _)| *shared > 0 || *alike > 0.4).collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    scored.truncate(count);
    scored.into_iter().map(|(_, _, label)| label).collect()
}
