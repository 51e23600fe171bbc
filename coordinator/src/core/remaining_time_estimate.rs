//! The remaining time of a running study, as far as it is known.

use std::collections::{BTreeMap, BTreeSet};

use super::status_snapshot::{Live, ToCome};
use crate::scheduler::{
    forecast::{Batch, Bounds, makespan},
    queue::{Millis, Queue},
};

/// The largest number of units for a simulated schedule; for more, their sum is as good an estimate.
const SIMULATED_MAX: usize = 10_000;

/// A unit that trains longer than expected is expected to continue for this share of its time so far.
const REST: f64 = 0.25;

/// Equal units with the bounds of their durations.
struct Expected {
    seconds: Bounds,
    units: usize,
    after: BTreeSet<usize>,
}

/// The remaining duration of a unit that has trained for `trained` seconds. The more it exceeds the expected duration,
/// the higher the upper bound.
fn rest(expected: Bounds, trained: f64) -> Bounds {
    let least = REST * trained;
    let longest = if trained > expected.expected { trained } else { least };
    Bounds {
        low: (expected.low - trained).max(least / 2.0),
        expected: (expected.expected - trained).max(least),
        high: (expected.high - trained).max(longest),
    }
}

/// Seconds until all of these have ended, with the durations that `end` selects.
fn until_all(all: &[Expected], slots: u32, end: impl Fn(&Bounds) -> f64) -> f64 {
    let units: usize = all.iter().map(|one| one.units).sum();
    if units > SIMULATED_MAX {
        return all.iter().map(|one| end(&one.seconds) * one.units as f64).sum::<f64>() / f64::from(slots);
    }
    let batch = |one: &Expected| Batch { seconds: end(&one.seconds), units: one.units, after: one.after.clone() };
    makespan(&all.iter().map(batch).collect::<Vec<_>>(), slots as usize)
}

impl Live {
    /// Seconds of the remaining work on the present slots, including units that wait for selections. Units that races
    /// hold back count in full. A unit that trains longer than expected counts as a measurement, so the estimate of
    /// waiting units grows, too.
    pub(super) fn eta(&self, queue: &Queue, to_come: ToCome<'_>, now: Millis) -> Option<Bounds> {
        let slots: u32 = self.workers.values().map(|worker| worker.info.slots).sum();
        // The length of a pause is unknown.
        if slots == 0 || queue.pause().is_some() {
            return None;
        }
        let measured = queue.estimates();
        let mut estimates = measured.clone();
        let mut leased: Vec<(usize, f64)> = Vec::new();
        for (unit, lease) in queue.leases() {
            let group = queue.group(unit)?;
            let trained = self.of_lease(unit, lease).map_or(0, |known| now.saturating_sub(known.since));
            let trained = trained as f64 / 1000.0;
            if trained > measured.seconds(group)?.expected {
                estimates.measured(group, (1.0 + REST) * trained);
            }
            leased.push((group, trained));
        }
        let mut all: Vec<Expected> = Vec::new();
        let mut of_group: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut add = |group: usize, seconds: Bounds, units: usize| {
            of_group.entry(group).or_default().push(all.len());
            all.push(Expected { seconds, units, after: BTreeSet::new() });
        };
        for (group, waiting) in queue.waiting_by_group().filter(|(_, waiting)| *waiting > 0) {
            add(group, estimates.seconds(group)?, waiting);
        }
        for (group, units) in to_come.held {
            add(*group, estimates.seconds(*group)?, *units);
        }
        for (group, trained) in leased {
            add(group, rest(estimates.seconds(group)?, trained), 1);
        }
        let known = all.len();
        for row in to_come.later {
            let before = row.groups.iter().filter_map(|group| of_group.get(group)).flatten().copied();
            all.push(Expected {
                seconds: Bounds::one_of(row.groups.iter().filter_map(|group| estimates.seconds(*group)))
                    .unwrap_or_default(),
                units: row.units,
                after: before.chain(row.after.iter().map(|place| known + place)).collect(),
            });
        }
        Some(Bounds {
            low: until_all(&all, slots, |seconds| seconds.low),
            expected: until_all(&all, slots, |seconds| seconds.expected),
            high: until_all(&all, slots, |seconds| seconds.high),
        })
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::{unit::UnitId, wire::v1};

    use super::*;
    use crate::{
        core::{status_snapshot::WorkerEntry, study_units::Later},
        scheduler::{
            queue::{FailureRecord, NewUnit, Rules, WorkerId},
            selection,
        },
    };

    fn expected_ms(live: &Live, queue: &Queue, to_come: ToCome<'_>, now: Millis) -> Option<u64> {
        live.eta(queue, to_come, now).map(|seconds| (1000.0 * seconds.expected) as u64)
    }

    /// Only rows that wait for selections are left.
    fn waiting(later: &[Later]) -> ToCome<'_> {
        static NONE: BTreeMap<usize, usize> = BTreeMap::new();
        ToCome { counts: selection::ToCome::default(), held: &NONE, later }
    }

    fn new(number: u8, group: usize) -> NewUnit {
        NewUnit {
            id: UnitId([number; 16]),
            group,
            attempts: 0,
            record: FailureRecord::default(),
            holder: None,
            began: false,
            lost: false,
            cancelled: false,
            result: None,
        }
    }

    /// A queue of two groups with units of 4 and 2 s, and a worker with two slots.
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
        // 4 + 4 and 4 + 2, followed by 2 + 2: three of 4 s and three of 2 s are 18 s on two slots.
        assert_eq!(expected_ms(&live, &queue, waiting(&[]), 0), Some(10_000));
        let row = |groups: &[usize], after: &[usize]| Later {
            units: 2,
            groups: groups.iter().copied().collect(),
            after: after.iter().copied().collect(),
        };
        assert_eq!(
            expected_ms(&live, &queue, waiting(&[row(&[0, 1], &[])]), 0),
            Some(13_000),
            "as long as a mean one, after all others"
        );
        assert_eq!(
            expected_ms(&live, &queue, waiting(&[row(&[1], &[]), row(&[1], &[0])]), 0),
            Some(14_000),
            "one after the other"
        );
    }

    #[test]
    fn nothing_is_said_without_slots_or_times() {
        let (_, queue) = two_groups();
        assert_eq!(expected_ms(&Live::default(), &queue, waiting(&[]), 0), None);
        let (live, _) = two_groups();
        assert_eq!(expected_ms(&live, &Queue::new(Rules::default(), [new(0, 0)], vec![1.0]), waiting(&[]), 0), None);
    }

    #[test]
    fn what_trains_longer_than_expected_raises_it() {
        let (mut live, mut queue) = two_groups();
        let worker: WorkerId = "0".repeat(32).parse().unwrap();
        // Two units of 4 s.
        for granted in queue.pull(&worker, 2, 0) {
            live.training(granted.unit, granted.attempt, None, 0);
        }
        let left = |seconds: u64| live.eta(&queue, waiting(&[]), 1000 * seconds).unwrap();
        assert!(left(2).expected < left(0).expected, "until then it shrinks");
        for (earlier, later) in [(4, 8), (8, 20), (20, 60), (60, 61)] {
            let (earlier, later) = (left(earlier), left(later));
            assert!(later.expected > earlier.expected && later.high > earlier.high, "{earlier:?} {later:?}");
        }
        let late = left(60);
        assert!(late.expected > 30.0, "those that wait are not taken to be of 4 s any more: {late:?}");
        assert!(late.low > 0.0 && late.high > 2.0 * late.low, "nobody knows: {late:?}");
    }
}
