//! Encryption of the connection: the file's content and the reader's flag must agree.

use super::JoinFile;

/// Whether the reader of a file was given `--plaintext`, to connect without encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plaintext {
    /// TLS only.
    #[default]
    Refused,
    /// Plaintext only.
    Wanted,
}

impl From<bool> for Plaintext {
    /// The choice that the flag `--plaintext` makes.
    fn from(flag: bool) -> Self {
        if flag { Self::Wanted } else { Self::Refused }
    }
}

/// The encryption of a connection to the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// TLS 1.3, and this certificate (PEM) is the only one that is trusted.
    Tls(&'a str),
    /// Nothing is encrypted.
    Plaintext,
}

/// The file and its reader disagree on encryption. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum TransportError {
    /// The file has no certificate, and its reader was not given `--plaintext`.
    #[error(
        "the coordinator of this study speaks plaintext (its addresses begin with http://), so that anybody on the way could read the \
         token and change results, and this command was not told to accept that"
    )]
    #[diagnostic(help(
        "start the coordinator without --plaintext and use the file that it writes then to have everything encrypted, or give --plaintext \
         here as well"
    ))]
    FileIsPlaintext,
    /// The file has a certificate, and its reader was given `--plaintext`.
    #[error("--plaintext was given, and the coordinator of this study speaks TLS (its addresses begin with https://)")]
    #[diagnostic(help("leave --plaintext out here, or start the coordinator with it as well"))]
    FileIsTls,
}

impl JoinFile {
    /// The encryption to use: plaintext only where both sides ask for it.
    ///
    /// # Errors
    /// When the file and its reader disagree.
    pub fn transport(&self, plaintext: Plaintext) -> Result<Transport<'_>, TransportError> {
        match (self.certificate.as_deref(), plaintext) {
            (Some(certificate), Plaintext::Refused) => Ok(Transport::Tls(certificate)),
            (None, Plaintext::Wanted) => Ok(Transport::Plaintext),
            (Some(_), Plaintext::Wanted) => Err(TransportError::FileIsTls),
            (None, Plaintext::Refused) => Err(TransportError::FileIsPlaintext),
        }
    }
}

/// Whether addresses and certificate fit: all https and a certificate, or all http and none.
pub(super) fn agree(addresses: &[String], certificate: Option<&str>) -> Result<(), &'static str> {
    let encrypted = addresses.iter().filter(|address| address.starts_with("https:")).count();
    match (encrypted, certificate) {
        (0, None) => Ok(()),
        (0, Some(_)) => Err("it has a certificate, and addresses that begin with http://"),
        (_, None) => Err("it has addresses that begin with https://, and no certificate"),
        (all, Some(_)) if all == addresses.len() => Ok(()),
        (_, Some(_)) => Err("some of its addresses begin with http:// and some with https://"),
    }
}
