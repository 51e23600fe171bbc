//! Which unit people mean.

use super::UnitLine;

/// Units that an error names at most.
const SHOWN_MAX: usize = 8;

/// Text that does not say which unit is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// It fits none.
    #[error(
        "no unit of this study fits `{0}`\n  hint: write an id, its first digits, or a part of a label; `seedgrid units RUN_DIR` lists them"
    )]
    None(String),
    /// It fits several.
    #[error("`{text}` fits {count} units:\n{shown}  hint: write more of the label, or an id")]
    Several {
        /// What was written.
        text: String,
        /// How many it fits.
        count: usize,
        /// Some of them, a line each.
        shown: String,
    },
}

/// The one unit whose id is `text` or begins with it, or whose label is `text` or contains all its words.
///
/// # Errors
/// When it fits none or several.
pub fn find<'a>(lines: &'a [UnitLine], text: &str) -> Result<&'a UnitLine, NotFound> {
    let wanted = text.trim().to_lowercase();
    let is_digits = !wanted.is_empty() && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let by_id = |line: &&UnitLine| is_digits && line.id.to_string().starts_with(&wanted);
    let by_name = |line: &&UnitLine| line.label.to_lowercase() == wanted;
    let by_words = |line: &&UnitLine| {
        let label = line.label.to_lowercase();
        let words: Vec<&str> = label.split_whitespace().collect();
        // Whole words: seed 1 is not seed 12.
        !wanted.is_empty() && wanted.split_whitespace().all(|word| words.contains(&word))
    };
    let ways: [&dyn Fn(&&UnitLine) -> bool; 3] = [&by_name, &by_words, &by_id];
    for way in ways {
        let found: Vec<&UnitLine> = lines.iter().filter(way).collect();
        match found[..] {
            [] => {}
            [line] => return Ok(line),
            _ => {
                let show = |line: &&UnitLine| format!("    {}  {}\n", line.id, line.label);
                let mut shown: String = found.iter().take(SHOWN_MAX).map(show).collect();
                if found.len() > SHOWN_MAX {
                    shown += "    ...\n";
                }
                return Err(NotFound::Several { text: text.to_owned(), count: found.len(), shown });
            }
        }
    }
    Err(NotFound::None(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use seedgrid_common::unit::UnitId;

    use super::*;

    fn line(number: u8, label: &str) -> UnitLine {
        UnitLine {
            id: UnitId([number; 16]),
            label: label.to_owned(),
            stages: Vec::new(),
            state: "waiting",
            attempts: 0,
            errors: 0,
            deaths: 0,
            worker: None,
            untrained: None,
            stuck: None,
        }
    }

    #[test]
    fn units_are_found_by_id_prefix_and_label() {
        let lines = [line(0x1a, "cnn seed 1"), line(0x1b, "cnn seed 12"), line(0x2c, "fc learning_rate=0.1 seed 1")];
        let found = |text: &str| find(&lines, text).map(|line| line.id.0[0]);
        assert_eq!(found(&lines[1].id.to_string()), Ok(0x1b));
        assert_eq!(found("2C2"), Ok(0x2c));
        assert_eq!(found("cnn seed 1"), Ok(0x1a), "a whole label wins");
        assert_eq!(found("seed 12"), Ok(0x1b));
        assert_eq!(found("FC"), Ok(0x2c));
        assert_eq!(found("xyz"), Err(NotFound::None("xyz".to_owned())));
        assert_eq!(found(""), Err(NotFound::None(String::new())));
        for text in ["1", "seed 1", "cnn"] {
            let Err(NotFound::Several { count: 2, shown, .. }) = found(text) else { panic!("{text} fits two") };
            assert_eq!(shown.lines().count(), 2);
        }
    }
}
