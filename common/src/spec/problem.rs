//! What can be wrong with a spec: each kind with its message. `hint` says what to do about it.

use super::{Elsewhere, ReferenceProblem, limits};
use crate::{
    data::folds::SplitError,
    text::{agreeing, count},
};

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
        /// The line.
        line: String,
    },
    /// The text is longer than [`limits::TEXT_BYTES_MAX`].
    #[error("the spec is longer than {} bytes, which is as much as is read", limits::TEXT_BYTES_MAX)]
    TooLong,
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
        /// The other tables in which it would mean something, where it does not mean a key of this one.
        elsewhere: Option<Box<Elsewhere>>,
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
    /// A grid or choice without values.
    #[error("the {form} of `{key}` is empty")]
    EmptyAxis {
        /// The axis.
        key: String,
        /// "grid" or "choice".
        form: &'static str,
    },
    /// The same value twice in one grid or choice.
    #[error("{value} is in the {form} of `{key}` twice")]
    RepeatedValue {
        /// The axis.
        key: String,
        /// "grid" or "choice".
        form: &'static str,
        /// As a model's schema reads it.
        value: String,
    },
    /// An axis that is written in two ways.
    #[error("`{key}` has both `{first}` and `{second}`")]
    TwoForms {
        /// The axis.
        key: String,
        /// One way.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A range for values that have no order.
    #[error("`{key}` has no `{form}` range: its values are not numbers")]
    NoRange {
        /// The axis.
        key: &'static str,
        /// "uniform" or "log_uniform".
        form: &'static str,
    },
    /// A range whose upper end is not above its lower end.
    #[error("the `{form}` range of `{key}` goes from {low} to {high}")]
    EmptyRange {
        /// The axis.
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
        /// Which of the two.
        key: &'static str,
    },
    /// More samples than there are different ones.
    #[error("only {} could be found, not {samples}", count(found, "different sample"))]
    FewDraws {
        /// As written.
        samples: usize,
        /// Different ones that were drawn in many attempts.
        found: usize,
    },
    /// `zip` or `exclude` names what is no axis of the row and none of its settings.
    #[error("the row has no axis `{name}`{}", did_you_mean(.suggestion))]
    UnknownAxis {
        /// As written.
        name: String,
        /// The axis that was probably meant.
        suggestion: Option<&'static str>,
        /// The row's axes.
        known: Vec<&'static str>,
    },
    /// `zip` or `exclude` names a setting that has one value.
    #[error("`{key}` is not an axis of this row: it has one value")]
    NotAnAxis {
        /// The setting.
        key: &'static str,
    },
    /// A zip of no or one axis.
    #[error("a zip joins two axes or more, not {count}")]
    ShortZip {
        /// How many it names.
        count: usize,
    },
    /// A zip of a sampled axis.
    #[error("`{key}` is sampled and cannot be zipped")]
    ZippedDraws {
        /// The axis.
        key: &'static str,
    },
    /// An axis that is named twice in the zips of a row.
    #[error("`{key}` is zipped twice")]
    ZippedTwice {
        /// The axis.
        key: &'static str,
    },
    /// Zipped axes of different lengths.
    #[error("zipped axes need equally many values: {}", counted(.lengths))]
    UnequalZip {
        /// Each axis with its number of values.
        lengths: Vec<(&'static str, usize)>,
    },
    /// The same values of zipped axes twice.
    #[error("the zipped axes have {values} twice")]
    RepeatedPoint {
        /// "learning_rate = 0.1, batch_size = 20".
        values: String,
    },
    /// An exclusion without keys.
    #[error("the exclusion names no axis")]
    EmptyExclusion,
    /// An exclusion that nothing matches.
    #[error("nothing is excluded: the row has no combination with {values}")]
    IdleExclusion {
        /// "learning_rate = 0.1, batch_size = 20".
        values: String,
    },
    /// Exclusions of everything.
    #[error("everything is excluded: the row has no configuration left")]
    NothingLeft,
    /// Momentum beside an optimiser that takes none.
    #[error("`momentum` is {momentum} where `optimiser` is \"adam\", which takes no momentum")]
    UnusedMomentum {
        /// As written.
        momentum: f64,
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
    /// A seed that is larger than any may be.
    #[error("the seed `{text}` is too large: seeds are whole numbers from 0 to {}", i64::MAX)]
    LargeSeed {
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
    #[error("`{key}` is empty: nothing would be trained")]
    NoSeeds {
        /// `seeds` or `data_seeds`.
        key: &'static str,
    },
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
        /// After how many folds is decided first.
        first: u32,
        /// How many the stage has.
        folds: u32,
        /// The rule's name.
        name: &'static str,
    },
    /// A selection of a stage that is not there.
    #[error("there is no stage `{stage}`{}", suggestion.as_ref().map_or_else(String::new, |word| format!(", did you mean `{word}`?")))]
    UnknownStage {
        /// As written.
        stage: String,
        /// The earlier stage that was probably meant.
        suggestion: Option<String>,
        /// Stages that come before.
        known: Vec<String>,
    },
    /// A selection of the stage itself or of a later one.
    #[error("stage `{stage}` does not come before this one")]
    LaterSelection {
        /// As written.
        stage: String,
    },
    /// A selection of a stage that makes none.
    #[error("stage `{stage}` selects nothing")]
    NoSelection {
        /// The stage.
        stage: String,
    },
    /// A model that the selecting stage does not have.
    #[error("stage `{stage}` has no model `{model}` to select from")]
    ModelNotSelected {
        /// The selecting stage.
        stage: String,
        /// The model.
        model: String,
        /// Models that it has.
        known: Vec<String>,
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
    /// More pairs than the kind of data set has.
    #[error("`{key}` must be at most {max}, not {pairs}: {because}")]
    TooManyPairs {
        /// `train_pairs` or `test_pairs`.
        key: &'static str,
        /// As written.
        pairs: u64,
        /// How many there can be.
        max: u64,
        /// Why.
        because: &'static str,
    },
    /// A batch that no training part fills.
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
    /// Folds that cannot be made of the pairs that a seed draws.
    #[error("data seed {data_seed} {}", too_few(.cause))]
    Unfoldable {
        /// The draw.
        data_seed: u64,
        /// Why.
        cause: SplitError,
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
    /// A row that starts from a selection, and whatever is selected cannot be trained as the row has it.
    #[error("nothing that stage `{from}` can select for model `{model}` fits here: {why}")]
    NoCandidate {
        /// The model.
        model: String,
        /// The selecting stage.
        from: String,
        /// What is wrong with the first.
        why: Box<Problem>,
    },
    /// A reference that is for nothing.
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
        SplitError::SmallClass { label, members, of } => {
            let pairs = agreeing(members, "training pair");
            format!("draws {members} {pairs} with label {label}, too few for {of} folds")
        }
        other => format!("cannot be folded: {other}"),
    }
}
