//! Snapshots of the study for the live views.

use std::collections::{BTreeMap, VecDeque};

use seedgrid_common::{
    study_id::StudyId,
    training::EpochMetrics,
    unit::{Attempt, UnitId},
    wire::{limits, v1},
};

use super::study_units::Later;
use crate::scheduler::{
    attempt_ending::AttemptEnding,
    queue::{Lease, Millis, Pause, Queue, WorkerId},
    selection,
};

/// The largest number of recent endings in a snapshot.
const RECENT_MAX: usize = 32;

/// Endings that are shown even if the attempt was not known to train.
const TELLING: [AttemptEnding; 5] = [
    AttemptEnding::Done,
    AttemptEnding::Diverged,
    AttemptEnding::Error,
    AttemptEnding::OutOfMemory,
    AttemptEnding::Crashed,
];

/// Units that are not in the queue yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToCome<'a> {
    /// The numbers of these units.
    pub(super) counts: selection::ToCome,
    /// The numbers of units that races hold back, by group.
    pub(super) held: &'a BTreeMap<usize, usize>,
    /// Units that wait for selections.
    pub(super) later: &'a [Later],
}

/// The state of the live views beyond the queue. Its loss is harmless.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) workers: BTreeMap<WorkerId, WorkerEntry>,
    /// Leased units that are known to be in training; other leased units are assigned.
    training: BTreeMap<UnitId, Training>,
    recent: VecDeque<(UnitId, v1::RecentEnding)>,
    endings: u64,
}

/// A worker in the live views.
#[derive(Debug)]
pub(super) struct WorkerEntry {
    pub(super) info: v1::WorkerInfo,
    pub(super) last_seen: Millis,
    pub(super) finished: u32,
}

impl From<&Pause> for v1::Pause {
    fn from(pause: &Pause) -> Self {
        Self { reason: pause.reason.clone(), by_hand: pause.by_hand }
    }
}

impl From<&v1::Pause> for Pause {
    fn from(pause: &v1::Pause) -> Self {
        Self { reason: pause.reason.clone(), by_hand: pause.by_hand }
    }
}

/// An attempt in training.
#[derive(Clone, Copy, Debug)]
pub(super) struct Training {
    attempt: u32,
    /// The time at which it began, or was first reported.
    pub(super) since: Millis,
    latest: Option<EpochMetrics>,
}

impl Live {
    /// Notes that an attempt has begun (None), or has ended an epoch.
    pub(super) fn training(&mut self, unit: UnitId, attempt: u32, latest: Option<EpochMetrics>, now: Millis) {
        let known = self.training.get(&unit).filter(|known| known.attempt == attempt);
        let since = known.map_or(now, |known| known.since);
        self.training.insert(unit, Training { attempt, since, latest });
    }

    pub(super) fn of_lease(&self, unit: UnitId, lease: &Lease) -> Option<&Training> {
        self.training.get(&unit).filter(|training| training.attempt == lease.attempt)
    }

    pub(super) fn ended(&mut self, unit: UnitId, how: AttemptEnding, mut ending: v1::RecentEnding) {
        let trained = self.training.remove(&unit).is_some();
        // The move of a unit between two workers' waiting lists is not shown.
        if !trained && !TELLING.contains(&how) {
            return;
        }
        self.endings += 1;
        ending.sequence = self.endings;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((unit, ending));
    }

    /// The snapshot at `now`. `facts` returns a unit's label and largest number of epochs.
    #[allow(clippy::too_many_arguments, reason = "each is one fact of the picture")]
    pub(super) fn picture(
        &self,
        (id, study): (StudyId, &str),
        state: v1::StudyState,
        queue: &Queue,
        to_come: ToCome<'_>,
        now: Millis,
        taken_ms: i64,
        facts: impl Fn(UnitId) -> (String, u32),
    ) -> v1::StatusSnapshot {
        let mut leases: Vec<_> = queue.leases().collect();
        // In the order of units, so that the lines of a view stay in place.
        leases.sort_by_key(|(unit, _)| *unit);
        let known = |(unit, lease)| Some((unit, lease, self.of_lease(unit, lease)?));
        let trained: Vec<(UnitId, &Lease, &Training)> = leases.into_iter().filter_map(known).collect();
        let training: Vec<v1::TrainingUnit> = trained
            .iter()
            .take(limits::TRAINING_SHOWN_MAX)
            .map(|(unit, lease, known)| {
                let (label, epochs_max) = facts(*unit);
                v1::TrainingUnit {
                    attempt: Some(Attempt { study: id, unit: *unit, number: lease.attempt }.into()),
                    label,
                    worker_id: lease.worker.to_string(),
                    latest: known.latest.as_ref().map(Into::into),
                    running_ms: now.saturating_sub(known.since),
                    epochs_max,
                }
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
                aside: queue.aside(id).unwrap_or_default().chars().take(limits::ASIDE_CHARS_MAX).collect(),
                leaving: queue.is_leaving(id),
            })
            .collect();
        let counts = queue.counts();
        let eta = self.eta(queue, to_come, now).map(|seconds| seconds.map(|seconds| 1000.0 * seconds));
        v1::StatusSnapshot {
            study: study.to_owned(),
            study_id: id.to_string(),
            state: state.into(),
            taken_ms,
            counts: Some(v1::UnitCounts {
                total: (counts.total + to_come.counts.units()) as u32,
                waiting: (counts.waiting + to_come.counts.units()) as u32,
                training: trained.len() as u32,
                assigned: (counts.leased - trained.len()) as u32,
                done: counts.done as u32,
                diverged: counts.diverged as u32,
                quarantined: counts.quarantined as u32,
                cancelled: counts.cancelled as u32,
                undecided: to_come.counts.undecided as u32,
            }),
            training,
            workers,
            eta_ms: eta.map(|ms| ms.expected as u64),
            eta_low_ms: eta.map(|ms| ms.low as u64),
            eta_high_ms: eta.map(|ms| ms.high as u64),
            elapsed_ms: now,
            recent: self
                .recent
                .iter()
                .map(|(unit, ending)| v1::RecentEnding { label: facts(*unit).0, ..ending.clone() })
                .collect(),
            pause: queue.pause().map(Into::into),
            // The service that answers workers counts these and adds them to outgoing snapshots.
            refusals: Vec::new(),
            disk_trouble: None,
            store_busy_ms: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::core::fixtures::{Coordinator, HowFar};

    #[test]
    fn snapshots_tell_for_how_long_a_worker_has_been_silent_though_nothing_happens() {
        let mut coordinator = Coordinator::new(0, 0);
        coordinator.crowd([1], HowFar::Registers);
        for _ in 0..6 {
            let next = coordinator.reactor.next_event().unwrap();
            coordinator.later(next - coordinator.at.now);
        }
        let silent_ms = coordinator.reactor.newest_snapshot().workers[0].last_seen_ms;
        assert!(silent_ms >= 5_000, "{silent_ms}");
    }
}
