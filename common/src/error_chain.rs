//! The text of an error with all of its causes.

use std::error::Error;

/// The word that begins the hint in a message.
const HINT: &str = "\n  hint: ";

/// An error with its causes, outermost first: `message: cause: cause`. A cause that the text already contains is left
/// out. The hint stays at the end; of several hints the outermost is kept.
pub fn chain(error: &dyn Error) -> String {
    let (mut text, mut hint) = apart(error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        let (message, own_hint) = apart(cause.to_string());
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        hint = hint.or(own_hint);
        source = cause.source();
    }
    match hint {
        Some(hint) => text + HINT + &hint,
        None => text,
    }
}

/// The message without its hint, and the hint.
fn apart(message: String) -> (String, Option<String>) {
    match message.split_once(HINT) {
        Some((text, hint)) => (text.to_owned(), Some(hint.to_owned())),
        None => (message, None),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::chain;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("cannot read a\n  hint: make it readable")]
        Silent(#[source] Inner),
        #[error("cannot read a: {0}")]
        Telling(#[source] Inner),
    }

    #[derive(Debug, thiserror::Error)]
    #[error("it is damaged\n  hint: get it again")]
    struct Inner(#[source] io::Error);

    #[test]
    fn causes_come_before_the_hint_and_once() {
        let inner = || Inner(io::Error::other("the disk is full"));
        let told = chain(&Outer::Silent(inner()));
        assert_eq!(told, "cannot read a: it is damaged: the disk is full\n  hint: make it readable");
        let told = chain(&Outer::Telling(inner()));
        assert_eq!(told, "cannot read a: it is damaged: the disk is full\n  hint: get it again");
        assert_eq!(chain(&io::Error::other("alone")), "alone");
    }
}
