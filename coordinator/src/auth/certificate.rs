//! The study's certificate and its key: made once for the study and kept in its run directory, also over restarts.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::fcntl::OFlag;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use seedgrid_common::{
    durable_files,
    join::connect::{ALPN, SERVER_NAME},
    text::shell,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        version::TLS13,
    },
};

/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// The mode bits that give access to others than the owner.
const OTHERS: u32 = 0o077;

/// A certificate with its private key, which is never printed.
#[derive(Clone)]
pub struct Identity {
    certificate: String,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(hidden)")
    }
}

/// The reason for a missing certificate. Each message has a hint.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum IdentityError {
    /// The file cannot be read.
    #[error("cannot read the study's certificate and key {path}: {cause}")]
    #[diagnostic(help(
        "it must be a plain file of the user who runs the coordinator; if it is damaged, remove it: a new one is made, and workers need the new join file"
    ))]
    Read {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// Others than the owner may read or write the file.
    #[error("the study's key {path} has mode {mode:04o}, so others on this machine can get at it")]
    #[diagnostic(help("if nobody else can have read it, run \
         `chmod 600 {}`; else remove it, and workers get a new one with the next join file", shell(.path)))]
    TooOpen {
        /// The file's path.
        path: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// The file's content is malformed.
    #[error("the study's certificate and key {path} are malformed: {problem}")]
    #[diagnostic(help(
        "remove the file; a new one is made, and workers read it \
         from the new join file"
    ))]
    Malformed {
        /// The file's path.
        path: PathBuf,
        /// The problem, without the file's content.
        problem: String,
    },
    /// No certificate can be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The file cannot be written.
    #[error("cannot write the study's certificate and key {path}: {cause}")]
    #[diagnostic(help("check the folder's permissions and free space"))]
    Write {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

impl Identity {
    /// Reads the certificate from the file `path`. Without a file, makes a new certificate and writes it with mode
    /// 0600.
    ///
    /// # Errors
    /// When the file is not usable, can be read by others, or cannot be written.
    pub fn load_or_generate(path: &Path) -> Result<Self, IdentityError> {
        let text = match read(path) {
            Ok(Some(text)) => text,
            Ok(None) => {
                let text = make()?;
                durable_files::write_secret(path, text.as_bytes())
                    .map_err(|cause| IdentityError::Write { path: path.to_owned(), cause })?;
                text
            }
            Err(error) => return Err(error),
        };
        Self::parse(&text).map_err(|problem| IdentityError::Malformed { path: path.to_owned(), problem })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let certificate = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| "it holds no certificate")?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| "it holds no private key")?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .and_then(|config| config.with_no_client_auth().with_single_cert(vec![certificate], key))
            .map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        let end = text.find(END).ok_or("it holds no certificate")? + END.len();
        Ok(Self { certificate: text[..end].to_owned(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The certificate that clients trust, as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The acceptor of TLS handshakes with this certificate.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

/// The end of the certificate, which is the file's first part.
const END: &str = "-----END CERTIFICATE-----\n";

/// The file's text; None without a file.
fn read(path: &Path) -> Result<Option<String>, IdentityError> {
    let failed = |cause| IdentityError::Read { path: path.to_owned(), cause };
    // Rejects links, which could lead anywhere, and does not wait for pipes.
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(cause)),
    };
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(IdentityError::TooOpen { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Makes a new certificate and its key, as PEM. It is valid at any time: credentials, which expire, decide about
/// access.
fn make() -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new([SERVER_NAME.to_owned()])?;
    parameters.distinguished_name.push(DnType::CommonName, "Seedgrid study");
    parameters.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let certificate = parameters.self_signed(&key)?.pem().replace("\r\n", "\n");
    Ok(certificate + &key.serialize_pem().replace("\r\n", "\n"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn it_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.pem");
        let first = Identity::load_or_generate(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Identity::load_or_generate(&path).unwrap().certificate(), first.certificate());
        assert!(seedgrid_common::join::connect::config(first.certificate()).is_ok());
        assert!(!first.certificate().contains("PRIVATE"));
        assert!(!format!("{first:?}").contains("BEGIN"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Identity::load_or_generate(&path), Err(IdentityError::TooOpen { mode: 0o640, .. })));
    }

    #[test]
    fn what_is_no_identity_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.pem");
        let whole = Identity::load_or_generate(&path).map(|_| fs::read_to_string(&path).unwrap()).unwrap();
        let certificate_alone = whole[..whole.find(END).unwrap() + END.len()].to_owned();
        let other = make().unwrap();
        let another_key = certificate_alone.clone() + &other[other.find(END).unwrap() + END.len()..];
        for text in ["", "nonsense", &certificate_alone, &another_key, &whole[..whole.len() - 40]] {
            fs::write(&path, text).unwrap();
            let error = Identity::load_or_generate(&path).unwrap_err();
            assert!(matches!(error, IdentityError::Malformed { .. }), "{error}");
            assert!(!error.to_string().contains("MI"), "{error}");
        }
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(matches!(Identity::load_or_generate(&path), Err(IdentityError::Read { .. })));
    }
}
