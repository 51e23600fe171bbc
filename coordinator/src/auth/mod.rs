//! The door: who may come in, and with what. Everything between an accepted connection and a service's call.
//!
//! [`certificate`] is the study's certificate, [`listener`] accepts connections and shakes hands, [`connection_limits`] bounds how many there are,
//! [`credential_files`] are the files that let workers and commands in, [`credential_registry`] is who may come in, [`permissions`] the one table of who may make which
//! call, [`authentication`] holds every call against both, [`failed_login_limit`] bounds failures, [`refusal_log`] counts who was sent away. docs/security.md
//! tells what is defended, and what is not.

mod authentication;
mod certificate;
mod connection;
mod connection_limits;
mod credential_files;
mod credential_registry;
mod failed_login_limit;
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
pub use credential_files::{CredentialFiles, CredentialFilesError, JOIN_EXPIRES, Place};
pub use credential_registry::{Caller, CredentialRegistry, NotEnrolled};
pub use open_file_limit::raise as raise_open_files;
pub(crate) use permissions::Size;
pub use refusal_log::{Refusal, RefusalCounts};

use connection_limits::{ConnectionTable, Full, Id};

use crate::scheduler::queue::WorkerId;

/// Who may come in, shared by the core, which changes it, and the guard, which asks it.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    book: Arc<RwLock<CredentialRegistry>>,
    /// Changes when somebody was revoked.
    revocations: watch::Sender<()>,
}

impl Credentials {
    /// With what a store holds.
    pub fn new(book: CredentialRegistry) -> Self {
        Self { book: Arc::new(RwLock::new(book)), revocations: watch::Sender::default() }
    }

    /// To ask.
    pub fn read(&self) -> RwLockReadGuard<'_, CredentialRegistry> {
        // Nothing in it is left half done by a panic.
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change it.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, CredentialRegistry> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody was revoked: whoever has a call under way is to look whether it was its caller.
    pub(crate) fn tell_of_revocation(&self) {
        self.revocations.send_replace(());
    }

    /// Changes when somebody is revoked from now on.
    fn revocations(&self) -> watch::Receiver<()> {
        self.revocations.subscribe()
    }
}

/// Who is connected, and what was refused.
#[derive(Debug)]
pub struct AuthState {
    crowd: Mutex<ConnectionTable<Arc<Notify>>>,
    refusals: RefusalCounts,
}

impl AuthState {
    /// A door through which at most this many come.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { crowd: Mutex::new(ConnectionTable::new(limits)), refusals: RefusalCounts::default() })
    }

    /// What was refused.
    pub fn refusals(&self) -> &RefusalCounts {
        &self.refusals
    }

    /// Counts one that is refused.
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
        // Nothing in it is left half done by a panic.
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `address`.
    fn enter(&self, address: IpAddr, close: Arc<Notify>) -> Id {
        let (id, put_out) = self.crowd().enter(address, close);
        self.close(put_out, address);
        id
    }

    /// A connection has shown a credential.
    fn know(&self, id: Id, caller: &Caller, address: IpAddr) -> Result<(), Full> {
        let put_out = self.crowd().know(id, caller)?;
        self.close(put_out, address);
        Ok(())
    }

    /// Closes who had to make room for one from `address`.
    fn close(&self, put_out: Option<Arc<Notify>>, address: IpAddr) {
        if let Some(close) = put_out {
            close.notify_one();
            self.refuse(Refusal::PutOut, address);
        }
    }

    /// Closes the connections of a worker that was revoked. When it comes again, it is told.
    pub(crate) fn close_revoked(&self, worker: &WorkerId) {
        self.crowd().revoke(worker).iter().for_each(|close| close.notify_one());
    }

    fn leave(&self, id: Id) {
        // Who was put out has left the crowd before.
        let _ = self.crowd().leave(id);
    }
}
