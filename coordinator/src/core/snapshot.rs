//! Pictures of the study for the live views.

use std::collections::{BTreeMap, VecDeque};

use seedgrid_common::{
    training::EpochMetrics,
    unit::UnitId,
    wire::{convert, v1},
};

use crate::{
    queue::{Lease, Millis, Queue, WorkerId},
    selection::ToCome,
};

/// Endings that a picture carries at most.
const RECENT_MAX: usize = 32;

/// Endings that are shown even if the attempt was not known to train.
const TELLING: [&str; 3] = ["done", "diverged", "error"];

/// What the live views know beyond the queue. Losing it changes nothing.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) workers: BTreeMap<WorkerId, WorkerEntry>,
    /// Leased units that are known to train; others are only assigned.
    training: BTreeMap<UnitId, Training>,
    recent: VecDeque<v1::RecentEnding>,
    endings: u64,
}

/// A worker, as the live views show it.
#[derive(Debug)]
pub(super) struct WorkerEntry {
    pub(super) info: v1::WorkerInfo,
    pub(super) last_seen: Millis,
    pub(super) finished: u32,
}

/// What is known of an attempt in training.
#[derive(Clone, Copy, Debug)]
struct Training {
    attempt: u32,
    /// When it began, or was first heard of.
    since: Millis,
    latest: Option<EpochMetrics>,
}

impl Live {
    /// The attempt has begun (None), or has ended an epoch.
    pub(super) fn training(&mut self, unit: UnitId, attempt: u32, latest: Option<EpochMetrics>, now: Millis) {
        let known = self.training.get(&unit).filter(|known| known.attempt == attempt);
        let since = known.map_or(now, |known| known.since);
        self.training.insert(unit, Training { attempt, since, latest });
    }

    fn of_lease(&self, unit: UnitId, lease: &Lease) -> Option<&Training> {
        self.training.get(&unit).filter(|training| training.attempt == lease.attempt)
    }

    pub(super) fn ended(&mut self, unit: UnitId, mut ending: v1::RecentEnding) {
        let trained = self.training.remove(&unit).is_some();
        // That a unit went from one worker's waiting list to another's is nothing to tell.
        if !trained && !TELLING.contains(&ending.ending.as_str()) {
            return;
        }
        self.endings += 1;
        ending.sequence = self.endings;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(ending);
    }

    /// The picture at `now`. `to_come` units are not in the queue yet; of those that races hold back, the groups are known. `facts`
    /// gives a unit's label and largest number of epochs.
    #[allow(clippy::too_many_arguments, reason = "each is one fact of the picture")]
    pub(super) fn picture(
        &self,
        study: &str,
        state: v1::StudyState,
        queue: &Queue,
        (to_come, held): (ToCome, &[usize]),
        now: Millis,
        taken_ms: i64,
        facts: impl Fn(UnitId) -> (String, u32),
    ) -> v1::StatusSnapshot {
        let mut leases: Vec<_> = queue.leases().collect();
        // In the order of units, so that a view's lines stay where they are.
        leases.sort_by_key(|(unit, _)| *unit);
        let training: Vec<v1::TrainingUnit> = leases
            .into_iter()
            .filter_map(|(unit, lease)| {
                let known = self.of_lease(unit, lease)?;
                let (label, epochs_max) = facts(unit);
                Some(v1::TrainingUnit {
                    attempt: Some(convert::attempt_id(unit, lease.attempt)),
                    label,
                    worker_id: lease.worker.to_string(),
                    latest: known.latest.as_ref().map(Into::into),
                    running_ms: now.saturating_sub(known.since),
                    epochs_max,
                })
            })
            .collect();
        let workers = self
            .workers
            .iter()
            .map(|(id, entry)| v1::WorkerStatus {
                worker_id: id.to_string(),
                info: Some(entry.info.clone()),
                held: queue.held_by(id) as u32,
                last_seen_ms: now.saturating_sub(entry.last_seen),
                finished: entry.finished,
            })
            .collect();
        let counts = queue.counts();
        v1::StatusSnapshot {
            study: study.to_owned(),
            state: state.into(),
            taken_ms,
            counts: Some(v1::UnitCounts {
                total: (counts.total + to_come.units()) as u32,
                waiting: (counts.waiting + to_come.units()) as u32,
                training: training.len() as u32,
                assigned: (counts.leased - training.len()) as u32,
                done: counts.done as u32,
                diverged: counts.diverged as u32,
                failed: counts.failed as u32,
                undecided: to_come.undecided as u32,
            }),
            training,
            workers,
            eta_ms: self.eta(queue, held, now),
            elapsed_ms: now,
            recent: self.recent.iter().cloned().collect(),
        }
    }

    /// Work that is left, spread over the slots that there are; at least what the longest running unit still needs. Units that races
    /// hold back count in full.
    fn eta(&self, queue: &Queue, held: &[usize], now: Millis) -> Option<u64> {
        let slots: u32 = self.workers.values().map(|worker| worker.info.slots).sum();
        if slots == 0 {
            return None;
        }
        let estimates = queue.estimates();
        let mut work = 0.0;
        let mut longest = 0.0_f64;
        for (group, waiting) in queue.waiting_by_group() {
            let seconds = estimates.seconds(group)?;
            work += waiting as f64 * seconds;
            if waiting > 0 {
                longest = longest.max(seconds);
            }
        }
        for group in held {
            work += estimates.seconds(*group)?;
        }
        for (unit, lease) in queue.leases() {
            let expected = estimates.seconds(queue.group(unit)?)?;
            let trained = self.of_lease(unit, lease).map_or(0, |known| now.saturating_sub(known.since));
            let left = (expected - trained as f64 / 1000.0).max(0.0);
            work += left;
            longest = longest.max(left);
        }
        Some((1000.0 * longest.max(work / f64::from(slots))) as u64)
    }
}
