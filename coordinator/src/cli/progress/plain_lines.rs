//! Plain lines for pipes and log files.

use std::io;

use seedgrid_common::{text::count, wire::v1};

use crate::cli::standard_streams::Stream;

use super::{Seen, View, at_most, ended, ending_line, numbered, time_left, workers};

/// The time between two summaries, in milliseconds.
const SUMMARY_MS: u64 = 15_000;

/// One line for each ending, and regular summaries.
#[derive(Debug)]
pub(super) struct Lines {
    stream: Stream,
    seen: Seen,
    summary_at: u64,
}

impl Lines {
    pub(super) fn new(stream: Stream, seen: Seen) -> Self {
        Self { stream, seen, summary_at: 0 }
    }
}

impl View for Lines {
    fn show(&mut self, picture: &v1::StatusSnapshot) -> io::Result<()> {
        let counts = picture.counts.unwrap_or_default();
        for (number, ending) in numbered(&counts, self.seen.new_endings(picture)) {
            match number {
                Some(number) => self.stream.say(format_args!("[{number}/{}] {}", counts.total, ending_line(ending)))?,
                None => self.stream.say(format_args!("{}", ending_line(ending)))?,
            }
        }
        if let Some(pause) = self.seen.new_pause(picture) {
            self.stream.say(format_args!("{}: {pause}", picture.study))?;
        }
        if picture.elapsed_ms >= self.summary_at {
            self.summary_at = picture.elapsed_ms + SUMMARY_MS;
            let at_most = at_most(&counts);
            let eta = time_left(picture).map(|left| format!(", {left}")).unwrap_or_default();
            self.stream.say(format_args!(
                "{}: {}{} of {at_most}{} ended, {} in training, {}{eta}",
                picture.study,
                if picture.state() == v1::StudyState::Paused { "paused; " } else { "" },
                ended(&counts),
                count(counts.total, "unit"),
                counts.training,
                workers(picture)
            ))?;
        }
        Ok(())
    }

    fn finish(&mut self) {}
}
