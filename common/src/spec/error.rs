//! Everything that is wrong with a spec, with places, as text for people.

use std::{error::Error, fmt, ops::Range, sync::Arc};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::{Problem, limits::ERRORS_SHOWN_MAX};

/// Everything that is wrong with a spec: one error or more, in the order of the file. Displayed as one line each,
/// `file:line:column: message`.
#[derive(Clone, Debug)]
pub struct SpecErrors {
    errors: Vec<SpecError>,
}

/// One thing that is wrong with a spec, and where. As a [`Diagnostic`] it carries the spec's text.
#[derive(Clone, Debug)]
pub struct SpecError {
    /// What is wrong.
    pub problem: Problem,
    /// Byte range in the text; empty where something is missing in the file as a whole.
    pub span: Range<usize>,
    /// The earlier place with which this one collides.
    pub earlier: Option<Earlier>,
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    source: Arc<NamedSource<String>>,
}

/// A place with which a later one collides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Byte range in the text.
    pub span: Range<usize>,
    /// What is there, for people: "first here".
    pub what: &'static str,
}

/// Longest line of a spec, in bytes, that is drawn.
const LINE_DRAWN_MAX: usize = 400;

/// How [`SpecErrors::render`] draws.
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

    /// Each error with the lines of the spec that it is about, ending with a newline. What is said is broken at words into lines of so many
    /// columns.
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
            // Writing into a string cannot fail; should miette fail all the same, the message alone must do.
            if error.stands_in_long_lines() || handler.render_report(&mut text, error).is_err() {
                text.push_str(&format!("{}\n", error.line()));
            }
        }
        text.push_str(&self.rest());
        // miette draws an empty line of the spec with a space behind its number.
        text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
    }

    /// A line that counts the errors that are not shown, or nothing.
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
    /// The error in one line: where, what, and what to do.
    fn line(&self) -> String {
        let place = format!("{}:{}:{}", self.source.name(), self.line, self.column);
        match self.problem.hint() {
            Some(hint) => format!("{place}: {self} ({hint})"),
            None => format!("{place}: {self}"),
        }
    }

    /// Whether drawing the lines around the error would flood the screen.
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

/// Collects what is wrong while a spec is read.
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

    /// Like [`Self::report`], for what collides with an `earlier` place.
    pub(super) fn collision(&mut self, at: Range<usize>, earlier: Earlier, problem: Problem) {
        self.found.push((at, problem, Some(earlier)));
    }

    /// What stands in the text at this range; empty if the range is not one of the text.
    pub(super) fn written(&self, at: Range<usize>) -> &'t str {
        self.text.get(at).unwrap_or_default()
    }

    /// Everything reported, by place; None if nothing was.
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
