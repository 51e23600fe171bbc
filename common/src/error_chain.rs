//! The text of an error with all of its causes and its hint.

use std::error::Error;

use miette::Diagnostic;

/// An error with its causes, outermost first: `message: cause: cause`. A cause that the text already contains is left out.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}

/// The error with its causes as [`chain`] gives them, and the hint on a line of its own.
pub fn with_hint(error: &dyn Diagnostic) -> String {
    let text = chain(error);
    match hint(error) {
        Some(hint) => format!("{}\n  hint: {hint}", text.trim_end()),
        None => text,
    }
}

/// The same on one line, for the detail of a failed attempt.
pub fn with_hint_in_line(error: &dyn Diagnostic) -> String {
    let text = chain(error);
    match hint(error) {
        Some(hint) => format!("{}; hint: {hint}", text.trim_end()),
        None => text,
    }
}

/// The error's own hint, else that of the nearest cause that has one.
pub fn hint(error: &dyn Diagnostic) -> Option<String> {
    error.help().map(|help| help.to_string()).or_else(|| error.diagnostic_source().and_then(hint))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{chain, with_hint, with_hint_in_line};

    #[derive(Debug, thiserror::Error, miette::Diagnostic)]
    enum Outer {
        #[error("cannot read a")]
        #[diagnostic(help("make it readable"))]
        Silent(
            #[source]
            #[diagnostic_source]
            Inner,
        ),
        #[error("cannot read a: {0}")]
        Telling(
            #[source]
            #[diagnostic_source]
            Inner,
        ),
        #[error(transparent)]
        #[diagnostic(transparent)]
        Same(Inner),
    }

    #[derive(Debug, thiserror::Error, miette::Diagnostic)]
    #[error("it is damaged")]
    #[diagnostic(help("get it again"))]
    struct Inner(#[source] io::Error);

    #[test]
    fn causes_come_before_the_hint_and_once() {
        let inner = || Inner(io::Error::other("the disk is full"));
        let told = with_hint(&Outer::Silent(inner()));
        assert_eq!(told, "cannot read a: it is damaged: the disk is full\n  hint: make it readable");
        let told = with_hint(&Outer::Telling(inner()));
        assert_eq!(told, "cannot read a: it is damaged: the disk is full\n  hint: get it again");
        assert_eq!(with_hint(&Outer::Same(inner())), "it is damaged: the disk is full\n  hint: get it again");
        assert_eq!(with_hint_in_line(&inner()), "it is damaged: the disk is full; hint: get it again");
        assert_eq!(chain(&inner()), "it is damaged: the disk is full");
        assert_eq!(chain(&io::Error::other("alone")), "alone");
    }
}
