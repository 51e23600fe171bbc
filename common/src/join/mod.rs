//! The join file: it holds all that a worker needs to find and enter a study. TOML, mode 0600; the coordinator writes
//! it into the run directory, and users copy it to the workers' machines. The files for commands that steer (admin) or
//! watch (view) have the same form.
//!
//! These files hold secrets. Nothing here prints the token: neither `Debug` nor an error (a parser's message would
//! quote the line).

pub mod connect;
pub mod reconnect_limits;
mod token;
mod transport;

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tonic::transport::Uri;

pub use token::{Token, TokenDigest};
pub use transport::{Plaintext, Transport, TransportError};

use crate::{durable_files, study_id::StudyId, text::shell, utc, wire::limits};

/// The only version of the join file that this program reads and writes.
pub const JOIN_VERSION: u32 = 3;
/// Most addresses in one join file.
pub const ADDRESSES_MAX: usize = 16;
/// Largest join file, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Bits of a mode that give other users access.
const OTHERS: u32 = 0o077;

/// The purpose of a file's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Workers enroll with this token, and do nothing else with it.
    Join,
    /// Commands steer and watch the study with this token.
    Admin,
    /// Commands watch the study with this token, and change nothing.
    View,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Join, Self::Admin, Self::View];

    /// The role's name in the files and the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Admin => "admin",
            Self::View => "view",
        }
    }

    /// The file's name in the run directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Join => "join.toml",
            Self::Admin => "admin.toml",
            Self::View => "view.toml",
        }
    }

    /// The first line of the file.
    fn header(self) -> &'static str {
        match self {
            Self::Join => {
                "# Seedgrid join file. It holds a secret: with it, anyone can enter the study with a worker. Keep it at mode 0600.\n"
            }
            Self::Admin => {
                "# Seedgrid admin file. It holds a secret: with it, anyone can control the study. Keep it at mode 0600.\n"
            }
            Self::View => {
                "# Seedgrid view file. It holds a secret: with it, anyone can watch the study. Keep it at mode 0600.\n"
            }
        }
    }
}

/// The content of a join file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinFile {
    /// The purpose of the token.
    pub role: Role,
    /// The study's name.
    pub study: String,
    /// The study to which the token belongs.
    pub study_id: StudyId,
    /// Name of the machine that wrote it. Loopback addresses mean something only there. None: unknown.
    pub host: Option<String>,
    /// The coordinator's addresses, in order of preference: each `https://HOST:PORT`, or each `http://HOST:PORT`
    /// without a certificate.
    pub addresses: Vec<String>,
    /// The secret that authenticates the file's reader.
    pub token: Token,
    /// The end of the token's validity, in milliseconds since the Unix epoch (whole seconds). None: it does not end.
    pub expires_ms: Option<i64>,
    /// The coordinator's certificate, PEM: the only one that is trusted. None: plaintext.
    pub certificate: Option<String>,
}

/// The reason why a join file could not be read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum JoinError {
    /// The file does not exist.
    #[error("there is no {kind} at {path}", kind = kind(path))]
    #[diagnostic(help(
        "the coordinator writes it into the run directory when it starts: check the path, or start it with `seedgrid serve`"
    ))]
    Missing {
        /// The expected path.
        path: PathBuf,
    },
    /// The file cannot be opened or read.
    #[error("cannot read the {kind} {path}: {source}", kind = kind(path))]
    #[diagnostic(help("it must be a plain file of the user who runs this command"))]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other users may read or write the file.
    #[error(
        "the {kind} {path} has mode {mode:04o}, so that others on this machine can get at its secret", kind = kind(path)
    )]
    #[diagnostic(help("run `chmod 600 {}`, or copy it to a file system that keeps modes", shell(.path)))]
    TooOpen {
        /// The file's path.
        path: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// The file is no join file.
    #[error("the {kind} {path} is malformed: {problem}", kind = kind(path))]
    #[diagnostic(help("copy it again from the run directory, where the coordinator makes a new one when it starts"))]
    Malformed {
        /// The file's path.
        path: PathBuf,
        /// The fault, without the file's content.
        problem: String,
    },
    /// The file has another version.
    #[error(
        "the {kind} {path} has version {found}, this program reads version {JOIN_VERSION}", kind = kind(path)
    )]
    #[diagnostic(help("use programs of one version"))]
    OtherVersion {
        /// The file's path.
        path: PathBuf,
        /// The file's version.
        found: i64,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    #[diagnostic(help("check the folder's permissions and free space"))]
    Unwritable {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl JoinError {
    /// The fault of the file, in a message that announces its replacement.
    pub fn flaw(&self) -> String {
        match self {
            Self::Missing { .. } => "it is not there".to_owned(),
            Self::Unreadable { source, .. } => format!("it cannot be read: {source}"),
            Self::TooOpen { mode, .. } => format!("its mode {mode:04o} let others at its secret"),
            Self::Malformed { problem, .. } => format!("it is malformed: {problem}"),
            Self::OtherVersion { found, .. } => format!("it has version {found}"),
            Self::Unwritable { source, .. } => format!("it cannot be written: {source}"),
        }
    }
}

/// The name of the file at this path in messages.
fn kind(path: &Path) -> &'static str {
    let named = |role: &Role| path.file_name().is_some_and(|name| name == role.file_name());
    match Role::ALL.into_iter().find(named) {
        Some(Role::Admin) => "admin file",
        Some(Role::View) => "view file",
        Some(Role::Join) | None => "join file",
    }
}

/// The file's serialised content. No `Debug`: it holds the token's text.
#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    role: String,
    study: String,
    study_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    addresses: Vec<String>,
    token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

impl JoinFile {
    /// Reads and checks the join file at `path`.
    pub fn read(path: &Path) -> Result<Self, JoinError> {
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => JoinError::Missing { path: path.to_owned() },
            _ => JoinError::Unreadable { path: path.to_owned(), source },
        };
        // Checked before opening, since opening a pipe would wait for its writer.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::other("not a plain file")));
        }
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        // The mode matters only for a join file: another kind of file is not secret.
        let read = Self::parse(&bytes).map_err(|problem| match problem {
            Problem::Version(found) => JoinError::OtherVersion { path: path.to_owned(), found },
            Problem::Content(problem) => JoinError::Malformed { path: path.to_owned(), problem },
        })?;
        match mode & OTHERS {
            0 => Ok(read),
            _ => Err(JoinError::TooOpen { path: path.to_owned(), mode }),
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let content = |problem: &str| Problem::Content(problem.to_owned());
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(content("it is larger than 64 KiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| content("it is not UTF-8 text"))?;
        // Only the parser's message and the line: its full text quotes the line, which may hold the token.
        let at = |error: &toml::de::Error| {
            let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            let place = line.map_or(String::new(), |line| format!("line {line}: "));
            Problem::Content(format!("{place}{}", redacted(error.message())))
        };
        let table: toml::Table = toml::from_str(text).map_err(|error| at(&error))?;
        // The version first: the content of another version is unknown.
        match table.get("version") {
            Some(toml::Value::Integer(version)) if *version == i64::from(JOIN_VERSION) => {}
            Some(toml::Value::Integer(version)) => return Err(Problem::Version(*version)),
            Some(_) | None => return Err(content("`version` is missing or not a number")),
        }
        let read: Content = toml::from_str(text).map_err(|error| at(&error))?;
        if read.study.is_empty() || read.study.len() > limits::NAME_BYTES_MAX {
            return Err(content("`study` must have 1 to 256 bytes"));
        }
        if read.addresses.is_empty() || read.addresses.len() > ADDRESSES_MAX {
            return Err(content("`addresses` must name 1 to 16 addresses"));
        }
        // Named by its index: a secret may have been pasted there.
        if let Some(bad) = read.addresses.iter().position(|address| !is_address(address)) {
            return Err(Problem::Content(format!("address {} is not like \"https://host:7700\"", bad + 1)));
        }
        transport::agree(&read.addresses, read.certificate.as_deref()).map_err(content)?;
        if let Some(pem) = &read.certificate {
            connect::config(pem).map_err(|error| Problem::Content(error.to_string()))?;
        }
        let token = Token::parse(&read.token).ok_or(content("`token` must be 16 to 256 visible ASCII characters"))?;
        let expires = read.expires.as_deref().map(|text| utc::parse(text).ok_or(content("`expires` is no time")));
        // Not parsed by serde, whose error would quote the text.
        let role = Role::ALL.into_iter().find(|role| role.name() == read.role);
        Ok(Self {
            role: role.ok_or(content("`role` is none of join, admin and view"))?,
            study: read.study,
            study_id: read.study_id.parse().map_err(|_| content("`study_id` must have 32 hexadecimal digits"))?,
            host: read.host,
            addresses: read.addresses,
            token,
            expires_ms: expires.transpose()?,
            certificate: read.certificate,
        })
    }

    /// Writes the file to `path` with mode 0600, durably and at once: a reader finds the old file or the new one, never
    /// a part, and other users can read it at no instant.
    pub fn write(&self, path: &Path) -> Result<(), JoinError> {
        self.write_io(path).map_err(|source| JoinError::Unwritable { path: path.to_owned(), source })
    }

    fn write_io(&self, path: &Path) -> io::Result<()> {
        let content = Content {
            version: JOIN_VERSION,
            role: self.role.name().to_owned(),
            study: self.study.clone(),
            study_id: self.study_id.to_string(),
            host: self.host.clone(),
            addresses: self.addresses.clone(),
            token: self.token.expose().to_owned(),
            expires: self.expires_ms.map(utc::format),
            certificate: self.certificate.clone(),
        };
        let text = toml::to_string(&content).map_err(io::Error::other)?;
        durable_files::write_secret(path, format!("{}{text}", self.role.header()).as_bytes())
    }
}

enum Problem {
    Version(i64),
    Content(String),
}

/// A parser's message without anything that it quotes: `invalid type: string "…", expected u32` would show a value.
fn redacted(message: &str) -> String {
    let mut parts = message.split('"');
    let mut text = parts.next().unwrap_or_default().to_owned();
    if parts.next().is_some() {
        text.push_str("(hidden)");
        if let Some(last) = parts.next_back() {
            text.push_str(last);
        }
    }
    text.lines().next().unwrap_or_default().to_owned()
}

fn is_address(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let place = uri.host().is_some_and(|host| !host.is_empty()) && uri.port_u16().is_some_and(|port| port > 0);
    let bare = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    address.len() <= limits::NAME_BYTES_MAX && scheme && place && bare && uri.path() == "/" && uri.query().is_none()
}

#[cfg(test)]
mod tests;
