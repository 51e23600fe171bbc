//! Live views of a study: changing bars on a terminal, plain lines on a pipe.

mod bar_lines;
mod plain_lines;
mod terminal_bars;

use std::{
    io,
    path::{Path, PathBuf},
};

use seedgrid_common::{
    join::Role,
    text::{count, shell},
    wire::v1,
};

use crate::{
    cli::standard_streams::Stream,
    report::numbers::rate,
    scheduler::{attempt_ending::AttemptEnding, queue::Pause},
};

/// Shows snapshots of a study as they arrive.
pub trait View: Send {
    /// Shows the changes since the last snapshot.
    ///
    /// # Errors
    /// When the reader has closed the stream or output is lost; never on standard error.
    fn show(&mut self, picture: &v1::StatusSnapshot) -> io::Result<()>;

    /// Removes temporary lines from the screen.
    fn finish(&mut self);
}

/// A view with bars on a terminal, else with plain lines. `place` is the study's run directory or a credential file.
pub fn view(stream: Stream, place: &Path) -> Box<dyn View> {
    let seen = Seen::new(place);
    if stream.screen().is_terminal {
        Box::new(terminal_bars::Bars::new(stream, seen))
    } else {
        Box::new(plain_lines::Lines::new(stream, seen))
    }
}

/// Examples: "2 h 05 min", "3 min 20 s", "12 s", "0.8 s".
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) if s < 10 => format!("{:.1} s", ms as f64 / 1000.0),
        (0, 0, s) => format!("{s} s"),
        (0, minutes, s) => format!("{minutes} min {s:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// Returns "at most " while races may still skip units; it precedes a number of units or their duration.
pub fn at_most(counts: &v1::UnitCounts) -> &'static str {
    if counts.undecided > 0 { "at most " } else { "" }
}

/// The reason of a pause and its remedy: "paused: ...; `seedgrid resume runs/table3` goes on".
pub fn paused(pause: &v1::Pause, place: &Path) -> String {
    format!("{}; {} goes on", Pause::from(pause), resume(place))
}

/// The command that ends a pause of the study in `place`. A view file cannot end it, so the command has `RUN_DIR`
/// instead.
pub fn resume(place: &Path) -> String {
    let only_looks = place.file_name().is_some_and(|name| name == Role::View.file_name());
    let place = if only_looks { "RUN_DIR".to_owned() } else { shell(place) };
    format!("`seedgrid resume {place}`")
}

/// The remaining time, as far as it is known: "about 12 s left", or "8 s to 2 min 05 s left" with distant bounds. While
/// races may still skip units, it is an upper limit.
pub fn time_left(picture: &v1::StatusSnapshot) -> Option<String> {
    let expected = picture.eta_ms?;
    let (low, high) = (picture.eta_low_ms.unwrap_or(expected), picture.eta_high_ms.unwrap_or(expected));
    let is_vague = high > low.saturating_mul(FAR_APART);
    Some(match at_most(&picture.counts.unwrap_or_default()) {
        "" if is_vague => format!("{} to {} left", duration(low), duration(high)),
        at_most if is_vague => format!("{at_most}{} left", duration(high)),
        at_most => format!("{at_most}about {} left", duration(expected)),
    })
}

/// The ratio of the bounds above which an estimate shows both.
const FAR_APART: u64 = 2;

/// The line of one ending: "cnn seed 3: error 0.1810 after 21 epochs (4.2 s)".
fn ending_line(ending: &v1::RecentEnding) -> String {
    let took = duration((1000.0 * ending.train_seconds) as u64);
    match (ending.ending.parse(), ending.error) {
        (Ok(AttemptEnding::Done), Some(error)) => {
            format!("{}: error {} after {} ({took})", ending.label, rate(error), count(ending.epochs, "epoch"))
        }
        (Ok(AttemptEnding::Diverged), _) => {
            format!("{}: diverged after {} ({took})", ending.label, count(ending.epochs, "whole epoch"))
        }
        _ => format!("{}: {}", ending.label, ending.ending),
    }
}

/// The state of the last snapshot, for finding new endings.
#[derive(Debug, Default)]
struct Seen {
    place: PathBuf,
    sequence: u64,
    pause: Option<v1::Pause>,
}

impl Seen {
    /// The state before any snapshot of the study in `place`.
    fn new(place: &Path) -> Self {
        Self { place: place.to_owned(), ..Self::default() }
    }

    /// The message about a pause that began or ended since the last snapshot.
    fn new_pause(&mut self, picture: &v1::StatusSnapshot) -> Option<String> {
        if self.pause == picture.pause {
            return None;
        }
        self.pause.clone_from(&picture.pause);
        Some(picture.pause.as_ref().map_or_else(|| "resumed".to_owned(), |pause| paused(pause, &self.place)))
    }

    fn new_endings<'a>(&mut self, picture: &'a v1::StatusSnapshot) -> impl Iterator<Item = &'a v1::RecentEnding> {
        let shown = self.sequence;
        self.sequence = picture.recent.last().map_or(shown, |newest| newest.sequence);
        picture.recent.iter().filter(move |ending| ending.sequence > shown)
    }
}

/// Endings with the number of units that had ended by then; None for attempts whose unit waits again.
fn numbered<'a>(
    counts: &v1::UnitCounts,
    endings: impl Iterator<Item = &'a v1::RecentEnding>,
) -> Vec<(Option<u32>, &'a v1::RecentEnding)> {
    let final_one = |ending: &v1::RecentEnding| ending.ending.parse().is_ok_and(AttemptEnding::is_result);
    let endings: Vec<_> = endings.collect();
    let mut left = endings.iter().filter(|ending| final_one(ending)).count() as u32;
    let number = |ending: &'a v1::RecentEnding| {
        let number = final_one(ending).then(|| {
            left -= 1;
            ended(counts).saturating_sub(left)
        });
        (number, ending)
    };
    endings.into_iter().map(number).collect()
}

fn ended(counts: &v1::UnitCounts) -> u32 {
    counts.done + counts.diverged + counts.quarantined + counts.cancelled
}

fn workers(picture: &v1::StatusSnapshot) -> String {
    let slots: u32 = picture.workers.iter().filter_map(|worker| worker.info.as_ref()).map(|info| info.slots).sum();
    match picture.workers.len() {
        0 => "no workers yet".to_owned(),
        workers => format!("{}, {}", count(workers, "worker"), count(slots as usize, "slot")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(840), "0.8 s");
        assert_eq!(duration(12_300), "12 s");
        assert_eq!(duration(200_000), "3 min 20 s");
        assert_eq!(duration(7_500_000), "2 h 05 min");
    }

    #[test]
    fn a_pause_is_told_with_the_directory_that_is_meant() {
        let pause = |reason: &str| v1::Pause { reason: reason.to_owned(), by_hand: true };
        let told = |reason: &str, place: &str| paused(&pause(reason), Path::new(place));
        assert_eq!(told("", "runs/a"), "paused by hand; `seedgrid resume runs/a` goes on");
        assert_eq!(told("a move", "my runs/a"), "paused by hand: a move; `seedgrid resume 'my runs/a'` goes on");
        assert_eq!(told("", "admin.toml"), "paused by hand; `seedgrid resume admin.toml` goes on");
        assert_eq!(told("", "copy/view.toml"), "paused by hand; `seedgrid resume RUN_DIR` goes on");
    }

    #[test]
    fn a_vague_estimate_is_told_by_its_ends() {
        let left = |low, high, undecided| {
            let counts = v1::UnitCounts { undecided, ..v1::UnitCounts::default() };
            let (eta_ms, eta_low_ms, eta_high_ms) = (Some(20_000), low, high);
            let counts = Some(counts);
            time_left(&v1::StatusSnapshot { counts, eta_ms, eta_low_ms, eta_high_ms, ..v1::StatusSnapshot::default() })
        };
        let said = |low, high, undecided| left(low, high, undecided).unwrap();
        assert_eq!(said(Some(16_000), Some(25_000), 0), "about 20 s left");
        assert_eq!(said(Some(16_000), Some(125_000), 0), "16 s to 2 min 05 s left");
        assert_eq!(said(Some(16_000), Some(25_000), 3), "at most about 20 s left");
        assert_eq!(said(Some(16_000), Some(125_000), 3), "at most 2 min 05 s left");
        assert_eq!(said(None, None, 0), "about 20 s left");
        assert_eq!(time_left(&v1::StatusSnapshot::default()), None);
    }

    #[test]
    fn endings_are_counted_up() {
        let ending =
            |how: AttemptEnding| v1::RecentEnding { ending: how.name().to_owned(), ..v1::RecentEnding::default() };
        let endings = [AttemptEnding::Done, AttemptEnding::Preempted, AttemptEnding::Diverged].map(ending);
        let counts = v1::UnitCounts { done: 4, diverged: 1, ..v1::UnitCounts::default() };
        let numbers: Vec<_> = numbered(&counts, endings.iter()).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [Some(4), None, Some(5)]);
    }

    #[test]
    fn every_ending_is_shown_once() {
        let ending = |sequence| v1::RecentEnding { sequence, ..v1::RecentEnding::default() };
        let picture = |range: std::ops::Range<u64>| v1::StatusSnapshot {
            recent: range.map(ending).collect(),
            ..v1::StatusSnapshot::default()
        };
        let mut seen = Seen::default();
        assert_eq!(seen.new_endings(&picture(1..4)).count(), 3);
        assert_eq!(seen.new_endings(&picture(2..6)).count(), 2);
        assert_eq!(seen.new_endings(&picture(2..6)).count(), 0);
    }
}
