//! The registry of credentials. Pure: time is an argument, and everything that must become durable is returned.
//!
//! The registry holds digests only. It compares a token with the few known ones, and looks a worker's credential
//! (`WORKER_ID.SECRET`) up by its id, which is no secret; all comparisons take constant time.

use std::collections::BTreeMap;

use seedgrid_common::{
    join::{Role, Token, TokenDigest},
    study_id::StudyId,
};
use subtle::ConstantTimeEq as _;

use super::Refusal;
use crate::{
    scheduler::queue::WorkerId,
    store::{CredentialWrite, Enrolled, KnownToken, Store, StoreError},
};

/// The largest number of workers in memory; the store has all.
const WORKERS_MAX: usize = 65_536;
/// The number of free entries after a removal, which takes long.
const FORGOTTEN_AT_ONCE: usize = WORKERS_MAX / 16;

/// The owner of a call's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The study to which the credential belongs. The call is about this study alone.
    pub study: StudyId,
    /// The kind of the credential.
    pub kind: CallerKind,
}

/// The kind of a call's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// The token of a file.
    Holder(Role),
    /// A worker's own credential.
    Worker(WorkerId),
}

/// The reason for a refused enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEnrolled {
    /// The worker is revoked.
    #[error("this worker was revoked")]
    Revoked,
    /// Another worker has this id.
    #[error("a worker with this id has enrolled with another secret")]
    OtherSecret,
    /// The registry is full of workers that are present.
    #[error("too many workers have enrolled; this worker may try again when others have left")]
    Full,
}

/// The known tokens and enrolled workers of one study.
#[derive(Debug)]
pub struct CredentialRegistry {
    study: StudyId,
    tokens: BTreeMap<Role, KnownToken>,
    workers: BTreeMap<WorkerId, Enrolled>,
}

impl CredentialRegistry {
    /// Creates a registry from the store's content.
    pub fn new(
        study: StudyId,
        tokens: impl IntoIterator<Item = (Role, KnownToken)>,
        workers: impl IntoIterator<Item = (WorkerId, Enrolled)>,
    ) -> Self {
        Self { study, tokens: tokens.into_iter().collect(), workers: workers.into_iter().collect() }
    }

    /// Reads the registry from a store.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Self::new(store.study_id()?, store.tokens()?, store.enrolments()?))
    }

    /// The study to which all of these credentials belong.
    pub fn study(&self) -> StudyId {
        self.study
    }

    /// Finds the owner of the credential `shown`.
    ///
    /// # Errors
    /// When the credential is unknown or no longer valid.
    pub fn judge(&self, shown: &str, now_ms: i64) -> Result<Caller, Refusal> {
        self.kind(shown, now_ms).map(|kind| Caller { study: self.study, kind })
    }

    fn kind(&self, shown: &str, now_ms: i64) -> Result<CallerKind, Refusal> {
        if let Some((id, secret)) = shown.split_once('.') {
            let worker: WorkerId = id.parse().map_err(|_| Refusal::WrongCredential)?;
            let known = self.workers.get(&worker).filter(|known| is(secret, &known.digest));
            return match known {
                None => Err(Refusal::WrongCredential),
                Some(Enrolled { revoked_ms: Some(_), .. }) => Err(Refusal::Revoked),
                Some(_) => Ok(CallerKind::Worker(worker)),
            };
        }
        let mut found = Err(Refusal::WrongCredential);
        for (role, known) in &self.tokens {
            if is(shown, &known.digest) {
                found = if known.has_expired(now_ms) { Err(Refusal::Expired) } else { Ok(CallerKind::Holder(*role)) };
            }
        }
        found
    }

    /// Enrolls a worker with the secret of this digest. Returns the changes to store; none if it had enrolled before.
    ///
    /// # Errors
    /// When the enrolment is refused.
    pub fn enroll(
        &mut self,
        worker: WorkerId,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Vec<CredentialWrite>, NotEnrolled> {
        match self.workers.get(&worker) {
            Some(known) if known.revoked_ms.is_some() => return Err(NotEnrolled::Revoked),
            Some(known) if bool::from(known.digest.ct_eq(&digest)) => return Ok(Vec::new()),
            Some(_) => return Err(NotEnrolled::OtherSecret),
            None => {}
        }
        if self.is_full() {
            return Err(NotEnrolled::Full);
        }
        self.workers.insert(worker, Enrolled { digest, enrolled_ms: now_ms, revoked_ms: None });
        Ok(vec![CredentialWrite::Enrolled { worker, digest, at_ms: now_ms }])
    }

    /// Whether this worker is in memory. Other workers may still be in the store.
    pub fn knows(&self, worker: &WorkerId) -> bool {
        self.workers.contains_key(worker)
    }

    /// Loads a worker from the store into memory.
    pub fn recall(&mut self, worker: WorkerId, enrolled: Enrolled) {
        self.workers.insert(worker, enrolled);
    }

    /// Whether the registry must [make room](Self::make_room) before another worker can be added.
    pub fn is_full(&self) -> bool {
        self.workers.len() >= WORKERS_MAX
    }

    /// Removes the earliest enrolled absent workers from memory, and returns the changes to store: a worker that never
    /// registered is deleted, so that its id is free again. Registered and revoked workers stay in the store.
    pub fn make_room(
        &mut self,
        is_there: impl Fn(&WorkerId) -> bool,
        has_registered: impl Fn(&WorkerId) -> bool,
    ) -> Vec<CredentialWrite> {
        let absent = self.workers.iter().filter(|(id, _)| !is_there(id));
        let mut absent: Vec<(bool, i64, WorkerId)> = absent
            .map(|(id, known)| (known.revoked_ms.is_some() || has_registered(id), known.enrolled_ms, *id))
            .collect();
        absent.sort();
        absent.truncate((self.workers.len() + FORGOTTEN_AT_ONCE).saturating_sub(WORKERS_MAX));
        for (_, _, id) in &absent {
            self.workers.remove(id);
        }
        let forgotten = absent.into_iter().filter(|(stays, _, _)| !stays);
        forgotten.map(|(_, _, id)| CredentialWrite::Forgotten(id)).collect()
    }

    /// Sets a role's token. Returns the change to store.
    pub fn set(&mut self, role: Role, token: KnownToken) -> CredentialWrite {
        self.tokens.insert(role, token);
        CredentialWrite::Token { role, token }
    }

    /// Revokes a worker. Returns the changes to store, which are empty if it was revoked before; None if it is not in
    /// memory.
    pub fn revoke(&mut self, worker: &WorkerId, now_ms: i64) -> Option<Vec<CredentialWrite>> {
        let known = self.workers.get_mut(worker)?;
        if known.revoked_ms.is_some() {
            return Some(Vec::new());
        }
        known.revoked_ms = Some(now_ms);
        Some(vec![CredentialWrite::Revoked { worker: *worker, at_ms: now_ms }])
    }

    /// Whether a worker is revoked.
    pub fn is_revoked(&self, worker: &WorkerId) -> bool {
        self.workers.get(worker).is_some_and(|known| known.revoked_ms.is_some())
    }

    /// The entry of a role's token.
    pub fn token(&self, role: Role) -> Option<KnownToken> {
        self.tokens.get(&role).copied()
    }

    /// Every worker in memory, by id.
    pub fn workers(&self) -> impl Iterator<Item = (&WorkerId, &Enrolled)> {
        self.workers.iter()
    }
}

/// Whether `shown` is the secret with this digest. Text that is not a token is compared too, to take equally long.
fn is(shown: &str, digest: &TokenDigest) -> bool {
    let shown = Token::parse(shown).map_or([0; 32], |token| token.digest());
    shown.ct_eq(digest).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDY: StudyId = StudyId([9; 16]);

    fn holder(role: Role) -> Caller {
        Caller { study: STUDY, kind: CallerKind::Holder(role) }
    }

    fn caller(number: u32) -> Caller {
        Caller { study: STUDY, kind: CallerKind::Worker(worker(number)) }
    }

    fn worker(number: u32) -> WorkerId {
        format!("{number:032x}").parse().unwrap()
    }

    fn shown(number: u32, secret: &Token) -> String {
        format!("{}.{}", worker(number), secret.expose())
    }

    #[test]
    fn each_credential_is_its_owners() {
        let mut registry = CredentialRegistry::new(STUDY, [], []);
        let tokens = Role::ALL.map(|role| (role, Token::generate()));
        for (role, token) in &tokens {
            registry.set(*role, KnownToken { digest: token.digest(), made_ms: 0, expires_ms: Some(100) });
        }
        for (role, token) in &tokens {
            assert_eq!(registry.judge(token.expose(), 99), Ok(holder(*role)));
            assert_eq!(registry.judge(token.expose(), 100), Err(Refusal::Expired));
        }
        let secret = Token::generate();
        assert_eq!(registry.enroll(worker(1), secret.digest(), 5).unwrap().len(), 1);
        assert_eq!(registry.judge(&shown(1, &secret), 0), Ok(caller(1)));
        let wrong = [
            String::new(),
            "0".repeat(64),
            secret.expose().to_owned(),
            shown(2, &secret),
            shown(1, &Token::generate()),
            format!("{}.", worker(1)),
            format!(".{}", secret.expose()),
            format!("{}.{}", worker(1), tokens[0].1.expose()),
            format!("x{}", tokens[0].1.expose()),
        ];
        for wrong in wrong {
            assert_eq!(registry.judge(&wrong, 0), Err(Refusal::WrongCredential), "{wrong}");
        }
    }

    #[test]
    fn a_rotated_token_is_dead() {
        let mut registry = CredentialRegistry::new(STUDY, [], []);
        let (old, new) = (Token::generate(), Token::generate());
        for token in [&old, &new] {
            registry.set(Role::Join, KnownToken { digest: token.digest(), made_ms: 0, expires_ms: None });
        }
        assert_eq!(registry.judge(old.expose(), 0), Err(Refusal::WrongCredential));
        assert_eq!(registry.judge(new.expose(), i64::MAX), Ok(holder(Role::Join)));
    }

    #[test]
    fn nobody_takes_over_an_id() {
        let mut registry = CredentialRegistry::new(STUDY, [], []);
        let (own, other) = (Token::generate(), Token::generate());
        registry.enroll(worker(1), own.digest(), 5).unwrap();
        assert!(registry.enroll(worker(1), own.digest(), 6).unwrap().is_empty(), "the same again");
        assert_eq!(registry.enroll(worker(1), other.digest(), 6).unwrap_err(), NotEnrolled::OtherSecret);
        assert_eq!(registry.judge(&shown(1, &own), 0), Ok(caller(1)));
    }

    #[test]
    fn a_revoked_worker_stays_out() {
        let mut registry = CredentialRegistry::new(STUDY, [], []);
        let secret = Token::generate();
        assert!(registry.revoke(&worker(1), 5).is_none(), "it has not enrolled");
        registry.enroll(worker(1), secret.digest(), 5).unwrap();
        assert_eq!(registry.revoke(&worker(1), 6).unwrap().len(), 1);
        assert!(registry.revoke(&worker(1), 7).unwrap().is_empty());
        assert_eq!(registry.judge(&shown(1, &secret), 0), Err(Refusal::Revoked));
        assert_eq!(
            registry.judge(&shown(1, &Token::generate()), 0),
            Err(Refusal::WrongCredential),
            "nothing is told to others"
        );
        assert_eq!(registry.enroll(worker(1), secret.digest(), 8).unwrap_err(), NotEnrolled::Revoked);
    }

    /// A full registry: workers 0 to `WORKERS_MAX` enrolled in this order.
    fn full() -> CredentialRegistry {
        let enrolled = |number| Enrolled { digest: [7; 32], enrolled_ms: i64::from(number), revoked_ms: None };
        let registry = CredentialRegistry::new(
            STUDY,
            [],
            (0..WORKERS_MAX as u32).map(|number| (worker(number), enrolled(number))),
        );
        assert!(registry.is_full());
        registry
    }

    #[test]
    fn of_too_many_those_go_first_that_never_registered() {
        let (mut registry, digest) = (full(), [7; 32]);
        registry.revoke(&worker(0), 0);
        assert_eq!(registry.enroll(worker(u32::MAX), digest, 1).unwrap_err(), NotEnrolled::Full);
        assert!(registry.enroll(worker(1), digest, 1).unwrap().is_empty(), "it is in");
        assert!(registry.make_room(|_| true, |_| false).is_empty(), "all are there");
        let writes = registry.make_room(|id| *id == worker(1), |id| *id == worker(3));
        assert_eq!(writes.len(), FORGOTTEN_AT_ONCE);
        assert!(
            matches!(&writes[..2], [CredentialWrite::Forgotten(first), CredentialWrite::Forgotten(second)] if (first, second) == (&worker(2), &worker(4)))
        );
        assert!(registry.is_revoked(&worker(0)));
        for number in [1, 3] {
            let stolen = registry.enroll(worker(number), Token::generate().digest(), 1);
            assert_eq!(stolen.unwrap_err(), NotEnrolled::OtherSecret);
        }
        assert_eq!(registry.enroll(worker(u32::MAX), digest, 1).unwrap().len(), 1);
        assert_eq!(registry.workers().count(), WORKERS_MAX - FORGOTTEN_AT_ONCE + 1);
    }

    /// After all have registered, new workers still find room, and no worker's id can be taken.
    #[test]
    fn who_has_registered_makes_room_and_stays_in_the_store() {
        let mut registry = full();
        registry.revoke(&worker(0), 0);
        assert!(registry.make_room(|_| false, |_| true).is_empty(), "nobody is forgotten");
        assert_eq!(registry.workers().count(), WORKERS_MAX - FORGOTTEN_AT_ONCE);
        assert!(!registry.knows(&worker(0)) && registry.knows(&worker(FORGOTTEN_AT_ONCE as u32)));
        registry.recall(worker(0), Enrolled { digest: [7; 32], enrolled_ms: 0, revoked_ms: Some(0) });
        assert_eq!(registry.enroll(worker(0), [7; 32], 1).unwrap_err(), NotEnrolled::Revoked);
    }
}
