//! Texts that people write and others read on terminals and in logs.

/// Whether a character does something else than stand there: control characters, those that turn the direction of text, and those that
/// nobody sees (but joiners, which scripts need).
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// One line, in which what would steer a terminal or fake a line of a log is replaced.
pub fn plain(text: &str) -> String {
    text.replace(['\n', '\t'], " ").replace(steers, "\u{fffd}")
}
