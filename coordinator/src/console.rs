//! What commands print. Notes go to standard error and are best-effort: whoever closed it has seen enough, and a study goes on.
//! Results go to standard output, and losing them is an error.

use std::{
    fmt,
    io::{self, Write as _},
};

/// Prints a line to standard error.
pub fn note(line: fmt::Arguments<'_>) {
    // Nobody is left to tell.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints to standard output. A reader that hung up (`| head`) is no error.
///
/// # Errors
/// When the output is lost: a full disk behind a redirection, say.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => Err(problem),
        Ok(()) | Err(_) => Ok(()),
    }
}
