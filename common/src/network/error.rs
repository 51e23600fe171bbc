//! The errors of a network, with their places.

use std::{error::Error, fmt, ops::Range, sync::Arc};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::{limits::ERRORS_SHOWN_MAX, problem::Problem};

/// A place in the text, in bytes.
pub(super) type Span = Range<usize>;

/// The text of a network, with the name of its file.
pub(super) type Source = Arc<NamedSource<String>>;

/// All errors of a network, at least one, in the order of the file. Displayed as one line each,
/// `file:line:column: message (hint)`. As a [`Diagnostic`] it relates every error.
#[derive(Clone, Debug)]
pub struct NetworkErrors {
    errors: Vec<NetworkError>,
}

/// One error of a network, with its place. As a [`Diagnostic`] it carries the text.
#[derive(Clone, Debug)]
pub struct NetworkError {
    /// The problem.
    pub problem: Problem,
    /// Byte range in the text; empty where the network as a whole lacks something.
    pub span: Range<usize>,
    /// The earlier place with which this one collides.
    pub earlier: Option<Range<usize>>,
    /// The line's number, from 1.
    pub line: usize,
    /// The column's number in characters, from 1.
    pub column: usize,
    source: Source,
}

impl NetworkErrors {
    /// Every error, in the order of the file; never empty.
    pub fn errors(&self) -> &[NetworkError] {
        &self.errors
    }
}

impl fmt::Display for NetworkErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().take(ERRORS_SHOWN_MAX).enumerate() {
            let newline = if index > 0 { "\n" } else { "" };
            write!(f, "{newline}{}", error.on_one_line())?;
        }
        match self.errors.len().saturating_sub(ERRORS_SHOWN_MAX) {
            0 => Ok(()),
            rest => write!(f, "\n... and {rest} more"),
        }
    }
}

impl Error for NetworkErrors {}

impl Diagnostic for NetworkErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.errors.iter().map(|error| error as &dyn Diagnostic)))
    }
}

impl NetworkError {
    /// The name of the file.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// The text that the error is about, such as a layer.
    pub fn written(&self) -> &str {
        self.source.inner().get(self.span.clone()).unwrap_or_default()
    }

    fn on_one_line(&self) -> String {
        let place = format!("{}:{}:{}", self.file(), self.line, self.column);
        match self.problem.hint() {
            Some(hint) => format!("{place}: {self} ({hint})"),
            None => format!("{place}: {self}"),
        }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl Error for NetworkError {}

impl Diagnostic for NetworkError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.hint()?))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = LabeledSpan::new_primary_with_span(None, self.span.clone());
        let earlier =
            self.earlier.as_ref().map(|span| LabeledSpan::new_with_span(Some("first here".to_owned()), span.clone()));
        Some(Box::new(earlier.into_iter().chain([here])))
    }
}

/// Collects problems with their places.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<(Range<usize>, Problem, Option<Range<usize>>)>,
}

impl Problems {
    pub(super) fn report(&mut self, at: &Range<usize>, problem: impl Into<Problem>) {
        self.add(at, problem.into(), None);
    }

    /// Like [`Self::report`], for a place that collides with an `earlier` one.
    pub(super) fn collision(&mut self, at: &Range<usize>, earlier: &Range<usize>, problem: Problem) {
        self.add(at, problem, Some(earlier.clone()));
    }

    /// One problem at one place is reported once: rounds of a repeat often have the same.
    fn add(&mut self, at: &Range<usize>, problem: Problem, earlier: Option<Range<usize>>) {
        if !self.found.iter().any(|(place, other, _)| place == at && *other == problem) {
            self.found.push((at.clone(), problem, earlier));
        }
    }

    /// Adds the problems of another part of the text.
    pub(super) fn append(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The reported errors, by place; an error if there are any.
    pub(super) fn finish(mut self, source: &Source) -> Result<(), NetworkErrors> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(at, _, _)| (at.start, at.end));
        let errors = self
            .found
            .into_iter()
            .map(|(span, problem, earlier)| {
                let (line, column) = position(source.inner(), span.start);
                NetworkError { problem, span, earlier, line, column, source: Arc::clone(source) }
            })
            .collect();
        Err(NetworkErrors { errors })
    }
}

/// Line and column, both 1-based, of a byte offset; the column counts characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.bytes().filter(|&byte| byte == b'\n').count();
    (line, 1 + before[line_start..].chars().count())
}
