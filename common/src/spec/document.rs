//! Reads TOML's syntax.

use std::ops::Range;

use toml::{Spanned, de::DeTable};

use super::{Problem, error::Problems, size_limits::SYNTAX_ERRORS_MAX};

/// The document, if its syntax is right; else the first problem of each line is reported, up to a limit.
pub(super) fn document<'t>(text: &'t str, problems: &mut Problems<'_>) -> Option<Spanned<DeTable<'t>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(document);
    }
    let mut errors: Vec<(Range<usize>, String)> =
        errors.into_iter().map(|error| (error.span().unwrap_or(0..0), error.message().to_owned())).collect();
    errors.sort_by_key(|(at, _)| (at.start, at.end));
    let line = |at: &Range<usize>| text.get(..at.start).unwrap_or(text).matches('\n').count();
    errors.dedup_by_key(|(at, _)| line(at));
    for (at, message) in errors.into_iter().take(SYNTAX_ERRORS_MAX) {
        let rest = text.get(at.start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
        // The parser reports "must be quoted" for a missing value.
        let message = match message.strip_suffix(", expected literal string") {
            Some(_) if rest.is_empty() || rest.starts_with('#') => "the value is missing".to_owned(),
            Some(message) => message.to_owned(),
            None => message.trim_end_matches(", expected nothing").to_owned(),
        };
        let start = text.get(..at.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let line = text.get(start..).and_then(|line| line.lines().next()).unwrap_or_default().trim().to_owned();
        problems.report(at, Problem::Syntax { message, rest: rest.to_owned(), line });
    }
    None
}
