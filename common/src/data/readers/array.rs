//! Arrays as files hold them: any type of number, byte order and order of axes.

use bytes::Bytes;
use half::{bf16, f16};

use super::{
    error::{Fault, Place},
    source::reserve,
};
use crate::data::{
    dataset::EXAMPLES_MAX,
    schema::EXAMPLE_NUMBERS_MAX,
    values::{NumberType, Values},
};

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names tell")]
pub enum Element {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    Bf16,
    F32,
    F64,
    /// Text of so many bytes in Latin-1, filled up with zeros.
    Bytes(usize),
    /// Text of so many Unicode characters of 4 bytes, filled up with zeros.
    Text(usize),
}

impl Element {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::Bytes(length) => length,
            Self::Text(length) => length.saturating_mul(4),
        }
    }

    /// Whether it is text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Bytes(_) | Self::Text(_))
    }

    /// Whether it is a fraction.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }
}

/// An array of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    element: Element,
    big_endian: bool,
    fortran: bool,
    shape: Vec<usize>,
    bytes: Bytes,
}

/// The order of an array's elements in its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Whether each element's first byte is the highest.
    pub big_endian: bool,
    /// Whether the first axis changes fastest.
    pub fortran: bool,
}

/// Converted numbers, and how many of them were rounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The numbers.
    pub values: Values,
    /// How many were rounded to 32 bits.
    pub rounded: u64,
}

/// Bytes that an array of this shape has.
///
/// # Errors
/// When it has more examples than a part, or an example has more numbers than an input.
pub fn expected_bytes(element: Element, shape: &[usize]) -> Result<u64, Fault> {
    let (examples, example) = shape.split_first().ok_or(Fault::Scalar)?;
    let numbers = example.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    let numbers = numbers.filter(|numbers| *numbers <= EXAMPLE_NUMBERS_MAX && *examples <= EXAMPLES_MAX);
    let bytes = numbers.and_then(|numbers| {
        (numbers as u64).checked_mul(*examples as u64)?.checked_mul(u64::try_from(element.bytes()).ok()?)
    });
    bytes.filter(|bytes| *bytes <= super::source::CONTENT_BYTES_MAX).ok_or_else(|| Fault::Damaged {
        detail: format!(
            "its head claims the shape {shape:?}, which is too large: {EXAMPLES_MAX} examples and {EXAMPLE_NUMBERS_MAX} numbers an example are allowed"
        ),
    })
}

impl Array {
    /// An array over these bytes.
    ///
    /// # Errors
    /// When there are fewer bytes or more than the shape has.
    pub fn new(element: Element, order: Order, shape: Vec<usize>, bytes: Bytes) -> Result<Self, Fault> {
        let expected = expected_bytes(element, &shape)?;
        let found = bytes.len() as u64;
        match found.cmp(&expected) {
            std::cmp::Ordering::Less => Err(Fault::Truncated {
                detail: format!("its head asks for {expected} bytes of numbers, and {found} are there"),
            }),
            std::cmp::Ordering::Greater => Err(Fault::Trailing { bytes: found - expected }),
            std::cmp::Ordering::Equal => {
                let Order { big_endian, fortran } = order;
                Ok(Self { element, big_endian, fortran, shape, bytes })
            }
        }
    }

    /// The type of its elements.
    pub fn element(&self) -> Element {
        self.element
    }

    /// The number of examples: the size of the first axis.
    pub fn examples(&self) -> usize {
        self.shape[0]
    }

    /// The shape of one example: the sizes of the other axes.
    pub fn example_shape(&self) -> &[usize] {
        &self.shape[1..]
    }

    /// The numbers as a data set stores them, with each example's axes in the order `axes` (from 0, without the axis of
    /// examples): u8 and f16 as they are, all others as f32.
    ///
    /// # Errors
    /// With the index of the first value that is text, NaN or infinite, too large, or for `pixels` not in 0..=255.
    pub fn to_values(&self, axes: &[usize], pixels: bool) -> Result<Converted, (Vec<usize>, Fault)> {
        let whole = |fault: Fault| (Vec::new(), fault);
        let width = self.example_shape().iter().product::<usize>();
        let number = match self.element {
            Element::Bytes(_) | Element::Text(_) => return Err(whole(Fault::TextInput)),
            Element::U8 | Element::Bool => NumberType::U8,
            Element::F16 => NumberType::F16,
            _ => NumberType::F32,
        };
        let order: Vec<usize> = std::iter::once(0).chain(axes.iter().map(|axis| axis + 1)).collect();
        if self.element == Element::U8 && self.is_in_order(&order) {
            return Ok(Converted { values: values(number, width, self.bytes.clone())?, rounded: 0 });
        }
        let mut target = Vec::new();
        reserve(&mut target, (self.examples() * width * number.bytes()) as u64).map_err(whole)?;
        let mut rounded = 0;
        let mut fault: Option<(usize, Fault)> = None;
        let mut place = 0;
        let mut take = |value: f64, bytes: &[u8], exact: bool| {
            if fault.is_none() {
                fault = check(value, number, pixels).err().map(|fault| (place, fault));
            }
            rounded += u64::from(!exact);
            place += 1;
            target.extend_from_slice(bytes);
        };
        self.each_number(&order, |number| match number {
            Number::U8(value) => take(f64::from(value), &[value], true),
            Number::F16(value) => take(value.to_f64(), &value.to_le_bytes(), true),
            Number::F64(value) => {
                let short = value as f32;
                take(value, &short.to_le_bytes(), f64::from(short) == value);
            }
            Number::I64(value) => {
                let short = value as f32;
                take(value as f64, &short.to_le_bytes(), i128::from(value) == short as i128);
            }
            Number::U64(value) => {
                let short = value as f32;
                take(value as f64, &short.to_le_bytes(), i128::from(value) == short as i128);
            }
        });
        match fault {
            Some((place, fault)) => Err((self.index(&order, place), fault)),
            None => Ok(Converted { values: values(number, width, target.into())?, rounded }),
        }
    }

    /// The numbers in 64 bits, example by example; None where the array holds text.
    pub fn to_numbers(&self) -> Option<Vec<f64>> {
        if self.element.is_text() {
            return None;
        }
        let order: Vec<usize> = (0..self.shape.len()).collect();
        let mut numbers = Vec::with_capacity(self.shape.iter().product());
        self.each_number(&order, |number| {
            numbers.push(match number {
                Number::U8(value) => f64::from(value),
                Number::F16(value) => value.to_f64(),
                Number::F64(value) => value,
                Number::I64(value) => value as f64,
                Number::U64(value) => value as f64,
            });
        });
        Some(numbers)
    }

    /// The texts; None where the array holds numbers.
    pub fn to_texts(&self) -> Option<Vec<String>> {
        let size = self.element.bytes();
        let character = |bytes: &[u8]| {
            let bytes = bytes.first_chunk().copied().unwrap_or_default();
            let code = if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        let mut texts = Vec::with_capacity(self.shape.iter().product());
        let order: Vec<usize> = (0..self.shape.len()).collect();
        let mut each = |offset: usize| {
            let bytes = &self.bytes[offset * size..(offset + 1) * size];
            let text: String = match self.element {
                Element::Bytes(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
                _ => bytes.chunks(4).map(character).collect(),
            };
            texts.push(text.trim_end_matches('\0').to_owned());
        };
        if !self.element.is_text() {
            return None;
        }
        self.each_offset(&order, &mut each);
        Some(texts)
    }

    /// The index of the number at this place of the array in the order `order` of axes.
    fn index(&self, order: &[usize], place: usize) -> Vec<usize> {
        let mut index = vec![0; self.shape.len()];
        let mut rest = place;
        for axis in order.iter().rev() {
            index[*axis] = rest % self.shape[*axis];
            rest /= self.shape[*axis];
        }
        index
    }

    /// The distance of neighbours along each axis, in elements.
    fn strides(&self) -> Vec<usize> {
        let mut strides = vec![0; self.shape.len()];
        let mut stride = 1;
        let mut set = |axis: usize| {
            strides[axis] = stride;
            stride *= self.shape[axis];
        };
        if self.fortran {
            (0..self.shape.len()).for_each(&mut set)
        } else {
            (0..self.shape.len()).rev().for_each(set)
        }
        strides
    }

    /// Whether the bytes are in this order of axes.
    fn is_in_order(&self, order: &[usize]) -> bool {
        let strides = self.strides();
        let mut stride = 1;
        order.iter().rev().all(|axis| {
            let expected = stride;
            stride *= self.shape[*axis];
            strides[*axis] == expected || self.shape[*axis] == 1
        })
    }

    /// Calls `each` with the place of every element in the bytes, in this order of axes.
    fn each_offset(&self, order: &[usize], each: &mut impl FnMut(usize)) {
        let count: usize = self.shape.iter().product();
        if self.is_in_order(order) {
            (0..count).for_each(each);
            return;
        }
        let Some((last, outer)) = order.split_last() else { return };
        let strides = self.strides();
        if count == 0 {
            return;
        }
        let mut index = vec![0; outer.len()];
        let mut base = 0;
        loop {
            (0..self.shape[*last]).for_each(|step| each(base + step * strides[*last]));
            // The next index, as a counter whose last digit changes fastest.
            let mut digit = outer.len();
            loop {
                if digit == 0 {
                    return;
                }
                digit -= 1;
                let axis = outer[digit];
                index[digit] += 1;
                base += strides[axis];
                if index[digit] < self.shape[axis] {
                    break;
                }
                base -= strides[axis] * self.shape[axis];
                index[digit] = 0;
            }
        }
    }

    fn each_number(&self, order: &[usize], mut each: impl FnMut(Number)) {
        macro_rules! numbers {
            ($bytes:literal, $from:expr) => {{
                let (elements, _) = self.bytes.as_chunks::<$bytes>();
                let big = self.big_endian;
                self.each_offset(order, &mut |offset| {
                    let mut bytes = elements[offset];
                    if big {
                        bytes.reverse();
                    }
                    each($from(bytes));
                });
            }};
        }
        match self.element {
            Element::Bool => numbers!(1, |[byte]: [u8; 1]| Number::U8(u8::from(byte != 0))),
            Element::U8 => numbers!(1, |[byte]: [u8; 1]| Number::U8(byte)),
            Element::I8 => numbers!(1, |bytes| Number::I64(i64::from(i8::from_le_bytes(bytes)))),
            Element::U16 => numbers!(2, |bytes| Number::I64(i64::from(u16::from_le_bytes(bytes)))),
            Element::I16 => numbers!(2, |bytes| Number::I64(i64::from(i16::from_le_bytes(bytes)))),
            Element::F16 => numbers!(2, |bytes| Number::F16(f16::from_le_bytes(bytes))),
            Element::Bf16 => numbers!(2, |bytes| Number::F64(bf16::from_le_bytes(bytes).to_f64())),
            Element::U32 => numbers!(4, |bytes| Number::I64(i64::from(u32::from_le_bytes(bytes)))),
            Element::I32 => numbers!(4, |bytes| Number::I64(i64::from(i32::from_le_bytes(bytes)))),
            Element::F32 => numbers!(4, |bytes| Number::F64(f64::from(f32::from_le_bytes(bytes)))),
            Element::U64 => numbers!(8, |bytes| Number::U64(u64::from_le_bytes(bytes))),
            Element::I64 => numbers!(8, |bytes| Number::I64(i64::from_le_bytes(bytes))),
            Element::F64 => numbers!(8, |bytes| Number::F64(f64::from_le_bytes(bytes))),
            Element::Bytes(_) | Element::Text(_) => {}
        }
    }
}

enum Number {
    U8(u8),
    F16(f16),
    F64(f64),
    I64(i64),
    U64(u64),
}

fn values(number: NumberType, width: usize, bytes: Bytes) -> Result<Values, (Vec<usize>, Fault)> {
    Values::new(number, width, bytes).map_err(|_| (Vec::new(), Fault::NoExamples))
}

fn check(value: f64, number: NumberType, pixels: bool) -> Result<(), Fault> {
    match number {
        _ if !value.is_finite() => Err(Fault::NotFinite { value }),
        NumberType::F32 if !(value as f32).is_finite() => Err(Fault::TooLarge { value }),
        _ if pixels && !(0.0..=255.0).contains(&value) => Err(Fault::NotAPixel { value }),
        NumberType::U8 | NumberType::F16 | NumberType::F32 => Ok(()),
    }
}

/// The place of a number of an array that has this name.
pub fn place(name: &str, index: Vec<usize>) -> Place {
    Place::Array { name: name.to_owned(), index }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(element: Element, order: Order, shape: &[usize], bytes: Vec<u8>) -> Array {
        Array::new(element, order, shape.to_vec(), bytes.into()).unwrap()
    }

    fn read(values: &Values) -> Vec<f32> {
        (0..values.examples()).flat_map(|example| values.example(example)).collect()
    }

    #[test]
    fn every_type_and_byte_order_is_read() {
        macro_rules! both {
            ($element:expr, $numbers:expr, $expected:expr) => {
                let little: Vec<u8> = $numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                let big: Vec<u8> = $numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
                for (big_endian, bytes) in [(false, little), (true, big)] {
                    let array = array($element, Order { big_endian, fortran: false }, &[3], bytes);
                    let converted = array.to_values(&[], false).unwrap();
                    assert_eq!((read(&converted.values), converted.rounded), ($expected.to_vec(), 0), "{:?}", $element);
                    assert_eq!(array.to_numbers().unwrap(), $expected.map(f64::from), "{:?}", $element);
                }
            };
        }
        both!(Element::U8, [0_u8, 7, 255], [0.0_f32, 7.0, 255.0]);
        both!(Element::I8, [-128_i8, 0, 127], [-128.0_f32, 0.0, 127.0]);
        both!(Element::U16, [0_u16, 258, 65535], [0.0_f32, 258.0, 65535.0]);
        both!(Element::I16, [-32768_i16, 1, 258], [-32768.0_f32, 1.0, 258.0]);
        both!(Element::U32, [0_u32, 258, 1 << 31], [0.0_f32, 258.0, 2_147_483_648.0]);
        both!(Element::I32, [-7_i32, 258, i32::MIN], [-7.0_f32, 258.0, -2_147_483_648.0]);
        both!(Element::U64, [0_u64, 258, 1 << 63], [0.0_f32, 258.0, 9_223_372_036_854_775_808.0]);
        both!(Element::I64, [-7_i64, 258, i64::MIN], [-7.0_f32, 258.0, -9_223_372_036_854_775_808.0]);
        both!(Element::F16, [0.5, -2.0, 65504.0].map(f16::from_f32), [0.5_f32, -2.0, 65504.0]);
        both!(Element::Bf16, [0.5, -2.0, 256.0].map(bf16::from_f32), [0.5_f32, -2.0, 256.0]);
        both!(Element::F32, [0.1_f32, -2.0, 1e-30], [0.1_f32, -2.0, 1e-30]);
        both!(Element::F64, [0.5_f64, -2.0, 1024.25], [0.5_f32, -2.0, 1024.25]);
        let bools = array(Element::Bool, Order::default(), &[3], vec![0, 1, 2]).to_values(&[], false).unwrap().values;
        assert_eq!((read(&bools), bools.number()), (vec![0.0, 1.0, 1.0], NumberType::U8));
    }

    #[test]
    fn axes_are_put_in_order_from_both_orders_of_elements() {
        // Element [i, j, k] has the value 12 i + 4 j + k, shape (2, 3, 4).
        let c: Vec<u8> = (0..24).collect();
        let fortran: Vec<u8> = (0..24).map(|place| (place % 2) * 12 + (place / 2 % 3) * 4 + place / 6).collect();
        for (is_fortran, bytes) in [(false, c), (true, fortran)] {
            let array = array(Element::U8, Order { big_endian: false, fortran: is_fortran }, &[2, 3, 4], bytes);
            let same = array.to_values(&[0, 1], false).unwrap().values;
            assert_eq!(same.bytes(), &(0..24).collect::<Vec<u8>>(), "fortran: {is_fortran}");
            let swapped = array.to_values(&[1, 0], false).unwrap().values;
            assert_eq!(swapped.example(1), [12.0, 16.0, 20.0, 13.0, 17.0, 21.0, 14.0, 18.0, 22.0, 15.0, 19.0, 23.0]);
        }
    }

    #[test]
    fn bad_values_have_their_index() {
        let bytes = |numbers: [f64; 6]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
        let fault = |numbers, pixels| {
            let (index, fault) =
                array(Element::F64, Order::default(), &[3, 2], bytes(numbers)).to_values(&[0], pixels).unwrap_err();
            format!("{index:?}: {fault}")
        };
        assert_eq!(fault([0.0, 1.0, 2.0, f64::NAN, 4.0, f64::NAN], false), "[1, 1]: the value is NaN");
        assert_eq!(fault([0.0, 1.0, 2.0, 3.0, f64::NEG_INFINITY, 5.0], false), "[2, 0]: the value is -inf");
        assert_eq!(fault([0.0, 1e40, 2.0, 3.0, 4.0, 5.0], false).split_once(": ").unwrap().0, "[0, 1]");
        assert_eq!(
            fault([0.0, 255.0, 255.5, 3.0, 4.0, 5.0], true),
            "[1, 0]: the value 255.5 is no pixel: pixels are 0 to 255"
        );
        // The index is the file's where axes are put into another order.
        let swapped: Vec<u8> = [0.0_f32, 1.0, f32::NAN, 3.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let swapped = array(Element::F32, Order::default(), &[1, 2, 2], swapped).to_values(&[1, 0], false).unwrap_err();
        assert_eq!(swapped.0, [0, 1, 0]);
    }

    #[test]
    fn rounded_numbers_are_counted() {
        let floats: Vec<u8> = [0.1_f64, 0.5, 1.0 / 3.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(array(Element::F64, Order::default(), &[3], floats).to_values(&[], false).unwrap().rounded, 2);
        let wholes: Vec<u8> =
            [1_i64 << 24, (1 << 24) + 1, i64::MAX].iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(array(Element::I64, Order::default(), &[3], wholes).to_values(&[], false).unwrap().rounded, 2);
    }

    #[test]
    fn texts_are_read() {
        let text: Vec<u8> = "Katze\0Hünd\0\0".chars().flat_map(|letter| (letter as u32).to_be_bytes()).collect();
        let order = Order { big_endian: true, fortran: false };
        assert_eq!(array(Element::Text(6), order, &[2], text).to_texts().unwrap(), ["Katze", "Hünd"]);
        let bytes = array(Element::Bytes(2), Order::default(), &[3], b"a\0bbc\0".to_vec());
        assert_eq!(bytes.to_texts().unwrap(), ["a", "bb", "c"]);
        assert_eq!((bytes.to_numbers(), bytes.to_values(&[], false).is_err()), (None, true));
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let refused = |shape: &[usize], bytes: usize| {
            Array::new(Element::U8, Order::default(), shape.to_vec(), vec![0; bytes].into()).unwrap_err().to_string()
        };
        assert!(refused(&[2, 3], 5).starts_with("the file ends early"));
        assert!(refused(&[2, 3], 8).contains("2 bytes more"));
        assert!(refused(&[usize::MAX, 2], 0).contains("too large"));
        assert!(refused(&[10_000_000, 1 << 24], 0).contains("too large"));
        assert!(refused(&[], 1).contains("no axis"));
    }
}
