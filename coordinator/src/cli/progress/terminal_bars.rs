//! Bars for terminals: one line for the study, and one for each unit in training.

use std::io;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use seedgrid_common::{terminal::wrapped, wire::v1};

use super::{Seen, View, bar_lines, ending_line};
use crate::cli::standard_streams::Stream;

/// One line for the study, and one for each unit in training.
#[derive(Debug)]
pub(super) struct Bars {
    stream: Stream,
    screen: MultiProgress,
    study: ProgressBar,
    units: Vec<ProgressBar>,
    seen: Seen,
}

impl Bars {
    pub(super) fn new(stream: Stream, seen: Seen) -> Self {
        let screen = MultiProgress::with_draw_target(match stream {
            Stream::Output => ProgressDrawTarget::stdout(),
            Stream::Error => ProgressDrawTarget::stderr(),
        });
        let study = screen.add(line());
        Self { stream, screen, study, units: Vec::new(), seen }
    }
}

impl View for Bars {
    fn show(&mut self, picture: &v1::StatusSnapshot) -> io::Result<()> {
        // The terminal may have become narrower. Its last column stays empty, because some terminals wrap after it.
        let width = self.stream.screen().columns - 1;
        let endings: Vec<String> = self.seen.new_endings(picture).map(ending_line).collect();
        for said in endings.into_iter().chain(self.seen.new_pause(picture)) {
            self.screen.println(wrapped(&format!("  {said}"), width))?;
        }
        self.study.set_message(bar_lines::study(picture, width));
        let units = bar_lines::units(&picture.training, width);
        while self.units.len() > units.len() {
            if let Some(bar) = self.units.pop() {
                bar.finish_and_clear();
                self.screen.remove(&bar);
            }
        }
        while self.units.len() < units.len() {
            self.units.push(self.screen.add(line()));
        }
        self.units.iter().zip(units).for_each(|(bar, unit)| bar.set_message(unit));
        Ok(())
    }

    fn finish(&mut self) {
        self.units.iter().for_each(ProgressBar::finish_and_clear);
        self.study.finish_and_clear();
    }
}

/// A line with a message, cut at the terminal's width.
fn line() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style)
}
