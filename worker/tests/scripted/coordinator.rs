//! The scripted coordinator as a process: its port, and its crash.

use std::{net::SocketAddr, path::Path};

use seedgrid_common::{
    join::{JoinFile, Role},
    wire::v1::worker_service_server::WorkerServiceServer,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use super::{Play, service::Service};

/// A running coordinator. Dropping it is a crash: every connection is cut.
pub struct Coordinator {
    runtime: Option<tokio::runtime::Runtime>,
    pub address: SocketAddr,
}

impl Coordinator {
    pub fn start(play: &Play) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let std_listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        std_listener.set_nonblocking(true).unwrap();
        let address = std_listener.local_addr().unwrap();
        let service = WorkerServiceServer::new(Service(play.clone()));
        runtime.spawn(async move {
            let incoming = TcpListenerStream::new(TcpListener::from_std(std_listener).unwrap());
            tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
        });
        Self { runtime: Some(runtime), address }
    }

    /// Writes the join file for this coordinator.
    pub fn write_join(&self, play: &Play, path: &Path) {
        write_join(play, path, self.address);
    }
}

/// Writes a join file with this address.
pub fn write_join(play: &Play, path: &Path, address: SocketAddr) {
    let script = play.script();
    let join = JoinFile {
        role: Role::Join,
        study: script.study.clone(),
        study_id: script.study_id,
        host: None,
        // Nothing listens at the first address: its port is privileged, so that no test can bind it.
        addresses: vec!["http://127.0.0.1:9".to_owned(), format!("http://{address}")],
        token: script.token.clone(),
        expires_ms: None,
        certificate: None,
    };
    join.write(path).unwrap();
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}
