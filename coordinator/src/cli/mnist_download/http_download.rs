//! Downloads one file from one place, and continues an earlier try.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use seedgrid_common::{durable_files, text::count};
use ureq::{
    Agent, Proxy,
    http::{Response, StatusCode, header},
};

use super::Progress;

/// The largest accepted download: MNIST's largest file has 9.9 MB compressed.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(10);
/// A connection without data for this long is closed.
const STALLED: Duration = Duration::from_secs(30);

/// The reason for which a download from one place failed.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server could not be reached, or the connection broke.
    #[error("{0}")]
    Connection(#[source] Box<ureq::Error>),
    /// The connection broke during the transfer. Received data are kept.
    #[error("the connection broke after {}", count(bytes, "byte"))]
    Broken {
        /// The number of bytes received.
        bytes: u64,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The server's status was neither 200 nor 206.
    #[error("the server answered {status}")]
    Status {
        /// The server's status.
        status: StatusCode,
    },
    /// The answer is larger than any of the files.
    #[error("the server sends more than {BYTES_MAX} bytes")]
    Large,
    /// The received data are not the file; they were deleted.
    #[error("what arrived is not MNIST's file")]
    Content(#[source] seedgrid_common::data::mnist_files::FileError),
    /// Another process downloads the same file into the same folder.
    #[error("another process is writing {}", path.display())]
    LockWait {
        /// The path of the unfinished file.
        path: PathBuf,
    },
    /// The unfinished file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The path of the unfinished file.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

/// An unfinished download on disk, locked against other processes while it is open.
pub(super) struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    pub(super) fn open(path: &Path) -> Result<Self, DownloadError> {
        let failed = |cause| DownloadError::Write { path: path.to_owned(), cause };
        let file = OpenOptions::new().create(true).append(true).read(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DownloadError::LockWait { path: path.to_owned() }),
            // Some shared file systems have no locks; the digest then detects two downloads at once.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Self { path: path.to_owned(), file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The number of bytes in the file.
    pub(super) fn bytes(&mut self) -> Result<u64, DownloadError> {
        self.file.seek(SeekFrom::End(0)).map_err(|cause| self.failed(cause))
    }

    /// Deletes the file's content.
    pub(super) fn clear(&mut self) -> Result<(), DownloadError> {
        self.file.set_len(0).map_err(|cause| self.failed(cause))
    }

    /// Removes the file if it is empty.
    pub(super) fn remove_if_empty(mut self) -> Result<(), DownloadError> {
        if self.bytes()? == 0 {
            std::fs::remove_file(&self.path).map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    /// Makes the file durable and renames it to `target`.
    pub(super) fn rename(self, target: &Path) -> Result<(), DownloadError> {
        durable_files::put_in_place(&self.file, &self.path, target).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: io::Error) -> DownloadError {
        DownloadError::Write { path: self.path.clone(), cause }
    }
}

/// Downloads `url` onto the end of `part`, or from the beginning if the server does not support ranges.
pub(super) fn download(way: &Way, name: &str, part: &mut Part, progress: &mut Progress) -> Result<(), DownloadError> {
    let mut done = part.bytes()?;
    let mut response = request(way, done)?;
    if done > 0 && !goes_on_at(&response, done) {
        // After status 416 too: the stored part is complete and yet was not the file.
        part.clear()?;
        done = 0;
        if response.status() != StatusCode::OK {
            response = request(way, 0)?;
        }
    }
    let status = response.status();
    if status != StatusCode::OK && status != StatusCode::PARTIAL_CONTENT {
        return Err(DownloadError::Status { status });
    }
    let total = response.body().content_length().map(|rest| done + rest);
    if total.is_some_and(|total| total > BYTES_MAX) {
        return Err(DownloadError::Large);
    }
    progress.begin(name, done, total);
    let copied = copy(response, part, done, progress);
    progress.end();
    copied
}

fn copy(
    response: Response<ureq::Body>,
    part: &mut Part,
    mut done: u64,
    progress: &mut Progress,
) -> Result<(), DownloadError> {
    // One byte more than allowed tells a too large file from one of exactly the limit.
    let mut body = response.into_body().into_with_config().limit(BYTES_MAX + 1).reader();
    let mut buffer = [0; 64 * 1024];
    loop {
        let bytes = match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(DownloadError::Broken { bytes: done, cause }),
        };
        done += bytes as u64;
        if done > BYTES_MAX {
            part.clear()?;
            return Err(DownloadError::Large);
        }
        part.file.write_all(&buffer[..bytes]).map_err(|cause| part.failed(cause))?;
        progress.advance(bytes as u64);
    }
}

/// A URL and the proxy for it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    url: String,
    proxy: Option<Proxy>,
}

impl Way {
    /// The way to `url` with the environment's `proxy`. A mirror on this machine, or one in `NO_PROXY`, is reached
    /// without it.
    pub(super) fn new(url: String, proxy: Option<&Proxy>) -> Self {
        let excepted = |proxy: &&Proxy| on_loopback(&url) || url.parse().is_ok_and(|uri| proxy.is_no_proxy(&uri));
        Self { proxy: proxy.filter(|proxy| !excepted(proxy)).cloned(), url }
    }

    /// The URL.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for Way {
    /// Formats "URL" or "URL through the proxy http://HOST:PORT", without the proxy's user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        let Some(proxy) = &self.proxy else { return Ok(()) };
        let scheme = proxy.uri().scheme_str().unwrap_or("http");
        write!(f, " through the proxy {scheme}://{}:{}", proxy.host(), proxy.port())
    }
}

fn request(way: &Way, from: u64) -> Result<Response<ureq::Body>, DownloadError> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("seedgrid/", env!("CARGO_PKG_VERSION")))
        // Ranges count the bytes of the stored file.
        .accept_encoding("identity")
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(STALLED))
        .timeout_per_read(Some(STALLED))
        .proxy(way.proxy.clone());
    let mut request = config.build().new_agent().get(way.url());
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
    }
    request.call().map_err(|error| DownloadError::Connection(Box::new(error)))
}

/// Whether the answer is the rest of the file from byte `from` on.
fn goes_on_at(response: &Response<ureq::Body>, from: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or("");
    response.status() == StatusCode::PARTIAL_CONTENT && range.starts_with(&format!("bytes {from}-"))
}

fn on_loopback(url: &str) -> bool {
    ["http://127.", "http://localhost", "http://[::1]"].iter().any(|prefix| url.starts_with(prefix))
}
