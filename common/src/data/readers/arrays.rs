//! Data sets from arrays: NumPy's `.npz` and `.npy`, safetensors and IDX.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    array::{Array, Converted, Element, place},
    assemble::{Gathered, GatheredInput, GatheredTarget, ReadDataset, assemble},
    containers::Arrays,
    error::{Fault, Place, ReadError},
    labels::Coded,
    layout::Layout,
    parts::{Group, PartsSpec, TestPart, marked},
    source::Sources,
    target::TargetKind,
    warning::Warning,
};
use crate::data::{
    schema::{Content, Input},
    values::{NumberType, Values},
};

/// A data set from arrays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArraysSpec {
    /// The title; None is the first file's name.
    pub title: Option<String>,
    /// Files and folders of arrays, relative to the spec's folder.
    pub files: Vec<PathBuf>,
    /// The inputs by name.
    pub inputs: BTreeMap<String, ArrayInput>,
    /// The targets by name.
    pub targets: BTreeMap<String, ArrayTarget>,
    /// The target that the study is about; None where there is one only.
    pub primary: Option<String>,
    /// The test part, groups and folds.
    pub parts: PartsSpec<TestArrays>,
}

/// An input from an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrayInput {
    /// The array's name, or `FILE:NAME`.
    pub array: String,
    /// The order of its axes; None is a guess where only one is possible.
    pub layout: Option<Layout>,
    /// The meaning of its numbers; None is pixels for images of bytes, else numbers.
    pub content: Option<ArrayContent>,
}

/// The meaning of an array's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayContent {
    /// Grey values or colours, each 0..=255.
    Pixels,
    /// Any finite numbers.
    Numbers,
}

/// A target from an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrayTarget {
    /// The array's name, or `FILE:NAME`.
    pub array: String,
    /// Classes or numbers; None is numbers for fractions (float arrays), else classes.
    pub kind: Option<TargetKind>,
    /// The classes' names, in order.
    pub classes: Option<Vec<String>>,
}

/// A test part with arrays of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestArrays {
    /// Its files and folders; none are the same as the training part's.
    pub files: Vec<PathBuf>,
    /// The array of the test part for an array of the training part, by that one's name. Arrays that are not named have
    /// the same names in the test part's files.
    pub arrays: BTreeMap<String, String>,
}

impl From<&str> for ArrayInput {
    fn from(array: &str) -> Self {
        Self { array: array.to_owned(), ..Self::default() }
    }
}

impl From<&str> for ArrayTarget {
    fn from(array: &str) -> Self {
        Self { array: array.to_owned(), ..Self::default() }
    }
}

/// Reads the data set. Relative paths begin in `base`; the test part is drawn from `seed`.
///
/// # Errors
/// When a file cannot be read as the spec asks, or its examples make no data set.
pub fn read(spec: &ArraysSpec, base: &Path, seed: u64) -> Result<ReadDataset, ReadError> {
    for (of, count) in [("input", spec.inputs.len()), ("target", spec.targets.len())] {
        if count == 0 {
            return Err(ReadError::of_spec(Fault::NoneNamed { of }));
        }
    }
    let mut reader = Reader::open(spec, base)?;
    let mut targets = BTreeMap::new();
    for (name, target) in &spec.targets {
        targets.insert(name.clone(), reader.target(target)?);
    }
    let groups = match &spec.parts.group {
        Some(Group::Named(array)) => Some(reader.column(array)?.coded()),
        Some(Group::IdenticalRows) | None => None,
    };
    let folds = spec.parts.folds.as_ref().map(|array| reader.main_column(array).map(Column::coded)).transpose()?;
    let marks = match &spec.parts.test {
        TestPart::Column { name, value } => {
            let values = reader.main_column(name)?.coded();
            let file = reader.main.file(name)?.to_owned();
            Some(marked(&values, value).map_err(|fault| ReadError::at(&file, Place::array(name), fault))?)
        }
        TestPart::Separate(_) | TestPart::Fraction { .. } | TestPart::None => None,
    };
    let mut inputs = BTreeMap::new();
    for (name, input) in &spec.inputs {
        inputs.insert(name.clone(), reader.input(input)?);
    }
    let file = spec.files[0].clone();
    let name = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let gathered = Gathered {
        title: spec.title.clone().unwrap_or_else(name),
        file,
        inputs,
        targets,
        main: reader.lengths[0].as_ref().map_or(0, |(length, _)| *length),
        separate: reader.lengths[1].as_ref().map_or(0, |(length, _)| *length),
        groups,
        folds,
        marks,
        warnings: reader.warnings,
    };
    assemble(gathered, &spec.parts, spec.primary.as_deref(), seed, reader.sources.into_read())
}

/// The arrays of both parts, and the facts about them so far.
struct Reader<'s> {
    main: Arrays,
    /// The arrays of a separate test part, where it has files of its own.
    own: Option<Arrays>,
    separate: Option<&'s TestArrays>,
    sources: Sources,
    /// The number of examples of the main files and of the separate test part, and an array that has it.
    lengths: [Option<(usize, String)>; 2],
    warnings: Vec<Warning>,
}

/// One value an example.
enum Column {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Column {
    fn coded(self) -> Coded {
        match self {
            Self::Numbers(numbers) => Coded::numbers(&numbers),
            Self::Texts(texts) => Coded::each_text(texts),
        }
    }

    /// The values of both; numbers become text where the other part has text.
    fn then(self, other: Self) -> Self {
        let texts = |column: Self| match column {
            Self::Numbers(numbers) => numbers.iter().map(f64::to_string).collect(),
            Self::Texts(texts) => texts,
        };
        match (self, other) {
            (Self::Numbers(mut first), Self::Numbers(second)) => {
                first.extend(second);
                Self::Numbers(first)
            }
            (first, second) => Self::Texts([texts(first), texts(second)].concat()),
        }
    }
}

impl<'s> Reader<'s> {
    fn open(spec: &'s ArraysSpec, base: &Path) -> Result<Self, ReadError> {
        let mut sources = Sources::new(base);
        let main = Arrays::open(&spec.files, &mut sources)?;
        let separate = match &spec.parts.test {
            TestPart::Separate(separate) => Some(separate),
            TestPart::Column { .. } | TestPart::Fraction { .. } | TestPart::None => None,
        };
        let own = match separate {
            Some(separate) if !separate.files.is_empty() => Some(Arrays::open(&separate.files, &mut sources)?),
            _ => None,
        };
        Ok(Self { main, own, separate, sources, lengths: [None, None], warnings: Vec::new() })
    }

    /// An array of the main files.
    fn main_array(&mut self, name: &str) -> Result<(PathBuf, Array), ReadError> {
        let array = self.main.read(name, &mut self.sources)?;
        let file = self.main.file(name)?.to_owned();
        self.check_length(0, name, &file, array.examples())?;
        Ok((file, array))
    }

    /// The array of the separate test part that belongs to one of the main files, with its name.
    fn separate_array(&mut self, main_name: &str) -> Result<Option<(PathBuf, String, Array)>, ReadError> {
        let Some(separate) = self.separate else { return Ok(None) };
        let name = match (separate.arrays.get(main_name), &self.own) {
            (Some(name), _) => name.clone(),
            (None, Some(_)) => main_name.rsplit_once(':').map_or(main_name, |(_, name)| name).to_owned(),
            (None, None) => return Err(ReadError::of_spec(Fault::NoTestArray { name: main_name.to_owned() })),
        };
        let arrays = self.own.as_mut().unwrap_or(&mut self.main);
        let array = arrays.read(&name, &mut self.sources)?;
        let file = arrays.file(&name)?.to_owned();
        self.check_length(1, &name, &file, array.examples())?;
        Ok(Some((file, name, array)))
    }

    fn check_length(&mut self, part: usize, name: &str, file: &Path, found: usize) -> Result<(), ReadError> {
        match &self.lengths[part] {
            Some((expected, other)) if *expected != found => {
                let fault = Fault::Lengths { found, other: other.clone(), expected: *expected };
                Err(ReadError::at(file, Place::array(name), fault))
            }
            Some(_) => Ok(()),
            None => {
                self.lengths[part] = Some((found, name.to_owned()));
                Ok(())
            }
        }
    }

    fn main_column(&mut self, name: &str) -> Result<Column, ReadError> {
        let (file, array) = self.main_array(name)?;
        column(&file, name, &array)
    }

    /// One value for each example of both parts.
    fn column(&mut self, name: &str) -> Result<Column, ReadError> {
        let main = self.main_column(name)?;
        match self.separate_array(name)? {
            Some((file, name, array)) => Ok(main.then(column(&file, &name, &array)?)),
            None => Ok(main),
        }
    }

    fn target(&mut self, target: &ArrayTarget) -> Result<GatheredTarget, ReadError> {
        let name = &target.array;
        let (file, array) = self.main_array(name)?;
        let default = if array.element().is_float() { TargetKind::Number } else { TargetKind::Class };
        match target.kind.unwrap_or(default) {
            TargetKind::Class => {
                let main = column(&file, name, &array)?;
                let all = match self.separate_array(name)? {
                    Some((file, name, array)) => main.then(column(&file, &name, &array)?),
                    None => main,
                };
                Ok(GatheredTarget::Classes(all.coded(), target.classes.clone()))
            }
            TargetKind::Number => {
                let (width, mut all) = numbers(&file, name, &array, &mut self.warnings)?;
                if let Some((file, name, separate)) = self.separate_array(name)? {
                    if separate.example_shape() != array.example_shape() {
                        let [found, expected] = [&separate, &array].map(|array| array.example_shape().to_vec());
                        return Err(ReadError::at(&file, Place::array(&name), Fault::TestShape { found, expected }));
                    }
                    all.extend(numbers(&file, &name, &separate, &mut self.warnings)?.1);
                }
                Ok(GatheredTarget::Numbers(width, all))
            }
        }
    }

    fn input(&mut self, input: &ArrayInput) -> Result<GatheredInput, ReadError> {
        let name = &input.array;
        let (file, array) = self.main_array(name)?;
        let at = |fault: Fault| ReadError::at(&file, Place::array(name), fault);
        let shape = array.example_shape().to_vec();
        let is_bytes = array.element() == Element::U8;
        let layout = match input.layout {
            Some(layout) => layout,
            None => Layout::guess(&shape, is_bytes || input.content == Some(ArrayContent::Pixels)).map_err(at)?,
        };
        let (example, axes) = layout.order(&shape).map_err(at)?;
        let is_image = matches!(layout, Layout::Hw | Layout::Chw | Layout::Hwc);
        let is_pixels = input.content.map_or(is_bytes && is_image, |content| content == ArrayContent::Pixels);
        let content = if is_pixels { Content::Pixels } else { Content::Numbers };
        let main = self.values(&file, name, array, &axes, is_pixels)?;
        let separate = match self.separate_array(name)? {
            Some((file, name, array)) => {
                if array.example_shape() != shape {
                    let fault = Fault::TestShape { found: array.example_shape().to_vec(), expected: shape };
                    return Err(ReadError::at(&file, Place::array(&name), fault));
                }
                Some(self.values(&file, &name, array, &axes, is_pixels)?)
            }
            None => None,
        };
        let (main, separate) = same_number(main, separate);
        Ok(GatheredInput { input: Input { shape: example, content }, main, separate })
    }

    /// An array's numbers; the array leaves memory.
    fn values(
        &mut self,
        file: &Path,
        name: &str,
        array: Array,
        axes: &[usize],
        pixels: bool,
    ) -> Result<Values, ReadError> {
        let converted = array.to_values(axes, pixels);
        let Converted { values, rounded } =
            converted.map_err(|(index, fault)| ReadError::at(file, place(name, index), fault))?;
        self.warn_of_rounding(name, rounded, values.examples() * values.width());
        Ok(values)
    }

    fn warn_of_rounding(&mut self, name: &str, rounded: u64, numbers: usize) {
        warn_of_rounding(&mut self.warnings, name, rounded, numbers);
    }
}

fn warn_of_rounding(warnings: &mut Vec<Warning>, name: &str, rounded: u64, numbers: usize) {
    if rounded > 0 {
        let of = format!("array `{}`", crate::text::plain(name));
        warnings.push(Warning::Rounded { of, rounded, numbers: numbers as u64 });
    }
}

/// Both parts with the same type of numbers: f32 where they differ.
fn same_number(main: Values, separate: Option<Values>) -> (Values, Option<Values>) {
    match separate {
        Some(separate) if separate.number() != main.number() => (single(&main), Some(single(&separate))),
        separate => (main, separate),
    }
}

/// The same numbers in single precision.
fn single(values: &Values) -> Values {
    let mut bytes = Vec::with_capacity(4 * values.examples() * values.width());
    for example in 0..values.examples() {
        values.for_each(example, |number| bytes.extend(number.to_le_bytes()));
    }
    Values::new(NumberType::F32, values.width(), bytes.into()).unwrap_or_else(|_| values.clone())
}

/// One value an example: text or finite numbers.
fn column(file: &Path, name: &str, array: &Array) -> Result<Column, ReadError> {
    let shape = array.example_shape();
    if shape.iter().product::<usize>() != 1 {
        return Err(ReadError::at(file, Place::array(name), Fault::NotOneClass { shape: shape.to_vec() }));
    }
    match (array.to_texts(), array.to_numbers()) {
        (Some(texts), _) => match texts.iter().position(String::is_empty) {
            Some(example) => {
                let fault = Fault::Missing { hint: "a label, group or fold is needed for each example" };
                Err(ReadError::at(file, place(name, vec![example]), fault))
            }
            None => Ok(Column::Texts(texts)),
        },
        (None, numbers) => {
            let numbers = numbers.unwrap_or_default();
            match numbers.iter().position(|number| !number.is_finite()) {
                Some(example) => {
                    let fault = Fault::NotFinite { value: numbers[example] };
                    Err(ReadError::at(file, place(name, vec![example]), fault))
                }
                None => Ok(Column::Numbers(numbers)),
            }
        }
    }
}

/// The numbers of a target, and how many an example has.
fn numbers(
    file: &Path,
    name: &str,
    array: &Array,
    warnings: &mut Vec<Warning>,
) -> Result<(usize, Vec<f32>), ReadError> {
    let at = |index: Vec<usize>, fault: Fault| ReadError::at(file, place(name, index), fault);
    if array.element().is_text() {
        return Err(at(Vec::new(), Fault::TextNumber));
    }
    let axes: Vec<usize> = (0..array.example_shape().len()).collect();
    let Converted { values, rounded } = array.to_values(&axes, false).map_err(|(index, fault)| at(index, fault))?;
    warn_of_rounding(warnings, name, rounded, values.examples() * values.width());
    let mut numbers = Vec::with_capacity(values.examples() * values.width());
    (0..values.examples()).for_each(|example| values.for_each(example, |number| numbers.push(number)));
    Ok((values.width(), numbers))
}

#[cfg(test)]
mod tests;
