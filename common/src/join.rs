//! The join file: all that a worker needs to find and enter a study. TOML, mode 0600, written by the coordinator into the run
//! directory and copied to wherever workers run.
//!
//! It holds a secret. Nothing here prints the token: not `Debug`, not an error (a parser's message would quote the line).

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tonic::transport::Uri;

use crate::wire::limits;

/// The only version of the join file that this program reads and writes.
pub const JOIN_VERSION: u32 = 1;
/// Most addresses in one join file.
pub const ADDRESSES_MAX: usize = 16;
/// Largest join file, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Bits of a mode that let others than the owner in.
const OTHERS: u32 = 0o077;

const HEADER: &str =
    "# Seedgrid join file. It holds a secret: whoever can read it can enter the study. Keep it at mode 0600.\n";

/// What a join file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinFile {
    /// The study's name.
    pub study: String,
    /// Name of the machine that wrote it. Loopback addresses mean something only there. None: unknown.
    pub host: Option<String>,
    /// Where the coordinator listens, in order of preference, each `http://HOST:PORT` or `https://HOST:PORT`.
    pub addresses: Vec<String>,
    /// What lets a worker in.
    pub token: Token,
    /// The coordinator's certificate, PEM. None: plaintext.
    pub certificate: Option<String>,
}

/// A bearer token. Never printed; [`Token::expose`] is the one way to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new token of 256 random bits, as 64 hexadecimal digits.
    pub fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Takes `text` where it can be a token: 16 to 256 visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (16..=limits::NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The secret itself: for the `authorization` header and for comparing, for nothing that is shown or logged.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// Why a join file could not be read or written. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// There is no such file.
    #[error(
        "there is no join file at {path}. The coordinator writes it into the run directory when it starts: check the path, or start it with `seedgrid serve`"
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be opened or read.
    #[error(
        "cannot read the join file {path}: {source}. It must be a plain file that belongs to the user who runs the worker"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than the owner may read or write it.
    #[error(
        "the join file {path} has mode {mode:04o}, so others on this machine can get at its secret. Run `chmod 600 {path}`, or copy it to a file system that keeps modes"
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no join file.
    #[error("the join file {path} is malformed: {problem}. Copy it again from the run directory")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, without the file's content.
        problem: String,
    },
    /// It is of another version.
    #[error(
        "the join file {path} has version {found}, this program reads version {JOIN_VERSION}. Use a worker of the coordinator's version"
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// It cannot be written.
    #[error("cannot write the join file {path}: {source}. Check the folder's permissions and free space")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file's content as it is written. No `Debug`: it holds the token's text.
#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    study: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    addresses: Vec<String>,
    token: String,
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
        // Before opening, since opening a pipe would wait for its writer.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::other("not a plain file")));
        }
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(JoinError::TooOpen { path: path.to_owned(), mode });
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Self::parse(&bytes).map_err(|problem| match problem {
            Problem::Version(found) => JoinError::OtherVersion { path: path.to_owned(), found },
            Problem::Content(problem) => JoinError::Malformed { path: path.to_owned(), problem },
        })
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
        // The version first: of another version's content nothing is known.
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
        if let Some(bad) = read.addresses.iter().find(|address| !is_address(address)) {
            return Err(Problem::Content(format!("the address {bad:?} is not like \"http://host:7700\"")));
        }
        let token = Token::parse(&read.token).ok_or(content("`token` must be 16 to 256 visible ASCII characters"))?;
        Ok(Self { study: read.study, host: read.host, addresses: read.addresses, token, certificate: read.certificate })
    }

    /// Writes it to `path` with mode 0600, durably and at once: a reader finds the old file or the new one, never a part, and at
    /// no instant can others read it.
    pub fn write(&self, path: &Path) -> Result<(), JoinError> {
        self.write_io(path).map_err(|source| JoinError::Unwritable { path: path.to_owned(), source })
    }

    fn write_io(&self, path: &Path) -> io::Result<()> {
        let content = Content {
            version: JOIN_VERSION,
            study: self.study.clone(),
            host: self.host.clone(),
            addresses: self.addresses.clone(),
            token: self.token.expose().to_owned(),
            certificate: self.certificate.clone(),
        };
        let text = toml::to_string(&content).map_err(io::Error::other)?;
        let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = folder.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        // Left by a crash of an earlier process with this id.
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(HEADER.as_bytes())?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, path)
        })();
        if written.is_err() {
            // Best effort: what failed before matters more.
            drop(std::fs::remove_file(&temporary));
        }
        written?;
        File::open(folder)?.sync_all()
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
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;
    use tempfile::tempdir;

    use super::*;

    const SECRET: &str = "0123456789abcdef-the-secret";

    fn example() -> JoinFile {
        JoinFile {
            study: "table3".to_owned(),
            host: Some("login1".to_owned()),
            addresses: vec!["http://127.0.0.1:7700".to_owned(), "http://[fe80::1]:7700".to_owned()],
            token: Token::parse(SECRET).unwrap(),
            certificate: Some("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".to_owned()),
        }
    }

    fn mode_of(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    /// Writes `text` as a join file of mode 0600 and reads it.
    fn read_text(text: &str) -> Result<JoinFile, JoinError> {
        let folder = tempdir().unwrap();
        let path = folder.path().join("join.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        JoinFile::read(&path)
    }

    fn problem_of(text: &str) -> String {
        match read_text(text).unwrap_err() {
            JoinError::Malformed { problem, .. } => problem,
            other => panic!("expected a malformed file, got {other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("join.toml");
        example().write(&path).unwrap();
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(JoinFile::read(&path).unwrap(), example());
        let plain = JoinFile { host: None, certificate: None, ..example() };
        plain.write(&path).unwrap();
        assert_eq!(JoinFile::read(&path).unwrap(), plain);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["join.toml"], "no temporary file is left");
    }

    #[test]
    fn writing_over_an_open_file_closes_it_to_others() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("join.toml");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        example().write(&path).unwrap();
        assert_eq!(mode_of(&path), 0o600);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("join.toml");
        example().write(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601, 0o644, 0o777] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = JoinFile::read(&path).unwrap_err();
            assert!(matches!(error, JoinError::TooOpen { mode: found, .. } if found == mode), "{mode:o}: {error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        assert!(JoinFile::read(&path).is_ok(), "narrower is fine");
    }

    #[test]
    fn each_problem_has_its_own_error() {
        let folder = tempdir().unwrap();
        assert!(matches!(JoinFile::read(&folder.path().join("none")), Err(JoinError::Missing { .. })));
        assert!(matches!(JoinFile::read(folder.path()), Err(JoinError::Unreadable { .. })));
        assert!(matches!(example().write(&folder.path().join("no/folder")), Err(JoinError::Unwritable { .. })));
        assert!(matches!(read_text("version = 2\nshape = 'unknown'"), Err(JoinError::OtherVersion { found: 2, .. })));
        assert!(problem_of("").contains("version"));
        assert!(problem_of("version = 1\nstudy = \"a\"").contains("addresses"));
        assert!(problem_of(&"#".repeat(70_000)).contains("64 KiB"));
        for address in ["host:7700", "http://host", "ftp://host:1", "http://host:1/x", "http://:1", "http://me@host:1"]
        {
            let text = format!("version = 1\nstudy = \"a\"\naddresses = [\"{address}\"]\ntoken = \"{SECRET}\"\n");
            assert!(problem_of(&text).contains("address"), "{address}");
        }
        let short = "version = 1\nstudy = \"a\"\naddresses = [\"http://a:1\"]\ntoken = \"short\"\n";
        assert!(problem_of(short).contains("token"));
    }

    #[test]
    fn the_token_is_never_shown() {
        assert!(!format!("{:?}", example()).contains(SECRET));
        // Broken in ways that make the parser quote the token's line or value.
        for line in [format!("token = \"{SECRET}"), format!("token = {SECRET}"), format!("token = [\"{SECRET}\"]")] {
            let problem = problem_of(&format!("version = 1\nstudy = \"a\"\naddresses = []\n{line}\n"));
            assert!(!problem.contains("0123456789"), "{problem}");
        }
        let swapped = format!("version = 1\nstudy = \"a\"\naddresses = \"{SECRET}\"\ntoken = \"{SECRET}\"\n");
        assert!(!problem_of(&swapped).contains("0123456789"));
    }

    #[test]
    fn tokens_differ_and_fit() {
        let (first, second) = (Token::generate(), Token::generate());
        assert_ne!(first, second);
        assert_eq!(first.expose().len(), 64);
        assert_eq!(Token::parse(first.expose()), Some(first.clone()));
        assert_eq!(Token::parse("with a blank in it"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = JoinFile::parse(&bytes);
        }

        #[test]
        fn any_damage_is_refused_or_read_without_a_panic(at in 0_usize..300, byte in any::<u8>()) {
            let mut text = toml::to_string(&Content {
                version: 1, study: "a".into(), host: None, addresses: vec!["http://a:1".into()],
                token: SECRET.into(), certificate: None,
            }).unwrap().into_bytes();
            let at = at % text.len();
            text[at] = byte;
            if let Err(Problem::Content(problem)) = JoinFile::parse(&text) {
                prop_assert!(!problem.contains("456789abcdef"), "{problem}");
            }
        }
    }
}
