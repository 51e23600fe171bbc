//! Bounds on what figures show: a study of a million units has files of a reasonable size.

/// Most dots of a row or panel.
pub(in crate::report) const DOTS_MAX: usize = 200;
/// Most lines of one kind in a panel.
pub(in crate::report) const LINES_MAX: usize = 60;

/// The first, the last and some between them, evenly: at most `most` of all.
pub(super) fn some<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let count = all.len();
    if count <= most {
        return all;
    }
    let steps = most.saturating_sub(1).max(1);
    let mut wanted = (0..most).map(|step| step * (count - 1) / steps).peekable();
    all.into_iter().enumerate().filter(|(index, _)| wanted.next_if_eq(index).is_some()).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::some;

    #[test]
    fn some_of_many_are_spread_evenly_and_have_the_ends() {
        assert_eq!(some(vec![1, 2, 3], 3), [1, 2, 3]);
        assert_eq!(some((0..=100).collect(), 5), [0, 25, 50, 75, 100]);
        assert_eq!(some((0..1000).collect(), 200).len(), 200);
    }
}
