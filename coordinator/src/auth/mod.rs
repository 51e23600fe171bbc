//! Authentication: everything between an accepted connection and a service's call.
//!
//! [`certificate`] is the study's certificate, [`listener`] accepts connections and makes handshakes,
//! [`connection_limits`] bounds their number, [`credential_files`] writes the files for workers and commands,
//! [`credential_registry`] knows all credentials, [`permissions`] is the single table of permitted calls,
//! [`authentication`] checks every call against both, [`failed_login_limit`] bounds failures, and [`refusal_log`]
//! counts refusals. docs/security.md lists the defended threats and the others.

mod authentication;
mod certificate;
mod connection;
mod connection_limits;
mod credential_files;
mod credential_registry;
mod failed_login_limit;
mod join_file_expiry;
mod listener;
mod open_file_limit;
mod permissions;
mod refusal_log;

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tokio_stream::wrappers::ReceiverStream;

pub(crate) use authentication::{Authentication, address, caller};
pub use certificate::{Identity, IdentityError};
use connection::Connection;
pub use connection::ConnectionHandle;
pub use connection_limits::{ConnectionLimit, Limits};
pub use credential_files::{CredentialFiles, CredentialFilesError, Place};
pub use credential_registry::{Caller, CallerKind, CredentialRegistry, NotEnrolled};
pub use open_file_limit::raise as raise_open_files;
pub(crate) use permissions::Size;
pub use refusal_log::{Refusal, RefusalCounts};

use connection_limits::{ConnectionTable, Full, Id};

/// A study's registry of credentials, which the core changes and authentication reads.
#[derive(Clone, Debug)]
pub struct Credentials {
    registry: Arc<RwLock<CredentialRegistry>>,
    revocations: Revocations,
}

/// The notifications of revocations in any study.
pub type Revocations = watch::Sender<()>;

impl Credentials {
    /// Creates the shared registry. Every revocation is told to `revocations`.
    pub fn new(registry: CredentialRegistry, revocations: Revocations) -> Self {
        Self { registry: Arc::new(RwLock::new(registry)), revocations }
    }

    /// Locks the registry for reading.
    pub fn read(&self) -> RwLockReadGuard<'_, CredentialRegistry> {
        // A panic leaves no partial change behind.
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the registry for a change.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, CredentialRegistry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notifies every call in progress that a worker was revoked.
    pub(crate) fn tell_of_revocation(&self) {
        self.revocations.send_replace(());
    }
}

/// The table of connections and the counts of refusals.
#[derive(Debug)]
pub struct AuthState {
    crowd: Mutex<ConnectionTable<Arc<Notify>>>,
    refusals: RefusalCounts,
}

impl AuthState {
    /// Creates a state with these connection limits.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { crowd: Mutex::new(ConnectionTable::new(limits)), refusals: RefusalCounts::default() })
    }

    /// The counts of refusals.
    pub fn refusals(&self) -> &RefusalCounts {
        &self.refusals
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&self, refusal: Refusal, address: IpAddr) {
        self.refusals.count(refusal, address);
    }

    /// Accepts connections until `stopping` becomes true; without an `identity`, in plaintext.
    pub(crate) fn listen(
        self: &Arc<Self>,
        listener: TcpListener,
        identity: Option<&Identity>,
        stopping: watch::Receiver<bool>,
    ) -> ReceiverStream<io::Result<Connection>> {
        listener::listen(listener, identity.map(Identity::acceptor), Arc::clone(self), stopping)
    }

    fn crowd(&self) -> MutexGuard<'_, ConnectionTable<Arc<Notify>>> {
        // A panic leaves no partial change behind.
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection from `address` to the table.
    fn enter(&self, address: IpAddr, close: Arc<Notify>) -> Id {
        let (id, put_out) = self.crowd().enter(address, close);
        self.close(put_out, address);
        id
    }

    /// Notes that a connection has shown a credential.
    fn know(&self, id: Id, caller: &Caller, address: IpAddr) -> Result<(), Full> {
        let put_out = self.crowd().know(id, caller)?;
        self.close(put_out, address);
        Ok(())
    }

    /// Closes the connection that one from `address` displaced.
    fn close(&self, put_out: Option<Arc<Notify>>, address: IpAddr) {
        if let Some(close) = put_out {
            close.notify_one();
            self.refuse(Refusal::PutOut, address);
        }
    }

    /// Closes the connections of a revoked worker. Its next call is answered with the revocation.
    pub(crate) fn close_revoked(&self, worker: Caller) {
        self.crowd().revoke(worker).iter().for_each(|close| close.notify_one());
    }

    fn leave(&self, id: Id) {
        // A displaced connection was removed from the table before.
        let _ = self.crowd().leave(id);
    }
}
