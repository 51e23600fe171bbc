//! The listening side: one port for workers and commands.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use nix::sys::socket::{getsockopt, sockopt::Ipv6V6Only};
use seedgrid_common::wire::{limits, v1};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use tonic::transport;
use v1::{control_service_server::ControlServiceServer, worker_service_server::WorkerServiceServer};

use super::{
    control_service::Control,
    disk_space::Disk,
    message_size_limits::BySize,
    worker_service::{Datasets, Workers},
};
use crate::{
    auth::{AuthState, Authentication, CredentialFiles, Identity, Limits, raise_open_files},
    core::Core,
};

/// Calls that one connection may have under way.
const STREAMS_MAX: u32 = 256;
/// Longest headers of a call, in bytes.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;

/// An address that is listened on and not yet served: whoever connects waits.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// How callers come in.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The study's certificate. None: plaintext.
    pub identity: Option<Identity>,
    /// Writes the files that let workers and commands in.
    pub keys: CredentialFiles,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), transport::Error>>,
}

/// Why the server cannot listen or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}\n  hint: {}", listen_hint(.cause))]
    Listen {
        /// Where.
        address: String,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// It ended by itself.
    #[error("the server stopped: {0}")]
    Stopped(#[from] transport::Error),
}

fn listen_hint(cause: &std::io::Error) -> &'static str {
    match cause.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another process uses this port; end it, or choose another one with --listen HOST:PORT (port 0 takes any free one)"
        }
        std::io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher one",
        // What a link-local address without an interface is answered with.
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
    /// When the host has no address, or none that can be listened on.
    pub async fn listen(address: &str) -> Result<Self, ServerError> {
        let failed = |cause| ServerError::Listen { address: address.to_owned(), cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it takes IPv4 connections beside IPv6 ones.
    pub fn takes_both(&self) -> bool {
        self.address.is_ipv6() && getsockopt(&self.listener, Ipv6V6Only).is_ok_and(|only| !only)
    }

    /// Serves `core` to whoever may come in. `datasets` are encoded data sets by digest.
    pub fn serve(self, core: Core, entry: Entry, datasets: Vec<(String, Vec<u8>)>) -> Server {
        let Self { listener, address } = self;
        let datasets: Datasets = datasets.into_iter().map(|(digest, bytes)| (digest, Arc::new(bytes))).collect();
        let (stop, stopping) = watch::channel(false);
        let auth = AuthState::new(Limits::for_open_files(raise_open_files()));
        let disk = Arc::new(Disk::default());
        let guard = Authentication::new(core.credentials().clone(), Arc::clone(&auth));
        let workers =
            Workers::new(core.clone(), Arc::new(datasets), Arc::clone(&auth), Arc::clone(&disk), stopping.clone());
        let workers = Arc::new(workers);
        let workers = BySize::new(|bytes| {
            WorkerServiceServer::from_arc(Arc::clone(&workers))
                .max_decoding_message_size(bytes)
                .max_encoding_message_size(limits::MESSAGE_BYTES_MAX)
        });
        let control = Arc::new(Control::new(core, entry.keys, Arc::clone(&auth), disk));
        let control = BySize::new(|bytes| {
            ControlServiceServer::from_arc(Arc::clone(&control))
                .max_decoding_message_size(bytes)
                .max_encoding_message_size(limits::MESSAGE_BYTES_MAX)
        });
        let router = transport::Server::builder()
            // A peer that vanished without a word is noticed within a minute.
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
            // An error means that the sender is gone, which asks for the same.
            let _ = until.wait_for(|stopping| *stopping).await;
        }));
        Server { address, stop, task }
    }
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends long polls, lets calls under way end for at most `grace`, then closes every connection.
    ///
    /// # Errors
    /// When the server had ended by itself.
    pub async fn stop(self, grace: Duration) -> Result<(), ServerError> {
        self.stop.send_replace(true);
        let mut task = self.task;
        match tokio::time::timeout(grace, &mut task).await {
            Ok(Ok(ended)) => Ok(ended?),
            // A panic in a handler is reported by its own task; there is nothing left to close.
            Ok(Err(_)) => Ok(()),
            Err(_) => {
                task.abort();
                Ok(())
            }
        }
    }
}
