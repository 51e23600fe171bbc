//! Texts that people write and others read on terminals and in logs.

use std::path::Path;

/// Whether a character can control a terminal or hide: control characters, characters that turn the direction of text,
/// and invisible ones (but not joiners, which scripts need).
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

/// A path as a shell command takes it: quoted where needed, and never mistaken for an option.
pub fn shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if text.starts_with('-') { format!("./{text}") } else { text.into_owned() };
    let is_plain = |character: char| character.is_alphanumeric() || "/._-:@%+=,".contains(character);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The text on one line, with every character that could steer a terminal or fake a log line replaced.
pub fn plain(text: &str) -> String {
    text.replace(['\n', '\t'], " ").replace(steers, "\u{fffd}")
}

/// A whole number with a comma every three digits: "1,000".
pub fn whole(value: impl ToString) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole number of something: "1 unit", "2 units", "1,000 units". Every message that counts uses it.
pub fn count(value: impl ToString, noun: &str) -> String {
    let number = value.to_string();
    format!("{} {}", whole(&number), agreeing(&number, noun))
}

/// The noun after a number that is written separately: "unit" after 1, else "units". `noun` is a singular with a
/// regular plural, or a phrase that ends with one.
pub fn agreeing(value: impl ToString, noun: &str) -> String {
    if value.to_string() == "1" {
        return noun.to_owned();
    }
    // "another try", "two tries"; "a day", "two days".
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with("tch") || noun.ends_with('s') || noun.ends_with('x') => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// Longest piece of a written text that a message repeats, in characters.
pub const QUOTED_CHARS_MAX: usize = 40;

/// A piece of a written text, safe to repeat in a message of one line: cut, and with control characters escaped.
pub fn quoted(text: &str) -> String {
    let mut safe = String::new();
    for (index, char) in text.chars().enumerate() {
        if index == QUOTED_CHARS_MAX {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 123_456, 1_234_567].map(whole),
            ["0", "999", "1,000", "123,456", "1,234,567"].map(str::to_owned)
        );
    }

    #[test]
    fn nouns_agree_with_their_number() {
        let said = |number: u32, noun| count(number, noun);
        assert_eq!([0, 1, 2, 1000].map(|number| said(number, "unit")), ["0 units", "1 unit", "2 units", "1,000 units"]);
        assert_eq!([said(1, "different unit"), said(2, "different unit")], ["1 different unit", "2 different units"]);
        assert_eq!([said(1, "batch"), said(2, "batch")], ["1 batch", "2 batches"]);
        assert_eq!([said(1, "epoch"), said(2, "epoch")], ["1 epoch", "2 epochs"]);
        assert_eq!([said(1, "try"), said(2, "try"), said(2, "day")], ["1 try", "2 tries", "2 days"]);
    }

    #[test]
    fn paths_can_be_typed_as_they_are_shown() {
        for (path, typed) in [
            ("runs/table3", "runs/table3"),
            ("-x", "./-x"),
            ("file:x", "file:x"),
            ("my runs/a", "'my runs/a'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("größe", "größe"),
        ] {
            assert_eq!(shell(Path::new(path)), typed);
        }
    }
}
