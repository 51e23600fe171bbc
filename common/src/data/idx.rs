//! Reads IDX files, the form in which MNIST is published: a head of big-endian numbers, then bytes.
//!
//! The head is two zero bytes, the kind of the elements (8: unsigned bytes), the number of dimensions, and the size of each
//! dimension in 4 bytes. A file may be compressed with gzip as a whole.

use std::{borrow::Cow, io, io::Read as _};

use flate2::bufread::GzDecoder;

use crate::text::count;

/// Images as an IDX file of three dimensions holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images<'a> {
    /// Height of each image, in pixels.
    pub rows: usize,
    /// Width of each image, in pixels.
    pub columns: usize,
    /// Grey values, shape (images, rows, columns), row-major.
    pub pixels: &'a [u8],
    /// Number of images.
    pub count: usize,
}

/// A fault of an IDX file.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The compressed file ends early.
    #[error("the compressed file ends early")]
    GzipTruncated,
    /// The compressed file is damaged.
    #[error("the compressed file is damaged")]
    Gzip(#[source] io::Error),
    /// The compressed file is complete, and uncompressed bytes follow it.
    #[error("the compressed file is whole, but something that is not gzip follows its end ({})", count(bytes, "byte"))]
    GzipTrailing {
        /// The number of bytes that follow.
        bytes: usize,
    },
    /// The content is larger than the reader accepts.
    #[error("the content is larger than {bytes_max} bytes")]
    Large {
        /// The limit.
        bytes_max: usize,
    },
    /// The file ends within its head.
    #[error("the file ends after {}, within its head of {expected} bytes", count(found, "byte"))]
    Head {
        /// Length of the head.
        expected: usize,
        /// Length of the file.
        found: usize,
    },
    /// The first four bytes are not those of unsigned bytes in this number of dimensions.
    #[error("the file begins with {found:#010x}, not {expected:#010x}")]
    Magic {
        /// The first four bytes of unsigned bytes in this number of dimensions.
        expected: u32,
        /// The file's first four bytes.
        found: u32,
    },
    /// The head's sizes multiply to more than any file holds.
    #[error("the head claims sizes {sizes:?}, more than any file holds")]
    Sizes {
        /// Size of each dimension.
        sizes: Vec<u32>,
    },
    /// The file ends before its last element.
    #[error("the head asks for {expected} bytes, the file ends after {found}")]
    Truncated {
        /// The length that the head asks for, head included.
        expected: usize,
        /// Length of the file.
        found: usize,
    },
    /// The file goes on after its last element.
    #[error("the head asks for {expected} bytes, the file has {found}")]
    Trailing {
        /// The length that the head asks for, head included.
        expected: usize,
        /// Length of the file.
        found: usize,
    },
}

impl IdxError {
    /// Whether the file is a good one cut short, as an interrupted copy or download leaves it.
    pub fn is_truncation(&self) -> bool {
        match self {
            Self::GzipTruncated | Self::Head { .. } | Self::Truncated { .. } => true,
            Self::Gzip(_)
            | Self::GzipTrailing { .. }
            | Self::Large { .. }
            | Self::Magic { .. }
            | Self::Sizes { .. }
            | Self::Trailing { .. } => false,
        }
    }
}

/// The first bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The content of a file: inflated where it begins as gzip does, else unchanged. Never more than `bytes_max` bytes.
pub fn content(stored: &[u8], bytes_max: usize) -> Result<Cow<'_, [u8]>, IdxError> {
    let content =
        if stored.starts_with(&GZIP) { Cow::Owned(inflated(stored, bytes_max)?) } else { Cow::Borrowed(stored) };
    if content.len() > bytes_max { Err(IdxError::Large { bytes_max }) } else { Ok(content) }
}

/// The content of a compressed file: of all its members, in order. Zero bytes may follow them, as some programs pad
/// files.
fn inflated(stored: &[u8], bytes_max: usize) -> Result<Vec<u8>, IdxError> {
    let mut inflated = Vec::new();
    let mut rest = stored;
    loop {
        let mut member = GzDecoder::new(rest);
        let room = bytes_max + 1 - inflated.len();
        member.by_ref().take(room as u64).read_to_end(&mut inflated).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => IdxError::GzipTruncated,
            _ => IdxError::Gzip(error),
        })?;
        if inflated.len() > bytes_max {
            return Err(IdxError::Large { bytes_max });
        }
        rest = member.into_inner();
        if rest.iter().all(|&byte| byte == 0) {
            return Ok(inflated);
        }
        if !rest.starts_with(&GZIP) {
            return Err(IdxError::GzipTrailing { bytes: rest.len() });
        }
    }
}

/// The kind of a file's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Unsigned bytes.
    U8,
    /// Signed bytes.
    I8,
    /// Whole numbers of 2 bytes.
    I16,
    /// Whole numbers of 4 bytes.
    I32,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// The head of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The kind of its elements.
    pub kind: Kind,
    /// The size of each dimension.
    pub sizes: Vec<usize>,
    /// Bytes of the head itself.
    pub bytes: usize,
}

/// Reads the head of a file of any kind of elements.
///
/// # Errors
/// When there is none, or it ends early.
pub fn head(content: &[u8]) -> Result<Head, IdxError> {
    let found = content.len();
    let number = |index: usize| content.get(4 * index..4 * index + 4).and_then(|bytes| bytes.try_into().ok());
    let magic = number(0).map(u32::from_be_bytes).ok_or(IdxError::Head { expected: 8, found })?;
    let dimensions = (magic & 0xff) as usize;
    let kind = match magic >> 8 {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0b => Kind::I16,
        0x0c => Kind::I32,
        0x0d => Kind::F32,
        0x0e => Kind::F64,
        _ => return Err(IdxError::Magic { expected: 0x0800 + dimensions as u32, found: magic }),
    };
    let bytes = 4 + 4 * dimensions;
    let size = |index: usize| number(index + 1).map(|size| u32::from_be_bytes(size) as usize);
    let sizes = (0..dimensions).map(size).collect::<Option<_>>().ok_or(IdxError::Head { expected: bytes, found })?;
    Ok(Head { kind, sizes, bytes })
}

/// Reads the content of a file of images: unsigned bytes in three dimensions.
pub fn images(content: &[u8]) -> Result<Images<'_>, IdxError> {
    let ([count, rows, columns], pixels) = elements(content)?;
    Ok(Images { rows, columns, pixels, count })
}

/// Reads the content of a file of labels: unsigned bytes in one dimension.
pub fn labels(content: &[u8]) -> Result<&[u8], IdxError> {
    let (_, labels) = elements::<1>(content)?;
    Ok(labels)
}

/// The sizes of the dimensions, and the elements.
fn elements<const DIMENSIONS: usize>(content: &[u8]) -> Result<([usize; DIMENSIONS], &[u8]), IdxError> {
    let head = 4 + 4 * DIMENSIONS;
    let number = |index: usize| content.get(4 * index..4 * index + 4).and_then(|bytes| bytes.try_into().ok());
    let short = || IdxError::Head { expected: head, found: content.len() };
    let found = u32::from_be_bytes(number(0).ok_or_else(short)?);
    let expected = 0x0800 + DIMENSIONS as u32;
    if found != expected {
        return Err(IdxError::Magic { expected, found });
    }
    let mut sizes = [0_u32; DIMENSIONS];
    for (index, size) in sizes.iter_mut().enumerate() {
        *size = u32::from_be_bytes(number(index + 1).ok_or_else(short)?);
    }
    let expected = sizes
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size as usize))
        .and_then(|product| product.checked_add(head))
        .ok_or_else(|| IdxError::Sizes { sizes: sizes.to_vec() })?;
    let found = content.len();
    match found.cmp(&expected) {
        std::cmp::Ordering::Less => Err(IdxError::Truncated { expected, found }),
        std::cmp::Ordering::Greater => Err(IdxError::Trailing { expected, found }),
        std::cmp::Ordering::Equal => Ok((sizes.map(|size| size as usize), &content[head..])),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn file(magic: u32, sizes: &[u32], elements: &[u8]) -> Vec<u8> {
        let mut bytes = magic.to_be_bytes().to_vec();
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(elements);
        bytes
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn heads_of_every_kind_are_read() {
        let kinds = [
            (0x08, Kind::U8),
            (0x09, Kind::I8),
            (0x0b, Kind::I16),
            (0x0c, Kind::I32),
            (0x0d, Kind::F32),
            (0x0e, Kind::F64),
        ];
        for (code, kind) in kinds {
            let bytes = file(code << 8 | 2, &[3, 4], &[]);
            assert_eq!(head(&bytes).unwrap(), Head { kind, sizes: vec![3, 4], bytes: 12 });
            assert!(head(&bytes[..11]).unwrap_err().is_truncation());
        }
        assert!(matches!(head(&file(0x0a01, &[1], &[])), Err(IdxError::Magic { found: 0x0a01, .. })));
    }

    #[test]
    fn images_and_labels_are_read() {
        let bytes = file(0x803, &[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let expected = Images { rows: 1, columns: 3, pixels: &[1, 2, 3, 4, 5, 6], count: 2 };
        assert_eq!(images(&bytes).unwrap(), expected);
        assert_eq!(labels(&file(0x801, &[3], &[7, 8, 9])).unwrap(), [7, 8, 9]);
    }

    #[test]
    fn every_corruption_has_its_error() {
        let good = file(0x803, &[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        assert!(matches!(images(&[]), Err(IdxError::Head { expected: 16, found: 0 })));
        assert!(matches!(images(&good[..15]), Err(IdxError::Head { expected: 16, found: 15 })));
        assert!(matches!(images(&good[..21]), Err(IdxError::Truncated { expected: 22, found: 21 })));
        let longer = [&good[..], &[0]].concat();
        assert!(matches!(images(&longer), Err(IdxError::Trailing { expected: 22, found: 23 })));
        assert!(matches!(labels(&good), Err(IdxError::Magic { expected: 0x801, found: 0x803 })));
        let signed = file(0x903, &[0, 0, 0], &[]);
        assert!(matches!(images(&signed), Err(IdxError::Magic { expected: 0x803, found: 0x903 })));
        let huge = file(0x803, &[u32::MAX; 3], &[]);
        assert!(matches!(images(&huge), Err(IdxError::Sizes { .. })));
    }

    #[test]
    fn gzip_is_told_by_its_first_bytes() {
        let plain = file(0x801, &[3], &[7, 8, 9]);
        assert_eq!(content(&plain, 100).unwrap(), &plain[..]);
        assert_eq!(content(&gzip(&plain), 100).unwrap(), &plain[..]);
    }

    #[test]
    fn damaged_gzip_is_told_from_truncated_gzip() {
        let packed = gzip(&file(0x801, &[3], &[7, 8, 9]));
        for bytes in 2..packed.len() {
            assert!(matches!(content(&packed[..bytes], 100), Err(IdxError::GzipTruncated)), "{bytes} bytes");
        }
        let mut damaged = packed.clone();
        let checksum = packed.len() - 8;
        damaged[checksum] ^= 1;
        assert!(matches!(content(&damaged, 100), Err(IdxError::Gzip(_))));
    }

    #[test]
    fn what_follows_gzip_is_read_or_named() {
        let packed = gzip(&file(0x801, &[3], &[7, 8, 9]));
        let with = |rest: &[u8]| [&packed, rest].concat();
        match content(&with(b"</html>"), 100) {
            Err(error @ IdxError::GzipTrailing { bytes: 7 }) => {
                assert!(!error.is_truncation());
                assert!(error.to_string().ends_with("follows its end (7 bytes)"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        let one = content(&with(&[0x1f]), 100).unwrap_err().to_string();
        assert!(one.ends_with("(1 byte)"), "{one}");
        // A further member is read, padding is skipped, and a further member that ends early is truncated.
        let halves = [gzip(&file(0x801, &[3], &[7])), gzip(&[8, 9])].concat();
        assert_eq!(labels(&content(&halves, 100).unwrap()).unwrap(), [7, 8, 9]);
        assert_eq!(content(&with(&[0; 512]), 100).unwrap(), content(&packed, 100).unwrap());
        assert!(matches!(content(&halves[..halves.len() - 1], 100), Err(IdxError::GzipTruncated)));
        assert!(matches!(content(&halves, 10), Err(IdxError::Large { bytes_max: 10 })));
    }

    #[test]
    fn content_is_bounded() {
        let bomb = gzip(&vec![0; 1_000_000]);
        assert!(bomb.len() < 2_000);
        assert!(matches!(content(&bomb, 1_000), Err(IdxError::Large { bytes_max: 1_000 })));
        assert!(matches!(content(&[1; 11], 10), Err(IdxError::Large { bytes_max: 10 })));
        assert_eq!(content(&gzip(&[1; 10]), 10).unwrap().len(), 10);
    }

    mod fuzz {
        use proptest::{collection::vec, sample::Index};

        use super::*;

        proptest! {
            #[test]
            fn no_bytes_panic(bytes in vec(any::<u8>(), 0..64), images_magic: bool) {
                let mut bytes = bytes;
                let magic: &[u8] = if images_magic { &[0, 0, 8, 3] } else { &[0, 0, 8, 1] };
                bytes.splice(0..bytes.len().min(4), magic.iter().copied());
                let _ = (images(&bytes), labels(&bytes), content(&bytes, 64));
                bytes.splice(0..2, [0x1f, 0x8b]);
                let _ = content(&bytes, 64);
            }

            /// Heads that claim little, or much more than there is: a file is accepted only if it has exactly the
            /// claimed length.
            #[test]
            fn sizes_are_kept_or_refused(
                sizes in vec(prop_oneof![0_u32..5, Just(u32::MAX), Just(1 << 16), any::<u32>()], 3), more in -2_i64..3,
            ) {
                let claimed = sizes.iter().map(|size| i64::from(*size)).try_fold(1_i64, i64::checked_mul);
                let length = claimed.filter(|claimed| *claimed < 200).unwrap_or(7).saturating_add(more).max(0);
                let bytes = file(0x803, &sizes, &vec![9; length as usize]);
                match images(&bytes) {
                    Ok(read) => {
                        prop_assert_eq!(read.pixels.len(), read.count * read.rows * read.columns);
                        prop_assert_eq!(Some(read.pixels.len() as i64), claimed);
                        prop_assert_eq!(read.pixels.len() + 16, bytes.len());
                    }
                    Err(error) => prop_assert!(!error.to_string().is_empty()),
                }
            }

            /// A compressed file with a byte altered, cut off or doubled gives its content or an error, never more than
            /// the limit.
            #[test]
            fn damaged_gzip_is_refused_or_read(
                elements in vec(any::<u8>(), 0..300), at in any::<Index>(), byte: u8, cut in any::<Index>(), twice: bool,
            ) {
                let mut packed = gzip(&file(0x801, &[elements.len() as u32], &elements));
                let place = at.index(packed.len());
                packed[place] = byte;
                packed.truncate(cut.index(2 * packed.len()).max(1));
                if twice {
                    packed.extend(packed.clone());
                }
                if let Ok(content) = content(&packed, 100) {
                    prop_assert!(content.len() <= 100);
                    let _ = labels(&content);
                }
            }
        }
    }
}
