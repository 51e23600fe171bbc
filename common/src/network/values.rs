//! Values of layers: numbers, names of parameters, and products of whole numbers.

use toml::{Spanned, de::DeValue};

use super::{
    error::Span,
    problem::Problem,
    reader::{Entry, Needed, Reader, decimal, whole},
};

/// A whole number: a product of numbers and names.
#[derive(Clone, Debug)]
pub(super) struct Size {
    pub(super) at: Span,
    pub(super) factors: Vec<Factor>,
}

#[derive(Clone, Debug)]
pub(super) enum Factor {
    Number(u64),
    Name(String),
}

/// One size for all dimensions, or one for each.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    pub(super) at: Span,
    pub(super) sizes: Vec<Size>,
}

/// A number, or the name of a parameter.
#[derive(Clone, Debug)]
pub(super) struct Real {
    pub(super) at: Span,
    pub(super) value: RealValue,
}

#[derive(Clone, Debug)]
pub(super) enum RealValue {
    Number(f64),
    Name(String),
}

/// Yes, no, or the name of a flag.
#[derive(Clone, Debug)]
pub(super) enum Flag {
    Fixed(bool),
    Name(String),
}

impl Size {
    pub(super) fn number(at: Span, number: u64) -> Self {
        Self { at, factors: vec![Factor::Number(number)] }
    }
}

impl Real {
    pub(super) fn number(at: Span, number: f64) -> Self {
        Self { at, value: RealValue::Number(number) }
    }
}

/// The expected kind of a value.
const SIZE: &str = "a whole number, a parameter or a product such as \"2 * width\"";

impl Entry<'_> {
    /// Reads a whole number, a name or a product.
    pub(super) fn size(&self, reader: &mut Reader<'_>) -> Option<Size> {
        size(&self.key, self.value, reader)
    }

    /// Reads a size, or a list of 1 or more.
    pub(super) fn sizes(&self, reader: &mut Reader<'_>) -> Option<Sizes> {
        let sizes = match self.value.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                self.wrong("a whole number or a list of them", reader);
                return None;
            }
            DeValue::Array(items) => items.iter().map(|item| size(&self.key, item, reader)).collect::<Option<_>>()?,
            _ => vec![self.size(reader)?],
        };
        Some(Sizes { at: self.at(), sizes })
    }

    /// Reads a number or the name of a parameter.
    pub(super) fn real(&self, reader: &mut Reader<'_>) -> Option<Real> {
        let value = match self.value.get_ref() {
            DeValue::String(name) => {
                reader.use_name(name, &self.at(), Needed::Number)?;
                RealValue::Name(name.clone().into_owned())
            }
            other => match decimal(other).filter(|number| number.is_finite()) {
                Some(number) => RealValue::Number(number),
                None => {
                    self.wrong("a number or a parameter", reader);
                    return None;
                }
            },
        };
        Some(Real { at: self.at(), value })
    }

    /// Reads a flag or the name of one.
    pub(super) fn flag(&self, reader: &mut Reader<'_>) -> Option<Flag> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Some(Flag::Fixed(*flag)),
            DeValue::String(name) => {
                reader.use_name(name, &self.at(), Needed::Flag)?;
                Some(Flag::Name(name.clone().into_owned()))
            }
            _ => {
                self.wrong("true, false or a parameter", reader);
                None
            }
        }
    }
}

fn size(key: &str, value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Size> {
    let at = value.span();
    let text = match value.get_ref() {
        DeValue::String(text) => text,
        other => {
            let Some(number) = whole(other) else {
                Entry { key: key.to_owned(), key_at: at.clone(), value }.wrong(SIZE, reader);
                return None;
            };
            return Some(Size::number(at, number));
        }
    };
    let mut factors = Vec::new();
    for part in text.split('*').map(str::trim) {
        if let Ok(number) = part.parse() {
            factors.push(Factor::Number(number));
        } else if part.is_empty() || !part.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char)) {
            reader.problems.report(&at, Problem::BadProduct { text: reader.shown(text) });
            return None;
        } else {
            reader.use_name(part, &at, Needed::Whole)?;
            factors.push(Factor::Name(part.to_owned()));
        }
    }
    Some(Size { at, factors })
}
