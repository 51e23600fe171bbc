//! Fetches MNIST's files into a folder: from the first mirror with a good copy, verified, and each moved into place at
//! once.

use std::{
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
};

use miette::Diagnostic;
use seedgrid_common::{
    data::mnist_files::{Expected, FILES, MnistFile},
    error_chain::chain,
};
use ureq::Proxy;

use super::{
    Progress,
    http_download::{DownloadError, Part, Way, download},
};

/// Public mirrors of MNIST's compressed files, in the order of tries.
pub const MIRRORS: [&str; 2] =
    ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"];

/// One of the four files, in place and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// The file's path.
    pub path: PathBuf,
    /// The URL and the proxy of the download; None if the file existed before.
    pub from: Option<String>,
}

/// One try to get a file.
#[derive(Debug)]
pub struct Attempt {
    /// The URL and the proxy.
    pub from: String,
    /// The cause of the failure.
    pub cause: DownloadError,
}

/// The reason for which MNIST's files are not available.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No mirror was given.
    #[error("no mirror to download MNIST from")]
    NoMirror,
    /// The folder cannot be made or written.
    #[error("cannot write into {}", folder.display())]
    Folder {
        /// The folder's path.
        folder: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// Another process downloads the files.
    #[error("another process is downloading into {}", folder.display())]
    LockWait {
        /// The folder's path.
        folder: PathBuf,
    },
    /// No mirror gave a good file.
    #[error("{name} could not be downloaded{}", reasons(attempts))]
    Failed {
        /// The file's name without `.gz`.
        name: &'static str,
        /// The file's folder.
        folder: PathBuf,
        /// Every try, in order.
        attempts: Vec<Attempt>,
        /// The four files at the first mirror, for a download by hand.
        urls: Vec<String>,
    },
}

impl Diagnostic for FetchError {
    fn help(&self) -> Option<Box<dyn Display + '_>> {
        let help = match self {
            Self::NoMirror => format!("name one, for example {}", MIRRORS[0]),
            Self::Folder { .. } => "make the folder writable, or name another one with `--data DIR`".to_owned(),
            Self::LockWait { .. } => "wait for it to end, or name another folder with `--data DIR`".to_owned(),
            Self::Failed { folder, urls, .. } => format!(
                "run the same command again: it goes on where it stopped. Or, on a machine with a network, download\n  {}\nand put \
                 these files, as they are, into {} or into a folder that you name with `--data DIR`",
                urls.join("\n  "),
                folder.display()
            ),
        };
        Some(Box::new(help))
    }
}

/// Fetches MNIST's four files into `folder`, which is made if needed. Good files are kept.
///
/// `mirrors` are base URLs, tried in order for each file, beginning with the mirror of the last file. An unfinished
/// download stays in the folder (`NAME.gz.part`), and the next try continues it from any mirror. A file gets its own
/// name only after its content was verified as MNIST's. A bad file in its place is renamed to `NAME.bad`.
///
/// The environment's proxy is used and named in messages.
pub fn fetch(folder: &Path, mirrors: &[String], progress: &mut Progress) -> Result<Vec<FetchedFile>, FetchError> {
    fetch_files(&FILES, folder, mirrors, Proxy::try_from_env().as_ref(), progress)
}

fn fetch_files(
    files: &[MnistFile],
    folder: &Path,
    mirrors: &[String],
    proxy: Option<&Proxy>,
    progress: &mut Progress,
) -> Result<Vec<FetchedFile>, FetchError> {
    if mirrors.is_empty() {
        return Err(FetchError::NoMirror);
    }
    let failed = |cause| FetchError::Folder { folder: folder.to_owned(), cause };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut source = Source { files, folder, proxy, mirrors: mirrors.iter().map(String::as_str).collect() };
    let mut fetched = Vec::new();
    for file in files {
        let there = good_copy(file, folder, progress).map_err(failed)?;
        fetched.push(match there {
            Some(path) => {
                progress.say(&format!("{}: already there", file.name));
                FetchedFile { path, from: None }
            }
            None => source.get(file, progress)?,
        });
    }
    Ok(fetched)
}

/// The path of a good existing copy of this file. Bad files in the folder itself are renamed; those in folders below it
/// belong to other programs and stay: the folder's own copy comes first.
fn good_copy(file: &MnistFile, folder: &Path, progress: &mut Progress) -> io::Result<Option<PathBuf>> {
    for path in file.candidates(folder).filter(|path| path.is_file()) {
        match file.read_from(&path, Expected::Canonical) {
            Ok(_) => return Ok(Some(path)),
            Err(error) if path.parent() != Some(folder) => progress.say(&chain(&error)),
            Err(error) => {
                let mut aside = path.clone().into_os_string();
                aside.push(".bad");
                progress.say(&format!("{}; moved to {}", chain(&error), Path::new(&aside).display()));
                fs::rename(&path, aside)?;
            }
        }
    }
    Ok(None)
}

/// Mirrors, beginning with the mirror of the last file.
struct Source<'a> {
    files: &'a [MnistFile],
    folder: &'a Path,
    proxy: Option<&'a Proxy>,
    mirrors: Vec<&'a str>,
}

impl Source<'_> {
    fn get(&mut self, file: &MnistFile, progress: &mut Progress) -> Result<FetchedFile, FetchError> {
        let folder = || self.folder.to_owned();
        let mut attempts = Vec::new();
        for (index, mirror) in self.mirrors.iter().enumerate() {
            let way = Way::new(url(mirror, file), self.proxy);
            match get(file, self.folder, &way, progress) {
                Ok(path) => {
                    progress.say(&format!("{}: good, from {way}", file.name));
                    self.mirrors[..=index].rotate_right(1);
                    return Ok(FetchedFile { path, from: Some(way.to_string()) });
                }
                // Another mirror would not help.
                Err(DownloadError::LockWait { .. }) => return Err(FetchError::LockWait { folder: folder() }),
                Err(DownloadError::Write { cause, .. }) => return Err(FetchError::Folder { folder: folder(), cause }),
                Err(
                    cause @ (DownloadError::Connection(_)
                    | DownloadError::Broken { .. }
                    | DownloadError::Status { .. }
                    | DownloadError::Large
                    | DownloadError::Content(_)),
                ) => {
                    progress.say(&format!("{way}: {}", chain(&cause)));
                    attempts.push(Attempt { from: way.to_string(), cause });
                }
            }
        }
        let urls = self.files.iter().map(|file| url(self.mirrors[0], file)).collect();
        Err(FetchError::Failed { name: file.name, folder: folder(), attempts, urls })
    }
}

/// Downloads and verifies one file, and moves it into place.
fn get(file: &MnistFile, folder: &Path, way: &Way, progress: &mut Progress) -> Result<PathBuf, DownloadError> {
    let name = file.gzip_name();
    let mut part = Part::open(&folder.join(format!("{name}.part")))?;
    let resumed = part.bytes()? > 0;
    let mut arrived = verified(file, way, &mut part, progress);
    if resumed && let Err(DownloadError::Content(_)) = arrived {
        // The first half may come from another mirror, whose compressed bytes differ.
        part.clear()?;
        arrived = verified(file, way, &mut part, progress);
    }
    match arrived {
        Ok(()) => {
            let target = folder.join(name);
            part.rename(&target)?;
            Ok(target)
        }
        Err(cause) => {
            if matches!(cause, DownloadError::Content(_)) {
                part.clear()?;
            }
            part.remove_if_empty()?;
            Err(cause)
        }
    }
}

fn verified(file: &MnistFile, way: &Way, part: &mut Part, progress: &mut Progress) -> Result<(), DownloadError> {
    download(way, &file.gzip_name(), part, progress)?;
    file.read_from(part.path(), Expected::Canonical).map(|_| ()).map_err(DownloadError::Content)
}

fn url(mirror: &str, file: &MnistFile) -> String {
    format!("{}/{}", mirror.trim_end_matches('/'), file.gzip_name())
}

fn reasons(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("\n  {}: {}", attempt.from, chain(&attempt.cause))).collect()
}

#[cfg(test)]
mod tests;
