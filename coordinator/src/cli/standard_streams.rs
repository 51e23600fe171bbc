//! Output of commands. Notes go to standard error, and their loss is ignored, so a study continues after its reader has
//! closed the stream. Results go to standard output, and their loss is an error.

use std::{
    fmt,
    io::{self, Write as _},
};

use seedgrid_common::terminal::Screen;

/// Prints a line to standard error, wrapped to the terminal's width.
pub fn note(line: fmt::Arguments<'_>) {
    note_as_it_is(&Screen::error().fit(&line.to_string()));
}

/// Prints lines to standard error without wrapping.
pub fn note_as_it_is(lines: &str) {
    // Without a reader, there is nothing to report to.
    let _ = writeln!(io::stderr().lock(), "{lines}");
}

/// The stream for a command's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output: the progress is the command's result.
    Output,
    /// Standard error: the command has another result.
    Error,
}

impl Stream {
    /// The size of the stream's terminal.
    pub fn screen(self) -> Screen {
        match self {
            Self::Output => Screen::output(),
            Self::Error => Screen::error(),
        }
    }

    /// Writes a line, wrapped to the terminal's width.
    ///
    /// # Errors
    /// When a line to standard output is lost; a [broken pipe](io::ErrorKind::BrokenPipe) if the reader closed it.
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

/// Prints to standard output. A reader that closed the pipe (`| head`) is no error.
///
/// # Errors
/// When the output is lost, for example on a full disk.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => Err(problem),
        Ok(()) | Err(_) => Ok(()),
    }
}
