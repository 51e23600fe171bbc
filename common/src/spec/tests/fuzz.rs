//! The parser never panics, and explains every refusal.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{BASE, expanded};
use crate::spec::{Look, parse, size_limits::TEXT_BYTES_MAX};

/// Parses the text, renders the errors of a wrong spec and expands a right one.
fn survives(text: &str) {
    match parse("fuzz.toml", text) {
        Ok(study) => {
            // Counting is cheap, expanding a million units is not.
            if study.stages.iter().all(|stage| stage.seeds.len() < 100) {
                assert!(!expanded(&study).units().is_empty());
            }
        }
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            for look in [Look::Plain, Look::Monochrome, Look::Colour] {
                assert!(!errors.render(look, 80).is_empty());
            }
            assert!(errors.errors().is_sorted_by_key(|error| error.span.start));
            for error in errors.errors() {
                assert!(text.get(error.span.clone()).is_some(), "{error:?}");
                assert!(error.line >= 1 && error.line <= 1 + text.matches('\n').count());
            }
            assert!(!errors.to_string().contains("failed to"), "{errors}");
        }
    }
}

/// A spec with every form of an axis.
const AXES: &str = include_str!("../../../../experiments/axes.toml");

/// Pieces that spoil a spec.
const PIECES: [&str; 48] = [
    "",
    "=",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "\n",
    "#",
    "-",
    "nan",
    "inf",
    "0",
    "-1",
    "1e999",
    "true",
    "[]",
    "{}",
    "[[stage]]\n",
    "[[stage.model]]\n",
    "[dataset]\n",
    "[[reference]]\n",
    "where = { learning_rate = 0.1 }\n",
    "[stage]\n",
    "[[dataset]]\n",
    "\u{0}",
    "\u{e9}",
    "1979-05-27",
    "{ grid = [] }",
    "{ grid = [1, 1.0] }",
    "{ folds = 2 }",
    "\"1..=18446744073709551615\"",
    "99999999999999999999",
    "a.b.c = 1\n",
    "\"\"\"\n\n",
    "{ uniform = [1, 2] }",
    "{ log_uniform = [0, 1e300] }",
    "{ choice = [\"sgd\", \"adam\"] }",
    "samples = 3\n",
    "zip = [[\"learning_rate\", \"batch_size\"]]\n",
    "exclude = [{ learning_rate = 0.01 }]\n",
    "[[\"momentum\", \"optimiser\"]]",
    "[{ batch_size = 20 }]",
    "normalize = { grid = [\"none\", \"scale\"] }\n",
    "optimiser = \"adam\"\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(512)))]

    #[test]
    fn arbitrary_text(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn arbitrary_pieces(pieces in vec(select(&PIECES[..]), 0..40)) {
        survives(&pieces.concat());
    }

    /// Specs with pieces cut out or inserted.
    #[test]
    fn spoilt_specs(
        base in select(&[BASE, AXES][..]), changes in vec((any::<prop::sample::Index>(), 0..12_usize, select(&PIECES[..])), 1..4),
    ) {
        let mut text: Vec<char> = base.chars().collect();
        for (place, cut, piece) in changes {
            let start = place.index(text.len());
            let end = (start + cut).min(text.len());
            text.splice(start..end, piece.chars());
        }
        survives(&text.into_iter().collect::<String>());
    }

    /// Any right-hand side under any key.
    #[test]
    fn any_value_anywhere(
        base in select(&[BASE, AXES][..]), line in any::<prop::sample::Index>(), piece in select(&PIECES[..]),
    ) {
        let keys: Vec<&str> = base.lines().filter(|line| line.contains(" = ")).collect();
        let chosen = keys[line.index(keys.len())];
        let (key, _) = chosen.split_once(" = ").unwrap();
        survives(&base.replacen(chosen, &format!("{key} = {piece}"), 1));
    }

    #[test]
    fn lines_in_any_order(mut lines in Just(BASE.lines().collect::<Vec<_>>()).prop_shuffle(), kept in 0..40_usize) {
        lines.truncate(kept);
        survives(&lines.join("\n"));
    }
}

#[test]
fn deep_and_long_texts_are_refused() {
    for text in [
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a = ".repeat(20_000)),
        "\n".repeat(TEXT_BYTES_MAX + 1),
    ] {
        assert!(parse("deep.toml", &text).is_err());
    }
}

#[test]
fn endless_errors_are_cut_short() {
    let keys: String = (0..2_000).map(|number| format!("key{number} = 0\n")).collect();
    let errors = parse("many.toml", &format!("{keys}{BASE}")).unwrap_err();
    assert_eq!(errors.errors().len(), 2_000);
    assert!(errors.to_string().ends_with("\n... and 1950 more"), "{errors}");
    assert!(errors.render(Look::Plain, 110).ends_with("\n... and 1950 more\n"));
}
