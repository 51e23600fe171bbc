//! The faults of files that a user brings: each has the file, the place in it, the cause and a hint.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use miette::Diagnostic;

use crate::{
    data::{dataset::DatasetError, idx::IdxError},
    nearest_word::nearest,
    text::{count, plain},
};

/// A file that cannot be read as the spec asks, or examples that make no data set.
#[derive(Debug)]
pub struct ReadError {
    /// The file or folder, as the spec names it; None where the fault is the spec's.
    pub file: Option<PathBuf>,
    /// The place in the file.
    pub place: Place,
    /// The cause, which has the hint.
    pub fault: Box<Fault>,
}

/// The place of a fault in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    #[default]
    Whole,
    /// An array, and the index of one of its numbers; the index is empty where the whole array is meant.
    Array {
        /// The array's name.
        name: String,
        /// The number's index, from 0.
        index: Vec<usize>,
    },
    /// A line of a text file.
    Line {
        /// The line, from 1.
        line: u64,
        /// The column's name, where one column is meant.
        column: Option<String>,
    },
    /// A row of a table that has no lines.
    Row {
        /// The row, from 1.
        row: u64,
        /// The column's name.
        column: String,
    },
    /// A column of a table.
    Column(String),
    /// A target.
    Target(String),
}

impl Place {
    /// A whole array.
    pub fn array(name: &str) -> Self {
        Self::Array { name: name.to_owned(), index: Vec::new() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Array { name, index } if index.is_empty() => write!(f, "array `{}`", plain(name)),
            Self::Array { name, index } => write!(f, "array `{}` at {index:?}", plain(name)),
            Self::Line { line, column: None } => write!(f, "line {line}"),
            Self::Line { line, column: Some(column) } => write!(f, "line {line}, column `{}`", plain(column)),
            Self::Row { row, column } => write!(f, "row {row}, column `{}`", plain(column)),
            Self::Column(column) => write!(f, "column `{}`", plain(column)),
            Self::Target(target) => write!(f, "target `{}`", plain(target)),
        }
    }
}

impl ReadError {
    /// A fault of a file as a whole.
    pub fn in_file(file: &Path, fault: impl Into<Fault>) -> Self {
        Self::at(file, Place::Whole, fault)
    }

    /// A fault at a place of a file.
    pub fn at(file: &Path, place: Place, fault: impl Into<Fault>) -> Self {
        Self { file: Some(file.to_owned()), place, fault: Box::new(fault.into()) }
    }

    /// A fault of the spec, or of the data set as a whole.
    pub fn of_spec(fault: impl Into<Fault>) -> Self {
        Self { file: None, place: Place::Whole, fault: Box::new(fault.into()) }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", plain(&file.to_string_lossy()))?;
        }
        if self.place != Place::Whole {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.fault)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.source()
    }
}

impl Diagnostic for ReadError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.fault.help()
    }
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{}`", plain(name))).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "none".to_owned(),
        all if all > SHOWN => format!("{shown} and {} more", all - SHOWN),
        _ => shown,
    }
}

/// The names from which one was to be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The one that was probably meant.
    pub nearest: Option<String>,
    /// All of them.
    pub names: Vec<String>,
}

impl Known {
    /// These names, where `written` is none of them.
    pub fn to(written: &str, names: &[String]) -> Box<Self> {
        let nearest = nearest(written, &names.iter().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned);
        Box::new(Self { nearest, names: names.to_vec() })
    }

    fn meant(&self) -> String {
        self.nearest.as_ref().map(|name| format!("did you mean `{}`? ", plain(name))).unwrap_or_default()
    }
}

/// The cause of a [`ReadError`], with its hint.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[allow(missing_docs, reason = "the messages tell what the fields hold")]
pub enum Fault {
    // Files.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    #[error("there is no such file or folder")]
    #[diagnostic(help("a path is relative to the folder of the spec; it was looked for at {}", .looked.display()))]
    Absent { looked: PathBuf },
    #[error("the path leads out of the folder that holds the files")]
    #[diagnostic(help("write paths that are relative to {} and have no `..`", .folder.display()))]
    Outside { folder: PathBuf },
    #[error("the file is empty")]
    #[diagnostic(help("copy it again, or write it again"))]
    EmptyFile,
    #[error("the spec names no files")]
    #[diagnostic(help("name them with the key `files`"))]
    NoFiles,
    #[error("the file ends early: {}", .detail)]
    #[diagnostic(help("it was probably cut short as it was copied or written; copy it again"))]
    Truncated { detail: String },
    #[error("the file is damaged: {detail}")]
    #[diagnostic(help("copy it again, or write it again"))]
    Damaged { detail: String },
    #[error("the content has {} more than its head says", count(.bytes, "byte"))]
    #[diagnostic(help("the file holds something after its array, or was written twice; write one array a file"))]
    Trailing { bytes: u64 },
    #[error("the content is larger than {most} bytes")]
    #[diagnostic(help("split it, or store it with smaller numbers (uint8, float16)"))]
    Large { most: u64 },
    #[error("the file is none of the known forms")]
    #[diagnostic(help("known are .npz, .npy, .safetensors and IDX (plain or .gz), and folders of these"))]
    UnknownForm,
    #[error(transparent)]
    Idx(IdxError),

    // Arrays.
    #[error("the array holds Python objects (pickle), which may run any program when they are read")]
    #[diagnostic(help("store plain numbers: `np.save(file, np.stack(list_of_arrays).astype(np.float32))`"))]
    Pickle,
    #[error("numbers of the type {found} are not read")]
    #[diagnostic(help(
        "known are bool, 8 to 64 bit integers, and float16, bfloat16, float32 and float64: use `astype`"
    ))]
    NumberType { found: String },
    #[error("there is no array `{}`", plain(name))]
    #[diagnostic(help("{}there are {}", known.meant(), listed(&known.names)))]
    NoArray { name: String, known: Box<Known> },
    #[error("two files have an array `{}`: {} and {}", plain(name), files[0].display(), files[1].display())]
    #[diagnostic(help("write FILE:ARRAY, for example `{}:{}`", files[0].display(), plain(name)))]
    TwoArrays { name: String, files: Box<[PathBuf; 2]> },
    #[error("no test array is named for `{}`", plain(name))]
    #[diagnostic(help(
        "map each array to its test array, such as `arrays = {{ x_train = \"x_test\" }}`, or name the test part's `files`"
    ))]
    NoTestArray { name: String },
    #[error("the array has no axis of examples")]
    #[diagnostic(help("the first axis counts the examples: store shape (examples, ...)"))]
    Scalar,
    #[error("examples of shape {shape:?} can be read in several ways")]
    #[diagnostic(help(
        "set `layout`: \"hw\" for grey images, \"chw\" or \"hwc\" for images with channels first or last, \"cl\" or \
         \"lc\" for signals with channels first or last, \"flat\" for rows of numbers"
    ))]
    AmbiguousLayout { shape: Vec<usize> },
    #[error("examples of shape {shape:?} do not have the layout \"{layout}\"")]
    #[diagnostic(help("\"{layout}\" needs {}", count(.layout.len(), "axis").replace("axises", "axes")))]
    WrongLayout { shape: Vec<usize>, layout: &'static str },
    #[error("the array has {}, `{}` has {expected}", count(.found, "example"), plain(other))]
    #[diagnostic(help("the arrays of one part have the same number of examples, in the same order"))]
    Lengths { found: usize, other: String, expected: usize },
    #[error("the test part's examples have shape {found:?}, the training part's {expected:?}")]
    #[diagnostic(help("store both parts in the same form"))]
    TestShape { found: Vec<usize>, expected: Vec<usize> },
    #[error("the value is {value}")]
    #[diagnostic(help("only finite numbers can be trained on: replace it, or leave the example out"))]
    NotFinite { value: f64 },
    #[error("the value {value} is too large for 32 bits")]
    #[diagnostic(help("scale the numbers before they are stored"))]
    TooLarge { value: f64 },
    #[error("the value {value} is no pixel: pixels are 0 to 255")]
    #[diagnostic(help("set `content = \"numbers\"` for images whose values have another range"))]
    NotAPixel { value: f64 },
    #[error("the array holds text")]
    #[diagnostic(help("text can be a target, a group or a fold, not an input"))]
    TextInput,

    // Targets.
    #[error("the spec names no {of}")]
    #[diagnostic(help("name at least one under `{of}s`"))]
    NoneNamed { of: &'static str },
    #[error("there is no target `{}`", plain(name))]
    #[diagnostic(help("{}`primary` names one of {}", known.meant(), listed(&known.names)))]
    NoTarget { name: String, known: Box<Known> },
    #[error("there are several targets ({}), and `primary` is not set", listed(known))]
    #[diagnostic(help("set `primary` to the target that the study is about"))]
    NoPrimary { known: Vec<String> },
    #[error("a class is one value an example; this target has examples of shape {shape:?}")]
    #[diagnostic(help("turn one-hot rows into classes with `np.argmax(array, axis=1)`, or set `kind = \"number\"`"))]
    NotOneClass { shape: Vec<usize> },
    #[error("the class {value} is not a whole number")]
    #[diagnostic(help("is this target a number to be predicted? then set `kind = \"number\"`"))]
    NotWhole { value: f64 },
    #[error("the target has {}, for {}", count(.classes, "class"), count(.examples, "example"))]
    #[diagnostic(help("is this target a number to be predicted? then set `kind = \"number\"`"))]
    ManyClasses { classes: usize, examples: usize },
    #[error("every example has the class `{}`", plain(class))]
    #[diagnostic(help("a target needs two classes or more"))]
    OneClass { class: String },
    #[error("the class `{}` is not in `classes`", plain(class))]
    #[diagnostic(help("{}`classes` names {}", known.meant(), listed(&known.names)))]
    UnknownClass { class: String, known: Box<Known> },
    #[error("`classes` names {}, and the labels have {}: {}", count(.named, "class"), count(.found.len(), "value"), listed(found))]
    #[diagnostic(help("name a class for each value, in the values' order"))]
    ClassCount { named: usize, found: Vec<String> },
    #[error("the class `{}` is in the test part only ({})", plain(class), count(.examples, "example"))]
    #[diagnostic(help("no network can learn it: add training examples of it, or leave its test examples out"))]
    TestOnlyClass { class: String, examples: usize },
    #[error("text cannot be a number to be predicted")]
    #[diagnostic(help("set `kind = \"class\"`, or store numbers"))]
    TextNumber,
    #[error("the whole numbers of this target can be classes or numbers to be predicted")]
    #[diagnostic(help("set `kind = \"class\"` or `kind = \"number\"`"))]
    AmbiguousKind,
    #[error("the value is missing")]
    #[diagnostic(help("{}", .hint))]
    Missing { hint: &'static str },

    // Parts.
    #[error("the fraction {fraction} of the test part is not between 0 and 1")]
    #[diagnostic(help("`fraction = 0.2` takes a fifth of the examples"))]
    BadFraction { fraction: f64 },
    #[error("the fraction {fraction} of {} leaves {part} examples out", count(.examples, "example"))]
    #[diagnostic(help("use another fraction, more examples, or a test part of its own"))]
    EmptyPart { fraction: f64, examples: usize, part: &'static str },
    #[error("no example has the value `{}` that marks the test part", plain(value))]
    #[diagnostic(help("{}the values are {}", known.meant(), listed(&known.names)))]
    NoTestValue { value: String, known: Box<Known> },
    #[error("every example is in the test part")]
    #[diagnostic(help("leave some for training"))]
    NoTraining,
    #[error("there are no examples")]
    #[diagnostic(help("look whether the right file was named"))]
    NoExamples,
    #[error("the group `{}` has {train} training and {test} test examples", plain(group))]
    #[diagnostic(help(
        "examples of one group are not independent: keep each group in one part, or use `fraction` with `rule = \"grouped\"`"
    ))]
    GroupInBoth { group: String, train: usize, test: usize },
    #[error("the group `{}` is in the folds `{}` and `{}`", plain(group), plain(&folds[0]), plain(&folds[1]))]
    #[diagnostic(help("examples of one group are not independent: keep each group in one fold"))]
    GroupInFolds { group: String, folds: Box<[String; 2]> },
    #[error("the test part is grouped, and no group is named")]
    #[diagnostic(help("set `group` to an array or column, or to \"identical-rows\""))]
    NoGroup,
    #[error("the test part is stratified, and the target `{}` has no classes", plain(target))]
    #[diagnostic(help("leave `rule` out, or set it to \"random\" or \"grouped\""))]
    NoStrata { target: String },

    // Tables.
    #[error("the row has {}, the head has {expected}", count(.found, "field"))]
    #[diagnostic(help("is a field with the delimiter in it not quoted? or is `delimiter` another one?"))]
    Ragged { found: u64, expected: u64 },
    #[error("two columns have this name")]
    #[diagnostic(help("give each column a name of its own"))]
    TwoColumns,
    #[error("there is no column `{}`", plain(name))]
    #[diagnostic(help("{}there are {}", known.meant(), listed(&known.names)))]
    NoColumn { name: String, known: Box<Known> },
    #[error("the columns of this file are not those of the first: {detail}")]
    #[diagnostic(help("all files of a table have the same columns"))]
    OtherColumns { detail: String },
    #[error("the column has no name")]
    #[diagnostic(help(
        "name it in the file's first line; an index column that pandas wrote is left out with `to_csv(index=False)`"
    ))]
    NoColumnName,
    #[error("`{}` is a date or time", plain(value))]
    #[diagnostic(help(
        "dates are not read: store numbers (for example days since a day, or month and weekday), or name the column in `ignore`"
    ))]
    Date { value: String },
    #[error("`{}` is no number, and other values of the column are", plain(value))]
    #[diagnostic(help(
        "name the column in `categories`, or, if this text stands for a missing value, add it to `missing`; \
         numbers with a decimal comma need `decimal = \",\"`"
    ))]
    Mixed { value: String },
    #[error("`{}` is no number", plain(value))]
    #[diagnostic(help("numbers are written as 12, -0.5 or 1e-3; set `decimal` where a comma divides"))]
    NotANumber { value: String },
    #[error("the column has more than {most} categories")]
    #[diagnostic(help("is this a number or an identifier? name it in `ignore`, or store numbers"))]
    ManyCategories { most: usize },
    #[error(
        "the file has numbers with a decimal comma and with a decimal point: `{}` and `{}`",
        plain(comma),
        plain(point)
    )]
    #[diagnostic(help("set `decimal = \",\"` or `decimal = \".\"`"))]
    TwoDecimals { comma: String, point: String },
    #[error("`{0}` cannot be both the delimiter and the decimal sign")]
    #[diagnostic(help("set `delimiter` to another sign, such as \";\""))]
    SameSign(char),
    #[error("`{0}` cannot be a delimiter")]
    #[diagnostic(help("usual are \",\", \";\", \"|\" and the tab"))]
    BadDelimiter(char),
    #[error("`{0}` cannot be a decimal sign")]
    #[diagnostic(help("set `decimal` to \".\" or \",\""))]
    BadDecimal(char),
    #[error("the table has more than {most} rows")]
    #[diagnostic(help("leave rows out"))]
    ManyRows { most: usize },
    #[error("the text is not UTF-8")]
    #[diagnostic(help("convert it: `iconv -f latin1 -t utf-8 OLD > NEW`"))]
    NotUtf8,
    #[error("{found} is not read")]
    #[diagnostic(help("{hint}"))]
    Unsupported { found: String, hint: &'static str },
    #[error("the table has no columns that could be an input")]
    #[diagnostic(help("name them in `columns`"))]
    NoInputs,

    // Images.
    #[error("the class has no images")]
    #[diagnostic(help("add PNG or JPEG files, or remove the folder"))]
    EmptyClass,
    #[error("the folder has no folders of classes")]
    #[diagnostic(help(
        "the images of each class are in a folder with the class's name; or name a CSV of paths with `table`"
    ))]
    NoClasses,
    #[error("the image is {found_height}x{found_width} pixels (height x width), `{}` is {height}x{width}", plain(&.first.to_string_lossy()))]
    #[diagnostic(help("set `size = [height, width]` to resize all images"))]
    ImageSize { found_height: u32, found_width: u32, first: PathBuf, height: u32, width: u32 },
    #[error("the image has {found} channels, `{}` has {expected}", plain(&.first.to_string_lossy()))]
    #[diagnostic(help("set `channels = 1` for grey images or `channels = 3` for colours"))]
    ImageChannels { found: usize, first: PathBuf, expected: usize },
    #[error("`channels` is 1 or 3")]
    #[diagnostic(help("1 makes images grey, 3 makes colours"))]
    BadChannels,
    #[error("`{key}` names a column, and folders of classes have none")]
    #[diagnostic(help(
        "name a CSV of paths with `table`, or use `group = \"identical-rows\"` or a `fraction` for the test part"
    ))]
    NeedsTable { key: &'static str },
    #[error("the test part names no folder")]
    #[diagnostic(help("set `folder` in the test part to a folder with the same folders of classes"))]
    NoTestFolder,
    #[error("the image cannot be decoded: {detail}")]
    #[diagnostic(help("is it a whole PNG or JPEG?"))]
    Image { detail: String },
    #[error("the image is a CMYK JPEG")]
    #[diagnostic(help(
        "its colours depend on a profile: convert it to RGB, for example with `convert IN -colorspace sRGB OUT`"
    ))]
    Cmyk,
    #[error("the image has transparent pixels")]
    #[diagnostic(help("set `alpha = \"black\"` or `alpha = \"white\"` to lay images on that colour"))]
    Alpha,
    #[error("the image has more than {most} pixels")]
    #[diagnostic(help("make it smaller before it is read"))]
    ManyPixels { most: usize },
    #[error("`size` and `channels` make {numbers} numbers an image")]
    #[diagnostic(help("use a smaller size: at least 1x1, at most 16,777,216 numbers"))]
    BadSize { numbers: u128 },

    // The data set.
    #[error(transparent)]
    Dataset(Box<DatasetError>),
}

impl From<DatasetError> for Fault {
    fn from(cause: DatasetError) -> Self {
        Self::Dataset(Box::new(cause))
    }
}

impl From<io::Error> for Fault {
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated { detail: cause.to_string() },
            _ => Self::Io(cause),
        }
    }
}

impl From<IdxError> for Fault {
    fn from(cause: IdxError) -> Self {
        match cause {
            cause if cause.is_truncation() => Self::Truncated { detail: cause.to_string() },
            IdxError::Large { bytes_max } => Self::Large { most: bytes_max as u64 },
            cause => Self::Idx(cause),
        }
    }
}
