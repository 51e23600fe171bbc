//! Texts that people write and others read on terminals and in logs.

/// Whether a character does something else than stand there: control characters, and those that turn the direction of text.
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// One line, in which what would steer a terminal or fake a line of a log is replaced.
pub fn plain(text: &str) -> String {
    text.replace(['\n', '\t'], " ").replace(steers, "\u{fffd}")
}
