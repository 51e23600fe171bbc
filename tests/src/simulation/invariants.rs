//! The answers that workers received, and the invariants that follow from them.

use std::collections::BTreeMap;

use seedgrid_common::{unit::UnitId, wire::v1::SubmitOutcome};
use seedgrid_coordinator::{
    core::Reactor,
    scheduler::queue::{Millis, ResultDigest, WorkerId},
    store::Store,
};
use seedgrid_worker::lifecycle::attempt::Outcome;

use super::{
    Violation, check,
    messages::{Call, What},
};

/// The acknowledged facts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The acknowledged result of each unit, and below the number of its commits.
    results: BTreeMap<UnitId, ResultDigest>,
    committed: BTreeMap<UnitId, u32>,
    /// The newest attempt of each unit that was given to a worker.
    granted: BTreeMap<UnitId, u32>,
}

/// The leases of a queue: attempt, holder, end.
pub(super) type Leases = BTreeMap<UnitId, (u32, WorkerId, Millis)>;

/// The current leases.
pub(super) fn leases(reactor: &Reactor) -> Leases {
    let all = reactor.queue().leases();
    all.map(|(unit, lease)| (unit, (lease.attempt, lease.worker, lease.expires))).collect()
}

impl Ledger {
    /// A worker was given this attempt.
    pub(super) fn given(&mut self, unit: UnitId, attempt: u32) -> Result<(), Violation> {
        let before = self.granted.insert(unit, attempt).unwrap_or(0);
        check(attempt > before, || format!("attempt {attempt} of {unit} was given out after attempt {before}"))?;
        check(!self.results.contains_key(&unit), || format!("{unit} was given out though its result is acknowledged"))
    }

    /// A worker received the outcome of a result.
    pub(super) fn acknowledged(
        &mut self,
        unit: UnitId,
        digest: ResultDigest,
        outcome: SubmitOutcome,
    ) -> Result<(), Violation> {
        match outcome {
            SubmitOutcome::Committed => {
                let count = self.committed.entry(unit).or_default();
                *count += 1;
                check(*count == 1, || format!("the result of {unit} was committed twice"))?;
            }
            SubmitOutcome::Duplicate => {}
            other => return Err(Violation(format!("a result of {unit} was answered with {other:?}"))),
        }
        let known = *self.results.entry(unit).or_insert(digest);
        check(known == digest, || format!("two results of {unit} were acknowledged"))
    }

    /// Checks that a store has everything that was acknowledged.
    pub(super) fn is_kept(&self, store: &Store) -> Result<(), Violation> {
        let known = store.units().map_err(|error| Violation(format!("the store cannot be read: {error}")))?;
        for (unit, digest) in &self.results {
            let stored = known.get(unit).and_then(|unit| unit.result).map(|result| result.digest);
            check(stored == Some(*digest), || format!("the acknowledged result of {unit} is lost"))?;
        }
        for (unit, attempt) in &self.granted {
            let stored = known.get(unit).map_or(0, |unit| unit.attempts);
            check(stored >= *attempt, || format!("attempt {attempt} of {unit} was given out and is not stored"))?;
        }
        Ok(())
    }
}

/// Checks that the calls applied since explain every ended and every new lease.
pub(super) fn leases_have_reasons(
    before: &Leases,
    after: &Leases,
    calls: &[Call],
    now: Millis,
) -> Result<(), Violation> {
    for (unit, (attempt, worker, expires)) in before {
        if after.get(unit).is_some_and(|(same, holder, _)| same == attempt && holder == worker) {
            continue;
        }
        let ends = |call: &Call| match &call.what {
            What::Submit { attempts, .. } => attempts.iter().any(|(of, submission)| {
                of.unit == *unit
                    && match submission.outcome {
                        // A result ends every lease of its unit.
                        Outcome::Result(_) => true,
                        Outcome::Failure { .. } => of.number == *attempt && call.id == *worker,
                    }
            }),
            What::Register { .. } | What::Leave | What::Lost { .. } => call.id == *worker,
            _ => false,
        };
        check(*expires <= now || calls.iter().any(ends), || {
            format!("the lease of attempt {attempt} of {unit} by {worker} ended without a reason")
        })?;
    }
    for (unit, (attempt, worker, _)) in after {
        if before.get(unit).is_some_and(|(same, holder, _)| same == attempt && holder == worker) {
            continue;
        }
        let begins = |call: &Call| {
            call.id == *worker
                && match &call.what {
                    What::Pull { .. } => true,
                    What::Submit { max, .. } => *max > 0,
                    What::Register { held } | What::Beat { held } => {
                        held.iter().any(|one| one.unit == *unit && one.number == *attempt)
                    }
                    _ => false,
                }
        };
        check(calls.iter().any(begins), || {
            format!("attempt {attempt} of {unit} was leased to {worker}, which did not ask for it")
        })?;
    }
    Ok(())
}
