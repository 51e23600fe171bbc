//! A stage's figures with their captions.

use super::{stage_input::Part, wording::covers};
use crate::{
    aggregate::{
        Curves,
        report_json::{Against, EvaluationReport, StageReport},
    },
    report::{
        document::{Block, Figure},
        figure::{self, DOTS_MAX, Drawing, LINES_MAX, ROWS_MAX},
        numbers::whole,
        shown_and_best_rows::{self, LEVEL, crowded, heading},
    },
};

/// A figure of a stage.
pub(super) struct OfStage {
    file: &'static str,
    title: &'static str,
    draw: fn(&StageReport, &[Curves]) -> Option<Drawing>,
    caption: fn(&StageReport) -> String,
}

pub(super) const ERRORS: OfStage =
    OfStage { file: "errors", title: "Error rates", draw: figure::errors, caption: errors };
pub(super) const AXES: OfStage =
    OfStage { file: "axes", title: "Error by hyper-parameter", draw: figure::axes, caption: axes };
pub(super) const COMPARISONS: OfStage = OfStage {
    file: "comparisons",
    title: "Differences of error rates",
    draw: figure::comparisons,
    caption: comparisons,
};
pub(super) const ROC: OfStage = OfStage { file: "roc", title: "ROC curves", draw: figure::roc, caption: roc };
pub(super) const PRECISION_RECALL: OfStage =
    OfStage { file: "pr", title: "Precision-recall curves", draw: figure::precision_recall, caption: precision_recall };
pub(super) const LEARNING: OfStage =
    OfStage { file: "learning", title: "Learning curves", draw: figure::learning, caption: learning };

impl Part<'_> {
    /// The figures that have something to draw.
    pub(super) fn figures(&self, figures: &[OfStage]) -> Vec<Block> {
        if !self.drawings {
            return Vec::new();
        }
        let figure = |of: &OfStage| {
            let drawing = (of.draw)(self.stage, self.curves)?;
            let file = format!("{}-{}", of.file, self.slug());
            let caption = (of.caption)(self.stage);
            Some(Block::Figure(Figure { file, title: of.title.to_owned(), caption, drawing }))
        };
        figures.iter().filter_map(figure).collect()
    }

    /// The error by each hyper-parameter that varies, where the stage tunes.
    pub(super) fn axes(&self) -> Vec<Block> {
        if shown_and_best_rows::tunes(self.stage) { self.figures(&[AXES]) } else { Vec::new() }
    }
}

fn errors(stage: &StageReport) -> String {
    let several = shown_and_best_rows::has_several_draws(stage);
    let dot = match stage.evaluation {
        EvaluationReport::Holdout if several => "draw of the data and seed",
        EvaluationReport::Holdout => "seed",
        EvaluationReport::Folds(_) if several => "draw of the data, fold and seed",
        EvaluationReport::Folds(_) => "fold and seed",
    };
    let mut text = format!(
        "A dot is one {dot}; the black mark is the mean and the bar its 95 % interval, which {}.",
        covers(stage)
    );
    if stage.configurations.iter().any(|row| row.n > DOTS_MAX) {
        text += &format!(
            " Of more units {DOTS_MAX} of each configuration are dots, the lowest and the highest error among them."
        );
    }
    if stage.configurations.len() > ROWS_MAX {
        text += &format!(" Only the {ROWS_MAX} best configurations and the selected ones are shown.");
    }
    text + &selected(stage, "Shaded")
}

/// How what was selected is marked, as a sentence after others.
fn selected(stage: &StageReport, mark: &str) -> String {
    if shown_and_best_rows::selects(stage) { format!(" {mark}: selected for later stages.") } else { String::new() }
}

fn axes(stage: &StageReport) -> String {
    format!(
        "A panel a model and hyper-parameter. A dot is the mean error of one configuration; the line joins the lowest of each value. At most \
         {DOTS_MAX} configurations of a panel are dots, the best among them.{}",
        selected(stage, "Ringed")
    )
}

fn comparisons(stage: &StageReport) -> String {
    let figure::Shown { best, rows, all } = figure::shown_comparisons(stage);
    let what = match best {
        Some(best) => format!(
            "Mean error minus that of {}, the lowest one, with its simultaneous 95 % interval.",
            heading(stage, best)
        ),
        None => "Mean error of the upper configuration minus that of the lower one, with its simultaneous 95 % interval: left of 0, \
                 the upper one errs less."
            .to_owned(),
    };
    let (few, all) = (whole(rows.len()), (all > rows.len()).then(|| whole(all)));
    let shown = match (stage.comparisons.against, best, all) {
        (_, _, None) => String::new(),
        (Against::Best, _, Some(_)) => format!(" Only the {few} smallest differences are shown."),
        (Against::EachOther, Some(_), Some(all)) => {
            format!(" Only the {few} pairs with that one are shown; the table below has all {all}.")
        }
        (Against::EachOther, None, Some(all)) => {
            format!(" Only the first {few} pairs are shown; the table below has all {all}.")
        }
    };
    format!(
        "{what} All of the stage's intervals together hold their differences with 95 %. Blue, filled: corrected p of the t test below {LEVEL}; \
         grey, hollow: not.{shown}{}",
        selected(stage, "Shaded")
    )
}

fn roc(stage: &StageReport) -> String {
    averaged(stage, "AUC: WHOSE, the area under the curve. Dashed diagonal: chance.")
}

fn precision_recall(stage: &StageReport) -> String {
    averaged(
        stage,
        "AP: WHOSE average precision, the area under the steps. Dashed level: chance, the share of class 1.",
    )
}

/// About the curves of averaged predictions.
fn averaged(stage: &StageReport, area: &str) -> String {
    let (pairs, out_of_fold) = match stage.evaluation {
        EvaluationReport::Holdout => ("test pair", ""),
        EvaluationReport::Folds(_) => ("training pair", " by the network that was trained without it"),
    };
    let (of, averaged, whose, bands) = match stage.seeds.len() > 1 {
        true => (
            "the ensemble of the seeds: ",
            ", averaged over the seeds",
            "the ensemble's",
            " Bands and the thin lines in them: mean ± one standard deviation of the single seeds' own curves at each point of the \
             horizontal axis. An ensemble is usually better than its networks, so its line may leave the band.",
        ),
        false => ("", "", "the network's", ""),
    };
    let area = area.replace("WHOSE", whose);
    let facets = facets(stage, ", which is named");
    format!("Of {of}each {pairs}'s predicted probability{out_of_fold}{averaged}. {area}{bands}{facets}")
}

/// The meaning of the colours in a stage with many configurations.
fn facets(stage: &StageReport, named: &str) -> String {
    if !crowded(stage) {
        return String::new();
    }
    let most = shown_and_best_rows::facets(stage).iter().map(|facet| facet.members.len()).max().unwrap_or(0);
    let shown = if most > LINES_MAX { format!(", {LINES_MAX} at most") } else { String::new() };
    let selected = if shown_and_best_rows::selects(stage) {
        " Orange: selected for later stages, where that is another one."
    } else {
        ""
    };
    format!(" Blue: the model's configuration of the lowest mean error{named}; grey: its others{shown}.{selected}")
}

fn learning(stage: &StageReport) -> String {
    format!(
        "Losses and errors as seen in training, with dropout active. Thick: mean over the units still in training, as long as at \
         least half of them are; thin: single units, {LINES_MAX} of a configuration at most; dotted: diverged units, which are in no mean. A triangle at \
         the upper edge: a line goes on above. Models with auxiliary losses minimise other sums: losses of one panel compare, those of several do not.{}",
        facets(stage, "")
    )
}
