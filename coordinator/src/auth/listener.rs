//! Accepts connections: limits their number, makes each TLS handshake in a task of its own, and passes on those that
//! succeed.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    AuthState, Refusal,
    connection::{Connection, Place, Stream},
};

/// The time limit of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// The largest number of accepted connections that wait for the server.
const READY_MAX: usize = 64;
/// The pause after a failed accept, for example because of too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts from `listener` until `stopping` becomes true. With an `acceptor`, returned connections have completed the
/// handshake.
pub(super) fn listen(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    auth: Arc<AuthState>,
    mut stopping: watch::Receiver<bool>,
) -> ReceiverStream<io::Result<Connection>> {
    let (through, connections) = mpsc::channel(READY_MAX);
    tokio::spawn(async move {
        // Dropping this task also drops every unfinished handshake.
        let mut handshakes = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // An error means that the server has ended, which also requires a stop.
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = through.closed() => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (acceptor, place) = (acceptor.clone(), enter(&auth, peer));
                    handshakes.spawn(shake_hands(stream, acceptor, place, Arc::clone(&auth), through.clone()));
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while handshakes.try_join_next().is_some() {}
        }
    });
    ReceiverStream::new(connections)
}

/// Adds a connection to the table, and closes the connection that it displaces.
fn enter(auth: &Arc<AuthState>, peer: SocketAddr) -> Place {
    let close = Arc::new(Notify::new());
    let id = auth.enter(peer.ip(), Arc::clone(&close));
    Place::new(id, peer.ip(), close, Arc::clone(auth))
}

async fn shake_hands(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    place: Place,
    auth: Arc<AuthState>,
    through: mpsc::Sender<io::Result<Connection>>,
) {
    // Calls are small, and callers wait for answers. If this fails the connection is closed, and the next read reports
    // it.
    let _ = stream.set_nodelay(true);
    let stream = match acceptor {
        None => Stream::Plaintext(stream),
        Some(acceptor) => {
            let shaken = tokio::select! {
                shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)) => shaken,
                () = place.closing() => return,
            };
            match shaken {
                Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                Ok(Err(_)) => return auth.refuse(Refusal::Handshake, place.address()),
                Err(_) => return auth.refuse(Refusal::SlowHandshake, place.address()),
            }
        }
    };
    // Without a receiver, the server has ended.
    let _ = through.send(Ok(Connection::new(stream, place))).await;
}
