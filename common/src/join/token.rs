//! Secrets and their digests.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::wire::limits;

/// A secret that is shown to be let in. Never printed; [`Token::expose`] is the one way to its text.
#[derive(Clone)]
pub struct Token(String);

/// SHA-256 of a token's text: what is kept of a secret where it only has to be recognised.
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

    /// The secret itself: for the `authorization` header and for files of mode 0600, for nothing that is shown or logged.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it where it only has to be recognised. One pass of SHA-256 is enough: with 256 random bits there is nothing to
    /// guess, so nothing that a slow or salted hash would make harder.
    pub fn digest(&self) -> TokenDigest {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl PartialEq for Token {
    /// Compares digests, so that the time that it takes says nothing about the text.
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
