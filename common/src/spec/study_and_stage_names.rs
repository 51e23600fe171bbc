//! Reads names of studies and stages. They name directories and files, so few characters are allowed.

use super::{Problem, error::Problems, size_limits::NAME_BYTES_MAX, toml_table::Entry};
use crate::text::quoted;

/// The name; None once something was reported.
pub(super) fn read(entry: Entry<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let name = entry.text("a name in quotes", problems)?;
    if is_name(name) {
        return Some(name.to_owned());
    }
    problems.report(entry.at(), Problem::BadName { name: quoted(name) });
    None
}

/// Whether the text is a name: letters, digits, `-` and `_`, beginning with a letter or digit.
fn is_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
