//! NumPy's `.npy` files: a head with the array's type, order and shape, then its bytes.
//!
//! The form is NumPy's [NEP 1](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3.
//! Crates that read it also build readers of structures and of other archives, and multiply the sizes of a damaged head
//! without a bound; the head alone is a few lines.

use bytes::Bytes;

use super::{
    array::{Array, Element, Order, expected_bytes},
    error::Fault,
};

/// The first bytes of a file.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest head that NumPy itself reads without being told to.
const HEAD_BYTES_MAX: usize = 10_000;

/// The content of a head.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The type of the elements.
    pub element: Element,
    /// Their order.
    pub order: Order,
    /// The array's shape.
    pub shape: Vec<usize>,
    /// Bytes of the head.
    pub bytes: usize,
}

/// Reads the content of a file.
///
/// # Errors
/// When it is none, is cut short or goes on, or holds Python objects or structures.
pub fn parse(content: Bytes) -> Result<Array, Fault> {
    let Head { element, order, shape, bytes } = head(&content)?;
    Array::new(element, order, shape, content.slice(bytes..))
}

/// Reads a head from the first bytes of a file.
///
/// # Errors
/// When there is none, or its array is of a type or size that is not read.
pub fn head(content: &[u8]) -> Result<Head, Fault> {
    let short = || Fault::Truncated { detail: "it ends within its head".to_owned() };
    let damaged = |detail: &str| Fault::Damaged { detail: detail.to_owned() };
    if !content.starts_with(MAGIC) {
        return Err(if MAGIC.starts_with(content) { short() } else { damaged("it does not begin as .npy files do") });
    }
    let number = |at: usize, bytes: usize| -> Result<usize, Fault> {
        let bytes = content.get(at..at + bytes).ok_or_else(short)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    };
    let (begin, length) = match content.get(6).ok_or_else(short)? {
        1 => (10, number(8, 2)?),
        2 | 3 => (12, number(8, 4)?),
        version => return Err(damaged(&format!("its version is {version}, and 1 to 3 are known"))),
    };
    if length > HEAD_BYTES_MAX {
        return Err(damaged("its head is too long"));
    }
    let text = content.get(begin..begin + length).ok_or_else(short)?;
    let text = std::str::from_utf8(text).map_err(|_| damaged("its head is no text"))?;
    let entries =
        entries(text).ok_or_else(|| damaged("its head is no dictionary of `descr`, `fortran_order` and `shape`"))?;
    let (element, big_endian) = element(entries.descr)?;
    let order = Order { big_endian, fortran: entries.fortran };
    expected_bytes(element, &entries.shape)?;
    Ok(Head { element, order, shape: entries.shape, bytes: begin + length })
}

struct Entries<'a> {
    descr: &'a str,
    fortran: bool,
    shape: Vec<usize>,
}

/// The three entries of `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn entries(text: &str) -> Option<Entries<'_>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim_start();
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|quote| "'\"".contains(*quote))?;
        let (key, after) = rest[1..].split_once(quote)?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        let end = end_of_value(value)?;
        let (value, after) = value.split_at(end);
        match key {
            "descr" => descr = Some(value.trim()),
            "fortran_order" => {
                fortran = Some(match value.trim() {
                    "True" => true,
                    "False" => false,
                    _ => return None,
                });
            }
            "shape" => shape = Some(sizes(value.trim())?),
            _ => return None,
        }
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    Some(Entries { descr: descr?, fortran: fortran?, shape: shape? })
}

/// The place of the comma after a value, or of the end.
fn end_of_value(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (place, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => return Some(place),
            (None, _) => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(text.len())
}

/// The sizes of `(3, 4)`, `(3,)` or `()`; old files write `3L`.
fn sizes(text: &str) -> Option<Vec<usize>> {
    let within = text.strip_prefix('(')?.strip_suffix(')')?;
    let parts = within.split(',').map(|part| part.trim().trim_end_matches('L')).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

/// The type that `'<f4'` names, and whether it is big-endian.
fn element(descr: &str) -> Result<(Element, bool), Fault> {
    let unknown = || Fault::NumberType { found: descr.to_owned() };
    if descr.contains("|O") {
        return Err(Fault::Pickle);
    }
    let name = descr.trim_matches(['\'', '"']);
    if name.len() + 2 != descr.len() || !name.is_ascii() || name.len() < 3 {
        return Err(unknown());
    }
    let (order, kind) = name.split_at(1);
    let big_endian = match order {
        ">" => true,
        "<" | "|" | "=" => false,
        _ => return Err(unknown()),
    };
    let size = || kind[1..].parse::<usize>().ok().filter(|size| (1..=1 << 20).contains(size));
    let element = match kind {
        "b1" => Element::Bool,
        "u1" => Element::U8,
        "u2" => Element::U16,
        "u4" => Element::U32,
        "u8" => Element::U64,
        "i1" => Element::I8,
        "i2" => Element::I16,
        "i4" => Element::I32,
        "i8" => Element::I64,
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        _ if kind.starts_with('S') => Element::Bytes(size().ok_or_else(unknown)?),
        _ if kind.starts_with('U') => Element::Text(size().ok_or_else(unknown)?),
        _ => return Err(unknown()),
    };
    Ok((element, big_endian))
}

/// The bytes of a version 1 file, for tests.
#[cfg(test)]
pub(super) fn file(descr: &str, fortran: bool, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let fortran = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': ({shape}), }}");
    while !(10 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut file = MAGIC.to_vec();
    file.extend([1, 0]);
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(bytes);
    file
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn heads_of_every_version_are_read() {
        let one = file("'>i2'", true, &[3, 4], &[0; 24]);
        let head = head(&one).unwrap();
        assert_eq!((head.element, head.shape), (Element::I16, vec![3, 4]));
        assert_eq!(head.order, Order { big_endian: true, fortran: true });
        let mut two = one.clone();
        two[6] = 2;
        two.splice(10..10, [0, 0]);
        assert_eq!(parse(two.into()).unwrap(), parse(one.into()).unwrap());
        let written_by_hand =
            b"\x93NUMPY\x03\x00\x3c\x00\x00\x00{\"shape\": (2L,), 'fortran_order':False,\"descr\":\"<f8\"}       ";
        assert_eq!(super::head(written_by_hand).unwrap().shape, [2]);
    }

    #[test]
    fn objects_structures_and_other_types_are_refused_by_name() {
        let refused = |descr: &str| parse(file(descr, false, &[1], &[0; 16]).into()).unwrap_err();
        assert!(matches!(refused("'|O'"), Fault::Pickle));
        assert!(matches!(refused("[('a', '|O'), ('b', '<f4')]"), Fault::Pickle));
        for other in ["'<c16'", "'<M8[ns]'", "[('a', '<f4'), ('b', '<f4')]", "'<f16'", "'V16'", "'<U99999999'", "''"] {
            assert!(matches!(refused(other), Fault::NumberType { found } if found == other), "{other}");
        }
    }

    #[test]
    fn files_that_are_cut_short_or_go_on_are_refused() {
        let whole = file("'<f4'", false, &[2, 2], &[0; 16]);
        for length in 0..whole.len() {
            let fault = parse(whole[..length].to_vec().into()).unwrap_err();
            assert!(matches!(fault, Fault::Truncated { .. }), "{length}: {fault}");
        }
        let longer = [whole.as_slice(), &[0]].concat();
        assert!(matches!(parse(longer.into()).unwrap_err(), Fault::Trailing { bytes: 1 }));
        let huge = file("'<f4'", false, &[usize::MAX, usize::MAX], &[]);
        assert!(matches!(parse(huge.into()).unwrap_err(), Fault::Damaged { .. }));
    }

    proptest! {
        #[test]
        fn no_head_panics(text in "[{}()\\[\\],':0-9a-z<>|\"LTrueFals _]{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut content = MAGIC.to_vec();
            content.extend([1, 0]);
            content.extend((text.len() as u16).to_le_bytes());
            content.extend(text.as_bytes());
            content.extend(&bytes);
            let _ = parse(content.into());
            let _ = parse(bytes.into());
        }
    }
}
