//! The connection to a coordinator, encrypted unless both sides were configured otherwise.
//!
//! Only TLS 1.3 and only the study's own certificate are accepted: a coordinator's addresses change, so its certificate
//! names no host but [`SERVER_NAME`], and is trusted because the join file holds it. A program that squats on a
//! coordinator's port lacks the key, and receives nothing.

use std::{io, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
        version::TLS13,
    },
};
use tonic::transport::{Channel, Endpoint, Uri};

use super::Transport;
use crate::error_chain::chain;

/// The name in every study's certificate.
pub const SERVER_NAME: &str = "seedgrid.study";
/// The protocol within TLS, as its application protocol negotiation names it.
pub const ALPN: &[u8] = b"h2";

/// A caller's time limits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The limit for connecting, the handshake included.
    pub connect: Duration,
    /// The interval between keep-alive pings, and the limit for an answer: a dead peer is noticed after their sum.
    pub keep_alive: Duration,
}

/// The reason why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address cannot be used.
    #[error("{0:?} is no address: it must be like \"https://host:7700\"")]
    Address(String),
    /// The text holds no certificate.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// Nothing answers there, or the peer is not the coordinator.
    #[error("{0}")]
    Connect(String),
}

/// Connects to `address` (`http[s]://HOST:PORT`); `transport` decides about encryption, the scheme adds nothing.
///
/// # Errors
/// When nothing answers in time, or the peer lacks the key of the study's certificate.
pub async fn dial(address: &str, transport: Transport<'_>, patience: Patience) -> Result<Channel, DialError> {
    let bad = || DialError::Address(address.to_owned());
    let uri: Uri = address.parse().map_err(|_| bad())?;
    let host = uri.host().ok_or_else(bad)?.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().ok_or_else(bad)?;
    let tls = match transport {
        Transport::Tls(pem) => Some(TlsConnector::from(Arc::new(config(pem)?))),
        Transport::Plaintext => None,
    };
    let connector = tower::service_fn(move |_: Uri| {
        let (host, tls) = (host.clone(), tls.clone());
        async move { open(&host, port, tls).await.map(TokioIo::new) }
    });
    Endpoint::from(uri)
        .connect_timeout(patience.connect)
        .http2_keep_alive_interval(patience.keep_alive)
        .keep_alive_timeout(patience.keep_alive)
        .keep_alive_while_idle(true)
        .connect_with_connector(connector)
        .await
        .map_err(|error| DialError::Connect(chain(&error)))
}

/// A byte stream, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn open(host: &str, port: u16, tls: Option<TlsConnector>) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect((host, port)).await?;
    // Calls are small, and callers wait for the answers.
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
    let explained = |error: io::Error| {
        let what = match error.kind() {
            io::ErrorKind::InvalidData => "does not prove to be this study's coordinator",
            _ => "closed the connection before the coordinator had proved itself; it may have too many connections",
        };
        io::Error::new(error.kind(), format!("whoever answers there {what}: {error}"))
    };
    Ok(Box::new(tls.connect(name, stream).await.map_err(explained)?))
}

/// The TLS settings of a client that trusts the certificate `pem` and no other.
///
/// # Errors
/// When `pem` holds no certificate, or more than one.
pub fn config(pem: &str) -> Result<ClientConfig, DialError> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| DialError::Certificate(error.to_string()))?;
    let [certificate] = <[_; 1]>::try_from(certificates)
        .map_err(|all| DialError::Certificate(format!("it holds {} certificates, not one", all.len())))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(|error| DialError::Certificate(error.to_string()))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("ring speaks TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}
