//! Bounds on what figures show: a study of a million units has files of a reasonable size.

/// Most dots of a row or panel.
pub(in crate::report) const DOTS_MAX: usize = 200;
/// Most lines of one kind in a panel.
pub(in crate::report) use crate::aggregate::LINES_MAX;
use crate::aggregate::spread;

/// The first, the last and some between them, evenly: at most `most` of all.
pub(super) fn some<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let mut wanted = spread(all.len(), most).peekable();
    all.into_iter().enumerate().filter(|(index, _)| wanted.next_if_eq(index).is_some()).map(|(_, one)| one).collect()
}
