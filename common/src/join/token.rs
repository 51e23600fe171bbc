//! Secrets and their digests.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::wire::limits;

/// A secret that authenticates its holder. Never printed; only [`Token::expose`] gives its text.
#[derive(Clone)]
pub struct Token(String);

/// SHA-256 of a token's text. Stored instead of the secret where it only has to be recognised.
pub type TokenDigest = [u8; 32];

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

    /// The token's text: for the `authorization` header and for files of mode 0600, never for messages or logs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest of the token's text, stored where the token only has to be recognised. One pass of SHA-256 is enough:
    /// nobody can guess 256 random bits, so a slow or salted hash would add nothing.
    pub fn digest(&self) -> TokenDigest {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl PartialEq for Token {
    /// Compares digests, so that the time it takes reveals nothing about the text.
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}
