//! The errors of a spec, with their places, as text for people.

use std::{error::Error, fmt, ops::Range, sync::Arc};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::{Problem, size_limits::ERRORS_SHOWN_MAX};

/// All errors of a spec, at least one, in the order of the file. Displayed as one line each,
/// `file:line:column: message`.
#[derive(Clone, Debug)]
pub struct SpecErrors {
    errors: Vec<SpecError>,
}

/// One error of a spec, with its place. As a [`Diagnostic`] it carries the spec's text.
#[derive(Clone, Debug)]
pub struct SpecError {
    /// The problem.
    pub problem: Problem,
    /// Byte range in the text; empty where the file as a whole lacks something.
    pub span: Range<usize>,
    /// The earlier place with which this one collides.
    pub earlier: Option<Earlier>,
    /// The line's number, from 1.
    pub line: usize,
    /// The column's number in characters, from 1.
    pub column: usize,
    source: Arc<NamedSource<String>>,
}

/// A place with which a later one collides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Byte range in the text.
    pub span: Range<usize>,
    /// The label of this place for people: "first here".
    pub what: &'static str,
}

/// Longest line of a spec, in bytes, that is shown.
const LINE_DRAWN_MAX: usize = 400;

/// The style of [`SpecErrors::render`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// ASCII without colours, for pipes and log files.
    Plain,
    /// Unicode lines without colours, for terminals under `NO_COLOR`.
    Monochrome,
    /// Unicode lines and ANSI colours, for terminals.
    Colour,
}

impl SpecErrors {
    /// Every error, in the order of the file; never empty.
    pub fn errors(&self) -> &[SpecError] {
        &self.errors
    }

    /// Each error with the lines of the spec that it is about, ending with a newline. Messages are broken at words into
    /// lines of so many columns.
    pub fn render(&self, look: Look, width: usize) -> String {
        let theme = match look {
            Look::Plain => GraphicalTheme::none(),
            Look::Monochrome => GraphicalTheme::unicode_nocolor(),
            Look::Colour => GraphicalTheme::unicode(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_break_words(false)
            .with_word_separator(textwrap::WordSeparator::AsciiSpace)
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            .with_links(false)
            .with_context_lines(1);
        let mut text = String::new();
        for (index, error) in self.errors.iter().take(ERRORS_SHOWN_MAX).enumerate() {
            if index > 0 {
                text.push('\n');
            }
            // Writing into a string cannot fail; if miette still fails, the message alone is printed.
            if error.stands_in_long_lines() || handler.render_report(&mut text, error).is_err() {
                text.push_str(&format!("{}\n", error.line()));
            }
        }
        text.push_str(&self.rest());
        // miette puts a space behind the number of an empty line.
        text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
    }

    /// A line with the number of errors not shown, or nothing.
    fn rest(&self) -> String {
        match self.errors.len().saturating_sub(ERRORS_SHOWN_MAX) {
            0 => String::new(),
            rest => format!("... and {rest} more\n"),
        }
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().take(ERRORS_SHOWN_MAX).enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            f.write_str(&error.line())?;
        }
        match self.rest() {
            rest if rest.is_empty() => Ok(()),
            rest => write!(f, "\n{}", rest.trim_end()),
        }
    }
}

impl Error for SpecErrors {}

impl SpecError {
    /// The error on one line: its place, its message and its hint.
    fn line(&self) -> String {
        let place = format!("{}:{}:{}", self.source.name(), self.line, self.column);
        match self.problem.hint() {
            Some(hint) => format!("{place}: {self} ({hint})"),
            None => format!("{place}: {self}"),
        }
    }

    /// Whether the lines around the error are too long to show.
    fn stands_in_long_lines(&self) -> bool {
        let first = self.line.saturating_sub(2);
        let spanned = self.source.inner().get(self.span.clone()).map_or(0, |text| text.lines().count());
        self.source.inner().lines().skip(first).take(spanned + 2).any(|line| line.len() > LINE_DRAWN_MAX)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl Error for SpecError {}

impl Diagnostic for SpecError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.hint()?))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = LabeledSpan::new_primary_with_span(None, self.span.clone());
        let earlier = self
            .earlier
            .as_ref()
            .map(|earlier| LabeledSpan::new_with_span(Some(earlier.what.to_owned()), earlier.span.clone()));
        Some(Box::new(earlier.into_iter().chain([here])))
    }
}

/// Collects the problems while a spec is read.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: Vec<(Range<usize>, Problem, Option<Earlier>)>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    pub(super) fn report(&mut self, at: Range<usize>, problem: Problem) {
        self.found.push((at, problem, None));
    }

    /// Like [`Self::report`], for a place that collides with an `earlier` one.
    pub(super) fn collision(&mut self, at: Range<usize>, earlier: Earlier, problem: Problem) {
        self.found.push((at, problem, Some(earlier)));
    }

    /// The text in this range; empty if the text has no such range.
    pub(super) fn written(&self, at: Range<usize>) -> &'t str {
        self.text.get(at).unwrap_or_default()
    }

    /// The reported errors, by place; None if there are none.
    pub(super) fn finish(mut self, source_name: &str) -> Option<SpecErrors> {
        if self.found.is_empty() {
            return None;
        }
        self.found.sort_by_key(|(at, _, _)| (at.start, at.end));
        let source = Arc::new(NamedSource::new(source_name, self.text.to_owned()));
        let errors = self
            .found
            .into_iter()
            .map(|(span, problem, earlier)| {
                let (line, column) = position(self.text, span.start);
                SpecError { problem, span, earlier, line, column, source: Arc::clone(&source) }
            })
            .collect();
        Some(SpecErrors { errors })
    }
}

/// Line and column, both 1-based, of a byte offset; the column counts characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.bytes().filter(|&byte| byte == b'\n').count();
    (line, 1 + before[line_start..].chars().count())
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn positions_count_from_one_and_in_characters() {
        let text = "ab\n\u{e9}\u{e9}x\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 1), (1, 2));
        assert_eq!(position(text, 2), (1, 3), "the newline ends its own line");
        assert_eq!(position(text, 3), (2, 1));
        assert_eq!(position(text, 7), (2, 3));
        assert_eq!(position(text, text.len()), (3, 1));
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a", 99), (1, 2));
    }
}
