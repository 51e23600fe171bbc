//! The width of output for people, and the breaking of text into lines of that width.

use std::io::{self, IsTerminal as _};

use terminal_size::{Width, terminal_size_of};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::display_width};

/// Columns of tables and paragraphs in a pipe or a file.
pub const PIPED: usize = 100;

/// Fewest columns that a layout uses. A narrower terminal breaks lines itself.
const FEWEST: usize = 40;

/// The kind of an output stream, and its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Columns of tables and paragraphs.
    pub columns: usize,
    /// Whether the output goes to a terminal.
    pub is_terminal: bool,
}

impl Screen {
    /// The screen of standard output: `COLUMNS` wide, else as the terminal, else [`PIPED`].
    pub fn output() -> Self {
        let terminal = terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns);
        Self::new(std::env::var("COLUMNS").ok().as_deref(), terminal, io::stdout().is_terminal())
    }

    /// The screen of standard error.
    pub fn error() -> Self {
        let terminal = terminal_size_of(io::stderr()).map(|(Width(columns), _)| columns);
        Self::new(std::env::var("COLUMNS").ok().as_deref(), terminal, io::stderr().is_terminal())
    }

    fn new(said: Option<&str>, terminal: Option<u16>, is_terminal: bool) -> Self {
        let said = said.and_then(|said| said.trim().parse::<usize>().ok());
        let columns = [said, terminal.map(usize::from)].into_iter().flatten().find(|columns| *columns > 0);
        Self { columns: columns.unwrap_or(PIPED).max(FEWEST), is_terminal }
    }

    /// Columns of listings that have one line for each item. Only a terminal limits them: in a pipe or a file each item
    /// stays on one line, so that programs find it whole.
    pub fn rows(self) -> usize {
        if self.is_terminal { self.columns } else { usize::MAX }
    }

    /// Breaks text into lines of at most [`rows`](Self::rows) columns.
    pub fn fit(self, text: &str) -> String {
        wrapped(text, self.rows())
    }
}

/// The number of columns that a text takes. Colours take none.
pub fn columns(text: &str) -> usize {
    display_width(text)
}

/// Breaks a line into lines of at most so many columns; all but the first are indented by two more. Words are never
/// cut: a longer word has a line of its own.
pub fn lines(text: &str, columns: usize) -> Vec<String> {
    let words = text.trim_start_matches(' ');
    let indent = &text[..text.len() - words.len()];
    let further = format!("{indent}  ");
    let options = Options::new(columns)
        .initial_indent(indent)
        .subsequent_indent(&further)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(words.trim_end(), options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// Breaks every line of a text as [`lines`] does. Lines that fit stay as they are.
pub fn wrapped(text: &str, columns: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (words, end) = line.strip_suffix('\n').map_or((line, ""), |words| (words, "\n"));
        if display_width(words) <= columns {
            wrapped.push_str(words);
        } else {
            wrapped.push_str(&lines(words, columns).join("\n"));
        }
        wrapped.push_str(end);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_come_from_the_environment_then_from_the_terminal() {
        let columns = |said, terminal| Screen::new(said, terminal, true).columns;
        assert_eq!(columns(Some("60"), Some(132)), 60);
        assert_eq!(columns(None, Some(132)), 132);
        assert_eq!([columns(Some("0"), Some(80)), columns(Some("wide"), Some(80))], [80, 80]);
        assert_eq!([columns(None, None), columns(None, Some(0))], [PIPED, PIPED]);
        assert_eq!(columns(Some("7"), None), FEWEST);
    }

    #[test]
    fn further_lines_are_indented_and_words_are_whole() {
        let text = "  hint: run `seedgrid check /a/very/long/path/to/a/run/directory` again\nshort";
        assert_eq!(
            wrapped(text, 30),
            "  hint: run `seedgrid check\n    /a/very/long/path/to/a/run/directory`\n    again\nshort"
        );
        assert_eq!(lines("", 30), [""]);
        assert_eq!(Screen { columns: 30, is_terminal: false }.fit(text), text, "a pipe gets each line whole");
    }

    proptest! {
        /// Only blanks and line ends move, and only a single word makes a line longer than the width.
        #[test]
        fn no_word_is_lost_or_cut(text in "( {0,6}[a-zé]{1,30}( [a-z./=\u{2013}]{1,30}){0,12}\n?){0,4}", width in 40_usize..120) {
            let broken = wrapped(&text, width);
            prop_assert_eq!(broken.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
            for line in broken.lines() {
                prop_assert!(columns(line) <= width || line.split_whitespace().count() == 1, "{:?}", line);
            }
            prop_assert_eq!(wrapped(&broken, width), broken);
        }
    }
}
