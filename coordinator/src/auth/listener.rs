//! Lets connections in: bounds how many there are, shakes hands with each in a task of its own, and passes on those that are through.

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

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Connections that are through and wait for the server.
const READY_MAX: usize = 64;
/// Before the next try where none can be accepted, for example as too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts from `listener` until `stopping` becomes true. What comes out has shaken hands, where there is an `acceptor`.
pub(super) fn listen(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    auth: Arc<AuthState>,
    mut stopping: watch::Receiver<bool>,
) -> ReceiverStream<io::Result<Connection>> {
    let (through, connections) = mpsc::channel(READY_MAX);
    tokio::spawn(async move {
        // Dropped with this task, and every handshake under way with it.
        let mut handshakes = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // An error means that the server is gone, which asks for the same.
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

/// A place in the crowd. Whoever has to make room for it is closed.
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
    // Calls are small and answers are waited for. Where it cannot be set the connection is gone, and the next read says so.
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
    // Where nobody receives, the server has ended.
    let _ = through.send(Ok(Connection::new(stream, place))).await;
}
