//! Columns of a table as they are filled row by row.

use super::{
    error::Fault,
    labels::{Coded, Dictionary},
};
use crate::data::schema::{CLASSES_MAX, Column};

/// Texts that stand for a missing value, in small letters; so does an empty field.
pub const MISSING: [&str; 4] = ["na", "n/a", "nan", "null"];
/// Whole numbers up to this are exact in 32 bits.
const EXACT_MAX: f32 = 16_777_216.0;

/// The rules by which fields are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The decimal sign.
    pub decimal: char,
    /// More texts that stand for a missing value.
    pub missing: Vec<String>,
}

impl Rules {
    /// Whether a trimmed field is a missing value.
    pub fn is_missing(&self, field: &str) -> bool {
        field.is_empty()
            || (field.len() <= 4 && MISSING.iter().any(|text| text.eq_ignore_ascii_case(field)))
            || self.missing.iter().any(|text| text == field)
    }

    /// The number of a trimmed field, with a point as its decimal sign; None where it is none.
    fn number<'f>(&self, field: &'f str, space: &'f mut String) -> Option<(f32, &'f str)> {
        let first = field.as_bytes().first()?;
        // Words such as "infinity" are numbers too; they are refused with their name.
        if self.decimal == '.' || !field.contains([',', '.']) {
            let is_possible = first.is_ascii_digit() || b"+-.iIn".contains(first);
            return is_possible.then(|| field.parse().ok()).flatten().map(|number| (number, field));
        }
        if field.contains('.') {
            return None;
        }
        space.clear();
        space.extend(field.chars().map(|sign| if sign == ',' { '.' } else { sign }));
        space.parse().ok().map(|number| (number, space.as_str()))
    }
}

/// The use of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Numbers or categories, as its first value is.
    Input,
    /// Categories, whatever the values look like.
    Category,
    /// Numbers, none missing.
    Number,
    /// Labels, groups or marks: text, none missing.
    Label,
}

/// A column that is filled.
#[derive(Clone, Debug)]
pub struct Filled {
    name: String,
    used: Use,
    content: Filling,
    rounded: u64,
    space: String,
}

#[derive(Clone, Debug)]
enum Filling {
    /// Nothing but so many missing values so far.
    Unknown(usize),
    /// NaN is a missing value.
    Numbers(Vec<f32>),
    /// Places in a dictionary; [`NONE`] is a missing value.
    Texts(Dictionary, Vec<u32>),
}

const NONE: u32 = u32::MAX;

impl Filled {
    /// An empty column.
    pub fn new(name: &str, used: Use) -> Self {
        let content = match used {
            Use::Input => Filling::Unknown(0),
            Use::Number => Filling::Numbers(Vec::new()),
            Use::Category | Use::Label => Filling::Texts(Dictionary::default(), Vec::new()),
        };
        Self { name: name.to_owned(), used, content, rounded: 0, space: String::new() }
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        match &self.content {
            Filling::Unknown(rows) => *rows,
            Filling::Numbers(numbers) => numbers.len(),
            Filling::Texts(_, places) => places.len(),
        }
    }

    /// How many whole numbers 32 bits do not hold.
    pub fn rounded(&self) -> u64 {
        self.rounded
    }

    /// Whether every value is missing.
    pub fn is_empty(&self) -> bool {
        matches!(self.content, Filling::Unknown(_))
    }

    /// Adds a field of a text file.
    ///
    /// # Errors
    /// When it is no value that the column can have.
    pub fn push_field(&mut self, field: &str, rules: &Rules) -> Result<(), Fault> {
        let field = field.trim();
        if rules.is_missing(field) {
            return self.push_missing();
        }
        let mut space = std::mem::take(&mut self.space);
        let number = rules.number(field, &mut space);
        let pushed = match (self.used, number) {
            (Use::Input | Use::Number, Some((number, text))) => {
                let is_exact = number.abs() < EXACT_MAX || is_exact(number, text);
                self.push_single(number, is_exact, field)
            }
            (Use::Number, None) => Err(Fault::NotANumber { value: field.to_owned() }),
            (Use::Label, Some((_, text))) => self.push_text(text),
            (Use::Input | Use::Category | Use::Label, _) => self.push_text(field),
        };
        self.space = space;
        pushed
    }

    /// Adds a number.
    ///
    /// # Errors
    /// When it is infinite, or the column has texts.
    pub fn push_number(&mut self, number: f64) -> Result<(), Fault> {
        if number.is_nan() {
            return self.push_missing();
        }
        match self.used {
            Use::Input | Use::Number => {
                let single = number as f32;
                let is_exact =
                    number.abs() < f64::from(EXACT_MAX) || f64::from(single) == number || number.fract() != 0.0;
                if number.is_finite() && !single.is_finite() {
                    return Err(Fault::TooLarge { value: number });
                }
                self.push_single(single, is_exact, "")
            }
            Use::Category | Use::Label => self.push_text(&number.to_string()),
        }
    }

    fn push_single(&mut self, number: f32, is_exact: bool, field: &str) -> Result<(), Fault> {
        if !number.is_finite() {
            let value = field.replace(',', ".").parse().unwrap_or(f64::from(number));
            return Err(if value.is_finite() { Fault::TooLarge { value } } else { Fault::NotFinite { value } });
        }
        self.rounded += u64::from(!is_exact);
        match &mut self.content {
            Filling::Numbers(numbers) => numbers.push(number),
            Filling::Unknown(missing) => {
                let mut numbers = vec![f32::NAN; *missing];
                numbers.push(number);
                self.content = Filling::Numbers(numbers);
            }
            Filling::Texts(texts, _) => {
                let value = texts.first().unwrap_or_default().to_owned();
                return Err(Fault::Mixed { value });
            }
        }
        Ok(())
    }

    /// Adds a text.
    ///
    /// # Errors
    /// When the column has numbers or too many categories, or the text is a date.
    pub fn push_text(&mut self, text: &str) -> Result<(), Fault> {
        let missing = match &self.content {
            Filling::Numbers(_) if self.used == Use::Number => return Err(Fault::TextNumber),
            Filling::Numbers(_) => {
                return Err(if is_date(text) {
                    Fault::Date { value: text.to_owned() }
                } else {
                    Fault::Mixed { value: text.to_owned() }
                });
            }
            Filling::Unknown(missing) => Some(*missing),
            Filling::Texts(..) => None,
        };
        if let Some(missing) = missing {
            self.content = Filling::Texts(Dictionary::default(), vec![NONE; missing]);
        }
        let Filling::Texts(dictionary, places) = &mut self.content else { return Ok(()) };
        let (place, is_new) = if text.contains(char::is_control) {
            dictionary.place(&text.replace(char::is_control, " "))
        } else {
            dictionary.place(text)
        };
        if is_new && self.used == Use::Input && is_date(text) {
            return Err(Fault::Date { value: text.to_owned() });
        }
        if is_new && self.used != Use::Label && dictionary.len() > CLASSES_MAX {
            return Err(Fault::ManyCategories { most: CLASSES_MAX });
        }
        places.push(place);
        Ok(())
    }

    /// Adds a missing value.
    ///
    /// # Errors
    /// When the column may have none.
    pub fn push_missing(&mut self) -> Result<(), Fault> {
        if matches!(self.used, Use::Number | Use::Label) {
            return Err(Fault::Missing {
                hint: "targets, groups, folds and marks are needed for each row: fill the value in, or leave the row out",
            });
        }
        match &mut self.content {
            Filling::Unknown(missing) => *missing += 1,
            Filling::Numbers(numbers) => numbers.push(f32::NAN),
            Filling::Texts(_, places) => places.push(NONE),
        }
        Ok(())
    }

    /// The column of an input, and its values: numbers, or places of categories; NaN is a missing value.
    pub fn into_input(self) -> (Column, Vec<f32>) {
        let name = self.name;
        match self.content {
            Filling::Unknown(missing) => (Column::Number { name }, vec![f32::NAN; missing]),
            Filling::Numbers(numbers) => (Column::Number { name }, numbers),
            Filling::Texts(dictionary, places) => {
                let texts = dictionary.into_texts();
                let Coded { names, codes, .. } = Coded::texts(&texts, &(0..texts.len() as u32).collect::<Vec<_>>());
                let value = |place: u32| codes.get(place as usize).map_or(f32::NAN, |code| *code as f32);
                (Column::Category { name, categories: names }, places.into_iter().map(value).collect())
            }
        }
    }

    /// The texts of labels, as a list of distinct ones and each row's place in it.
    pub fn into_texts(self) -> (Vec<String>, Vec<u32>) {
        match self.content {
            Filling::Texts(dictionary, places) => (dictionary.into_texts(), places),
            Filling::Unknown(_) | Filling::Numbers(_) => (Vec::new(), Vec::new()),
        }
    }

    /// The numbers of a target.
    pub fn into_numbers(self) -> Vec<f32> {
        match self.content {
            Filling::Numbers(numbers) => numbers,
            Filling::Unknown(_) | Filling::Texts(..) => Vec::new(),
        }
    }

    /// The labels.
    pub fn into_labels(self) -> Coded {
        match self.content {
            Filling::Texts(dictionary, places) => Coded::texts(&dictionary.into_texts(), &places),
            Filling::Unknown(_) | Filling::Numbers(_) => Coded::texts(&[], &[]),
        }
    }
}

/// Whether 32 bits hold a whole number that is written so; of fractions the nearest number is meant.
fn is_exact(number: f32, text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|exact| exact.fract() != 0.0 || f64::from(number) == exact)
}

/// Whether a text is a date, a time or both, in one of the usual forms.
pub fn is_date(text: &str) -> bool {
    let (first, rest) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = |text: &str| {
        let text = text.trim_end_matches('Z').split(['.', '+']).next().unwrap_or_default();
        let parts: Vec<&str> = text.split(':').collect();
        (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.len() <= 2 && is_digits(part))
    };
    let is_day = ['-', '/', '.'].into_iter().any(|sign| {
        let parts: Vec<&str> = first.split(sign).collect();
        parts.len() == 3
            && parts.iter().all(|part| is_digits(part) && part.len() <= 4)
            && (sign == '/' || parts.iter().any(|part| part.len() == 4))
    });
    is_time(text) || (is_day && (rest.is_empty() || is_time(rest) || rest.contains(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(decimal: char) -> Rules {
        Rules { decimal, missing: vec!["?".to_owned()] }
    }

    fn filled(used: Use, decimal: char, fields: &[&str]) -> Result<Filled, String> {
        let mut column = Filled::new("c", used);
        for field in fields {
            column.push_field(field, &rules(decimal)).map_err(|fault| fault.to_string())?;
        }
        Ok(column)
    }

    fn bits(numbers: &[f32]) -> Vec<u32> {
        numbers.iter().map(|number| number.to_bits()).collect()
    }

    #[test]
    fn numbers_and_missing_values_are_read() {
        let column =
            filled(Use::Input, '.', &["", " 1.5 ", "NA", "-2e3", "n/a", "+.5", "NaN", "null", "?", "7."]).unwrap();
        let (column, values) = column.into_input();
        assert_eq!(column, Column::Number { name: "c".to_owned() });
        let nan = f32::NAN;
        assert_eq!(bits(&values), bits(&[nan, 1.5, nan, -2000.0, nan, 0.5, nan, nan, nan, 7.0]));
        let comma = filled(Use::Input, ',', &["1,5", "2", "-,5"]).unwrap().into_input().1;
        assert_eq!(comma, [1.5, 2.0, -0.5]);
    }

    #[test]
    fn categories_are_sorted_and_missing_ones_marked() {
        let (column, values) = filled(Use::Input, '.', &["", "b10", "b2", "a", "b2"]).unwrap().into_input();
        let categories = ["a", "b2", "b10"].map(str::to_owned).to_vec();
        assert_eq!(column, Column::Category { name: "c".to_owned(), categories });
        assert_eq!(bits(&values), bits(&[f32::NAN, 2.0, 1.0, 0.0, 1.0]));
        let (column, values) = filled(Use::Category, '.', &["10", "9", "10"]).unwrap().into_input();
        let categories = ["9", "10"].map(str::to_owned).to_vec();
        assert_eq!((column, values), (Column::Category { name: "c".to_owned(), categories }, vec![1.0, 0.0, 1.0]));
    }

    #[test]
    fn values_of_another_kind_are_refused() {
        let refused = |used, decimal, fields: &[&str]| filled(used, decimal, fields).unwrap_err();
        assert_eq!(
            refused(Use::Input, '.', &["1", "unknown"]),
            "`unknown` is no number, and other values of the column are"
        );
        assert_eq!(
            refused(Use::Input, '.', &["unknown", "1"]),
            "`unknown` is no number, and other values of the column are"
        );
        assert_eq!(refused(Use::Input, ',', &["1,5", "1.5"]), "`1.5` is no number, and other values of the column are");
        assert_eq!(refused(Use::Input, '.', &["2024-01-31"]), "`2024-01-31` is a date or time");
        assert_eq!(refused(Use::Input, '.', &["inf"]), "the value is inf");
        assert_eq!(
            refused(Use::Input, '.', &["1e39"]),
            "the value 1000000000000000000000000000000000000000 is too large for 32 bits"
        );
        assert_eq!(refused(Use::Number, '.', &["1", "x"]), "`x` is no number");
        assert_eq!(refused(Use::Number, '.', &["1", ""]), "the value is missing");
        assert_eq!(refused(Use::Label, '.', &["NA"]), "the value is missing");
        let mut many = Filled::new("id", Use::Category);
        let fault = (0..=CLASSES_MAX).find_map(|text| many.push_text(&text.to_string()).err()).unwrap();
        assert!(matches!(fault, Fault::ManyCategories { most: CLASSES_MAX }));
    }

    #[test]
    fn whole_numbers_that_32_bits_do_not_hold_are_counted() {
        let column =
            filled(Use::Input, '.', &["16777216", "16777217", "0.1", "123456789", "1e20", "16777217.5"]).unwrap();
        assert_eq!(column.rounded(), 3);
    }

    #[test]
    fn dates_are_known_by_their_forms() {
        for date in [
            "2024-01-31",
            "2024/1/31",
            "31.01.2024",
            "1/31/24",
            "2024-01-31T12:30:00Z",
            "2024-01-31 12:30",
            "12:30",
            "12:30:59.5",
        ] {
            assert!(is_date(date), "{date}");
        }
        for other in ["1.2.3", "10-20-30", "a-b-2024", "12", "1.5", "3:2:1:0", "2024-01", "red"] {
            assert!(!is_date(other), "{other}");
        }
    }

    #[test]
    fn labels_are_text_whose_numbers_have_a_point() {
        let labels = filled(Use::Label, ',', &["1,5", "2", "1,50"]).unwrap().into_labels();
        assert_eq!((labels.numbers, labels.codes), (Some(vec![1.5, 2.0]), vec![0, 1, 0]));
    }
}
