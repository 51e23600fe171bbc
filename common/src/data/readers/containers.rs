//! Files and folders of named arrays: `.npz`, `.npy`, `.safetensors` and IDX.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use zip::{ZipArchive, result::ZipError};

use super::{
    array::{Array, Element, Order, expected_bytes},
    error::{Fault, Known, Place, ReadError},
    npy,
    safetensors_file::{self, Tensor},
    source::{CONTENT_BYTES_MAX, Sources, entries, reserve},
};
use crate::data::idx;

/// Deflate makes no more than this many bytes of one.
const INFLATION_MAX: u64 = 1032;

/// The arrays of some files, of which each is read as it is asked for.
pub struct Arrays {
    places: Vec<(String, ArrayPlace)>,
    archives: BTreeMap<PathBuf, ZipArchive<BufReader<File>>>,
}

/// The place of an array.
enum ArrayPlace {
    /// A member of an archive.
    Member { archive: PathBuf, member: String },
    /// A file of one array.
    Single(PathBuf),
    /// A tensor of a file.
    Tensor(PathBuf, Tensor),
}

impl ArrayPlace {
    fn file(&self) -> &Path {
        match self {
            Self::Member { archive, .. } => archive,
            Self::Single(file) | Self::Tensor(file, _) => file,
        }
    }
}

impl std::fmt::Debug for Arrays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.places.iter().map(|(name, place)| (name, place.file()))).finish()
    }
}

/// A file's form, by its first bytes; a safetensors file by its name.
enum Form {
    Zip,
    Npy,
    Safetensors,
    Idx,
}

impl Arrays {
    /// Opens these files and folders. An array of an archive has the name that it has there; one that has a file for
    /// itself has the file's name without `.npy` or `.gz`.
    ///
    /// # Errors
    /// When one is absent or of no known form.
    pub fn open(files: &[PathBuf], sources: &mut Sources) -> Result<Self, ReadError> {
        let mut arrays = Self { places: Vec::new(), archives: BTreeMap::new() };
        if files.is_empty() {
            return Err(ReadError::of_spec(Fault::NoFiles));
        }
        for file in files {
            let path = sources.existing(file)?;
            if !path.is_dir() {
                arrays.add(file, sources)?;
                continue;
            }
            let names = entries(&path).map_err(|cause| ReadError::in_file(file, cause))?;
            let known: Vec<&String> = names.iter().filter(|name| is_known_name(name)).collect();
            if known.is_empty() {
                return Err(ReadError::in_file(file, Fault::UnknownForm));
            }
            for name in known {
                arrays.add(&file.join(name), sources)?;
            }
        }
        Ok(arrays)
    }

    fn add(&mut self, file: &Path, sources: &mut Sources) -> Result<(), ReadError> {
        let fault = |fault: Fault| ReadError::in_file(file, fault);
        let mut opened = File::open(sources.existing(file)?).map_err(|cause| fault(cause.into()))?;
        let mut first = Vec::new();
        opened.by_ref().take(8).read_to_end(&mut first).map_err(|cause| fault(cause.into()))?;
        match form(file, &first).map_err(fault)? {
            Form::Zip => {
                let archive = ZipArchive::new(sources.open(file)?).map_err(|error| fault(zip_fault(error)))?;
                let members = archive.file_names().map(|name| name.map(Cow::into_owned));
                let members = members.collect::<Result<Vec<_>, _>>().map_err(|error| fault(zip_fault(error)))?;
                for member in members {
                    if let Some(name) = member.strip_suffix(".npy") {
                        let place = ArrayPlace::Member { archive: file.to_owned(), member: member.clone() };
                        self.places.push((name.to_owned(), place));
                    }
                }
                self.archives.insert(file.to_owned(), archive);
            }
            Form::Npy | Form::Idx => self.places.push((single_name(file), ArrayPlace::Single(file.to_owned()))),
            Form::Safetensors => {
                let content = sources.bytes(file)?;
                for (name, tensor) in safetensors_file::tensors(&content).map_err(fault)? {
                    self.places.push((name, ArrayPlace::Tensor(file.to_owned(), tensor)));
                }
            }
        }
        Ok(())
    }

    /// The arrays' names, in the files' order.
    pub fn names(&self) -> Vec<String> {
        self.places.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The file that holds an array.
    ///
    /// # Errors
    /// When there is no such array, or there are two.
    pub fn file(&self, name: &str) -> Result<&Path, ReadError> {
        self.find(name).map(|(_, place)| place.file())
    }

    fn find(&self, written: &str) -> Result<(&str, &ArrayPlace), ReadError> {
        let mut found = self.places.iter().filter(|(name, place)| {
            name == written
                || written
                    .strip_suffix(name.as_str())
                    .and_then(|rest| rest.strip_suffix(':'))
                    .is_some_and(|file| place.file() == Path::new(file))
        });
        match (found.next(), found.next()) {
            (Some((name, place)), None) => Ok((name.as_str(), place)),
            (Some((_, first)), Some((_, second))) => Err(ReadError::of_spec(Fault::TwoArrays {
                name: written.to_owned(),
                files: Box::new([first, second].map(|place| place.file().to_owned())),
            })),
            (None, _) => {
                let known = self.names();
                let fault = Fault::NoArray { name: written.to_owned(), known: Known::to(written, &known) };
                Err(match self.places.first() {
                    Some((_, place)) => ReadError::in_file(place.file(), fault),
                    None => ReadError::of_spec(fault),
                })
            }
        }
    }

    /// Reads an array.
    ///
    /// # Errors
    /// When there is no such array, there are two, or it cannot be read.
    pub fn read(&mut self, name: &str, sources: &mut Sources) -> Result<Array, ReadError> {
        let (own_name, place) = self.find(name)?;
        let (file, place_of_fault) = (place.file().to_owned(), Place::array(own_name));
        let fault = |fault: Fault| ReadError::at(&file, place_of_fault.clone(), fault);
        match place {
            ArrayPlace::Tensor(_, tensor) => tensor.to_array().map_err(fault),
            ArrayPlace::Single(file) => {
                let content = sources.bytes(file)?;
                if content.starts_with(npy::MAGIC) { npy::parse(content) } else { idx_array(&content) }.map_err(fault)
            }
            ArrayPlace::Member { archive, member } => {
                let (archive, member) = (archive.clone(), member.clone());
                let archive = self.archives.get_mut(&archive).ok_or_else(|| fault(Fault::UnknownForm))?;
                member_content(archive, &member).and_then(npy::parse).map_err(fault)
            }
        }
    }
}

/// Whether a file of a folder is read for its arrays.
fn is_known_name(name: &str) -> bool {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    let is_idx = |kind: &str| plain.contains(kind) && (plain.ends_with("ubyte") || plain.ends_with("idx"));
    [".npy", ".npz", ".safetensors", ".idx"].iter().any(|end| plain.ends_with(end)) || is_idx("idx")
}

fn single_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".npy").or_else(|| name.strip_suffix(".idx")).unwrap_or(name).to_owned()
}

fn form(file: &Path, first: &[u8]) -> Result<Form, Fault> {
    let is = |end: &str| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    match first {
        [] => Err(Fault::EmptyFile),
        _ if is("safetensors") => Ok(Form::Safetensors),
        [b'P', b'K', ..] => Ok(Form::Zip),
        _ if first.starts_with(npy::MAGIC) || is("npy") => Ok(Form::Npy),
        _ if is("npz") => Err(Fault::Damaged { detail: "it does not begin as .npz files do".to_owned() }),
        [0x1f, 0x8b, ..] | [0, 0, 0x08..=0x0e, _, ..] => Ok(Form::Idx),
        _ => Err(Fault::UnknownForm),
    }
}

fn zip_fault(error: ZipError) -> Fault {
    match error {
        ZipError::Io(cause) => cause.into(),
        // The directory of an archive is at its end.
        ZipError::InvalidArchive(detail) => Fault::Truncated { detail: detail.to_string() },
        other => Fault::Damaged { detail: other.to_string() },
    }
}

/// The content of a member of an archive, never more than its head says.
fn member_content(archive: &mut ZipArchive<BufReader<File>>, member: &str) -> Result<Bytes, Fault> {
    let mut member = archive.by_name(member).map_err(zip_fault)?;
    let size = member.size();
    if size > CONTENT_BYTES_MAX {
        return Err(Fault::Large { most: CONTENT_BYTES_MAX });
    }
    if size > member.compressed_size().saturating_mul(INFLATION_MAX).saturating_add(INFLATION_MAX) {
        return Err(Fault::Damaged { detail: "its archive claims more content than its bytes can hold".to_owned() });
    }
    let mut content = Vec::new();
    // The head first: it says how much there may be.
    member.by_ref().take(1 << 14).read_to_end(&mut content)?;
    let head = npy::head(&content)?;
    let expected = head.bytes as u64 + expected_bytes(head.element, &head.shape)?;
    let more = expected.min(size).saturating_sub(content.len() as u64) + 1;
    reserve(&mut content, more)?;
    let room = (expected + 1).saturating_sub(content.len() as u64);
    member.by_ref().take(room).read_to_end(&mut content)?;
    Ok(content.into())
}

/// The array of an IDX file.
fn idx_array(stored: &Bytes) -> Result<Array, Fault> {
    let content = idx::content(stored, CONTENT_BYTES_MAX as usize)?;
    let idx::Head { kind, sizes, bytes } = idx::head(&content)?;
    let element = match kind {
        idx::Kind::U8 => Element::U8,
        idx::Kind::I8 => Element::I8,
        idx::Kind::I16 => Element::I16,
        idx::Kind::I32 => Element::I32,
        idx::Kind::F32 => Element::F32,
        idx::Kind::F64 => Element::F64,
    };
    let order = Order { big_endian: true, fortran: false };
    let content = match content {
        Cow::Borrowed(content) => stored.slice_ref(&content[bytes..]),
        Cow::Owned(content) => Bytes::from(content).slice(bytes..),
    };
    Array::new(element, order, sizes, content)
}
