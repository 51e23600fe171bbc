//! The problems of a spec, each kind with its message. `hints` has the remedies.

use super::{Elsewhere, ReferenceProblem, size_limits};
use crate::{
    data::folds::SplitError,
    text::{agreeing, count},
};

/// One problem of a spec.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The text is not TOML, or a key is written twice.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// The message of TOML's parser.
        message: String,
        /// The rest of the line after the error.
        rest: String,
        /// The line's text.
        line: String,
    },
    /// The text is longer than [`size_limits::TEXT_BYTES_MAX`].
    #[error("the spec is longer than {} bytes, which is as much as is read", size_limits::TEXT_BYTES_MAX)]
    TooLong,
    /// A key that has no meaning in its table.
    #[error("unknown key `{key}` in {place}{}", did_you_mean(.suggestion))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The key's table.
        place: String,
        /// The known key that was probably meant.
        suggestion: Option<&'static str>,
        /// Every valid key of the table.
        known: Vec<&'static str>,
        /// Models with a hyper-parameter of this name.
        models: Vec<&'static str>,
        /// The other tables in which the key has a meaning, where it resembles no key of this table.
        elsewhere: Option<Box<Elsewhere>>,
    },
    /// A required key is missing.
    #[error("missing key `{key}` in {place}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table that needs it.
        place: String,
        /// An example of a valid form.
        example: String,
    },
    /// An unknown word.
    #[error("unknown {what} `{word}`{}", did_you_mean(.suggestion))]
    UnknownWord {
        /// The kind of word: "model", "data set kind", ...
        what: &'static str,
        /// The word as written.
        word: String,
        /// The known word that was probably meant.
        suggestion: Option<&'static str>,
        /// Every known word.
        known: Vec<&'static str>,
    },
    /// A value of the wrong type or outside its range.
    #[error("`{key}` must be {expected}, not {found}")]
    Value {
        /// The value's key.
        key: String,
        /// The allowed values.
        expected: String,
        /// The value as written.
        found: String,
    },
    /// A list where one value is expected.
    #[error("`{key}` must be {expected}, not {found}")]
    BareList {
        /// The list's key.
        key: String,
        /// The allowed values.
        expected: String,
        /// "a list" or "a list of lists".
        found: &'static str,
    },
    /// A table with single instead of double brackets, or the reverse.
    #[error("`{key}` must be written {header}")]
    Brackets {
        /// The table's key.
        key: String,
        /// The right header.
        header: &'static str,
    },
    /// A grid or choice without values.
    #[error("the {form} of `{key}` is empty")]
    EmptyAxis {
        /// The axis's name.
        key: String,
        /// "grid" or "choice".
        form: &'static str,
    },
    /// The same value twice in one grid or choice.
    #[error("{value} is in the {form} of `{key}` twice")]
    RepeatedValue {
        /// The axis's name.
        key: String,
        /// "grid" or "choice".
        form: &'static str,
        /// The value as a model's schema reads it.
        value: String,
    },
    /// An axis in two forms.
    #[error("`{key}` has both `{first}` and `{second}`")]
    TwoForms {
        /// The axis's name.
        key: String,
        /// One form.
        first: &'static str,
        /// The other form.
        second: &'static str,
    },
    /// A range for values that have no order.
    #[error("`{key}` has no `{form}` range: its values are not numbers")]
    NoRange {
        /// The axis's name.
        key: &'static str,
        /// "uniform" or "log_uniform".
        form: &'static str,
    },
    /// A range whose upper end is not above its lower end.
    #[error("the `{form}` range of `{key}` goes from {low} to {high}")]
    EmptyRange {
        /// The axis's name.
        key: &'static str,
        /// "uniform" or "log_uniform".
        form: &'static str,
        /// The first end.
        low: String,
        /// The second end.
        high: String,
    },
    /// `samples` or `sample_seed` in a row that samples nothing.
    #[error("`{key}` is set, but no axis of the row is sampled")]
    NothingSampled {
        /// The key: `samples` or `sample_seed`.
        key: &'static str,
    },
    /// More samples than different draws.
    #[error("only {} could be found, not {samples}", count(found, "different sample"))]
    FewDraws {
        /// The number as written.
        samples: usize,
        /// The number of different draws found in many attempts.
        found: usize,
    },
    /// `zip` or `exclude` names neither an axis nor a setting of the row.
    #[error("the row has no axis `{name}`{}", did_you_mean(.suggestion))]
    UnknownAxis {
        /// The name as written.
        name: String,
        /// The axis that was probably meant.
        suggestion: Option<&'static str>,
        /// The row's axes.
        known: Vec<&'static str>,
    },
    /// `zip` or `exclude` names a setting that has one value.
    #[error("`{key}` is not an axis of this row: it has one value")]
    NotAnAxis {
        /// The setting's name.
        key: &'static str,
    },
    /// A zip of no or one axis.
    #[error("a zip joins two axes or more, not {count}")]
    ShortZip {
        /// The number of axes that it names.
        count: usize,
    },
    /// A zip of a sampled axis.
    #[error("`{key}` is sampled and cannot be zipped")]
    ZippedDraws {
        /// The axis's name.
        key: &'static str,
    },
    /// An axis that the zips of a row name twice.
    #[error("`{key}` is zipped twice")]
    ZippedTwice {
        /// The axis's name.
        key: &'static str,
    },
    /// Zipped axes of different lengths.
    #[error("zipped axes need equally many values: {}", counted(.lengths))]
    UnequalZip {
        /// Each axis with its number of values.
        lengths: Vec<(&'static str, usize)>,
    },
    /// Zipped axes with the same values twice.
    #[error("the zipped axes have {values} twice")]
    RepeatedPoint {
        /// The values: "learning_rate = 0.1, batch_size = 20".
        values: String,
    },
    /// An exclusion without keys.
    #[error("the exclusion names no axis")]
    EmptyExclusion,
    /// An exclusion that matches nothing.
    #[error("nothing is excluded: the row has no combination with {values}")]
    IdleExclusion {
        /// The values: "learning_rate = 0.1, batch_size = 20".
        values: String,
    },
    /// Exclusions that leave nothing.
    #[error("everything is excluded: the row has no configuration left")]
    NothingLeft,
    /// Momentum beside an optimiser that ignores it.
    #[error("`momentum` is {momentum} where `optimiser` is \"adam\", which takes no momentum")]
    UnusedMomentum {
        /// The momentum as written.
        momentum: f64,
    },
    /// More items than a bound allows.
    #[error("{count} {what}; at most {max} are allowed")]
    TooMany {
        /// The items' name, in the plural.
        what: &'static str,
        /// The number of items.
        count: u128,
        /// The bound.
        max: u128,
    },
    /// Text that is neither a seed nor a range of seeds.
    #[error("`{text}` is not a seed or a range of seeds")]
    BadSeeds {
        /// The text as written.
        text: String,
    },
    /// A seed above the largest allowed one.
    #[error("the seed `{text}` is too large: seeds are whole numbers from 0 to {}", i64::MAX)]
    LargeSeed {
        /// The seed as written.
        text: String,
    },
    /// A range with its end before its start.
    #[error("the seed range `{range}` runs backwards")]
    BackwardSeeds {
        /// The range as written.
        range: String,
        /// The same ends in the right order.
        turned: String,
    },
    /// A range without members.
    #[error("the seed range `{range}` is empty")]
    EmptySeeds {
        /// The range as written.
        range: String,
        /// The range that may have been meant.
        meant: String,
    },
    /// No seeds at all.
    #[error("`{key}` is empty: nothing would be trained")]
    NoSeeds {
        /// The key: `seeds` or `data_seeds`.
        key: &'static str,
    },
    /// A repeated seed.
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
        /// The stage's table.
        place: String,
    },
    /// A name that is not a valid directory name everywhere.
    #[error("`{name}` cannot be a name")]
    BadName {
        /// The name as written.
        name: String,
    },
    /// A stage that scores on the test pairs and selects.
    #[error("a hold-out stage cannot select: it is scored on the test pairs")]
    SelectionOnTest,
    /// A race in a stage that selects nothing.
    #[error("a race needs something to win: the stage selects nothing")]
    RaceForNothing,
    /// A race in a stage without folds.
    #[error("a hold-out stage cannot race: it has no folds after which to decide")]
    RaceWithoutFolds,
    /// A race whose first decision comes after the last fold.
    #[error("the race decides first after {}, and the stage has {folds}", count(first, "fold"))]
    LateRace {
        /// The number of folds before the first decision.
        first: u32,
        /// The stage's number of folds.
        folds: u32,
        /// The rule's name.
        name: &'static str,
    },
    /// A selection from a stage that does not exist.
    #[error("there is no stage `{stage}`{}", suggestion.as_ref().map_or_else(String::new, |word| format!(", did you mean `{word}`?")))]
    UnknownStage {
        /// The stage's name as written.
        stage: String,
        /// The earlier stage that was probably meant.
        suggestion: Option<String>,
        /// The stages that come before.
        known: Vec<String>,
    },
    /// A selection from the stage itself or a later one.
    #[error("stage `{stage}` does not come before this one")]
    LaterSelection {
        /// The stage's name as written.
        stage: String,
    },
    /// A selection from a stage that does not select.
    #[error("stage `{stage}` selects nothing")]
    NoSelection {
        /// The stage's name.
        stage: String,
    },
    /// A model that the selecting stage does not have.
    #[error("stage `{stage}` has no model `{model}` to select from")]
    ModelNotSelected {
        /// The selecting stage.
        stage: String,
        /// The model.
        model: String,
        /// The selecting stage's models.
        known: Vec<String>,
    },
    /// Two stages with the same name.
    #[error("two stages have the name `{name}`")]
    RepeatedStage {
        /// The name.
        name: String,
    },
    /// Two rows that give the same configuration.
    #[error("two rows of one stage give the same configuration: {configuration}")]
    RepeatedConfiguration {
        /// A configuration that both rows give.
        configuration: String,
    },
    /// More pairs than the kind of data set has.
    #[error("`{key}` must be at most {max}, not {pairs}: {because}")]
    TooManyPairs {
        /// The key: `train_pairs` or `test_pairs`.
        key: &'static str,
        /// The number as written.
        pairs: u64,
        /// The most pairs that are possible.
        max: u64,
        /// The reason for the limit.
        because: &'static str,
    },
    /// A batch larger than the training part.
    #[error("a batch of {batch} is larger than the {available} {} trained on{}", if *available == 1 { "pair that is" } else { "pairs that are" }, left_by_folds(.folds))]
    LargeBatch {
        /// Pairs in a batch.
        batch: u64,
        /// Pairs in the smallest training part.
        available: u64,
        /// Number of folds; None for the hold-out.
        folds: Option<u32>,
    },
    /// More folds than pairs.
    #[error("{folds} folds are more than the {pairs} {}", agreeing(pairs, "training pair"))]
    ManyFolds {
        /// Number of folds.
        folds: u32,
        /// Number of training pairs.
        pairs: u32,
    },
    /// Folds that a draw of the data does not allow.
    #[error("data seed {data_seed} {}", too_few(.cause))]
    Unfoldable {
        /// The draw's data seed.
        data_seed: u64,
        /// The cause.
        cause: SplitError,
    },
    /// A stopping rule that can never apply.
    #[error("`{key}` is {value}, but training ends after `max_epochs` = {max_epochs}")]
    LateStop {
        /// The key: `min_epochs` or `patience`.
        key: &'static str,
        /// The key's value.
        value: u32,
        /// The last epoch.
        max_epochs: u32,
    },
    /// A row that starts from a selection of which no candidate can be trained with the row's settings.
    #[error("nothing that stage `{from}` can select for model `{model}` fits here: {why}")]
    NoCandidate {
        /// The model.
        model: String,
        /// The selecting stage.
        from: String,
        /// The problem of the first candidate.
        why: Box<Problem>,
    },
    /// A data set that no network of today reads.
    #[error("no network reads data of the kind \"{kind}\" yet")]
    DescribedOnly {
        /// The kind.
        kind: &'static str,
    },
    /// A reference that matches no configuration.
    #[error(transparent)]
    Reference(#[from] ReferenceProblem),
}

fn did_you_mean(suggestion: &Option<&'static str>) -> String {
    suggestion.map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

fn counted(lengths: &[(&'static str, usize)]) -> String {
    lengths.iter().map(|(name, count)| format!("{name} has {count}")).collect::<Vec<_>>().join(", ")
}

fn left_by_folds(folds: &Option<u32>) -> String {
    folds.map_or_else(String::new, |folds| format!(" with {folds} folds"))
}

fn too_few(cause: &SplitError) -> String {
    match cause {
        SplitError::SmallClass { class, members, of } => {
            let examples = agreeing(*members, "training example");
            format!("draws {members} {examples} of class {class:?}, too few for {of} folds")
        }
        other => format!("cannot be folded: {other}"),
    }
}
