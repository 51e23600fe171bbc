//! The text of progress bars, in lines that fit a terminal. Pure.

use seedgrid_common::{terminal::columns, text::agreeing, wire::v1};

use super::{ended, time_left, workers};
use crate::report::numbers::rate;

/// The largest number of units in training with a line each; further units are counted.
pub(super) const SHOWN_MAX: usize = 16;

/// The largest width of a bar, in columns.
const BAR_MAX: usize = 24;
/// The smallest width of a bar, in columns.
const BAR_MIN: usize = 7;
/// The smallest width to which labels are cut, in columns.
const LABEL_MIN: usize = 16;

/// The study's line: the number of ended units, the remaining time and the workers. Without enough room, details are
/// left out from the end, and the bar before all of them.
pub(super) fn study(picture: &v1::StatusSnapshot, width: usize) -> String {
    let counts = picture.counts.unwrap_or_default();
    let done = format!("{}/{} {}", ended(&counts), counts.total, agreeing(counts.total, "unit"));
    let name = shortened(&picture.study, width.saturating_sub(columns(&done) + 2).min(40));
    let hidden = picture.training.len().saturating_sub(SHOWN_MAX);
    let details = [
        picture.pause.as_ref().map(|_| "paused".to_owned()),
        time_left(picture),
        Some(workers(picture)),
        (hidden > 0).then(|| format!("{hidden} more in training")),
    ];
    let mut line = format!("{done}  ");
    let room = width.saturating_sub(columns(&name) + 1);
    for (place, detail) in details.into_iter().flatten().enumerate() {
        let detail = if place > 0 { format!(", {detail}") } else { detail };
        if columns(&line) + columns(&detail) <= room {
            line += &detail;
        }
    }
    let line = line.trim_end();
    let share = f64::from(ended(&counts)) / f64::from(counts.total.max(1));
    match bar(share, room.saturating_sub(columns(line) + 1)) {
        Some(bar) => format!("{name} {bar} {line}"),
        None => format!("{name} {line}"),
    }
}

/// The lines of the shown units in training: label, progress and losses. Labels are cut in their middle before the loss
/// is.
pub(super) fn units(training: &[v1::TrainingUnit], width: usize) -> Vec<String> {
    let shown = &training[..training.len().min(SHOWN_MAX)];
    let label = shown.iter().map(|unit| columns(&unit.label)).max().unwrap_or(0);
    // The formats, from the longest to the shortest.
    let said: [fn(&v1::TrainingUnit) -> String; 3] = [
        |unit| said(unit, |latest| format!("epoch {:>3} of at most {:<3}  ", latest.epoch, unit.epochs_max), true),
        |unit| said(unit, |latest| format!("epoch {:>3}/{:<3}  ", latest.epoch, unit.epochs_max), true),
        |unit| said(unit, |latest| format!("{:>3}/{:<3}  ", latest.epoch, unit.epochs_max), false),
    ];
    let widest =
        |say: &fn(&v1::TrainingUnit) -> String| shown.iter().map(|unit| columns(&say(unit))).max().unwrap_or(0);
    // The label has two blanks on each side.
    let fits = |say: &&fn(&v1::TrainingUnit) -> String| 4 + label + widest(say) <= width;
    let say = said.iter().find(fits).unwrap_or(&said[2]);
    let label = label.min(width.saturating_sub(4 + widest(say)).max(LABEL_MIN));
    let room = width.saturating_sub(4 + label + widest(say) + 1);
    let line = |unit: &v1::TrainingUnit| {
        let name = label_in(&unit.label, label);
        let epoch = unit.latest.as_ref().map_or(0, |latest| latest.epoch);
        let bar = bar(f64::from(epoch) / f64::from(unit.epochs_max.max(1)), room);
        let bar = bar.map(|bar| bar + " ").unwrap_or_default();
        let blanks = " ".repeat(label - columns(&name));
        format!("  {name}{blanks}  {bar}{}", say(unit)).trim_end().to_owned()
    };
    shown.iter().map(line).collect()
}

/// A unit's progress and its latest losses.
fn said(unit: &v1::TrainingUnit, epochs: impl Fn(&v1::EpochMetrics) -> String, error: bool) -> String {
    let Some(latest) = &unit.latest else { return "first epoch".to_owned() };
    let error = if error { format!("  error {}", rate(latest.train_error)) } else { String::new() };
    format!("{}loss {}{error}", epochs(latest), rate(latest.train_loss))
}

/// A bar such as "[=====>    ]" in at most this many columns; None if there are too few.
fn bar(share: f64, room: usize) -> Option<String> {
    let inside = room.min(BAR_MAX).checked_sub(2).filter(|inside| inside + 2 >= BAR_MIN)?;
    let full = (share.clamp(0.0, 1.0) * inside as f64) as usize;
    let head = if full < inside { ">" } else { "" };
    Some(format!("[{}{head}{}]", "=".repeat(full), " ".repeat(inside - full - head.len())))
}

/// A label in at most this many columns. The distinctive parts stay as long as possible: first names of settings become
/// initials ("lr=0.1"), then the middle is cut.
fn label_in(label: &str, room: usize) -> String {
    if columns(label) <= room {
        return label.to_owned();
    }
    let initials = |name: &str| name.split(['_', '.']).filter_map(|word| word.chars().next()).collect::<String>();
    let word = |word: &str| match word.split_once('=') {
        Some((name, value)) if name.contains('_') => format!("{}={value}", initials(name)),
        Some(_) | None => word.to_owned(),
    };
    let short = label.split(' ').map(word).collect::<Vec<_>>().join(" ").replace(" of ", "/");
    shortened(&short, room)
}

/// A text in at most this many columns: its beginning (a label's model) and its end (the seed).
fn shortened(text: &str, room: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= room {
        return text.to_owned();
    }
    let (begin, end) = (room / 2, room.saturating_sub(room / 2 + 1));
    let part = |part: &[char]| part.iter().collect::<String>();
    format!("{}…{}", part(&characters[..begin]), part(&characters[characters.len() - end..]))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn training(label: &str, latest: Option<(u32, f64)>) -> v1::TrainingUnit {
        let latest = latest.map(|(epoch, loss)| v1::EpochMetrics {
            epoch,
            train_loss: loss,
            train_error: loss / 4.0,
            validation_error: None,
        });
        v1::TrainingUnit { label: label.to_owned(), latest, epochs_max: 300, ..v1::TrainingUnit::default() }
    }

    #[test]
    fn the_loss_is_there_at_every_width() {
        let long = "cnn-shared-aux auxiliary_weight=0.4 batch_size=20 learning_rate=0.1 fold 3 of 10 seed 12";
        let all = [training(long, Some((12, 0.1234))), training("cnn seed 3", None)];
        for width in [40, 60, 80, 100, 132] {
            let lines = units(&all, width);
            assert!(lines[0].contains("loss 0.1234") && lines[0].contains("seed 12"), "{lines:?}");
            assert!(lines.iter().all(|line| columns(line) <= width), "{lines:?}");
            assert!(lines[1].starts_with("  cnn seed 3") && lines[1].ends_with("first epoch"), "{lines:?}");
        }
        assert!(units(&all, 80)[0].starts_with("  cnn-shared-aux "), "{:?}", units(&all, 80));
        let short = units(&[training("cnn learning_rate=0.1 seed 3", Some((12, 0.1234)))], 80);
        assert_eq!(short, ["  cnn learning_rate=0.1 seed 3  [>    ] epoch  12/300  loss 0.1234  error 0.0308"]);
    }

    #[test]
    fn the_study_has_its_count_at_every_width_and_more_where_there_is_room() {
        let counts = v1::UnitCounts { total: 300, done: 150, ..v1::UnitCounts::default() };
        let picture = v1::StatusSnapshot {
            study: "a-study-whose-name-has-as-many-letters-as-a-name-can-have".to_owned(),
            counts: Some(counts),
            eta_ms: Some(200_000),
            ..v1::StatusSnapshot::default()
        };
        for width in [40, 60, 80, 132] {
            let line = study(&picture, width);
            assert!(line.contains("150/300 units") && columns(&line) <= width, "{line:?}");
        }
        assert!(study(&picture, 80).contains("about 3 min 20 s left"), "{}", study(&picture, 80));
        assert!(study(&picture, 132).contains("[===========>          ] 150/300"), "{}", study(&picture, 132));
    }

    #[test]
    fn long_labels_keep_model_and_seed() {
        assert_eq!(shortened("cnn seed 3", 40), "cnn seed 3");
        let short = shortened("cnn-shared-aux auxiliary_weight=0.4 batch_size=20 learning_rate=0.1 seed 12", 40);
        assert_eq!(short.chars().count(), 40);
        assert!(short.starts_with("cnn-shared-aux ") && short.ends_with(" seed 12"), "{short}");
    }

    #[test]
    fn names_of_settings_give_way_before_what_they_are() {
        let label = "cnn-shared-aux auxiliary_weight=0.3 dropout=0.25 learning_rate=0.1 fold 2 of 3 seed 1";
        assert_eq!(label_in(label, 60), "cnn-shared-aux aw=0.3 dropout=0.25 lr=0.1 fold 2/3 seed 1");
        assert_eq!(label_in(label, columns(label)), label);
        assert_eq!(columns(&label_in(label, 30)), 30);
    }

    proptest! {
        #[test]
        fn no_line_is_longer_than_the_width(
            labels in vec("[a-z=]{1,30}( [a-z0-9.=]{1,20}){0,6}", 0..20),
            epoch in 0_u32..10_000,
            loss in 0.0..1e6,
            width in 50_usize..140,
        ) {
            let all: Vec<v1::TrainingUnit> = labels.iter().map(|label| training(label, Some((epoch, loss)))).collect();
            let lines = units(&all, width);
            prop_assert_eq!(lines.len(), labels.len().min(SHOWN_MAX));
            for line in &lines {
                prop_assert!(columns(line) <= width && line.contains("loss "), "{:?}", line);
            }
        }
    }
}
