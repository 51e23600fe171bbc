//! Reads the text with which people name a unit as facts about it.

use std::{collections::BTreeSet, fmt};

use crate::{model, unit::Unit};

/// A fact about a unit. Numbers are in their shortest form, names without case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The unit's model, or a word that is no fact.
    Word(String),
    /// A setting and its value.
    Setting(String, String),
    /// The unit is a hold-out.
    Holdout,
    /// The unit's fold, from 1.
    Fold(String),
    /// The number of folds.
    Folds(String),
    /// The unit's seed.
    Seed(String),
    /// The seed of the unit's draw of the data.
    DataSeed(String),
}

impl Fact {
    /// Whether both state the same property: at most one of them holds for a unit.
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

/// Facts, independent of the order in which they were written.
///
/// `cnn learning_rate=0.1 seed 3`, `seed=3 learning_rate = 1e-1 cnn` and `Basic CNN (learning_rate=0.10) seed 3` are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeSet<Fact>);

impl Facts {
    /// Reads a label, or a user's text in its place.
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
            // `fold 3 of 10` gives both the fold and the number of folds.
            if name == "fold" && words.next_if_eq(&"of").is_some() {
                facts.extend(words.next_if(is_number).map(|of| Fact::Folds(canonical(of))));
            }
        }
        Self(facts)
    }

    /// All facts about a unit, except its data seed.
    pub fn from_unit(unit: &Unit) -> Self {
        Self::read(&super::description(unit, None))
    }

    /// These facts without seeds and folds, in which units of one configuration differ.
    pub fn of_configuration(&self) -> Self {
        let is_of_unit = |fact: &&Fact| !matches!(fact, Fact::Word(_) | Fact::Setting(..));
        Self(self.0.iter().filter(|fact| !is_of_unit(fact)).cloned().collect())
    }

    /// Whether there are no facts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of these are among `others`.
    pub fn are_among(&self, others: &Self) -> bool {
        self.0.is_subset(&others.0)
    }

    /// The number of these facts that are among `others`.
    pub fn shared(&self, others: &Self) -> usize {
        self.0.intersection(&others.0).count()
    }

    /// Every fact, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.0.iter()
    }
}

/// Whether a word is a number, or two numbers as in `3/10`.
fn is_number(word: &&str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
}

/// The facts in `name=value`. A row's number gives none: equal rows have the same units.
fn setting(name: &str, value: &str) -> Vec<Fact> {
    let name = name.replace('-', "_");
    // The form in a spec: `stop = { max_epochs = 20 }`.
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

/// The words with one blank between them: without brackets around settings, blanks around `=` and in lists, and quotes.
/// A model's title is replaced by its name.
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

/// The canonical form of a value: `1.0`, `1e0` and `+1` are `1`, `0.10` is `0.1`.
fn canonical(value: &str) -> String {
    if let Some(items) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // A comma may follow the last item.
        let items: Vec<String> = items.split(',').filter(|item| !item.is_empty()).map(canonical).collect();
        return format!("[{}]", items.join(","));
    }
    let digits = value.replace('_', "");
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.to_string();
    }
    match digits.parse::<f64>() {
        // -0 becomes 0. Whole numbers look like those written without a point.
        Ok(number) if number.is_finite() && digits.contains(|byte: char| byte.is_ascii_digit()) => {
            (number + 0.0).to_string()
        }
        Ok(_) | Err(_) => value.to_owned(),
    }
}

/// The labels most similar to the written text, of all labels with their descriptions: at most `count`, the best first.
pub fn nearest<'a>(written: &str, labels: impl Iterator<Item = (&'a str, &'a str)>, count: usize) -> Vec<&'a str> {
    let wanted = Facts::read(written);
    let written = written.to_lowercase();
    // Comparing long texts costs time and finds nothing.
    let alike = |label: &str| if written.len() > 200 { 0.0 } else { strsim::sorensen_dice(&written, label) };
    let score =
        |(label, description): (&'a str, &'a str)| (wanted.shared(&Facts::read(description)), alike(label), label);
    let mut scored: Vec<(usize, f64, &str)> =
        labels.map(score).filter(|(shared, alike, _)| *shared > 0 || *alike > 0.4).collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
    scored.truncate(count);
    scored.into_iter().map(|(_, _, label)| label).collect()
}
