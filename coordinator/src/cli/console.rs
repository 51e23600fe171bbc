//! What commands print. Notes go to standard error and are best-effort: whoever closed it has seen enough, and a study goes on.
//! Results go to standard output, and losing them is an error.

use std::{
    fmt,
    io::{self, Write as _},
};

use seedgrid_common::terminal::Screen;

/// Prints a line to standard error, in several where a terminal is too narrow for it.
pub fn note(line: fmt::Arguments<'_>) {
    note_as_it_is(&Screen::error().fit(&line.to_string()));
}

/// Prints a line, or several that were laid out already, to standard error.
pub fn note_as_it_is(lines: &str) {
    // Nobody is left to tell.
    let _ = writeln!(io::stderr().lock(), "{lines}");
}

/// Where what a command tells as it goes on is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: of commands whose result this is.
    Output,
    /// Standard error: of commands that have another result.
    Error,
}

impl Stream {
    /// How wide it is.
    pub fn screen(self) -> Screen {
        match self {
            Self::Output => Screen::output(),
            Self::Error => Screen::error(),
        }
    }

    /// Writes a line, in several where a terminal is too narrow for it.
    ///
    /// # Errors
    /// When it is lost that was written to standard output; a [broken pipe](io::ErrorKind::BrokenPipe) where its reader hung up.
    pub fn say(self, line: fmt::Arguments<'_>) -> io::Result<()> {
        match self {
            Self::Output => {
                let mut out = io::stdout().lock();
                writeln!(out, "{}", Screen::output().fit(&line.to_string())).and_then(|()| out.flush())
            }
            Self::Error => {
                note(line);
                Ok(())
            }
        }
    }
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
