//! The spec's file.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use seedgrid_common::spec::{self, Study, size_limits::TEXT_BYTES_MAX};

use super::PrepareError;

/// A spec that was read and is valid.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The study.
    pub study: Study,
    /// The file's text.
    pub text: String,
    /// The file's name in errors.
    pub source_name: String,
}

impl Spec {
    /// Reads and checks the spec at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, or with all errors in it.
    pub fn read(path: &Path) -> Result<Self, PrepareError> {
        Self::parse(&path.display().to_string(), read_text(path)?)
    }

    /// Checks a spec's text; `name` is the file's name in errors.
    ///
    /// # Errors
    /// With all errors in the text.
    pub fn parse(name: &str, text: String) -> Result<Self, PrepareError> {
        Ok(Self { study: spec::parse(name, &text)?, text, source_name: name.to_owned() })
    }
}

/// The text of the spec at `path`.
///
/// # Errors
/// When the file cannot be read.
pub fn read_text(path: &Path) -> Result<String, PrepareError> {
    let failed = |cause| PrepareError::Read { path: path.to_owned(), cause };
    // The check comes before opening: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        let cause = io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file");
        return Err(failed(cause));
    }
    let mut bytes = Vec::new();
    // One byte more than the limit, to detect a too large file.
    let file = File::open(path).map_err(failed)?;
    file.take(TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let text = if bytes.len() > TEXT_BYTES_MAX {
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        let why = match bytes.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16 text: save it as UTF-8",
            _ => "it is not UTF-8 text",
        };
        String::from_utf8(bytes).map_err(|_| failed(io::Error::new(io::ErrorKind::InvalidData, why)))?
    };
    // Windows editors write a byte-order mark before the first line; it is removed.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use nix::{sys::stat::Mode, unistd::mkfifo};
    use seedgrid_common::error_chain::with_hint;

    use super::*;

    fn refused(path: PathBuf) -> String {
        with_hint(&Spec::read(&path).unwrap_err())
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        for path in ["/dev/zero".into(), pipe, folder.path().to_owned()] {
            let words = refused(path);
            assert!(words.contains("it is not a plain file") && words.contains("hint:"), "{words}");
        }
    }

    #[test]
    fn no_more_is_read_than_a_spec_may_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.toml");
        // A sparse file of a terabyte: reading it whole would need as much memory.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let words = refused(path.clone());
        assert!(words.contains("longer than 262144 bytes"), "{words}");
        fs::write(&path, [b'a', 0xff, 0xfe]).unwrap();
        assert!(refused(path).contains("not UTF-8"));
    }

    #[test]
    fn a_file_from_windows_is_read_as_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("windows.toml");
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../experiments/quickstart.toml")).unwrap();
        let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
        fs::write(&path, windows(&text)).unwrap();
        let read = Spec::read(&path).unwrap();
        assert_eq!(read.study, Spec::parse("s", text).unwrap().study);
        assert!(read.text.starts_with(|first: char| first.is_ascii()), "the mark is no part of the text");
        fs::write(&path, windows("nam = 1\n[dataset]\nknd = 1\n")).unwrap();
        let words = refused(path.clone());
        assert!(words.contains("windows.toml:1:1: unknown key `nam`"), "{words}");
        assert!(words.contains("windows.toml:3:1: unknown key `knd`"), "{words}");
        let utf16 = [0xfeff].into_iter().chain("name = 1".encode_utf16()).flat_map(u16::to_le_bytes);
        fs::write(&path, utf16.collect::<Vec<u8>>()).unwrap();
        assert!(refused(path).contains("UTF-16 text: save it as UTF-8"));
    }
}
