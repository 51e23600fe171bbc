//! Shows the progress of downloads: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal as _, Write};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use seedgrid_common::terminal::Screen;

/// The output of progress. It shows one download at a time.
pub struct Progress {
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines { out: Box<dyn Write + Send>, name: String, done: u64, total: Option<u64>, quarters: u64 },
}

impl Progress {
    /// Progress on standard error: a bar on a terminal, otherwise lines.
    pub fn on_stderr() -> Self {
        if io::stderr().is_terminal() {
            Self { shown: Shown::Bar(ProgressBar::no_length()) }
        } else {
            Self::lines(Box::new(io::stderr()))
        }
    }

    /// Progress as plain lines into `out`.
    pub fn lines(out: Box<dyn Write + Send>) -> Self {
        Self { shown: Shown::Lines { out, name: String::new(), done: 0, total: None, quarters: 0 } }
    }

    /// Prints one line.
    pub(super) fn say(&mut self, text: &str) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.suspend(|| say(&mut io::stderr(), &Screen::error().fit(text))),
            Shown::Lines { out, .. } => say(out, text),
        }
    }

    /// Begins a download with `done` bytes already stored.
    pub(super) fn begin(&mut self, name: &str, done: u64, total: Option<u64>) {
        match &mut self.shown {
            Shown::Bar(bar) => {
                *bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
                let style = ProgressStyle::with_template(match Screen::error().columns {
                    ..90 => "{msg} {wide_bar} {bytes}/{total_bytes} eta {eta}",
                    90.. => "{msg:32} {wide_bar} {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12} eta {eta}",
                });
                if let Ok(style) = style {
                    bar.set_style(style);
                }
                bar.set_message(name.to_owned());
                bar.set_position(done);
            }
            Shown::Lines { out, name: current, done: current_done, total: current_total, quarters } => {
                *current = name.to_owned();
                *current_done = done;
                *current_total = total;
                *quarters = quarters_of(done, total);
                let size = total.map_or_else(String::new, |total| format!(", {}", HumanBytes(total)));
                let resumed = if done > 0 { format!(", going on after {}", HumanBytes(done)) } else { String::new() };
                say(out, &format!("downloading {name}{size}{resumed}"));
            }
        }
    }

    /// Adds received bytes.
    pub(super) fn advance(&mut self, bytes: u64) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.inc(bytes),
            Shown::Lines { out, name, done, total, quarters } => {
                *done += bytes;
                let reached = quarters_of(*done, *total);
                if reached > *quarters {
                    *quarters = reached;
                    say(out, &format!("{name}: {} %", 25 * reached));
                }
            }
        }
    }

    /// Ends the download, after success or failure.
    pub(super) fn end(&mut self) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines { .. } => {}
        }
    }
}

fn quarters_of(done: u64, total: Option<u64>) -> u64 {
    total.filter(|&total| total > 0).map_or(0, |total| (4 * done / total).min(4))
}

/// A failed write of progress is no reason to stop.
fn say(out: &mut impl Write, text: &str) {
    let _ = writeln!(out, "{text}");
}
