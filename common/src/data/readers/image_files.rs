//! Folders of images, and images that become one input.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use super::{
    decode::{Background, decode},
    error::{Fault, ReadError},
    source::{CONTENT_BYTES_MAX, SourceFile, Sources, entries, read as read_source, reserve},
    warning::Warning,
};
use crate::{
    data::{
        dataset::EXAMPLES_MAX,
        schema::{Content, EXAMPLE_NUMBERS_MAX, Input},
        values::{NumberType, Values},
    },
    hexadecimal,
};

/// Most folders within each other below a class.
const DEPTH_MAX: usize = 8;
/// Endings of the names of images, in small letters.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// The images of class folders, class by class in natural order.
pub(super) struct Listed {
    /// Each image's class and its path below the folder.
    images: Vec<(String, PathBuf)>,
    /// Files that are no images, by their paths below the folder.
    pub(super) skipped: Vec<PathBuf>,
}

impl Listed {
    /// The class of each image.
    pub(super) fn classes(&self) -> impl Iterator<Item = &str> {
        self.images.iter().map(|(class, _)| class.as_str())
    }

    /// The path of each image.
    pub(super) fn paths(&self) -> impl ExactSizeIterator<Item = &PathBuf> {
        self.images.iter().map(|(_, path)| path)
    }
}

/// Lists the images of class folders, with those of folders within a class. Names that begin with a point are passed
/// over.
///
/// # Errors
/// When there are no class folders, or one has no images.
pub(super) fn list_classes(folder: &Path, sources: &Sources) -> Result<Listed, ReadError> {
    let path = sources.existing(folder)?;
    let names = entries(&path).map_err(|cause| ReadError::in_file(folder, cause))?;
    let mut listed = Listed { images: Vec::new(), skipped: Vec::new() };
    for name in names {
        if !path.join(&name).is_dir() {
            listed.skipped.push(name.into());
            continue;
        }
        let before = listed.images.len();
        list(&path, &name, Path::new(&name), 0, &mut listed)
            .map_err(|cause| ReadError::in_file(&folder.join(&name), cause))?;
        if listed.images.len() == before {
            return Err(ReadError::in_file(&folder.join(&name), Fault::EmptyClass));
        }
    }
    match listed.images.is_empty() {
        true => Err(ReadError::in_file(folder, Fault::NoClasses)),
        false => Ok(listed),
    }
}

fn list(folder: &Path, class: &str, below: &Path, depth: usize, listed: &mut Listed) -> std::io::Result<()> {
    for name in entries(&folder.join(below))? {
        let path = below.join(name);
        if folder.join(&path).is_dir() {
            if depth < DEPTH_MAX {
                list(folder, class, &path, depth + 1, listed)?;
            }
        } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
        {
            listed.images.push((class.to_owned(), path));
        } else {
            listed.skipped.push(path);
        }
    }
    Ok(())
}

/// Images that become one input: all of one size and number of channels.
pub(super) struct Pictures {
    channels: Option<usize>,
    size: Option<[u32; 2]>,
    background: Option<Background>,
    /// The first image, and the channels and size that all must have.
    first: Option<(PathBuf, usize, [u32; 2])>,
    reduced: usize,
    laid: usize,
}

impl Pictures {
    /// No images yet; they are converted to these channels and resized to this height and width where given.
    pub(super) fn new(
        channels: Option<usize>,
        size: Option<[u32; 2]>,
        background: Option<Background>,
    ) -> Result<Self, Fault> {
        if channels.is_some_and(|channels| channels != 1 && channels != 3) {
            return Err(Fault::BadChannels);
        }
        if let Some([height, width]) = size {
            check_numbers(u128::from(height) * u128::from(width) * channels.unwrap_or(3) as u128)?;
        }
        Ok(Self { channels, size, background, first: None, reduced: 0, laid: 0 })
    }

    /// Reads the images at these paths of a folder, and takes down the folder's facts.
    ///
    /// # Errors
    /// When one cannot be read, or differs from the first in its size or channels.
    pub(super) fn read<'p>(
        &mut self,
        folder: &Path,
        paths: impl ExactSizeIterator<Item = &'p PathBuf>,
        sources: &mut Sources,
    ) -> Result<Values, ReadError> {
        let count = paths.len();
        if count > EXAMPLES_MAX {
            return Err(ReadError::in_file(folder, Fault::ManyRows { most: EXAMPLES_MAX }));
        }
        let mut pixels = Vec::new();
        let mut facts = Facts::default();
        for path in paths {
            let named = folder.join(path);
            let before = pixels.len();
            self.read_one(&named, path, sources, &mut facts, &mut pixels)?;
            if before == 0 {
                // The first image tells how much there will be.
                let rest = (pixels.len() as u64).saturating_mul(count as u64 - 1);
                if rest > CONTENT_BYTES_MAX {
                    return Err(ReadError::in_file(folder, Fault::Large { most: CONTENT_BYTES_MAX }));
                }
                reserve(&mut pixels, rest).map_err(|fault| ReadError::in_file(folder, fault))?;
            }
        }
        sources.add(facts.into_source(folder));
        let width = self
            .first
            .as_ref()
            .map_or(1, |(_, channels, [height, width])| channels * *height as usize * *width as usize);
        Values::new(NumberType::U8, width, pixels.into()).map_err(|_| ReadError::in_file(folder, Fault::NoExamples))
    }

    fn read_one(
        &mut self,
        named: &Path,
        path: &Path,
        sources: &Sources,
        facts: &mut Facts,
        pixels: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let at = |fault| ReadError::in_file(named, fault);
        let (source, bytes) = read_source(&sources.existing(named)?, path).map_err(at)?;
        facts.add(&source);
        let (image, changes) = decode(&bytes, self.background).map_err(at)?;
        self.reduced += usize::from(changes.reduced);
        self.laid += usize::from(changes.laid);
        let image = match self.channels {
            Some(channels) => image.with_channels(channels),
            None => image,
        };
        let image = match self.size {
            Some(size) => image.resized(size),
            None => image,
        };
        let (channels, size) = (image.channels(), image.size());
        match &self.first {
            None => {
                let numbers = u128::from(size[0]) * u128::from(size[1]) * channels as u128;
                check_numbers(numbers).map_err(at)?;
                self.first = Some((named.to_owned(), channels, size));
            }
            Some((first, _, [height, width])) if size != [*height, *width] => {
                let [found_height, found_width] = size;
                let (first, height, width) = (first.clone(), *height, *width);
                return Err(at(Fault::ImageSize { found_height, found_width, first, height, width }));
            }
            Some((first, expected, _)) if channels != *expected => {
                return Err(at(Fault::ImageChannels { found: channels, first: first.clone(), expected: *expected }));
            }
            Some(_) => {}
        }
        image.append(pixels);
        Ok(())
    }

    /// The input that the images make.
    ///
    /// # Errors
    /// When there are no images; the error names `file`.
    pub(super) fn input(&self, file: &Path) -> Result<Input, ReadError> {
        let (_, channels, [height, width]) =
            self.first.as_ref().ok_or_else(|| ReadError::in_file(file, Fault::NoExamples))?;
        Ok(Input { shape: vec![*channels, *height as usize, *width as usize], content: Content::Pixels })
    }

    /// The conversions of images.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let told = [
            (self.reduced, "16 bits were reduced to 8"),
            (self.laid, "transparent pixels were laid on the colour that `alpha` names"),
        ];
        told.into_iter()
            .filter(|(images, _)| *images > 0)
            .map(|(images, how)| Warning::Converted { images, how })
            .collect()
    }
}

fn check_numbers(numbers: u128) -> Result<(), Fault> {
    match (1..=EXAMPLE_NUMBERS_MAX as u128).contains(&numbers) {
        true => Ok(()),
        false => Err(Fault::BadSize { numbers }),
    }
}

/// The facts of many files as one.
#[derive(Default)]
struct Facts {
    bytes: u64,
    modified: Option<SystemTime>,
    hash: Sha256,
}

impl Facts {
    fn add(&mut self, source: &SourceFile) {
        self.bytes += source.bytes;
        self.modified = self.modified.max(source.modified);
        self.hash.update(format!("{} {}\n", source.sha256, source.path.display()));
    }

    fn into_source(self, folder: &Path) -> SourceFile {
        let sha256 = hexadecimal::text(self.hash.finalize().into());
        SourceFile { path: folder.to_owned(), bytes: self.bytes, modified: self.modified, sha256 }
    }
}
