//! What can be wrong with a spec: each kind with its message and with what to do about it.

use super::{ReferenceProblem, limits};

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The text is not TOML, or a key is written twice.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// What TOML's parser says.
        message: String,
        /// What follows on the line.
        rest: String,
    },
    /// The text is longer than [`limits::TEXT_BYTES_MAX`].
    #[error("the spec has {bytes} bytes; at most {} are read", limits::TEXT_BYTES_MAX)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A key that means nothing where it stands.
    #[error("unknown key `{key}` in {place}{}", did_you_mean(.suggestion))]
    UnknownKey {
        /// As written.
        key: String,
        /// The table in which it stands.
        place: String,
        /// The known key that was probably meant.
        suggestion: Option<&'static str>,
        /// Every key that may stand there.
        known: Vec<&'static str>,
        /// Models that do have a hyper-parameter of this name.
        models: Vec<&'static str>,
    },
    /// A key that must be there is not.
    #[error("missing key `{key}` in {place}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table that needs it.
        place: String,
        /// How it may be written.
        example: String,
    },
    /// A word that is none of those that are known.
    #[error("unknown {what} `{word}`{}", did_you_mean(.suggestion))]
    UnknownWord {
        /// "model", "data set kind", ...
        what: &'static str,
        /// As written.
        word: String,
        /// The known word that was probably meant.
        suggestion: Option<&'static str>,
        /// Every known word.
        known: Vec<&'static str>,
    },
    /// A value of the wrong type or outside its range.
    #[error("`{key}` must be {expected}, not {found}")]
    Value {
        /// Its key.
        key: String,
        /// What is allowed.
        expected: String,
        /// What was written.
        found: String,
    },
    /// A list where one value is expected.
    #[error("`{key}` must be {expected}, not {found}")]
    BareList {
        /// Its key.
        key: String,
        /// What is allowed.
        expected: String,
        /// "a list" or "a list of lists".
        found: &'static str,
    },
    /// A table that must be written with single or double brackets is written the other way.
    #[error("`{key}` must be written {header}")]
    Brackets {
        /// Its key.
        key: String,
        /// The right header.
        header: &'static str,
    },
    /// A grid without values.
    #[error("the grid of `{key}` is empty")]
    EmptyGrid {
        /// The axis.
        key: String,
    },
    /// The same value twice in one grid.
    #[error("{value} is in the grid of `{key}` twice")]
    RepeatedValue {
        /// The axis.
        key: String,
        /// As a model's schema reads it.
        value: String,
    },
    /// More of something than the bounds allow.
    #[error("{count} {what}; at most {max} are allowed")]
    TooMany {
        /// In the plural.
        what: &'static str,
        /// How many.
        count: u128,
        /// The bound.
        max: u128,
    },
    /// Text that is neither a seed nor a range of seeds.
    #[error("`{text}` is not a seed or a range of seeds")]
    BadSeeds {
        /// As written.
        text: String,
    },
    /// A range whose end lies before its start.
    #[error("the seed range `{range}` runs backwards")]
    BackwardSeeds {
        /// As written.
        range: String,
        /// The same ends in the right order.
        turned: String,
    },
    /// A range without members.
    #[error("the seed range `{range}` is empty")]
    EmptySeeds {
        /// As written.
        range: String,
        /// What may have been meant.
        meant: String,
    },
    /// No seeds at all.
    #[error("`seeds` is empty: nothing would be trained")]
    NoSeeds,
    /// One seed twice.
    #[error("seed {seed} is written twice")]
    RepeatedSeed {
        /// The seed.
        seed: u64,
    },
    /// A study without stages.
    #[error("the study has no stage: nothing would be trained")]
    NoStages,
    /// A stage without rows.
    #[error("{place} has no model: nothing would be trained")]
    NoRows {
        /// The stage.
        place: String,
    },
    /// A name that cannot name a directory everywhere.
    #[error("`{name}` cannot be a name")]
    BadName {
        /// As written.
        name: String,
    },
    /// Two stages of one name.
    #[error("two stages have the name `{name}`")]
    RepeatedStage {
        /// The name.
        name: String,
    },
    /// Two rows that expand to one configuration.
    #[error("two rows of one stage give the same configuration: {configuration}")]
    RepeatedConfiguration {
        /// One that both rows give.
        configuration: String,
    },
    /// More pairs than MNIST has images for.
    #[error(
        "`{key}` must be at most {max}, not {pairs}: MNIST has {images} {part} images and a pair takes two of its own"
    )]
    TooManyPairs {
        /// `train_pairs` or `test_pairs`.
        key: &'static str,
        /// As written.
        pairs: u64,
        /// How many there can be.
        max: u64,
        /// MNIST's images in this part.
        images: u64,
        /// "training" or "test".
        part: &'static str,
    },
    /// A batch that no training part fills.
    #[error("a batch of {batch} is larger than the {available} pairs that are trained on{}", left_by_folds(.folds))]
    LargeBatch {
        /// Pairs in a batch.
        batch: u64,
        /// Pairs in the smallest training part.
        available: u64,
        /// Number of folds; None for the hold-out.
        folds: Option<u32>,
    },
    /// More folds than pairs.
    #[error("{folds} folds are more than the {pairs} training pairs")]
    ManyFolds {
        /// Number of folds.
        folds: u32,
        /// Number of training pairs.
        pairs: u32,
    },
    /// A stopping rule that can never apply.
    #[error("`{key}` is {value}, but training ends after `max_epochs` = {max_epochs}")]
    LateStop {
        /// `min_epochs` or `patience`.
        key: &'static str,
        /// Its value.
        value: u32,
        /// The last epoch.
        max_epochs: u32,
    },
    /// A reference that is for nothing.
    #[error(transparent)]
    Reference(#[from] ReferenceProblem),
}

impl Problem {
    /// What to do about it, where the message does not say so already.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { key, known, models, .. } => {
                let known = format!("known here: {}", known.join(", "));
                if models.is_empty() { known } else { format!("`{key}` belongs to {}; {known}", models.join(" and ")) }
            }
            Self::MissingKey { example, .. } => format!("for example {example}"),
            Self::UnknownWord { known, .. } => format!("known: {}", known.join(", ")),
            Self::Value { key, found, .. } if key == "model" && found.starts_with(['{', '[']) => {
                "write one [[stage.model]] for each model".to_owned()
            }
            Self::Value { found, .. } => {
                let unquoted = found.trim_matches(['"', '\'']);
                if unquoted == found || unquoted.parse::<f64>().is_err() {
                    return None;
                }
                "numbers are written without quotes".to_owned()
            }
            Self::BareList { key, .. } => format!("an axis is written {key} = {{ grid = [...] }}"),
            Self::EmptyGrid { .. } => "write at least one value".to_owned(),
            Self::RepeatedValue { .. } => {
                "remove one of them; 1 and 1.0 are the same where a number is expected".to_owned()
            }
            Self::TooMany { what: "units", .. } => {
                "units are configurations x folds x seeds, over all stages; split the study or make a grid smaller"
                    .to_owned()
            }
            Self::BadSeeds { .. } => {
                r#"write "1..=10" for 1 to 10, "1..5" for 1 to 4, one whole number, or a list such as [1, 2, "5..=8"]"#
                    .to_owned()
            }
            Self::BackwardSeeds { turned, .. } => format!("write \"{turned}\""),
            Self::EmptySeeds { meant, .. } => format!("the end is not part of `..`; write \"{meant}\" to include it"),
            Self::NoSeeds => r#"write seeds = "1..=10""#.to_owned(),
            Self::RepeatedSeed { .. } => "remove one of them: a unit is trained once".to_owned(),
            Self::NoStages => {
                r#"add [[stage]] with a name, evaluation, seeds, stop and at least one [[stage.model]]"#.to_owned()
            }
            Self::NoRows { .. } => {
                r#"add [[stage.model]] with, for example, model = "cnn", learning_rate = 0.1, batch_size = 20"#
                    .to_owned()
            }
            Self::BadName { .. } => format!(
                "use 1 to {} ASCII letters, digits, `-` and `_`, starting with a letter or digit: it names files",
                limits::NAME_BYTES_MAX
            ),
            Self::RepeatedStage { .. } => "give each stage its own name".to_owned(),
            Self::RepeatedConfiguration { .. } => {
                "remove it from one of the rows: a unit is trained and counted once".to_owned()
            }
            Self::LargeBatch { available, .. } => format!("use at most {available}"),
            Self::ManyFolds { pairs, .. } => format!("use at most {pairs} folds"),
            Self::LateStop { max_epochs, .. } => format!("use at most {max_epochs} or raise `max_epochs`"),
            Self::Brackets { key, header } => match *header {
                "[[stage]]" | "[[stage.model]]" | "[[reference]]" => {
                    format!("double brackets: there may be several of `{key}`")
                }
                _ => format!("single brackets: there is one `{key}`"),
            },
            Self::Reference(problem) => problem.hint(),
            Self::Syntax { message, rest } => syntax_hint(message, rest)?.to_owned(),
            Self::TooLong { .. } | Self::TooMany { .. } | Self::TooManyPairs { .. } => {
                return None;
            }
        })
    }
}

/// What is usually behind what TOML's parser says.
fn syntax_hint(message: &str, rest: &str) -> Option<&'static str> {
    if rest.starts_with("..") || rest.starts_with(".=") {
        Some(r#"a range is written in quotes: seeds = "1..=10""#)
    } else if message.starts_with("duplicate key") {
        Some("a key is written once in a table")
    } else if message.starts_with("key with no value") {
        Some("a line is `key = value`, and a key has no spaces")
    } else if message.starts_with("string values must be quoted") {
        Some(r#"for example kind = "glyph-pairs""#)
    } else {
        None
    }
}

fn did_you_mean(suggestion: &Option<&'static str>) -> String {
    suggestion.map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

fn left_by_folds(folds: &Option<u32>) -> String {
    folds.map_or_else(String::new, |folds| format!(" with {folds} folds"))
}
