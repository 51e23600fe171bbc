//! Bars for terminals: one for the study, one for each unit in training.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use seedgrid_common::wire::v1;

use super::{Seen, View, at_most, duration, ended, ending_line, workers};

/// Units in training that are shown; more are only counted.
const SHOWN_MAX: usize = 16;

/// Longest label of a unit.
const LABEL_MAX: usize = 40;

/// One bar for the study, one for each unit in training.
#[derive(Debug)]
pub(super) struct Bars {
    screen: MultiProgress,
    overall: ProgressBar,
    units: BTreeMap<String, ProgressBar>,
    seen: Seen,
}

impl Bars {
    pub(super) fn new() -> Self {
        let screen = MultiProgress::new();
        let overall = screen.add(ProgressBar::new(0));
        overall.set_style(style("{prefix:.bold} [{bar:30.cyan/dim}] {pos}/{len} units  {wide_msg}"));
        Self { screen, overall, units: BTreeMap::new(), seen: Seen::default() }
    }
}

impl View for Bars {
    fn show(&mut self, picture: &v1::StatusSnapshot) {
        let counts = picture.counts.unwrap_or_default();
        for ending in self.seen.new_endings(picture) {
            // A line that cannot be written is lost with the terminal that it was for.
            let _ = self.screen.println(format!("  {}", ending_line(ending)));
        }
        if let Some(pause) = self.seen.new_pause(picture) {
            let _ = self.screen.println(format!("  {pause}"));
        }
        self.overall.set_prefix(picture.study.clone());
        self.overall.set_length(u64::from(counts.total));
        self.overall.set_position(u64::from(ended(&counts)));
        let eta = picture.eta_ms.map(|ms| format!("{}about {} left, ", at_most(&counts), duration(ms)));
        let eta = eta.unwrap_or_default();
        let hidden = match picture.training.len().saturating_sub(SHOWN_MAX) {
            0 => String::new(),
            more => format!(", {more} more in training"),
        };
        let paused = if picture.pause.is_some() { "paused, " } else { "" };
        self.overall.set_message(format!("{paused}{eta}{}{hidden}", workers(picture)));
        let shown: BTreeMap<&str, &v1::TrainingUnit> = picture
            .training
            .iter()
            .filter_map(|unit| Some((unit.attempt.as_ref()?.unit_id.as_str(), unit)))
            .take(SHOWN_MAX)
            .collect();
        self.units.retain(|id, bar| {
            let stays = shown.contains_key(id.as_str());
            if !stays {
                bar.finish_and_clear();
                self.screen.remove(bar);
            }
            stays
        });
        for (id, unit) in shown {
            let bar = self.units.entry(id.to_owned()).or_insert_with(|| {
                let bar = self.screen.add(ProgressBar::new(u64::from(unit.epochs_max)));
                bar.set_style(style("  {prefix:40} [{bar:20.green/dim}] {wide_msg}"));
                bar.set_prefix(shortened(&unit.label));
                bar.set_message("first epoch");
                bar
            });
            if let Some(latest) = &unit.latest {
                bar.set_position(u64::from(latest.epoch));
                bar.set_message(format!(
                    "epoch {} of at most {}, loss {:.4}, error {:.3}",
                    latest.epoch, unit.epochs_max, latest.train_loss, latest.train_error
                ));
            }
        }
    }

    fn finish(&mut self) {
        for bar in self.units.values() {
            bar.finish_and_clear();
        }
        self.overall.finish_and_clear();
    }
}

/// A label of at most 40 characters: its begin (the model) and its end (the seed).
fn shortened(label: &str) -> String {
    let characters: Vec<char> = label.chars().collect();
    if characters.len() <= LABEL_MAX {
        return label.to_owned();
    }
    let (begin, end) = (LABEL_MAX / 2, LABEL_MAX - LABEL_MAX / 2 - 1);
    let text = |part: &[char]| part.iter().collect::<String>();
    format!("{}…{}", text(&characters[..begin]), text(&characters[characters.len() - end..]))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_labels_keep_model_and_seed() {
        assert_eq!(shortened("cnn seed 3"), "cnn seed 3");
        let short = shortened("cnn-shared-aux auxiliary_weight=0.4 batch_size=20 learning_rate=0.1 seed 12");
        assert_eq!(short.chars().count(), 40);
        assert!(short.starts_with("cnn-shared-aux ") && short.ends_with(" seed 12"), "{short}");
    }
}
