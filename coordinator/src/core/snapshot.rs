//! Pictures of the study for the live views.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedgrid_common::{
    training::EpochMetrics,
    unit::UnitId,
    wire::{convert, limits, v1},
};

use super::study::Later;
use crate::{
    forecast::{Batch, makespan},
    queue::{Lease, Millis, Pause, Queue, WorkerId},
    selection,
};

/// Endings that a picture carries at most.
const RECENT_MAX: usize = 32;

/// Units that are put on slots one by one for the time that is left; of more, their sum says as much.
const SIMULATED_MAX: usize = 10_000;

/// Endings that are shown even if the attempt was not known to train.
const TELLING: [&str; 5] = ["done", "diverged", "error", "out-of-memory", "crashed"];

/// Units that are not in the queue yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToCome<'a> {
    /// How many.
    pub(super) counts: selection::ToCome,
    /// The groups of those that races hold back.
    pub(super) held: &'a [usize],
    /// Those that wait for selections.
    pub(super) later: &'a [Later],
}

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

impl From<&Pause> for v1::Pause {
    fn from(pause: &Pause) -> Self {
        Self { reason: pause.reason.clone(), by_hand: pause.by_hand }
    }
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

    /// The picture at `now`. `facts` gives a unit's label and largest number of epochs.
    #[allow(clippy::too_many_arguments, reason = "each is one fact of the picture")]
    pub(super) fn picture(
        &self,
        study: &str,
        state: v1::StudyState,
        queue: &Queue,
        to_come: ToCome<'_>,
        now: Millis,
        taken_ms: i64,
        facts: impl Fn(UnitId) -> (String, u32),
    ) -> v1::StatusSnapshot {
        let mut leases: Vec<_> = queue.leases().collect();
        // In the order of units, so that a view's lines stay where they are.
        leases.sort_by_key(|(unit, _)| *unit);
        let known = |(unit, lease)| Some((unit, lease, self.of_lease(unit, lease)?));
        let trained: Vec<(UnitId, &Lease, &Training)> = leases.into_iter().filter_map(known).collect();
        let training: Vec<v1::TrainingUnit> = trained
            .iter()
            .take(limits::TRAINING_SHOWN_MAX)
            .map(|(unit, lease, known)| {
                let (label, epochs_max) = facts(*unit);
                v1::TrainingUnit {
                    attempt: Some(convert::attempt_id(*unit, lease.attempt)),
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
        v1::StatusSnapshot {
            study: study.to_owned(),
            state: state.into(),
            taken_ms,
            counts: Some(v1::UnitCounts {
                total: (counts.total + to_come.counts.units()) as u32,
                waiting: (counts.waiting + to_come.counts.units()) as u32,
                training: trained.len() as u32,
                assigned: (counts.leased - trained.len()) as u32,
                done: counts.done as u32,
                diverged: counts.diverged as u32,
                failed: counts.quarantined as u32,
                cancelled: counts.cancelled as u32,
                undecided: to_come.counts.undecided as u32,
            }),
            training,
            workers,
            eta_ms: self.eta(queue, to_come, now),
            elapsed_ms: now,
            recent: self.recent.iter().cloned().collect(),
            pause: queue.pause().map(Into::into),
            // Known where workers are answered, and added where a picture goes out.
            refusals: Vec::new(),
            disk_trouble: None,
            store_busy_ms: None,
        }
    }

    /// How long what is left takes on the slots that there are, what waits for selections included. Units that races hold back count
    /// in full.
    fn eta(&self, queue: &Queue, to_come: ToCome<'_>, now: Millis) -> Option<u64> {
        let slots: u32 = self.workers.values().map(|worker| worker.info.slots).sum();
        // Paused, it takes as long as people let it stand.
        if slots == 0 || queue.pause().is_some() {
            return None;
        }
        let estimates = queue.estimates();
        let mut batches: Vec<Batch> = Vec::new();
        let mut of_group: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut add = |group: usize, seconds: f64, units: usize| {
            of_group.entry(group).or_default().push(batches.len());
            batches.push(Batch { seconds, units, after: BTreeSet::new() });
        };
        for (group, waiting) in queue.waiting_by_group().filter(|(_, waiting)| *waiting > 0) {
            add(group, estimates.seconds(group)?, waiting);
        }
        for group in to_come.held {
            add(*group, estimates.seconds(*group)?, 1);
        }
        for (unit, lease) in queue.leases() {
            let group = queue.group(unit)?;
            let trained = self.of_lease(unit, lease).map_or(0, |known| now.saturating_sub(known.since));
            add(group, (estimates.seconds(group)? - trained as f64 / 1000.0).max(0.0), 1);
        }
        let known = batches.len();
        for row in to_come.later {
            let costs: Vec<f64> = row.groups.iter().filter_map(|group| estimates.seconds(*group)).collect();
            let before = row.groups.iter().filter_map(|group| of_group.get(group)).flatten().copied();
            batches.push(Batch {
                seconds: costs.iter().sum::<f64>() / costs.len().max(1) as f64,
                units: row.units,
                after: before.chain(row.after.iter().map(|place| known + place)).collect(),
            });
        }
        let units: usize = batches.iter().map(|batch| batch.units).sum();
        let seconds = if units <= SIMULATED_MAX {
            makespan(&batches, slots as usize)
        } else {
            batches.iter().map(|batch| batch.seconds * batch.units as f64).sum::<f64>() / f64::from(slots)
        };
        Some((1000.0 * seconds) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{NewUnit, Record, Rules};

    /// Only rows that wait for selections are to come.
    fn waiting(later: &[Later]) -> ToCome<'_> {
        ToCome { counts: selection::ToCome::default(), held: &[], later }
    }

    fn new(number: u8, group: usize) -> NewUnit {
        NewUnit {
            id: UnitId([number; 16]),
            group,
            attempts: 0,
            record: Record::default(),
            holder: None,
            began: false,
            lost: false,
            cancelled: false,
            result: None,
        }
    }

    /// A queue of two groups, a unit of each 4 and 2 s long, and a worker of two slots.
    fn two_groups() -> (Live, Queue) {
        let units = (0..6).map(|number| new(number, usize::from(number % 2)));
        let mut queue = Queue::new(Rules::default(), units, vec![2.0, 1.0]);
        queue.learn(UnitId([0; 16]), 4.0);
        let mut live = Live::default();
        let info = v1::WorkerInfo { slots: 2, ..v1::WorkerInfo::default() };
        let worker: WorkerId = "0".repeat(32).parse().unwrap();
        live.workers.insert(worker, WorkerEntry { info, last_seen: 0, finished: 0 });
        (live, queue)
    }

    #[test]
    fn what_waits_for_selections_is_part_of_what_is_left() {
        let (live, queue) = two_groups();
        // 4 + 4 and 4 + 2, with 2 + 2 behind: three of 4 s and three of 2 s are 18 s on two slots.
        assert_eq!(live.eta(&queue, waiting(&[]), 0), Some(10_000));
        let row = |groups: &[usize], after: &[usize]| Later {
            units: 2,
            groups: groups.iter().copied().collect(),
            after: after.iter().copied().collect(),
        };
        assert_eq!(
            live.eta(&queue, waiting(&[row(&[0, 1], &[])]), 0),
            Some(13_000),
            "as long as a mean one, after all others"
        );
        assert_eq!(
            live.eta(&queue, waiting(&[row(&[1], &[]), row(&[1], &[0])]), 0),
            Some(14_000),
            "one after the other"
        );
    }

    #[test]
    fn nothing_is_said_without_slots_or_times() {
        let (_, queue) = two_groups();
        assert_eq!(Live::default().eta(&queue, waiting(&[]), 0), None);
        let (live, _) = two_groups();
        assert_eq!(live.eta(&Queue::new(Rules::default(), [new(0, 0)], vec![1.0]), waiting(&[]), 0), None);
    }
}
