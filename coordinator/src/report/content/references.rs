//! Configurations next to the spec's references.

use super::{stage_input::Part, wording};
use crate::{
    aggregate::report_json::{
        ConfigurationReport, EvaluationReport, FoundError, ReferenceReport, StageReport, Verdict,
    },
    report::{
        document::{Block, Cell, Field, Kind, Table, Tone},
        numbers::{self, count_mean, rate, signed_rate, whole, with_deviation},
        shown_and_best_rows::{self, heading, marked},
    },
};

/// Results beside published ones; nothing where the spec has no reference.
pub(super) fn blocks(part: &Part<'_>) -> Vec<Block> {
    let stage = part.stage;
    if stage.references.is_empty() {
        return Vec::new();
    }
    type Of = ReferenceReport;
    let ours = |one: &Of| match shown_and_best_rows::row(stage, one.configuration)
        .is_some_and(ConfigurationReport::diverged)
    {
        true => "diverged".to_owned(),
        false => found(&one.ours),
    };
    let epochs = |one: &Of| format!("{}, {}", count_mean(one.ours.epochs), count_mean(one.theirs.epochs));
    let differs = |one: &Of| Cell { alert: one.verdict == Some(Verdict::Differs), ..verdict(one).into() };
    let fields = [
        Field::name("Configuration", |one: &Of| marked(stage, one.configuration)),
        Field::name("Source", |one: &Of| one.source.clone()),
        Field::number("Ours", ours),
        Field::number("Theirs", |one: &Of| found(&one.theirs)),
        Field::number("Difference", |one: &Of| signed_rate(one.difference)),
        Field::number("± 95 %", |one: &Of| rate(one.uncertainty95)),
        Field::number("Epochs: ours, theirs", epochs),
        Field::words("Verdict", differs),
    ];
    let table = Table {
        label: part.label("references"),
        caption: format!("{} Next to the references.", part.caption()),
        notes: notes(stage),
        remarks: remarks(stage),
        ..Table::new(Kind::References, &stage.name, &fields, &stage.references)
    };
    vec![Block::Text(Tone::Plain, summary(stage)), Block::Table(table)]
}

fn found(side: &FoundError) -> String {
    with_deviation(side.error, side.std, rate)
}

/// A reference's verdict in a word or two.
fn verdict(reference: &ReferenceReport) -> &'static str {
    match reference.verdict {
        Some(Verdict::Within) => "within",
        Some(Verdict::Equivalent) => "equivalent",
        Some(Verdict::Differs) => "differs",
        Some(Verdict::TooUncertain) => "too uncertain to tell",
        None => "not known",
    }
}

/// The meaning of the columns.
fn notes(stage: &StageReport) -> String {
    if shown_and_best_rows::has_several_draws(stage) {
        return format!(
            "Difference: our mean error minus theirs. ± 95 % is half the width of its 95 % interval, of the standard error of our mean over draws of \
             the data, of theirs over its seeds, and of one draw more, which is theirs. On our side it {}; on theirs it covers their seeds, where \
             their deviation is known, and the draw of their pairs.{VERDICTS}",
            wording::covers(stage)
        );
    }
    let parts = match stage.evaluation {
        EvaluationReport::Holdout => {
            "the standard errors of both means, over seeds and over the draw of the test pairs; theirs is taken to depend on that draw as ours \
             does"
        }
        EvaluationReport::Folds(_) => "the standard errors of both means over folds and seeds, taken together",
    };
    let unknown = if stage.references.iter().any(|reference| reference.theirs.std.is_none()) {
        " A reference without a deviation counts as exact over its seeds, so it is soon said to differ."
    } else {
        ""
    };
    format!(
        "Difference: our mean error minus theirs. ± 95 % is half the width of its 95 % interval, of {parts}. It does not cover the draw \
         of the training pairs, which was another one.{unknown}{VERDICTS}"
    )
}

/// The verdicts in words.
const VERDICTS: &str = " Within: the difference is smaller than this. Too uncertain to tell: so would be one of half of their error, or of the \
     reference's margin where it has one. Equivalent: the difference is smaller than the margin, by two one-sided tests at 0.05.";

/// How many references are met, in a sentence.
pub(super) fn summary(stage: &StageReport) -> String {
    let count = |wanted: Option<Verdict>| stage.references.iter().filter(|one| one.verdict == wanted).count();
    let unknown = match count(None) {
        0 => String::new(),
        unknown => format!("; of {} it is not known", whole(unknown)),
    };
    let of = |verdict, words: &str| match count(Some(verdict)) {
        0 => None,
        found => Some(format!("{} {words}", whole(found))),
    };
    let parts = [
        of(Verdict::Equivalent, "equivalent"),
        of(Verdict::Within, "within the uncertainty of seeds and data draws"),
        of(Verdict::Differs, "different"),
        of(Verdict::TooUncertain, "too uncertain to tell"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let parts = if parts.is_empty() { "no verdict".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}{unknown}.", numbers::count(stage.references.len(), "difference"))
}

/// Notes about single references: those that differ, with the likely cause, and those without a verdict.
fn remarks(stage: &StageReport) -> Vec<String> {
    let remark = |reference: &ReferenceReport| {
        let heading = heading(stage, reference.configuration);
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
            (Some(Verdict::Within | Verdict::Equivalent | Verdict::TooUncertain), _) | (None, None) => None,
        }
    };
    stage.references.iter().filter_map(remark).collect()
}
