//! Counts refusals by kind, and logs them at a limited rate.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use seedgrid_common::wire::v1;

use crate::log_rate_limit::LogRateLimit;

/// The kind of a refusal. The names are part of `seedgrid status --format json`; docs/security.md explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A worker's connection was refused: too many workers are connected, in all or from its address.
    Crowded,
    /// The connection was closed for a new one of its class.
    PutOut,
    /// A worker could not enroll or register: there are too many workers, and all of them have a part in the study.
    TooManyWorkers,
    /// The handshake was not TLS 1.3, or not for this study.
    Handshake,
    /// The handshake took too long.
    SlowHandshake,
    /// The connection showed no credential in time.
    Silent,
    /// A call had no credential.
    NoCredential,
    /// A call had a credential that this study does not know.
    WrongCredential,
    /// A call had an expired join token.
    Expired,
    /// A call came from a revoked worker.
    Revoked,
    /// A call had a credential for other calls.
    WrongRole,
    /// Too many calls from the address failed, so the connection was closed.
    TooManyFailures,
    /// A worker's message named another worker.
    OtherWorker,
    /// A worker's message was about an attempt that it was never given.
    ForeignAttempt,
    /// A message was malformed or over a limit.
    Malformed,
    /// The call does not exist.
    UnknownCall,
}

impl Refusal {
    /// All kinds, in the order of listings.
    pub const ALL: [Self; 16] = [
        Self::Crowded,
        Self::PutOut,
        Self::TooManyWorkers,
        Self::Handshake,
        Self::SlowHandshake,
        Self::Silent,
        Self::NoCredential,
        Self::WrongCredential,
        Self::Expired,
        Self::Revoked,
        Self::WrongRole,
        Self::TooManyFailures,
        Self::OtherWorker,
        Self::ForeignAttempt,
        Self::Malformed,
        Self::UnknownCall,
    ];

    /// The kind's name in listings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crowded => "crowded",
            Self::PutOut => "put-out",
            Self::TooManyWorkers => "too-many-workers",
            Self::Handshake => "handshake",
            Self::SlowHandshake => "slow-handshake",
            Self::Silent => "silent",
            Self::NoCredential => "no-credential",
            Self::WrongCredential => "wrong-credential",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::WrongRole => "wrong-role",
            Self::TooManyFailures => "too-many-failures",
            Self::OtherWorker => "other-worker",
            Self::ForeignAttempt => "foreign-attempt",
            Self::Malformed => "malformed",
            Self::UnknownCall => "unknown-call",
        }
    }
}

/// The numbers of refusals since the coordinator's start.
#[derive(Debug)]
pub struct RefusalCounts {
    started: Instant,
    tallies: Mutex<[LogRateLimit; Refusal::ALL.len()]>,
}

impl Default for RefusalCounts {
    fn default() -> Self {
        Self { started: Instant::now(), tallies: Mutex::default() }
    }
}

impl RefusalCounts {
    /// Counts a refusal, and logs it if the rate allows.
    pub fn count(&self, refusal: Refusal, address: IpAddr) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (says, count) = {
            let tally = &mut self.lock()[refusal as usize];
            (tally.add(now), tally.count())
        };
        if says {
            tracing::warn!(kind = refusal.name(), %address, count, "refused; `seedgrid status` has the counts");
        }
    }

    /// The kinds that occurred, with their counts.
    pub fn counts(&self) -> Vec<v1::RefusalCount> {
        let tallies = *self.lock();
        let counted = Refusal::ALL.into_iter().zip(tallies).filter(|(_, tally)| tally.count() > 0);
        counted.map(|(kind, tally)| v1::RefusalCount { kind: kind.name().to_owned(), count: tally.count() }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, [LogRateLimit; Refusal::ALL.len()]> {
        // A panic leaves the counts usable.
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_place_and_name() {
        for (place, kind) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            assert_eq!(Refusal::ALL.into_iter().filter(|other| other.name() == kind.name()).count(), 1);
        }
    }

    #[test]
    fn only_what_occurred_is_listed() {
        let refusals = RefusalCounts::default();
        refusals.count(Refusal::WrongRole, [127, 0, 0, 1].into());
        refusals.count(Refusal::Crowded, [127, 0, 0, 1].into());
        refusals.count(Refusal::WrongRole, [127, 0, 0, 1].into());
        let counts: Vec<(String, u64)> = refusals.counts().into_iter().map(|one| (one.kind, one.count)).collect();
        assert_eq!(counts, [("crowded".to_owned(), 1), ("wrong-role".to_owned(), 2)]);
    }
}
