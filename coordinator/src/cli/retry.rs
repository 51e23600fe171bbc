//! `seedgrid retry` retries units that failed for good.

use std::collections::BTreeMap;

use seedgrid_common::{join::Role, unit::UnitId, utc, wire::v1};

use super::{
    Exit, Failure, arguments::RetryArguments, cancel_drain_pause::is_running, shared_arguments::Format, units::Source,
};
use crate::{
    grpc::control_client::Control,
    plan::Planned,
    run_directory::RunDirectory,
    scheduler::{
        queue::Rules,
        retry::{self, Attempted, Retry},
    },
    store::{Store, StoredUnit, Write},
};

/// The schema of `seedgrid retry --format json`, described in docs/cli.md.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Listing {
    schema: &'static str,
    /// Whether a coordinator runs, which gives the units out at once.
    running: bool,
    /// The ids of the units that wait again.
    units: Vec<String>,
    /// The selections that are made again.
    selections: Vec<Selection>,
}

/// The selection of a stage for a model.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Selection {
    /// The stage's name.
    stage: String,
    /// The model's name.
    model: String,
}

pub(super) async fn retry(arguments: RetryArguments) -> Result<Exit, Failure> {
    let units = named(&arguments).await?;
    let running = is_running(&arguments.run_dir)?;
    let answer = if running {
        Control::connect(&arguments.run_dir, Role::Admin, arguments.reach.into()).await?.retry(&units).await?
    } else {
        (&at_rest(RunDirectory::existing(&arguments.run_dir)?, &units)?).into()
    };
    let listing = Listing::new(running, answer);
    match arguments.format {
        Format::Text => super::print(&listing.text(&arguments))?,
        Format::Json => super::print_json(&listing)?,
    }
    Ok(Exit::Done)
}

/// The named units. Only names that are not whole ids are searched.
async fn named(arguments: &RetryArguments) -> Result<Vec<UnitId>, Failure> {
    if let Ok(ids) = arguments.units.iter().map(|text| text.parse()).collect() {
        return Ok(ids);
    }
    let mut source = Source::open_for_single_units(&arguments.run_dir, Role::Admin, arguments.reach.into()).await?;
    Ok(source.find(&arguments.units).await?.iter().map(|line| line.id).collect())
}

/// Writes the retry to the store, without a running coordinator.
fn at_rest(directory: RunDirectory, units: &[UnitId]) -> Result<Retry, Failure> {
    let directory = directory.own_to_steer()?;
    let mut store = Store::open(&directory.database())?;
    super::host_study::say_what_was_mended(&store);
    let rules = Rules::default();
    let study = Planned::stored(&directory, &store)?;
    let attempted = |unit: &StoredUnit| Attempted { state: unit.state(&rules, false), attempts: unit.attempts };
    let planned = study.plan.units();
    let stored = store.units()?.into_iter().filter(|(id, _)| planned.contains_key(id));
    let known: BTreeMap<UnitId, Attempted> = stored.map(|(id, unit)| (id, attempted(&unit))).collect();
    let ids = known.keys().copied();
    let retry = retry::retry(&study.plan, &study.decisions, |id| known.get(&id).copied(), ids, units)?;
    let at_ms = utc::now_ms();
    // Like a coordinator, the retry also ends a pause, so that the units are given out.
    let resumed = (!retry.units.is_empty()).then_some(Write::Resumed { at_ms });
    store.commit(&Write::all_of(&retry, at_ms).chain(resumed).collect::<Vec<_>>())?;
    Ok(retry)
}

impl Listing {
    fn new(running: bool, answer: v1::RetryResponse) -> Self {
        let selection = |one: v1::ReopenedSelection| Selection { stage: one.stage, model: one.model };
        let selections = answer.selections.into_iter().map(selection).collect();
        Self { schema: "seedgrid.retry/1", running, units: answer.unit_ids, selections }
    }

    fn text(&self, arguments: &RetryArguments) -> String {
        if self.units.is_empty() {
            return "no unit has failed for good: there is nothing to retry\n".to_owned();
        }
        let mut lines: Vec<String> = self.units.iter().map(|unit| format!("unit {unit} waits again")).collect();
        let selection =
            |one: &Selection| format!("what stage {} selects for {} is decided again", one.stage, one.model);
        lines.extend(self.selections.iter().map(selection));
        if !self.running {
            lines.push(format!(
                "no coordinator runs on {}: run the study again to train them",
                arguments.run_dir.display()
            ));
        }
        lines.join("\n") + "\n"
    }
}
