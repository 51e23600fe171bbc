//! Tables as plain data: columns with their kinds, and cells.

use std::borrow::Cow;

use seedgrid_common::{hyperparameters::Value, model};

/// The kind of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A real number of 64 bits.
    Number,
    /// A real number of 32 bits.
    Single,
    /// True or false.
    Flag,
    /// A list of whole numbers.
    Integers,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The column's name of letters, digits and underscores: several readers would treat dots as paths.
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    /// Whether cells may be empty.
    pub(super) optional: bool,
}

impl Column {
    /// A column whose every cell has a value.
    pub(super) const fn full(name: &'static str, kind: Kind) -> Self {
        Self { name: Cow::Borrowed(name), kind, optional: false }
    }

    /// A column whose cells may be empty.
    pub(super) const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name: Cow::Borrowed(name), kind, optional: true }
    }
}

/// One cell of its column's kind, or an empty one if the column allows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Empty,
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Single(f32),
    Flag(bool),
    Integers(Cow<'a, [u64]>),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A cell with a count, seed or place: none is above 2^63 - 1.
    pub(super) fn count<T: TryInto<i64>>(value: T) -> Self {
        value.try_into().map_or(Self::Empty, Self::Integer)
    }

    /// The cell of a value, or an empty one.
    pub(super) fn optional<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }

    /// A hyper-parameter's value.
    pub(super) fn value(value: &'a Value) -> Self {
        match value {
            Value::Integer(value) => Self::count(*value),
            Value::Number(value) => Self::Number(*value),
            Value::Text(value) => Self::text(value),
            Value::Integers(items) => Self::Integers(Cow::Borrowed(items)),
            Value::Flag(value) => Self::Flag(*value),
        }
    }
}

/// The kind of a hyper-parameter's values.
pub(super) const fn kind_of(parameter: &model::Parameter) -> Kind {
    match parameter.kind {
        model::Kind::Positive | model::Kind::NotNegative | model::Kind::Fraction { .. } => Kind::Number,
        model::Kind::Count { .. } => Kind::Integer,
        model::Kind::Widths { .. } => Kind::Integers,
        model::Kind::Choice(_) => Kind::Text,
    }
}
