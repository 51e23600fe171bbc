//! comparisons.csv and references.csv.

use super::{KEYS, Table, cell, ends, keys};
use crate::aggregate::document::{ConfigurationReport, FoundError, Report, StageReport, TTestMethod, Verdict};

/// comparisons.csv: one row a pair of configurations that were compared; the keys are the first one's.
pub(in crate::report) fn comparisons(report: &Report) -> String {
    let mut table = Table::new(KEYS.into_iter().chain([
        "second",
        "second_model",
        "second_variant",
        "difference",
        "ci95_low",
        "ci95_high",
        "hedges_g",
        "t_test",
        "n_first",
        "n_second",
        "t",
        "freedom",
        "t_p",
        "t_p_holm",
        "first_only_wrong",
        "second_only_wrong",
        "mcnemar_p",
        "mcnemar_p_holm",
    ]));
    for stage in &report.stages {
        for pair in &stage.comparisons.pairs {
            let (Some(first), Some(second)) = (row(stage, pair.first), row(stage, pair.second)) else { continue };
            let mut cells = keys(stage, first).to_vec();
            cells.extend([second.number.to_string(), second.model.clone(), second.variant.clone()]);
            cells.push(cell(pair.difference));
            cells.extend(ends(pair.ci95));
            let test = &pair.t_test;
            let method = match test.method {
                TTestMethod::Welch => "welch",
                TTestMethod::CorrectedResampled => "corrected-resampled",
                TTestMethod::PairedDraws => "paired-draws",
            };
            cells.extend([cell(pair.hedges_g), method.to_owned(), test.n_first.to_string(), test.n_second.to_string()]);
            cells.extend([test.t, test.freedom, test.p, test.p_holm].map(cell));
            cells.extend([pair.mcnemar.first_only_wrong, pair.mcnemar.second_only_wrong].map(cell));
            cells.extend([pair.mcnemar.p, pair.mcnemar.p_holm].map(cell));
            table.row(cells);
        }
    }
    table.text
}

/// references.csv: one row a configuration and a reference that is for it.
pub(in crate::report) fn references(report: &Report) -> String {
    let sides = ["ours", "theirs"].map(|side| {
        ["error", "std", "n", "epochs", "pairs", "units_standard_error", "draw_standard_error"]
            .map(|column| format!("{side}_{column}"))
    });
    let header = KEYS.into_iter().chain(["where", "source"]).chain(sides.as_flattened().iter().map(String::as_str));
    let mut table = Table::new(header.chain(["difference", "uncertainty95", "verdict", "note"]));
    for stage in &report.stages {
        for reference in &stage.references {
            let Some(row) = row(stage, reference.configuration) else { continue };
            let given: Vec<String> = reference.given.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut cells = keys(stage, row).to_vec();
            cells.extend([given.join(" "), reference.source.clone()]);
            cells.extend([&reference.ours, &reference.theirs].into_iter().flat_map(side));
            let verdict = reference.verdict.map(|verdict| match verdict {
                Verdict::Within => "within",
                Verdict::Differs => "differs",
            });
            cells.extend([cell(reference.difference), cell(reference.uncertainty95), cell(verdict)]);
            cells.push(cell(reference.note.as_ref()));
            table.row(cells);
        }
    }
    table.text
}

fn side(found: &FoundError) -> [String; 7] {
    [
        cell(found.error),
        cell(found.std),
        cell(found.n),
        cell(found.epochs),
        found.pairs.to_string(),
        cell(found.units_standard_error),
        cell(found.draw_standard_error),
    ]
}

fn row(stage: &StageReport, number: usize) -> Option<&ConfigurationReport> {
    stage.configurations.iter().find(|row| row.number == number)
}
