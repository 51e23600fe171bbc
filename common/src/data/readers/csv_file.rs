//! Text files of a table: their delimiter, their decimal sign, and their rows.

use std::io::{Chain, Cursor, Read, Take};

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use flate2::read::MultiGzDecoder;

use super::{
    error::{Fault, Place},
    source::CONTENT_BYTES_MAX,
};

/// Bytes from which delimiter and decimal sign are told.
const SAMPLE_BYTES: u64 = 1 << 16;
/// Most rows of the sample.
const SAMPLE_ROWS: usize = 100;
/// Delimiters that are known, in the order in which equally good ones are chosen: a comma may also be a decimal sign.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// The form of a text file, as far as a spec gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextForm {
    /// The delimiter; None is told from the file: comma, semicolon, tab or bar.
    pub delimiter: Option<char>,
    /// The decimal sign, `.` or `,`; None is a point where the delimiter is a comma, else told from the file.
    pub decimal: Option<char>,
}

/// A file whose head was read.
pub struct TextTable<R: Read> {
    rows: csv::Reader<Content<R>>,
    lines: Lines,
    /// The columns' names.
    pub names: Vec<String>,
    /// The decimal sign.
    pub decimal: char,
}

type Content<R> = Chain<Cursor<Vec<u8>>, Take<Inflated<R>>>;

/// A file that is plain or compressed with gzip.
pub enum Inflated<R: Read> {
    /// Plain.
    Plain(R),
    /// Compressed.
    Gzip(Box<MultiGzDecoder<R>>),
}

impl<R: Read> Read for Inflated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Gzip(file) => file.read(buffer),
        }
    }
}

/// Opens a text file of a table: reads its first line, the columns' names.
///
/// # Errors
/// When it is no text, has no usable names, or its signs cannot be told.
pub fn open<R: Read>(file: R, gzip: bool, form: &TextForm) -> Result<TextTable<R>, (Place, Fault)> {
    let whole = |fault: Fault| (Place::Whole, fault);
    let content = if gzip { Inflated::Gzip(Box::new(MultiGzDecoder::new(file))) } else { Inflated::Plain(file) };
    let mut content = content.take(CONTENT_BYTES_MAX);
    let mut sample = Vec::new();
    content.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample).map_err(|cause| whole(cause.into()))?;
    if sample.starts_with(b"\xef\xbb\xbf") {
        sample.drain(..3);
    }
    if sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff") {
        return Err(whole(Fault::NotUtf8));
    }
    let is_whole = (sample.len() as u64) < SAMPLE_BYTES - 3;
    let lines = Lines::of(&sample);
    let delimiter = match form.delimiter {
        Some(sign) => u8::try_from(sign)
            .ok()
            .filter(|sign| sign.is_ascii() && !b"\"\r\n.".contains(sign))
            .ok_or_else(|| whole(Fault::BadDelimiter(sign)))?,
        None => told_delimiter(&sample, is_whole),
    };
    let decimal = match form.decimal {
        Some(sign) if sign == char::from(delimiter) => return Err(whole(Fault::SameSign(sign))),
        Some(sign @ ('.' | ',')) => sign,
        Some(sign) => return Err(whole(Fault::BadDecimal(sign))),
        None if delimiter == b',' => '.',
        None => told_decimal(&sample, delimiter, is_whole).map_err(whole)?,
    };
    let mut builder = builder(delimiter);
    let mut rows = builder.has_headers(true).from_reader(Cursor::new(sample).chain(content));
    let names = rows.headers().map_err(|error| csv_fault(error, lines))?.iter().map(clean).collect::<Vec<_>>();
    check_names(&names)?;
    Ok(TextTable { rows, lines, names, decimal })
}

/// A name on one line.
fn clean(name: &str) -> String {
    name.trim().replace(char::is_control, " ")
}

/// Checks that the columns have names, each its own.
pub fn check_names(names: &[String]) -> Result<(), (Place, Fault)> {
    let mut seen = std::collections::HashSet::new();
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err((Place::Column(format!("{} (counted from 1)", place + 1)), Fault::NoColumnName));
        }
        if !seen.insert(name) {
            return Err((Place::Column(name.clone()), Fault::TwoColumns));
        }
    }
    Ok(())
}

fn builder(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).trim(Trim::None).buffer_capacity(1 << 16);
    builder
}

impl<R: Read> TextTable<R> {
    /// Calls `each` with every row and its line, from 1.
    ///
    /// # Errors
    /// When a row has another number of fields or is no text, or `each` fails with the place of a field.
    pub fn for_each_row(
        &mut self,
        mut each: impl FnMut(&StringRecord, u64) -> Result<(), (Place, Fault)>,
    ) -> Result<(), (Place, Fault)> {
        let mut row = StringRecord::new();
        let lines = self.lines;
        while self.rows.read_record(&mut row).map_err(|error| csv_fault(error, lines))? {
            let line = row.position().map_or(0, |position| lines.line(position));
            each(&row, line)?;
        }
        Ok(())
    }
}

/// How lines end.
#[derive(Clone, Copy)]
struct Lines {
    with_return: bool,
}

impl Lines {
    fn of(sample: &[u8]) -> Self {
        let end = sample.iter().position(|byte| *byte == b'\n');
        Self { with_return: end.is_some_and(|end| sample[..end].ends_with(b"\r")) }
    }

    /// The line of a row. The reader counts a line where its newline is read; after a return, that is with the next row.
    fn line(self, position: &csv::Position) -> u64 {
        position.line() + u64::from(self.with_return && position.byte() > 0)
    }
}

fn csv_fault(error: csv::Error, lines: Lines) -> (Place, Fault) {
    let line = error.position().map(|position| lines.line(position));
    let place = line.map_or(Place::Whole, |line| Place::Line { line, column: None });
    let fault = match error.into_kind() {
        ErrorKind::Io(cause) => return (Place::Whole, cause.into()),
        ErrorKind::Utf8 { .. } => Fault::NotUtf8,
        ErrorKind::UnequalLengths { expected_len, len, .. } => Fault::Ragged { found: len, expected: expected_len },
        other => Fault::Damaged { detail: format!("{other:?}") },
    };
    (place, fault)
}

/// The first rows of the sample, without one that the sample cuts off.
fn sample_rows(sample: &[u8], delimiter: u8, is_whole: bool) -> Vec<StringRecord> {
    let mut builder = builder(delimiter);
    let rows = builder.has_headers(false).flexible(true).from_reader(sample).into_records();
    let mut rows: Vec<StringRecord> = rows.take(SAMPLE_ROWS + 1).map_while(Result::ok).collect();
    if (!is_whole || rows.len() > SAMPLE_ROWS) && rows.len() > 1 {
        rows.pop();
    }
    rows
}

/// The delimiter by which all rows have the same number of fields, more than one; else the one by which the first line has
/// the most.
fn told_delimiter(sample: &[u8], is_whole: bool) -> u8 {
    let lengths = DELIMITERS.map(|delimiter| {
        let lengths: Vec<usize> = sample_rows(sample, delimiter, is_whole).iter().map(StringRecord::len).collect();
        let first = lengths.first().copied().unwrap_or_default();
        (delimiter, first, first > 1 && lengths.iter().all(|length| *length == first))
    });
    let consistent = lengths.iter().find(|(.., is_consistent)| *is_consistent);
    // Of equal ones, the last is chosen: the comma.
    let longest = || lengths.iter().max_by_key(|(_, first, _)| *first);
    consistent.or_else(longest).map_or(b',', |(delimiter, ..)| *delimiter)
}

/// The decimal sign of the sample's numbers.
fn told_decimal(sample: &[u8], delimiter: u8, is_whole: bool) -> Result<char, Fault> {
    let rows = sample_rows(sample, delimiter, is_whole);
    let with = |sign: char| {
        let is_number = |field: &&str| {
            let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let (whole, fraction) = field.trim().trim_start_matches(['-', '+']).split_once(sign)?;
            (digits(whole) && digits(fraction)).then_some(())
        };
        rows.iter().skip(1).flat_map(StringRecord::iter).find(|field| is_number(field).is_some()).map(str::to_owned)
    };
    match (with(','), with('.')) {
        (Some(comma), Some(point)) => Err(Fault::TwoDecimals { comma, point }),
        (Some(_), None) => Ok(','),
        (None, _) => Ok('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns' names, the decimal sign, and each row with its line.
    type Read = (Vec<String>, char, Vec<(u64, Vec<String>)>);

    fn read(text: &[u8], form: &TextForm) -> Result<Read, String> {
        let said = |(place, fault): (Place, Fault)| format!("{place}: {fault}");
        let mut table = open(text, text.starts_with(&[0x1f, 0x8b]), form).map_err(said)?;
        let mut rows = Vec::new();
        table
            .for_each_row(|row, line| {
                rows.push((line, row.iter().map(str::to_owned).collect()));
                Ok(())
            })
            .map_err(said)?;
        Ok((table.names, table.decimal, rows))
    }

    fn names(text: &str) -> Vec<String> {
        read(text.as_bytes(), &TextForm::default()).unwrap().0
    }

    #[test]
    fn delimiters_are_told() {
        for delimiter in [",", ";", "\t", "|"] {
            assert_eq!(names(&["a", "b", "c\n1", "2", "3\n"].join(delimiter)), ["a", "b", "c"], "{delimiter}");
        }
        assert_eq!(names("a;b\n1,5;2,5\n"), ["a", "b"], "commas in numbers are no delimiters");
        assert_eq!(names("a,b\n1,\"x;y\"\n"), ["a", "b"]);
        assert_eq!(names("a\n1\n2\n"), ["a"]);
    }

    #[test]
    fn decimal_signs_are_told() {
        let decimal = |text: &str| read(text.as_bytes(), &TextForm::default()).map(|(_, decimal, _)| decimal);
        assert_eq!(decimal("a;b\n1,5;2\n").unwrap(), ',');
        assert_eq!(decimal("a;b\n1.5;2\n").unwrap(), '.');
        assert_eq!(decimal("a,b\n1,5\n").unwrap(), '.');
        assert!(decimal("a;b\n1.5;2,5\n").unwrap_err().contains("`2,5` and `1.5`"));
        let given = |delimiter, decimal| read(b"a;b\n1.5;2,5\n", &TextForm { delimiter, decimal });
        assert_eq!(given(Some(';'), Some(',')).unwrap().1, ',');
        assert!(given(Some(','), Some(',')).unwrap_err().contains("cannot be both"));
        assert!(given(Some('"'), None).is_err() && given(None, Some('x')).is_err());
    }

    #[test]
    fn marks_quotes_and_quoted_newlines_are_read() {
        let text = "\u{feff}name,\"long, name\"\n\"two\nlines\",\"say \"\"hi\"\"\"\nx,y\n";
        let (names, _, rows) = read(text.as_bytes(), &TextForm::default()).unwrap();
        assert_eq!(names, ["name", "long, name"]);
        let row = |line, fields: [&str; 2]| (line, fields.map(str::to_owned).to_vec());
        let expected = [row(2, ["two\nlines", "say \"hi\""]), row(4, ["x", "y"])];
        assert_eq!(rows, expected);
        let with_returns = text.replace('\n', "\r\n").replace("two\r\n", "two\n");
        assert_eq!(read(with_returns.as_bytes(), &TextForm::default()).unwrap().2, expected);
    }

    #[test]
    fn ragged_rows_and_bad_heads_are_refused() {
        let refused = |text: &[u8]| read(text, &TextForm::default()).unwrap_err();
        assert_eq!(refused(b"a,b\n1,2\n1,2,3\n"), "line 3: the row has 3 fields, the head has 2");
        assert_eq!(refused(b"a,b,a\n1,2,3\n"), "column `a`: two columns have this name");
        assert_eq!(refused(b",b\n1,2\n"), "column `1 (counted from 1)`: the column has no name");
        assert_eq!(refused(b"a,b\n1,\xff\n"), "line 2: the text is not UTF-8");
        assert_eq!(refused(b"\xff\xfea\0"), ": the text is not UTF-8");
    }

    #[test]
    fn compressed_files_are_read() {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(b"a,b\n1,2\n").unwrap();
        let file = gzip.finish().unwrap();
        assert_eq!(read(&file, &TextForm::default()).unwrap().0, ["a", "b"]);
        assert!(read(&file[..file.len() - 9], &TextForm::default()).unwrap_err().contains("ends early"));
    }
}
