//! A faulty proxy between workers and a coordinator: bytes are delayed, connections stall, are cut or closed on one
//! side, and sometimes all connections are refused. The faults are drawn from a seed.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use seedgrid_common::{join::JoinFile, random::Stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Probabilities of the faults, in thousandths, for each piece of up to 4 KiB.
#[derive(Clone, Copy, Debug)]
pub struct FaultRates {
    /// The piece is delayed by 1 to 50 ms.
    pub delay: u32,
    /// The piece and all later ones in its direction are delayed by 0.2 to 2 s.
    pub stall: u32,
    /// The connection is reset in both directions.
    pub cut: u32,
    /// Its direction is closed after the piece; the other one stays open.
    pub half_close: u32,
    /// The piece and all later ones in its direction are lost: the connection looks alive and is dead.
    pub swallow: u32,
}

/// A proxy; dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    faults: Arc<AtomicUsize>,
    /// Whether new connections are accepted.
    open: watch::Sender<bool>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Proxy {
    /// Starts a proxy in front of `target`.
    ///
    /// # Panics
    /// When it cannot listen on a port.
    pub fn start(target: SocketAddr, rates: FaultRates, seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (faults, open) = (Arc::new(AtomicUsize::new(0)), watch::Sender::new(true));
        let (counted, opened) = (Arc::clone(&faults), open.subscribe());
        runtime.spawn(async move {
            for connection in 0_u64.. {
                let Ok((near, _)) = listener.accept().await else { return };
                let (counted, opened) = (Arc::clone(&counted), opened.clone());
                tokio::spawn(async move {
                    let stream = |way: &str| Stream::new(seed ^ connection, way);
                    carry(near, target, rates, [stream("up"), stream("down")], counted, opened).await;
                });
            }
        });
        Self { address, faults, open, runtime: Some(runtime) }
    }

    /// The number of faults so far.
    pub fn faults(&self) -> usize {
        self.faults.load(Ordering::SeqCst)
    }

    /// Cuts all connections, and refuses new ones.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Accepts connections again.
    pub fn reopen(&self) {
        self.open.send_replace(true);
    }

    /// Copies the join file at `from` to `to`, with the proxy's address.
    ///
    /// # Panics
    /// When a file cannot be read or written.
    pub fn redirect(&self, from: &Path, to: &Path) {
        let mut join = JoinFile::read(from).unwrap();
        let scheme = join.addresses[0].split("://").next().unwrap().to_owned();
        join.addresses = vec![format!("{scheme}://{}", self.address)];
        join.write(to).unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The reason why one direction ended.
enum Way {
    Closed,
    Cut,
}

async fn carry(
    near: TcpStream,
    target: SocketAddr,
    rates: FaultRates,
    [up, down]: [Stream; 2],
    faults: Arc<AtomicUsize>,
    mut open: watch::Receiver<bool>,
) {
    if !*open.borrow() {
        return reset(near);
    }
    let Ok(far) = TcpStream::connect(target).await else { return };
    for side in [&near, &far] {
        let _ = side.set_nodelay(true);
    }
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let mut ways = tokio::task::JoinSet::new();
    ways.spawn(forward(near_read, far_write, rates, up, Arc::clone(&faults)));
    ways.spawn(forward(far_read, near_write, rates, down, faults));
    loop {
        tokio::select! {
            way = ways.join_next() => match way {
                Some(Ok(Way::Closed)) => {}
                // Dropping the set drops both directions' halves, which closes the sockets.
                Some(Ok(Way::Cut) | Err(_)) | None => return,
            },
            _ = open.wait_for(|open| !open) => return,
        }
    }
}

/// Closes a connection so that its peer sees a reset.
fn reset(side: TcpStream) {
    let _ = side.set_zero_linger();
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    rates: FaultRates,
    mut stream: Stream,
    faults: Arc<AtomicUsize>,
) -> Way {
    let mut buffer = [0; 4096];
    loop {
        let bytes = match from.read(&mut buffer).await {
            Ok(0) => {
                let _ = to.shutdown().await;
                return Way::Closed;
            }
            Ok(bytes) => bytes,
            Err(_) => return Way::Cut,
        };
        let mut happens = |likely: u32| {
            let it_does = stream.below(1000) < likely;
            faults.fetch_add(usize::from(it_does), Ordering::SeqCst);
            it_does
        };
        let (delay, stall, cut) = (happens(rates.delay), happens(rates.stall), happens(rates.cut));
        let (half_close, swallow) = (happens(rates.half_close), happens(rates.swallow));
        if cut {
            return Way::Cut;
        }
        if swallow {
            // Reads on, so that the sender notices nothing.
            while from.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
            return Way::Closed;
        }
        let held_back =
            u64::from(delay) * u64::from(1 + stream.below(50)) + u64::from(stall) * u64::from(200 + stream.below(1800));
        if held_back > 0 {
            tokio::time::sleep(Duration::from_millis(held_back)).await;
        }
        if to.write_all(&buffer[..bytes]).await.is_err() {
            return Way::Cut;
        }
        if half_close {
            let _ = to.shutdown().await;
            return Way::Closed;
        }
    }
}
