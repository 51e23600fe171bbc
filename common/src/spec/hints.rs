//! The hints for the problems of a spec.

use super::{Problem, seeds, size_limits};
use crate::{data::folds::SplitError, text::count};

impl Problem {
    /// The hint for this problem, where its message does not include one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { key, known, models, elsewhere, .. } => {
                let known = format!("known here: {}", known.join(", "));
                match elsewhere {
                    Some(place) => format!("`{}` belongs in {}; {known}", place.key, place.tables.join(" or ")),
                    None if models.is_empty() => known,
                    None => format!("`{key}` belongs to {}; {known}", models.join(" and ")),
                }
            }
            Self::MissingKey { example, .. } => format!("for example {example}"),
            Self::UnknownWord { known, .. } => format!("known: {}", known.join(", ")),
            Self::Value { key, found, .. } if key == "model" && found.starts_with(['{', '[']) => {
                "write one [[stage.model]] for each model".to_owned()
            }
            Self::Value { key, found, .. } if key == "normalize" && found.starts_with(['{', '[']) => {
                "a [[stage.model]] row may vary it: normalize = { grid = [...] }".to_owned()
            }
            Self::Value { found, .. } => {
                let unquoted = found.trim_matches(['"', '\'']);
                if unquoted == found || unquoted.parse::<f64>().is_err() {
                    return None;
                }
                "numbers are written without quotes".to_owned()
            }
            Self::BareList { key, .. } => format!("an axis is written {key} = {{ grid = [...] }}"),
            Self::EmptyAxis { .. } => "write at least one value".to_owned(),
            Self::TwoForms { .. } => "keep one of them".to_owned(),
            Self::NoRange { key, .. } => format!("write {key} = {{ choice = [...] }}"),
            Self::EmptyRange { key, low, high, .. } if low == high => format!("write {key} = {low}"),
            Self::EmptyRange { form, low, high, .. } => format!("write {form} = [{high}, {low}]"),
            Self::NothingSampled { .. } => {
                "a sampled axis is written { uniform = [low, high] }, { log_uniform = [low, high] } or { choice = [...] }"
                    .to_owned()
            }
            Self::FewDraws { found, .. } => {
                format!(
                    "use at most {}, or wider ranges; numbers are rounded to four significant digits",
                    count(found, "sample")
                )
            }
            Self::UnknownAxis { known, .. } if known.is_empty() => {
                "an axis is written { grid = [...] }; the row has none".to_owned()
            }
            Self::UnknownAxis { known, .. } => format!("axes of the row: {}", known.join(", ")),
            Self::NotAnAxis { key } => format!("an axis is written {key} = {{ grid = [...] }}"),
            Self::ShortZip { .. } => r#"for example zip = [["learning_rate", "batch_size"]]"#.to_owned(),
            Self::ZippedDraws { .. } => "sampled axes vary together already; only grids are zipped".to_owned(),
            Self::ZippedTwice { .. } => "name every axis that varies with it in one list".to_owned(),
            Self::UnequalZip { .. } => "the first values belong together, the second ones, and so on".to_owned(),
            Self::RepeatedPoint { .. } => "remove one of them from each axis".to_owned(),
            Self::EmptyExclusion => "write what must not meet: { learning_rate = 1.0, batch_size = 10 }".to_owned(),
            Self::IdleExclusion { .. } => "correct a value or remove the exclusion".to_owned(),
            Self::NothingLeft => "remove an exclusion, or the row".to_owned(),
            Self::UnusedMomentum { momentum } => format!(
                "remove it, or leave the combination out with exclude = [{{ optimiser = \"adam\", momentum = {momentum} }}]"
            ),
            Self::RepeatedValue { .. } => {
                "remove one of them; 1 and 1.0 are the same where a number is expected".to_owned()
            }
            Self::TooMany { what: "units", .. } => {
                "units are configurations x folds x seeds x draws of the data, over all stages; split the study or make a grid smaller"
                    .to_owned()
            }
            Self::BadSeeds { .. } => {
                r#"write "1..=10" for 1 to 10, "1..5" for 1 to 4, one whole number, or a list such as [1, 2, "5..=8"]"#
                    .to_owned()
            }
            Self::LargeSeed { .. } => return None,
            Self::BackwardSeeds { turned, .. } => format!("write \"{turned}\""),
            Self::EmptySeeds { meant, .. } => format!("the end is not part of `..`; write \"{meant}\" to include it"),
            Self::NoSeeds { key } => format!("write {key} = \"1..=10\""),
            Self::RepeatedSeed { .. } => "remove one of them: a unit is trained once".to_owned(),
            Self::DescribedOnly { .. } => {
                "`seedgrid data describe SPEC` shows how such data are read; studies train on \"mnist-pairs\" and \"glyph-pairs\"".to_owned()
            }
            Self::NoStages => {
                r#"add [[stage]] with a name, evaluation, seeds, stop and at least one [[stage.model]]"#.to_owned()
            }
            Self::NoRows { .. } => {
                r#"add [[stage.model]] with, for example, model = "cnn", learning_rate = 0.1, batch_size = 20"#
                    .to_owned()
            }
            Self::BadName { .. } => format!(
                "use 1 to {} ASCII letters, digits, `-` and `_`, starting with a letter or digit: it names files",
                size_limits::NAME_BYTES_MAX
            ),
            Self::SelectionOnTest => {
                "select by cross-validation, evaluation = { folds = 10 }: an error on pairs that were selected by is too low".to_owned()
            }
            Self::RaceForNothing => r#"add select = "lowest", or remove `race`"#.to_owned(),
            Self::RaceWithoutFolds => "race in cross-validation, evaluation = { folds = 10 }, or remove `race`".to_owned(),
            Self::LateRace { folds, name, .. } => match (*folds, *name) {
                (2, "friedman") => r#"use more folds: the rule needs two before the last, or race = "halving""#.to_owned(),
                (folds, name) => {
                    format!("use more folds, or race = {{ rule = \"{name}\", first = {} }}", folds - 1)
                }
            },
            Self::UnknownStage { known, .. } if known.is_empty() => "no stage comes before this one".to_owned(),
            Self::UnknownStage { known, .. } => format!("stages that come before: {}", known.join(", ")),
            Self::LaterSelection { .. } => {
                "a stage can start only from what an earlier one selects, so none waits for itself".to_owned()
            }
            Self::NoSelection { .. } => r#"add select = "lowest" to it"#.to_owned(),
            Self::ModelNotSelected { known, .. } => format!("its models: {}", known.join(", ")),
            Self::RepeatedStage { .. } => "give each stage its own name".to_owned(),
            Self::RepeatedConfiguration { .. } => {
                "remove it from one of the rows: a unit is trained and counted once".to_owned()
            }
            Self::LargeBatch { available, .. } => format!("use at most {available}"),
            Self::ManyFolds { pairs, .. } => format!("use at most {}", count(pairs, "fold")),
            Self::Unfoldable { cause: SplitError::SmallClass { members: members @ 2.., .. }, .. } => {
                format!("use at most {members} folds, or more `train_pairs`")
            }
            Self::Unfoldable { .. } => "use more `train_pairs`".to_owned(),
            Self::LateStop { max_epochs, .. } => format!("use at most {max_epochs} or raise `max_epochs`"),
            Self::Brackets { key, header } => match *header {
                "[[stage]]" | "[[stage.model]]" | "[[reference]]" => {
                    format!("double brackets: there may be several of `{key}`")
                }
                _ => format!("single brackets: there is one `{key}`"),
            },
            Self::NoCandidate { from, why, .. } => match &**why {
                Self::LargeBatch { available, .. } => {
                    format!("use at most {available} in stage `{from}`, or write a `batch_size` of at most {available} in this row")
                }
                Self::UnusedMomentum { .. } => {
                    "remove `momentum`, or write optimiser = \"sgd\" and a `learning_rate` for it in this row".to_owned()
                }
                Self::LateStop { key, max_epochs, .. } => {
                    format!("write a `{key}` of at most {max_epochs} in the `stop` of this row or stage, or raise `max_epochs`")
                }
                other => return other.hint(),
            },
            Self::Reference(problem) => problem.hint(),
            Self::Syntax { message, rest, line } => {
                seeds_hint(line).or_else(|| syntax_hint(message, rest).map(str::to_owned))?
            }
            Self::TooLong | Self::TooMany { .. } | Self::TooManyPairs { .. } => {
                return None;
            }
        })
    }
}

/// The right form of seeds, where the line is about them: a range is no value of TOML, so it must be in quotes.
fn seeds_hint(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let key = ["seeds", "data_seeds"].into_iter().find(|known| *known == key.trim())?;
    let value = value.split('#').next().unwrap_or_default().trim();
    Some(match seeds::is_range(value) {
        true => format!("write it in quotes: {key} = \"{value}\"; an end is part of \"1..=3\", and not of \"1..3\""),
        false => format!("a range is written in quotes: {key} = \"1..=10\"; a list is {key} = [1, 2, \"5..=8\"]"),
    })
}

/// The usual cause of a message of TOML's parser.
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
