//! Pieces of the spec in messages.

use crate::text::steers;

/// Longest piece of the spec that a message repeats, in characters.
pub(super) const WRITTEN_CHARS_MAX: usize = 40;

/// A piece of the spec, safe to repeat in a message of one line: cut, and with control characters escaped.
pub(super) fn shown(text: &str) -> String {
    let mut safe = String::new();
    for (index, char) in text.chars().enumerate() {
        if index == WRITTEN_CHARS_MAX {
            safe.push_str("...");
            break;
        }
        if steers(char) {
            safe.extend(char.escape_default());
        } else {
            safe.push(char);
        }
    }
    safe
}
