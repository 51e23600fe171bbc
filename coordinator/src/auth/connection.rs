//! A connection: a byte stream that other tasks can close, and that closes itself without a credential in time.

use std::{
    fmt,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::Sleep,
};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::{
    AuthState, Caller, Refusal,
    connection_limits::{ConnectionClass, Full, Id},
};

/// The time limit of a connection without a valid credential.
pub(super) const SHOW_WITHIN: Duration = Duration::from_secs(10);

/// A handle of a connection, for the services.
#[derive(Clone, Debug)]
pub struct ConnectionHandle(Arc<State>);

#[derive(Debug)]
struct State {
    id: Id,
    address: IpAddr,
    /// The highest [`ConnectionClass`] that the connection has reached, as a number.
    class: AtomicU8,
    close: Arc<Notify>,
    auth: Arc<AuthState>,
}

impl ConnectionHandle {
    /// The address of the peer.
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// Notes that the connection has shown a valid credential, so that it may stay. Returns whether its class rises.
    ///
    /// # Errors
    /// When the limit of the class leaves no room.
    pub(super) fn welcome(&self, caller: &Caller) -> Result<bool, Full> {
        let State { id, address, class: before, auth, .. } = &*self.0;
        let class = ConnectionClass::from_caller(caller) as u8;
        let rises = before.load(Ordering::Relaxed) < class;
        if rises {
            auth.know(*id, caller, *address)?;
            before.fetch_max(class, Ordering::Relaxed);
        }
        Ok(rises)
    }

    /// Closes the connection.
    pub(super) fn put_out(&self) {
        self.0.close.notify_one();
    }
}

/// A connection's entry in the table of connections; dropping it removes the entry.
#[derive(Debug)]
pub(super) struct Place {
    visitor: ConnectionHandle,
}

impl Place {
    pub(super) fn new(id: Id, address: IpAddr, close: Arc<Notify>, auth: Arc<AuthState>) -> Self {
        let class = AtomicU8::new(ConnectionClass::Stranger as u8);
        Self { visitor: ConnectionHandle(Arc::new(State { id, address, class, close, auth })) }
    }

    pub(super) fn address(&self) -> IpAddr {
        self.visitor.address()
    }

    /// Resolves when the connection is to be closed.
    pub(super) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        Arc::clone(&self.visitor.0.close).notified_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.visitor.0.auth.leave(self.visitor.0.id);
    }
}

/// The bytes of a connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tls(Box<TlsStream<TcpStream>>),
    Plaintext(TcpStream),
}

/// A connection, in the form that the server takes.
pub(crate) struct Connection {
    stream: Stream,
    place: Place,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    deadline: Pin<Box<Sleep>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(stream: Stream, place: Place) -> Self {
        let closing = Box::pin(place.closing());
        Self { stream, place, closing, deadline: Box::pin(tokio::time::sleep(SHOW_WITHIN)) }
    }

    /// The reason for which the connection ends now, if it does. Otherwise arranges a later check.
    fn ends(&mut self, context: &mut Context<'_>) -> Option<io::Error> {
        if self.closing.as_mut().poll(context).is_ready() {
            // A later poll must find the connection closed again.
            self.closing = Box::pin(std::future::ready(()));
            return Some(io::Error::new(io::ErrorKind::ConnectionAborted, "put out"));
        }
        let state = &self.place.visitor.0;
        let is_known = state.class.load(Ordering::Relaxed) > ConnectionClass::Stranger as u8;
        if is_known || self.deadline.as_mut().poll(context).is_pending() {
            return None;
        }
        state.auth.refuse(Refusal::Silent, state.address);
        self.closing = Box::pin(std::future::ready(()));
        Some(io::Error::new(io::ErrorKind::TimedOut, "no credential was shown in time"))
    }
}

impl Connected for Connection {
    type ConnectInfo = ConnectionHandle;

    fn connect_info(&self) -> ConnectionHandle {
        self.place.visitor.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(end) = self.ends(context) {
            return Poll::Ready(Err(end));
        }
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Plaintext(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Plaintext(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Stream::Plaintext(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Tls(stream) => stream.is_write_vectored(),
            Stream::Plaintext(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
            Stream::Plaintext(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Plaintext(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
