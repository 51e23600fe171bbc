//! "Did you mean ...?"

/// A word in small letters, with `_` between its parts.
pub fn plain(word: &str) -> String {
    word.to_lowercase().replace(['-', ' '], "_")
}

/// Longer than any known word by far; comparing longer words only costs time.
const LONG: usize = 64;

/// The known word that was probably meant: one that differs in few letters (case, `-` and `_` do not count), or the
/// only one that contains `written`.
pub fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    if written.len() > LONG {
        return None;
    }
    let written = plain(written);
    let (distance, close) = known
        .iter()
        .map(|&candidate| (strsim::osa_distance(&written, &plain(candidate)), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    if distance <= (close.len().max(written.len()) / 3).min(3) {
        return Some(close);
    }
    let mut containing = known.iter().filter(|candidate| written.len() >= 4 && plain(candidate).contains(&written));
    match (containing.next(), containing.next()) {
        (Some(only), None) => Some(only),
        (None | Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KEYS: [&str; 5] = ["learning_rate", "batch_size", "max_epochs", "min_epochs", "hidden"];

    #[test]
    fn finds_what_was_meant() {
        for (written, meant) in [
            ("learning_rat", Some("learning_rate")),
            ("learningRate", Some("learning_rate")),
            ("learning-rate", Some("learning_rate")),
            ("BATCH_SIZE", Some("batch_size")),
            ("batch", Some("batch_size")),
            ("hiden", Some("hidden")),
            ("max_epoch", Some("max_epochs")),
            // Two keys contain the word: no suggestion.
            ("epochs", None),
            ("momentum", None),
            ("", None),
            ("h", None),
        ] {
            assert_eq!(nearest(written, &KEYS), meant, "{written}");
        }
        assert_eq!(nearest("rnu", &["run", "serve"]), Some("run"));
        assert_eq!(nearest("anything", &[]), None);
        assert_eq!(nearest(&"learning_rate".repeat(10), &KEYS), None);
    }
}
