//! The probable meaning of an unknown word in a spec.

use super::synonyms;
use crate::nearest_word::{self, plain};

/// The known word that was probably meant: a synonym's word, or the [nearest](nearest_word::nearest) one.
pub(super) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let here = |word: &&str| known.iter().find(|known| *known == word).copied();
    synonyms::find(&plain(written)).iter().find_map(here).or_else(|| nearest_word::nearest(written, known))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_others_call_it_is_known() {
        let keys = ["learning_rate", "batch_size", "max_epochs", "min_epochs", "hidden"];
        for (written, meant) in [
            ("lr", Some("learning_rate")),
            ("LR", Some("learning_rate")),
            ("bs", Some("batch_size")),
            ("epochs", Some("max_epochs")),
            ("num-epochs", Some("max_epochs")),
            ("hiden", Some("hidden")),
            // None of these keys has this meaning.
            ("wd", None),
        ] {
            assert_eq!(nearest(written, &keys), meant, "{written}");
        }
        assert_eq!(nearest("wd", &["weight_decay"]), Some("weight_decay"));
        assert_eq!(nearest("seed", &["seeds", "stop"]), Some("seeds"));
    }
}
