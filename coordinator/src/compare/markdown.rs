//! The comparison of two runs as Markdown.

use std::fmt::Write as _;

use super::{
    document::{ComparedStage, Comparison},
    text::{cells, difference, head, remarks, shown},
};
use crate::report::markdown::{escape, table};

const HEADER: [&str; 10] =
    ["Configuration", "A: error", "B: error", "B − A", "A: epochs", "B: epochs", "A: AUC", "B: AUC", "A: n", "B: n"];

/// The comparison as a page.
pub fn page(comparison: &Comparison) -> String {
    let [first, second] = [&comparison.first, &comparison.second].map(|run| run.path.display().to_string());
    let mut page = format!("# {} and {}\n\n", escape(&first), escape(&second));
    for line in head(comparison) {
        let below = if line.starts_with("  ") { "  " } else { "" };
        let _ = writeln!(page, "{below}- {}", escape(line.trim_start()));
    }
    comparison.stages.iter().for_each(|stage| section(&mut page, stage));
    page
}

fn section(page: &mut String, stage: &ComparedStage) {
    let _ = writeln!(page, "\n## Stage {}\n", escape(&stage.name));
    let rows: Vec<[String; 10]> = shown(stage)
        .into_iter()
        .map(|one| {
            let [[error1, epochs1, auc1, n1], [error2, epochs2, auc2, n2]] = [cells(&one.first), cells(&one.second)];
            let difference = difference(one).trim_start_matches("B − A: ").to_owned();
            [one.heading(), error1, error2, difference, epochs1, epochs2, auc1, auc2, n1, n2]
        })
        .collect();
    table(page, &HEADER, &rows);
    let remarks = remarks(stage);
    if !remarks.is_empty() {
        page.push('\n');
    }
    for remark in remarks {
        let _ = writeln!(page, "- {}", escape(&remark));
    }
}
