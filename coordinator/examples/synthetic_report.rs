//! Writes reports of made-up results, to look at their pages and figures:
//!
//!     cargo run --release -p seedgrid-coordinator --example synthetic_report -- FOLDER

#[path = "../tests/synthetic/made_rows.rs"]
mod made_rows;
#[path = "../tests/synthetic/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod synthetic;

use std::{collections::BTreeMap, io::Write as _, path::Path};

use made_rows::MadeRows;
use seedgrid_common::{hyperparameters::Value, spec::Stage};
use seedgrid_coordinator::{
    report::{Provenance, State, terminal_table, write},
    scheduler::unit_state::UnitState,
};
use synthetic::{Synthetic, cross_validation, five, holdout, row, table_3};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: synthetic_report FOLDER")?;
    let folder = Path::new(&folder);
    let mut table3 = Synthetic::new("table3", 1000, vec![holdout("final", 1..=10, five())]);
    table3.study.references = table_3("final");
    save(folder, &table3)?;

    let mut holes = Synthetic::new("holes", 1000, vec![holdout("final", 1..=10, five())]);
    holes.study.references = table_3("final");
    holes.diverge(holes.unit(0, 0, 2), 5);
    holes.lose(holes.unit(0, 1, 4), UnitState::Quarantined);
    (0..10).for_each(|unit| holes.lose(holes.unit(0, 3, unit), UnitState::Waiting));
    (7..10).for_each(|unit| holes.lose(holes.unit(0, 4, unit), UnitState::Waiting));
    save(folder, &holes)?;

    save(folder, &Synthetic::new("paper", 1000, paper()))
}

fn paper() -> Vec<Stage> {
    let rates = [0.01, 0.05, 0.1, 0.2].map(Value::Number);
    let batches = [20, 50, 100].map(Value::Integer);
    let search = ["cnn", "cnn-shared", "cnn-shared-aux", "fc", "fc-aux"];
    let search = search.map(|model| row(model, &[("learning_rate", &rates), ("batch_size", &batches)]));
    let weights = [0.4, 0.3, 0.2, 0.1].map(Value::Number);
    let weights = ["cnn-shared-aux", "fc-aux"].map(|model| row(model, &[("auxiliary_weight", &weights)]));
    vec![
        cross_validation("tune", 10, 1..=1, search.to_vec()),
        holdout("final", 1..=10, five()),
        holdout("auxiliary", 1..=10, weights.to_vec()),
        cross_validation("two-seeds", 5, 1..=2, five()),
    ]
}

fn save(folder: &Path, study: &Synthetic) -> Result<(), Box<dyn std::error::Error>> {
    let provenance = Provenance {
        study: study.study.name.clone(),
        spec: "# made up".to_owned(),
        dataset_digest: synthetic::DIGEST.to_owned(),
        seedgrid_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol_version: 1,
        kernels_revision: seedgrid_common::unit::KERNELS_REVISION,
        model_revisions: BTreeMap::new(),
        state: State { study_id: None, coordinator: 1, commits: 1, spec: 1, results: 0, unnamed_results: 0 },
        written_at_unix_ms: 0,
        workers: Vec::new(),
        numerics_classes: Vec::new(),
    };
    let aggregate = study.aggregate();
    let rows = MadeRows::new(&aggregate, Vec::new());
    write(&folder.join(&study.study.name), &aggregate, &provenance, &rows, || None)?;
    writeln!(std::io::stdout(), "{}", terminal_table(&aggregate, 100))?;
    Ok(())
}
