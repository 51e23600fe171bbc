//! comparisons.csv and references.csv.

use super::{KEYS, Table, cell, ends, keys};
use crate::aggregate::document::{ConfigurationReport, FoundError, Report, StageReport, Verdict};

/// comparisons.csv: one row a pair of configurations that were compared; the keys are the first one's.
pub(in crate::report) fn comparisons(report: &Report) -> String {
    let mut table = Table::new(KEYS.into_iter().chain([
        "second",
        "second_model",
        "second_variant",
        "difference",
        "hedges_g",
        "t_test",
        "seeds",
        "t",
        "freedom",
        "t_p",
        "t_p_holm",
        "ci95_low",
        "ci95_high",
        "ci95_simultaneous_low",
        "ci95_simultaneous_high",
        "seeds_t",
        "seeds_freedom",
        "seeds_p",
        "seeds_p_holm",
        "seeds_ci95_low",
        "seeds_ci95_high",
        "seeds_ci95_simultaneous_low",
        "seeds_ci95_simultaneous_high",
        "first_only_wrong",
        "second_only_wrong",
        "mcnemar_p",
        "mcnemar_p_holm",
        "auc_difference",
        "auc_standard_error",
        "auc_p",
        "auc_p_holm",
    ]));
    for stage in &report.stages {
        for pair in &stage.comparisons.pairs {
            let (Some(first), Some(second)) = (row(stage, pair.first), row(stage, pair.second)) else { continue };
            let mut cells = keys(stage, first).to_vec();
            cells.extend([second.number.to_string(), second.model.clone(), second.variant.clone()]);
            cells.push(cell(pair.difference));
            cells.extend([cell(pair.hedges_g), pair.t_test.method.name().to_owned(), pair.t_test.seeds.to_string()]);
            for test in [&pair.t_test, &pair.seeds_test] {
                cells.extend([test.t, test.freedom, test.p, test.p_holm].map(cell));
                cells.extend(ends(test.ci95).into_iter().chain(ends(test.ci95_simultaneous)));
            }
            cells.extend([pair.mcnemar.first_only_wrong, pair.mcnemar.second_only_wrong].map(cell));
            cells.extend([pair.mcnemar.p, pair.mcnemar.p_holm].map(cell));
            let auc = &pair.auc_test;
            cells.extend([auc.difference, auc.standard_error, auc.p, auc.p_holm].map(cell));
            table.row(cells);
        }
    }
    table.text
}

/// references.csv: one row a configuration and a reference that is for it.
pub(in crate::report) fn references(report: &Report) -> String {
    let sides = ["ours", "theirs"].map(|side| {
        ["error", "std", "n", "epochs", "pairs", "standard_error", "draw_standard_error"]
            .map(|column| format!("{side}_{column}"))
    });
    let header = KEYS.into_iter().chain(["where", "source"]).chain(sides.as_flattened().iter().map(String::as_str));
    let mut table =
        Table::new(header.chain(["difference", "uncertainty95", "uncertainty90", "margin", "verdict", "note"]));
    for stage in &report.stages {
        for reference in &stage.references {
            let Some(row) = row(stage, reference.configuration) else { continue };
            let given: Vec<String> = reference.given.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut cells = keys(stage, row).to_vec();
            cells.extend([given.join(" "), reference.source.clone()]);
            cells.extend([&reference.ours, &reference.theirs].into_iter().flat_map(side));
            let numbers = [reference.difference, reference.uncertainty95, reference.uncertainty90, reference.margin];
            cells.extend(numbers.map(cell));
            cells.push(cell(reference.verdict.map(Verdict::name)));
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
        cell(found.standard_error),
        cell(found.draw_standard_error),
    ]
}

fn row(stage: &StageReport, number: usize) -> Option<&ConfigurationReport> {
    stage.configurations.iter().find(|row| row.number == number)
}
