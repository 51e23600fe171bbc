//! Values of a column as codes, and the classes of a target.

use std::collections::HashMap;

use super::{
    error::{Fault, Known},
    source::natural,
    warning::Warning,
};
use crate::data::schema::CLASSES_MAX;

/// So many classes are never too many for their examples.
const FEW_CLASSES: usize = 100;

/// A column of values, each as its place in the sorted list of the distinct ones: numbers by value, texts in natural
/// order. Texts that all are numbers are numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Coded {
    /// The distinct values, as text.
    pub names: Vec<String>,
    /// The distinct values where all are numbers.
    pub numbers: Option<Vec<f64>>,
    /// Each example's place in the list.
    pub codes: Vec<u32>,
}

/// The place of a text in a growing list of distinct ones.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    places: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Dictionary {
    /// The text's place, and whether it is new.
    pub fn place(&mut self, text: &str) -> (u32, bool) {
        if let Some(place) = self.places.get(text) {
            return (*place, false);
        }
        let place = self.texts.len() as u32;
        self.places.insert(text.to_owned(), place);
        self.texts.push(text.to_owned());
        (place, true)
    }

    /// The number of distinct texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The first text.
    pub fn first(&self) -> Option<&str> {
        self.texts.first().map(String::as_str)
    }

    /// The distinct texts, in the order in which they came.
    pub fn into_texts(self) -> Vec<String> {
        self.texts
    }
}

impl Coded {
    /// Codes finite numbers.
    pub fn numbers(values: &[f64]) -> Self {
        let mut distinct: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let place = |value: &f64| distinct.partition_point(|known| known < value) as u32;
        let codes = values.iter().map(place).collect();
        let names = distinct.iter().map(f64::to_string).collect();
        Self { names, numbers: Some(distinct), codes }
    }

    /// Codes texts, which are given as places in a list of distinct ones.
    pub fn texts(texts: &[String], places: &[u32]) -> Self {
        let numbers: Option<Vec<f64>> =
            texts.iter().map(|text| text.trim().parse().ok().filter(|number: &f64| number.is_finite())).collect();
        if let Some(numbers) = numbers {
            let coded = Self::numbers(&numbers);
            let codes = places.iter().map(|place| coded.codes[*place as usize]).collect();
            return Self { codes, ..coded };
        }
        Self::in_natural_order(texts, places)
    }

    fn in_natural_order(texts: &[String], places: &[u32]) -> Self {
        let mut order: Vec<u32> = (0..texts.len() as u32).collect();
        order.sort_by(|first, second| natural(&texts[*first as usize], &texts[*second as usize]));
        let mut code = vec![0; texts.len()];
        (0..).zip(&order).for_each(|(place, text)| code[*text as usize] = place);
        let names = order.iter().map(|text| texts[*text as usize].clone()).collect();
        Self { names, numbers: None, codes: places.iter().map(|place| code[*place as usize]).collect() }
    }

    /// Codes names, which are no numbers even where they look so.
    pub fn names(names: impl Iterator<Item = String>) -> Self {
        let mut dictionary = Dictionary::default();
        let places: Vec<u32> = names.map(|name| dictionary.place(&name).0).collect();
        Self::in_natural_order(&dictionary.into_texts(), &places)
    }

    /// Codes a list of texts.
    pub fn each_text(texts: impl IntoIterator<Item = String>) -> Self {
        let mut dictionary = Dictionary::default();
        let places: Vec<u32> = texts.into_iter().map(|text| dictionary.place(&text).0).collect();
        Self::texts(&dictionary.into_texts(), &places)
    }
}

/// The classes of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// Their names.
    pub names: Vec<String>,
    /// Each example's class.
    pub codes: Vec<u32>,
}

/// The classes of the target `target` with these labels.
///
/// Without `named` each distinct label is a class of that name. `named` are the names of all classes, in order: labels
/// are these names, or places in the list from 0, or, where there are as many distinct numbers as names, the values in
/// their order.
///
/// # Errors
/// When there is but one class, or there are too many, or labels and names do not fit.
pub fn classes(
    target: &str,
    labels: Coded,
    named: Option<&[String]>,
    warnings: &mut Vec<Warning>,
) -> Result<Classes, Fault> {
    let Coded { names: found, numbers, codes } = labels;
    let most = CLASSES_MAX.min((codes.len() / 2).max(FEW_CLASSES));
    let is_fraction = |number: &&f64| number.fract() != 0.0;
    if named.is_none()
        && let Some(value) = numbers.iter().flatten().find(is_fraction)
    {
        return Err(Fault::NotWhole { value: *value });
    }
    if found.len() > most {
        return Err(Fault::ManyClasses { classes: found.len(), examples: codes.len() });
    }
    let counts_from_zero = numbers
        .as_ref()
        .is_none_or(|numbers| numbers.iter().zip(0_u32..).all(|(number, place)| *number == f64::from(place)));
    let told = || Warning::ClassValues { target: target.to_owned(), values: found.clone() };
    let (names, class_of) = match named {
        None => {
            if !counts_from_zero {
                warnings.push(told());
            }
            (found.clone(), (0..found.len() as u32).collect())
        }
        Some(named) => (named.to_vec(), named_classes(&found, numbers.as_deref(), named, || warnings.push(told()))?),
    };
    if names.len() < 2 {
        return Err(Fault::OneClass { class: names.into_iter().next().unwrap_or_default() });
    }
    let codes: Vec<u32> = codes.iter().map(|code| class_of[*code as usize]).collect();
    let mut is_used = vec![false; names.len()];
    codes.iter().for_each(|code| is_used[*code as usize] = true);
    for (class, _) in names.iter().zip(is_used).filter(|(_, used)| !used) {
        warnings.push(Warning::AbsentClass { target: target.to_owned(), class: class.clone() });
    }
    Ok(Classes { names, codes })
}

/// The class of each distinct label, by the names that the spec gives.
fn named_classes(
    found: &[String],
    numbers: Option<&[f64]>,
    named: &[String],
    warn: impl FnOnce(),
) -> Result<Vec<u32>, Fault> {
    let by_name: HashMap<&str, u32> = named.iter().map(String::as_str).zip(0..).collect();
    let unknown = found.iter().find(|label| !by_name.contains_key(label.as_str()));
    let Some(unknown) = unknown else {
        return Ok(found.iter().map(|label| by_name[label.as_str()]).collect());
    };
    let Some(numbers) = numbers else {
        return Err(Fault::UnknownClass { class: unknown.clone(), known: Known::to(unknown, named) });
    };
    let is_place = |number: &f64| number.fract() == 0.0 && (0.0..named.len() as f64).contains(number);
    if numbers.iter().all(is_place) {
        return Ok(numbers.iter().map(|number| *number as u32).collect());
    }
    if numbers.len() != named.len() {
        return Err(Fault::ClassCount { named: named.len(), found: found.to_vec() });
    }
    warn();
    Ok((0..named.len() as u32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The classes' names, each label's class, and the warnings.
    type Read = (Vec<String>, Vec<u32>, Vec<String>);

    fn read(labels: Coded, named: Option<&[&str]>) -> Result<Read, String> {
        let mut warnings = Vec::new();
        let named = named.map(strings);
        let classes = classes("digit", labels, named.as_deref(), &mut warnings).map_err(|fault| fault.to_string())?;
        Ok((classes.names, classes.codes, warnings.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn numbers_sort_by_value_and_texts_naturally() {
        let texts = Coded::each_text(strings(&["b10", "b2", "a", "b2"]));
        assert_eq!((texts.names, texts.codes), (strings(&["a", "b2", "b10"]), vec![2, 1, 0, 1]));
        let numbers = Coded::each_text(strings(&["10", "2", "01", "1.0"]));
        assert_eq!((numbers.names, numbers.codes), (strings(&["1", "2", "10"]), vec![2, 1, 0, 0]));
        assert_eq!(Coded::numbers(&[0.0, -0.0, -1.0]).codes, [1, 1, 0]);
    }

    #[test]
    fn labels_with_a_gap_or_from_one_make_no_phantom_class() {
        let (names, codes, warnings) = read(Coded::numbers(&[1.0, 2.0, 3.0, 1.0]), None).unwrap();
        assert_eq!((names, codes), (strings(&["1", "2", "3"]), vec![0, 1, 2, 0]));
        assert_eq!(warnings, ["target `digit`: the labels are not 0, 1, 2, ...: each value is a class (1, 2, 3)"]);
        let (names, codes, warnings) = read(Coded::numbers(&[0.0, 5.0, 2.0]), None).unwrap();
        assert_eq!((names, codes, warnings.len()), (strings(&["0", "2", "5"]), vec![0, 2, 1], 1));
        assert_eq!(read(Coded::numbers(&[1.0, 0.0]), None).unwrap().2, [""; 0]);
    }

    #[test]
    fn names_are_given_by_place_by_text_or_by_order() {
        let by_place = read(Coded::numbers(&[2.0, 0.0]), Some(&["a", "b", "c"])).unwrap();
        assert_eq!(by_place.1, [2, 0]);
        assert_eq!(by_place.2, ["target `digit`: the class `b` has no examples"]);
        let by_order = read(Coded::numbers(&[1.0, 2.0]), Some(&["a", "b"])).unwrap();
        assert_eq!((by_order.0, by_order.1, by_order.2.len()), (strings(&["a", "b"]), vec![0, 1], 1));
        assert_eq!(read(Coded::numbers(&[1.0, 0.0]), Some(&["1", "0"])).unwrap().1, [0, 1]);
        assert_eq!(read(Coded::each_text(strings(&["dog", "cat"])), Some(&["dog", "cat"])).unwrap().1, [0, 1]);
    }

    #[test]
    fn labels_that_are_no_classes_are_refused() {
        let refused = |labels, named: Option<&[&str]>| read(labels, named).unwrap_err();
        assert_eq!(refused(Coded::numbers(&[0.5, 1.0]), None), "the class 0.5 is not a whole number");
        let many: Vec<f64> = (0..150).map(f64::from).collect();
        assert_eq!(refused(Coded::numbers(&many), None), "the target has 150 classes, for 150 examples");
        assert_eq!(refused(Coded::numbers(&[3.0; 4]), None), "every example has the class `3`");
        assert_eq!(
            refused(Coded::each_text(strings(&["dg", "cat"])), Some(&["cat", "dog"])),
            "the class `dg` is not in `classes`"
        );
        assert!(refused(Coded::numbers(&[7.0, 8.0, 9.0]), Some(&["a", "b"])).contains("names 2 classes"));
    }
}
