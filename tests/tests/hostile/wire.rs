//! Traffic that is no call: garbage, other protocols, handshakes that never end, and large numbers of connections.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use seedgrid_common::join::{
    JoinFile, Role,
    connect::{SERVER_NAME, config},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
        version::TLS12,
    },
};

use crate::{Victim, calls::Peer};

/// Number of idle connections.
const CROWD: usize = 1500;

/// The join file's first address, as HOST:PORT.
fn place(file: &JoinFile) -> String {
    file.addresses[0].trim_start_matches("https://").to_owned()
}

/// Waits until the other side has closed the connection; fails after a minute.
async fn closed(stream: &mut TcpStream) {
    let mut bytes = [0; 1024];
    let gone = async {
        loop {
            match stream.read(&mut bytes).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("it is closed");
}

/// Random bytes, plain HTTP, plain HTTP/2, and TLS 1.2.
pub(crate) async fn garbage(file: &JoinFile) {
    let http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let http = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n".to_vec();
    // Large records of every type, without content.
    let records: Vec<u8> = (0..=255).flat_map(|kind| [kind, 3, 3, 0xff, 0xff]).collect();
    for bytes in [http, http2, records, vec![0; 100_000]] {
        let mut stream = TcpStream::connect(place(file)).await.unwrap();
        // The connection may be closed before everything is sent.
        let _ = stream.write_all(&bytes).await;
        closed(&mut stream).await;
    }
    older_tls(file).await;
}

/// Checks that TLS 1.2 is refused to a client that knows the certificate.
async fn older_tls(file: &JoinFile) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(file.certificate.as_deref().unwrap().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS12])
        .expect("the tests are built with a library that speaks TLS 1.2")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(place(file)).await.unwrap();
    let name = ServerName::try_from(SERVER_NAME).unwrap();
    let refused = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap_err();
    assert!(refused.to_string().contains("ProtocolVersion"), "{refused}");
}

async fn shaken(file: &JoinFile) -> TlsStream<TcpStream> {
    let connector = TlsConnector::from(Arc::new(config(file.certificate.as_deref().unwrap()).unwrap()));
    let stream = TcpStream::connect(place(file)).await.unwrap();
    connector.connect(ServerName::try_from(SERVER_NAME).unwrap(), stream).await.unwrap()
}

/// Some connections send nothing, some begin a handshake and stop, one completes it and then sends nothing.
pub(crate) async fn half_open_and_slow(file: JoinFile) {
    let mut waiting = JoinSet::new();
    // The beginning of a handshake record that is never completed.
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = TcpStream::connect(place(&file)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        waiting.spawn(async move { closed(&mut stream).await });
    }
    let mut silent = shaken(&file).await;
    waiting.spawn(async move {
        let mut bytes = Vec::new();
        // Closed with or without a TLS close message.
        let _ =
            tokio::time::timeout(Duration::from_secs(60), silent.read_to_end(&mut bytes)).await.expect("it is closed");
    });
    while let Some(ended) = waiting.join_next().await {
        ended.unwrap();
    }
}

/// More than a thousand concurrent connections without a credential. Members connect meanwhile.
pub(crate) async fn crowd(victim: &Victim) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let file = victim.file(Role::Join);
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        crowd.push(TcpStream::connect(place(&file)).await.unwrap());
        if number % 500 == 250 {
            let mut member = Peer::enrolled(victim, 100 + number as u32).await;
            member.register().await.unwrap();
            member.leave().await;
            assert_eq!(victim.scratch.status("run")["state"], "running");
        }
    }
    drop(crowd);
}
