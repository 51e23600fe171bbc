//! The problems of a network, each kind with its message and hint.

use super::{
    limits::{LAYERS_MAX, NAME_BYTES_MAX, PARAMETERS_MAX, TEXT_BYTES_MAX},
    operation_shapes::{Misfit, listed},
    parameter::ParameterError,
    shape::{Shape, TargetKind},
};

/// One problem of a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The text is not TOML, or a key is written twice.
    #[error("not valid TOML: {message}")]
    Syntax {
        /// The message of TOML's parser.
        message: String,
    },
    /// The text is longer than a network may be.
    #[error("the file is longer than {TEXT_BYTES_MAX} bytes, which is as much as is read")]
    TooLong,
    /// A key that has no meaning in its table.
    #[error("unknown key `{key}` in {place}{}", did_you_mean(.suggestion))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The key's table.
        place: String,
        /// The known key that was probably meant.
        suggestion: Option<String>,
        /// Every valid key of the table.
        known: Vec<String>,
    },
    /// A required key is missing.
    #[error("missing key `{key}` in {place}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table that needs it.
        place: String,
        /// An example of a valid form.
        example: &'static str,
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
    /// An unknown name or word.
    #[error("unknown {what} `{word}`{}", did_you_mean(.suggestion))]
    Unknown {
        /// The kind of name: "layer", "parameter", "block or input", ...
        what: &'static str,
        /// The name as written.
        word: String,
        /// The known name that was probably meant.
        suggestion: Option<String>,
        /// Every known name.
        known: Vec<String>,
    },
    /// A table that names no layer.
    #[error("the table names no layer")]
    NoLayer,
    /// A table that names several layers.
    #[error("one table names two layers, `{first}` and `{second}`")]
    TwoLayers {
        /// The first word.
        first: &'static str,
        /// The second word.
        second: &'static str,
    },
    /// A layer without its value.
    #[error("`{layer}` needs a value")]
    BareLayer {
        /// The layer's word.
        layer: &'static str,
        /// An example of a valid form.
        example: &'static str,
    },
    /// A layer with a value that it does not have.
    #[error("`{layer}` has no value")]
    ValueOfBareLayer {
        /// The layer's word.
        layer: &'static str,
    },
    /// A parameter that no layer, loss or weight uses.
    #[error("parameter `{name}` is not used")]
    UnusedParameter {
        /// The parameter.
        name: String,
    },
    /// A parameter with the name of a key of a row.
    #[error("a parameter cannot have the name `{name}`: {reason}")]
    ReservedName {
        /// The name.
        name: String,
        /// Its user.
        reason: &'static str,
    },
    /// Two things of one name.
    #[error("{what} have the name `{name}`")]
    RepeatedName {
        /// The things: "two blocks", ...
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two layers with variables of one name.
    #[error("two layers have the variable `{name}`")]
    RepeatedVariable {
        /// The variable.
        name: String,
        /// Whether both are rounds of one layer.
        repeated: bool,
    },
    /// A name that cannot be one.
    #[error("`{name}` cannot be the name of {what}")]
    BadName {
        /// The name as written.
        name: String,
        /// The thing: "a block", ...
        what: &'static str,
        /// The allowed characters.
        allowed: &'static str,
    },
    /// A parameter of another kind than its place needs.
    #[error("`{name}` is {kind}; this place needs {needed}")]
    ParameterKind {
        /// The parameter.
        name: String,
        /// Its kind: "a word".
        kind: String,
        /// The needed kind: "a whole number".
        needed: &'static str,
    },
    /// Text that is neither a name nor a product.
    #[error("`{text}` is neither a parameter nor a product")]
    BadProduct {
        /// The text as written.
        text: String,
    },
    /// A default outside of its parameter's own range, or a value that a row gives.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A parameter that has no default and no value.
    #[error("parameter `{name}` has no default, and no value is given")]
    NoValue {
        /// The parameter.
        name: String,
    },
    /// A range without members.
    #[error("the range of `{name}` has no members")]
    EmptyRange {
        /// The parameter.
        name: String,
    },
    /// A parameter without default and kind.
    #[error("the kind of parameter `{name}` is not known")]
    NoKind {
        /// The parameter.
        name: String,
    },
    /// Words of a choice that are no words of its parameter, or the reverse.
    #[error("`choose = \"{parameter}\"` has no layers for {missing}")]
    IncompleteChoice {
        /// The parameter.
        parameter: String,
        /// The words without layers.
        missing: String,
    },
    /// A repeat without layers.
    #[error("{what} has no members")]
    Empty {
        /// The list: "the repeat", ...
        what: &'static str,
    },
    /// A block with both or none of `from` and `each`.
    #[error("{place} needs one of `from` and `each`")]
    FromOrEach {
        /// The block's table.
        place: String,
        /// Whether both are there.
        both: bool,
    },
    /// A block that is read by itself or an earlier one.
    #[error("block `{name}` is read before it is computed")]
    LaterBlock {
        /// The block.
        name: String,
        /// Whether it reads itself.
        itself: bool,
    },
    /// A block that nothing reads.
    #[error("nothing reads block `{name}`")]
    UnreadBlock {
        /// The block.
        name: String,
    },
    /// A network without outputs.
    #[error("the network has no output: nothing would be trained")]
    NoOutput,
    /// Two primary outputs.
    #[error("two outputs are primary")]
    TwoPrimaries,
    /// `weight` beside `auxiliary_weight`.
    #[error("`weight` and `auxiliary_weight` cannot both be set")]
    TwoWeights,
    /// `auxiliary_weight` with a single output.
    #[error("`auxiliary_weight` is set, but there is one output")]
    LonelyWeight,
    /// A key that belongs to another loss.
    #[error("`{key}` has no meaning for the loss {loss}")]
    KeyOfOtherLoss {
        /// The key.
        key: &'static str,
        /// The loss.
        loss: &'static str,
        /// The loss that has the key.
        belongs: &'static str,
    },
    /// A loss that the target does not allow.
    #[error("the loss {loss} does not fit target `{target}`, which has {kind}")]
    LossMisfit {
        /// The loss.
        loss: &'static str,
        /// The target.
        target: String,
        /// The content of the target.
        kind: TargetKind,
    },
    /// An output of another width than its target and loss need.
    #[error("the output for `{target}` has the shape {found}; its target needs {expected}")]
    OutputShape {
        /// The target.
        target: String,
        /// The shape of the last layer.
        found: Shape,
        /// The width that is needed.
        expected: usize,
    },
    /// Factors for another number of classes.
    #[error("`class_weights` has {found} numbers for {expected} classes")]
    ClassWeights {
        /// The number of factors.
        found: usize,
        /// The number of classes.
        expected: usize,
    },
    /// An input with a block's name.
    #[error("block `{name}` has the name of an input")]
    InputName {
        /// The name.
        name: String,
    },
    /// A layer that does not fit its input.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// Copies of a block, or joined values, of different shapes.
    #[error("{what} have the shapes {}", listed(.shapes))]
    UnequalShapes {
        /// "the copies of block `tower`", ...
        what: String,
        /// Their shapes.
        shapes: Vec<Shape>,
        /// The remedy.
        hint: &'static str,
    },
    /// A list of sizes for another number of dimensions.
    #[error("`{key}` has {found} sizes for an input of {input}")]
    Dimensions {
        /// The key.
        key: &'static str,
        /// The number of sizes.
        found: usize,
        /// The shape that the layer is given.
        input: Shape,
    },
    /// Padding `"same"` where sizes would change.
    #[error("padding \"same\" needs an odd kernel and stride 1")]
    SamePadding,
    /// A layer reads codes of categories as numbers.
    #[error("{layer} reads numbers; these are codes of categories")]
    Codes {
        /// The layer's word.
        layer: &'static str,
    },
    /// An embedding of numbers.
    #[error("embedding reads codes of categories; these are numbers")]
    NoCodes,
    /// A size of zero or beyond the limit, or a number out of range.
    #[error("{what} must be {expected}, not {found}")]
    OutOfRange {
        /// The owner of the value: "the kernel of conv".
        what: String,
        /// The allowed values.
        expected: String,
        /// The value.
        found: String,
    },
    /// More layers than are allowed.
    #[error("the network has more than {LAYERS_MAX} layers")]
    TooManyLayers,
    /// More weights than are allowed.
    #[error("the network has {count} weights; at most {PARAMETERS_MAX} are allowed")]
    TooManyWeights {
        /// The number.
        count: u64,
    },
    /// More parts than are allowed.
    #[error("{count} {what}; at most {max} are allowed")]
    TooMany {
        /// The items' name, in the plural.
        what: &'static str,
        /// The number of items.
        count: usize,
        /// The bound.
        max: usize,
    },
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |word| format!(", did you mean `{word}`?"))
}

impl Problem {
    /// The hint for this problem, where its message does not include one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { known, .. } if known.is_empty() => return None,
            Self::UnknownKey { known, .. } => format!("known here: {}", known.join(", ")),
            Self::MissingKey { example, .. } => format!("for example {example}"),
            Self::Value { found, .. } => {
                let unquoted = found.trim_matches(['"', '\'']);
                if unquoted == found || unquoted.parse::<f64>().is_err() {
                    return None;
                }
                "numbers are written without quotes".to_owned()
            }
            Self::Unknown { what, known, .. } if known.is_empty() => format!("there is no {what}"),
            Self::Unknown { known, .. } => format!("known: {}", known.join(", ")),
            Self::NoLayer => r#"for example { linear = 128 }, { conv = 32, kernel = 3 } or "relu""#.to_owned(),
            Self::TwoLayers { .. } => "write one table for each layer".to_owned(),
            Self::BareLayer { example, .. } => format!("for example {example}"),
            Self::ValueOfBareLayer { layer } => {
                format!("write \"{layer}\", or {{ layer = \"{layer}\", ... }} with its keys")
            }
            Self::UnusedParameter { .. } => "remove it, or use it in a layer".to_owned(),
            Self::ReservedName { .. } => "choose another name".to_owned(),
            Self::RepeatedName { .. } => "rename one of them".to_owned(),
            Self::RepeatedVariable { repeated: true, .. } => {
                "write `#` in the name for the number of the round, or leave the name out".to_owned()
            }
            Self::RepeatedVariable { .. } => "give one of them another name".to_owned(),
            Self::BadName { allowed, .. } => format!("use 1 to {NAME_BYTES_MAX} {allowed}"),
            Self::ParameterKind { .. } | Self::NoValue { .. } | Self::TwoPrimaries => return None,
            Self::BadProduct { .. } => r#"for example "width" or "2 * width""#.to_owned(),
            Self::Parameter(_) | Self::EmptyRange { .. } => return None,
            Self::NoKind { .. } => {
                r#"add a default, words, or kind = "number", "whole", "wholes" or "flag""#.to_owned()
            }
            Self::IncompleteChoice { .. } => "a word may have no layers: write it with []".to_owned(),
            Self::Empty { .. } => "write at least one".to_owned(),
            Self::FromOrEach { both: true, .. } => {
                "`each` lists what the block reads one after the other; remove `from`".to_owned()
            }
            Self::FromOrEach { both: false, .. } => r#"for example from = "image""#.to_owned(),
            Self::LaterBlock { itself: true, .. } => "a network has no circles: values flow one way".to_owned(),
            Self::LaterBlock { itself: false, .. } => "write its table before the one that reads it".to_owned(),
            Self::UnreadBlock { .. } => "remove it, or name it in `from` of a later block or an output".to_owned(),
            Self::NoOutput => r#"add [[output]] with target and from"#.to_owned(),
            Self::TwoWeights => "`auxiliary_weight` gives the weights of all outputs".to_owned(),
            Self::LonelyWeight => "it weighs the outputs that are not primary".to_owned(),
            Self::KeyOfOtherLoss { belongs, .. } => format!("it belongs to {belongs}"),
            Self::LossMisfit { kind, .. } => match kind {
                TargetKind::Classes(2) => "use cross-entropy or binary-cross-entropy".to_owned(),
                TargetKind::Classes(_) => "use cross-entropy".to_owned(),
                TargetKind::Numbers(_) => {
                    "use squared, absolute, huber, or binary-cross-entropy for numbers from 0 to 1".to_owned()
                }
            },
            Self::OutputShape { expected, .. } => {
                format!("end with {{ linear = {expected} }}, or leave `layers` out: then it is added")
            }
            Self::ClassWeights { .. } => "write one for each class, or \"balanced\"".to_owned(),
            Self::InputName { .. } => "rename the block".to_owned(),
            Self::Misfit(misfit) => return hint_of_misfit(misfit),
            Self::UnequalShapes { hint, .. } => (*hint).to_owned(),
            Self::Dimensions { .. } => "one number counts for every dimension".to_owned(),
            Self::SamePadding => "write the padding as a number".to_owned(),
            Self::Codes { .. } => "add { embedding = 8 } first".to_owned(),
            Self::NoCodes => "remove the embedding".to_owned(),
            Self::Syntax { .. } | Self::TooLong | Self::OutOfRange { .. } => return None,
            Self::TooManyLayers => "layers are counted after repeats".to_owned(),
            Self::TooManyWeights { .. } | Self::TooMany { .. } => return None,
        })
    }
}

fn hint_of_misfit(misfit: &Misfit) -> Option<String> {
    Some(match misfit {
        Misfit::NoImage { input, .. } if input.is_flat() => {
            "it must stand before \"flatten\", linear and global pooling".to_owned()
        }
        Misfit::NoImage { .. } | Misfit::Large { .. } => return None,
        Misfit::NotFlat { .. } => "add \"flatten\" or \"global-average-pool\" before it".to_owned(),
        Misfit::LargeWindow { .. } => "use a smaller kernel, padding, or fewer steps before it".to_owned(),
        Misfit::LargePadding { .. } => "a window must not lie in the padding alone".to_owned(),
        Misfit::Groups { .. } => "each group has equally many channels".to_owned(),
        Misfit::Unequal { what: "the branches to be added", .. } => {
            "all branches need equal outputs; for a residual, `shortcut = [...]` changes the input's shape".to_owned()
        }
        Misfit::Unequal { .. } => "all need equal sizes behind the channels".to_owned(),
    })
}
