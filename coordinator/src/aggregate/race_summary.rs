//! Summaries of races: their decided rungs with the numbers behind them, and their savings.

use std::collections::{BTreeMap, BTreeSet};

use seedgrid_common::{
    matrix::{PlannedConfiguration, PlannedStage},
    model,
    spec::RaceRule,
    unit::UnitId,
};

use super::{
    Input,
    report_json::{ConfigurationReport, LeaverReport, ModelRace, RaceReport, RungReport, RungTest, SavedReport},
    scored_predictions::Cell,
};
use crate::{
    scheduler::{
        race::{BlockErrors, Judgement, LeaveReason, Race, Rung, Test, TestKind, judge},
        ranking::Ended,
    },
    statistics::exact::mean,
};

/// The savings from skipped units.
#[derive(Debug, Default)]
pub(super) struct Savings {
    seen: BTreeSet<UnitId>,
    pub(super) saved: SavedReport,
}

impl Savings {
    /// Adds the skipped units of a configuration. A unit that several configurations share is estimated by the first.
    pub(super) fn add(&mut self, cells: &[Cell<'_>]) {
        let skipped = cells.iter().filter(|cell| cell.is_skipped() && self.seen.insert(cell.id)).count();
        if skipped > 0 {
            let epochs: Vec<f64> = cells.iter().filter_map(Cell::epochs).map(|epochs| epochs.len() as f64).collect();
            self.saved.units += skipped;
            self.saved.epochs += skipped as f64 * mean(&epochs).unwrap_or(0.0);
        }
    }
}

/// The stage's race, if it has one; `rows` are its configurations, `ended` the outcomes of its units.
pub(super) fn race(
    planned: &PlannedStage,
    input: &Input<'_>,
    rows: &[ConfigurationReport],
    ended: &BTreeMap<UnitId, Ended>,
    saved: SavedReport,
) -> Option<RaceReport> {
    let races: Vec<&Race> = input.track.races.iter().filter(|race| race.stage == planned.name).collect();
    let rule = races.first()?.rule;
    let (alpha, keep) = match rule {
        RaceRule::Friedman { alpha, .. } => (Some(alpha), None),
        RaceRule::Halving { keep, .. } => (None, Some(keep)),
    };
    let models = races.into_iter().map(|race| of_model(race, planned, ended, rows)).collect();
    Some(RaceReport { rule: rule.name().to_owned(), first: rule.first(), alpha, keep, saved, models })
}

fn of_model(
    race: &Race,
    planned: &PlannedStage,
    ended: &BTreeMap<UnitId, Ended>,
    rows: &[ConfigurationReport],
) -> ModelRace {
    let candidates: Vec<&PlannedConfiguration> = planned.of_model(&race.model).collect();
    let rows: Vec<&ConfigurationReport> = rows.iter().filter(|row| row.model == race.model).collect();
    ModelRace {
        model: race.model.clone(),
        title: model::find(&race.model).map_or(race.model.as_str(), |model| model.title).to_owned(),
        ended: race.is_over(),
        rungs: race.rungs.iter().map(|rung| of_rung(race.rule, rung, &candidates, &rows, ended)).collect(),
    }
}

/// A rung with its numbers: they follow from the results of the judged units, which never change.
fn of_rung(
    rule: RaceRule,
    rung: &Rung,
    candidates: &[&PlannedConfiguration],
    rows: &[&ConfigurationReport],
    ended: &BTreeMap<UnitId, Ended>,
) -> RungReport {
    let is_judged = |place: &usize| rung.why_left(*place) != Some(LeaveReason::Incomplete);
    let judged: Vec<usize> = rung.entered.iter().copied().filter(is_judged).collect();
    let ended = |id: UnitId| ended.get(&id).copied();
    let errors: Option<Vec<BlockErrors>> =
        judged.iter().map(|&place| BlockErrors::from_units(candidates.get(place)?, rung.folds, ended)).collect();
    let Judgement { test, contenders } = judge(rule, &errors.iter().flatten().collect::<Vec<_>>());
    let of_place = |place: usize| contenders.get(judged.binary_search(&place).ok()?);
    let left = rung.left.iter().filter_map(|leaver| {
        let row = rows.get(leaver.place)?;
        let judged = of_place(leaver.place);
        Some(LeaverReport {
            configuration: row.number,
            why: leaver.why,
            error: judged.and_then(|judged| judged.error),
            rank_sum: judged.and_then(|judged| judged.rank_sum),
            p: judged.and_then(|judged| judged.p),
            skipped: row.counts.skipped,
        })
    });
    RungReport {
        folds: rung.folds,
        entered: rung.entered.len(),
        stayed: rung.entered.len() - rung.left.len(),
        test: test.map(of_test),
        left: left.collect(),
    }
}

fn of_test(test: Test) -> RungTest {
    let Test { kind, statistic, freedom, p } = test;
    let method = match kind {
        TestKind::Friedman => "friedman",
        TestKind::Wilcoxon => "wilcoxon",
    };
    let reason = p.is_none().then(|| "no two of them differ in any fold".to_owned());
    RungTest { method: method.to_owned(), statistic, freedom, p, reason }
}
