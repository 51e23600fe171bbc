//! Configurations next to the spec's references, in the words and cells that every form of the report shows.

use super::{
    draws,
    numbers::{count_mean, rate, signed_rate, whole},
};
use crate::aggregate::document::{EvaluationReport, FoundError, ReferenceReport, StageReport, Verdict};

/// A table's header.
pub(super) const HEADER: [&str; 8] =
    ["Configuration", "Source", "Ours", "Theirs", "Difference", "± 95 %", "Epochs: ours, theirs", "Verdict"];

/// A reference's cells below [`HEADER`].
pub(super) fn cells(stage: &StageReport, reference: &ReferenceReport) -> [String; 8] {
    [
        super::compared::heading(stage, reference.configuration),
        reference.source.clone(),
        found(&reference.ours),
        found(&reference.theirs),
        signed_rate(reference.difference),
        rate(reference.uncertainty95),
        format!("{}, {}", count_mean(reference.ours.epochs), count_mean(reference.theirs.epochs)),
        verdict(reference).to_owned(),
    ]
}

fn found(side: &FoundError) -> String {
    match (side.error, side.std) {
        (Some(error), Some(std)) => format!("{error:.4} ± {std:.4}"),
        (error, _) => rate(error),
    }
}

/// A reference's verdict in a word or two.
pub(super) fn verdict(reference: &ReferenceReport) -> &'static str {
    match reference.verdict {
        Some(Verdict::Within) => "within",
        Some(Verdict::Differs) => "differs",
        None => "not known",
    }
}

/// What the columns mean.
pub(super) fn columns(stage: &StageReport) -> String {
    if draws::are_several(stage) {
        return "Difference: our mean error minus theirs. ± 95 % is half the width of its 95 % interval, of the standard error of our mean over draws of \
                the data, of theirs over its seeds, and of one draw more, which is theirs: it covers seeds, and the draw of training and test \
                pairs, on both sides."
            .to_owned();
    }
    let parts = match stage.evaluation {
        EvaluationReport::Holdout => {
            "the standard errors of both means over their seeds, std / √n, and of both draws of test pairs, √(e (1 − e) / pairs), all \
             taken together"
        }
        EvaluationReport::Folds(_) => "the standard errors of both means over folds and seeds, taken together",
    };
    let unknown = if stage.references.iter().any(|reference| reference.theirs.units_standard_error.is_none()) {
        " A reference without a deviation counts as exact over its seeds, so it is soon said to differ."
    } else {
        ""
    };
    format!(
        "Difference: our mean error minus theirs. ± 95 % is half the width of its 95 % interval, of {parts}. It does not cover the draw \
         of the training pairs, which was another one.{unknown}"
    )
}

/// How many references are met, in a sentence.
pub(super) fn summary(stage: &StageReport) -> String {
    let count = |wanted: Option<Verdict>| stage.references.iter().filter(|one| one.verdict == wanted).count();
    let unknown = match count(None) {
        0 => String::new(),
        unknown => format!("; of {} it is not known", whole(unknown)),
    };
    let (within, differ) = (count(Some(Verdict::Within)), count(Some(Verdict::Differs)));
    format!(
        "{} of {} {} within the uncertainty of seeds and data draws, {} {}{unknown}.",
        whole(within),
        whole(stage.references.len()),
        if within == 1 { "lies" } else { "lie" },
        whole(differ),
        if differ == 1 { "differs" } else { "differ" },
    )
}

/// What must be known about single references: those that differ, with the likely cause, and those without a verdict.
pub(super) fn remarks(stage: &StageReport) -> Vec<String> {
    let remark = |reference: &ReferenceReport| {
        let heading = super::compared::heading(stage, reference.configuration);
        match (reference.verdict, &reference.reason) {
            (Some(Verdict::Differs), _) => {
                let cause = match &reference.note {
                    Some(note) => format!("Likely cause: {}", note.trim_end_matches('.')),
                    None => "The spec names no cause".to_owned(),
                };
                Some(format!(
                    "{heading} differs from {} by {}, more than ± {}. {cause}.",
                    reference.source.trim_end_matches('.'),
                    signed_rate(reference.difference),
                    rate(reference.uncertainty95)
                ))
            }
            (None, Some(reason)) => Some(format!("{heading}: no verdict, as {reason}.")),
            (Some(Verdict::Within), _) | (None, None) => None,
        }
    };
    stage.references.iter().filter_map(remark).collect()
}
