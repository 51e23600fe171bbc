//! The server: one port for workers and commands.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use nix::sys::socket::{getsockopt, sockopt::Ipv6V6Only};
use seedgrid_common::wire::{limits, v1};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use tonic::transport;
use v1::{control_service_server::ControlServiceServer, worker_service_server::WorkerServiceServer};

use super::{
    control_service::Control, dataset_download::DatasetFiles, full_disk::Disk, message_size_limits::BySize,
    worker_service::Workers,
};
use crate::{
    auth::{AuthState, Authentication, CredentialFiles, Identity, Limits, raise_open_files},
    core::Core,
};

/// The largest number of concurrent calls of one connection.
const STREAMS_MAX: u32 = 256;
/// The largest size of a call's headers, in bytes.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;

/// An address with a listening socket that is not served yet: connections wait.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// The settings of the server's port.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The certificate; None for plaintext.
    pub identity: Option<Identity>,
    /// Whether all workers may come from one address.
    pub one_address: bool,
}

/// The files of one study that the server uses.
#[derive(Clone, Debug)]
pub struct StudyFiles {
    /// The writer of the credential files, in the study's run directory.
    pub keys: CredentialFiles,
    /// Its data sets.
    pub datasets: DatasetFiles,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), transport::Error>>,
}

/// The reason for which the server cannot listen or has ended.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ServerError {
    /// The address is in use or not this machine's.
    #[error("cannot listen on {address}: {cause}")]
    #[diagnostic(help("{}", listen_hint(.cause)))]
    Listen {
        /// The address.
        address: String,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// The server ended by itself.
    #[error("the server stopped: {0}")]
    Stopped(#[from] transport::Error),
}

fn listen_hint(cause: &std::io::Error) -> &'static str {
    match cause.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another process uses this port; end it, or choose another one with --listen HOST:PORT (port 0 takes any free one)"
        }
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher one",
        // The error for a link-local address without an interface.
        std::io::ErrorKind::InvalidInput => {
            "link-local addresses (fe80::) cannot be used: choose a global one of this machine, or [::] for all of them"
        }
        _ => {
            "choose an address of this machine, 0.0.0.0 for all of its IPv4 addresses, or [::] for its IPv6 addresses, too"
        }
    }
}

impl Bound {
    /// Listens on `address`, HOST:PORT.
    ///
    /// # Errors
    /// When the host has no address, or none of them can be used.
    pub async fn listen(address: &str) -> Result<Self, ServerError> {
        let failed = |cause| ServerError::Listen { address: address.to_owned(), cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// The listening address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the socket accepts IPv4 connections beside IPv6 ones.
    pub fn takes_both(&self) -> bool {
        self.address.is_ipv6() && getsockopt(&self.listener, Ipv6V6Only).is_ok_and(|only| !only)
    }

    /// Serves the studies of `core` to authenticated callers. `files` are those of the studies, in any order.
    pub fn serve(self, core: Core, entry: Entry, files: Vec<StudyFiles>) -> Server {
        let Self { listener, address } = self;
        let mut datasets = BTreeMap::new();
        let mut controlled = Vec::new();
        for StudyFiles { keys, datasets: of_study } in files {
            let Some(study) = core.study(keys.study()) else { continue };
            datasets.insert(study.id(), of_study);
            controlled.push((study.clone(), keys));
        }
        let (stop, stopping) = watch::channel(false);
        let auth = AuthState::new(Limits::for_open_files(raise_open_files(), entry.one_address));
        let disk = Arc::new(Disk::default());
        let credentials = core.studies().iter().map(|study| study.credentials().clone()).collect();
        let guard = Authentication::new(credentials, core.revocations().clone(), Arc::clone(&auth));
        let workers = Workers::new(core, datasets, Arc::clone(&auth), Arc::clone(&disk), stopping.clone());
        let workers = Arc::new(workers);
        let workers = BySize::new(|bytes| {
            WorkerServiceServer::from_arc(Arc::clone(&workers))
                .max_decoding_message_size(bytes)
                .max_encoding_message_size(limits::MESSAGE_BYTES_MAX)
        });
        let control = Arc::new(Control::new(controlled, Arc::clone(&auth), disk));
        let control = BySize::new(|bytes| {
            ControlServiceServer::from_arc(Arc::clone(&control))
                .max_decoding_message_size(bytes)
                .max_encoding_message_size(limits::MESSAGE_BYTES_MAX)
        });
        let router = transport::Server::builder()
            // A peer that vanished without closing is detected within a minute.
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .max_concurrent_streams(STREAMS_MAX)
            .http2_max_header_list_size(HEADERS_BYTES_MAX)
            .layer(guard)
            .add_service(workers)
            .add_service(control);
        let incoming = auth.listen(listener, entry.identity.as_ref(), stopping.clone());
        let mut until = stopping;
        let task = tokio::spawn(router.serve_with_incoming_shutdown(incoming, async move {
            // An error means that the sender is gone, which also requires a stop.
            let _ = until.wait_for(|stopping| *stopping).await;
        }));
        Server { address, stop, task }
    }
}

impl Server {
    /// The listening address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends long polls, gives calls in progress at most `grace` to end, then closes every connection.
    ///
    /// # Errors
    /// When the server had ended by itself.
    pub async fn stop(self, grace: Duration) -> Result<(), ServerError> {
        self.stop.send_replace(true);
        let mut task = self.task;
        match tokio::time::timeout(grace, &mut task).await {
            Ok(Ok(ended)) => Ok(ended?),
            // The task of a panicked handler reports the panic; nothing is left to close.
            Ok(Err(_)) => Ok(()),
            Err(_) => {
                task.abort();
                Ok(())
            }
        }
    }
}
