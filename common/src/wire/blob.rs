//! Blobs that belong to an attempt, such as a result's weights. The sender cuts them into bounded parts; the receiver
//! puts them together and checks them. Pure: this module uses no files and no connections.

use std::{fmt, str::FromStr, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::{convert::Malformed, limits, v1};
use crate::{hexadecimal, text::count, training::Progress, unit::Attempt};

/// SHA-256 of a blob. Its text has 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobDigest(pub [u8; 32]);

impl BlobDigest {
    /// The digest of these bytes.
    pub fn compute(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal::write(self.0, f)
    }
}

impl fmt::Debug for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no blob's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a blob's digest is 64 hexadecimal digits")]
pub struct BadBlobDigest;

impl FromStr for BlobDigest {
    type Err = BadBlobDigest;

    fn from_str(text: &str) -> Result<Self, BadBlobDigest> {
        hexadecimal::parse(text).map(Self).ok_or(BadBlobDigest)
    }
}

/// A blob in memory, with its digest. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    bytes: Arc<Vec<u8>>,
    digest: BlobDigest,
}

impl Blob {
    /// The blob with these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { digest: BlobDigest::compute(&bytes), bytes: Arc::new(bytes) }
    }

    /// The blob's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the blob's bytes.
    pub fn digest(&self) -> BlobDigest {
        self.digest
    }

    /// The messages that transfer the blob: its head, then its bytes in parts, each made on demand.
    pub fn parts(
        &self,
        worker_id: String,
        attempt: Attempt,
        content: Content,
    ) -> impl Iterator<Item = v1::BlobPart> + Send + 'static {
        use v1::blob_part::Part;
        let bytes_total = self.bytes.len() as u64;
        let head = BlobHead { worker_id, attempt, content, bytes_total, digest: self.digest };
        let head = v1::BlobHead::from(head);
        let bytes = Arc::clone(&self.bytes);
        let starts = (0..self.bytes.len()).step_by(limits::CHUNK_BYTES_MAX);
        let data = starts
            .map(move |start| Part::Data(bytes[start..(start + limits::CHUNK_BYTES_MAX).min(bytes.len())].to_vec()));
        std::iter::once(Part::Head(head)).chain(data).map(|part| v1::BlobPart { part: Some(part) })
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes, {})", self.bytes.len(), self.digest)
    }
}

/// The content of a blob.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content {
    /// The weights that belong to a result.
    Weights,
    /// The state of a unit in training, and its progress.
    Checkpoint(Progress),
}

/// The head of a blob, from its first part, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobHead {
    /// The sending worker's id.
    pub worker_id: String,
    /// The blob's attempt.
    pub attempt: Attempt,
    /// The blob's content.
    pub content: Content,
    /// Length of the whole blob, 1 or more and within its kind's limit.
    pub bytes_total: u64,
    /// SHA-256 of the whole blob.
    pub digest: BlobDigest,
}

const fn malformed(field: &'static str, problem: &'static str) -> Malformed {
    Malformed { field, problem }
}

impl TryFrom<v1::BlobPart> for BlobHead {
    type Error = Malformed;

    fn try_from(first: v1::BlobPart) -> Result<Self, Malformed> {
        let Some(v1::blob_part::Part::Head(head)) = first.part else {
            return Err(malformed("blob.head", "must be the first part"));
        };
        let (content, bytes_max, problem) = match head.kind() {
            v1::BlobKind::Weights => (Content::Weights, limits::WEIGHTS_BYTES_MAX, "must be in 1..=536870912"),
            v1::BlobKind::Checkpoint => {
                let progress = head.progress.ok_or(malformed("blob.progress", "is missing"))?;
                let content = Content::Checkpoint(progress.try_into()?);
                (content, limits::CHECKPOINT_BYTES_MAX, "must be in 1..=1610612736")
            }
            v1::BlobKind::Unspecified => return Err(malformed("blob.kind", "is missing")),
        };
        if !(1..=bytes_max).contains(&head.bytes_total) {
            return Err(malformed("blob.bytes_total", problem));
        }
        let id = head.attempt.ok_or(malformed("blob.attempt", "is missing"))?;
        let attempt = id.try_into()?;
        let digest = head.digest.parse().map_err(|_| malformed("blob.digest", "must be 64 hexadecimal digits"))?;
        Ok(Self { worker_id: head.worker_id, attempt, content, bytes_total: head.bytes_total, digest })
    }
}

impl From<BlobHead> for v1::BlobHead {
    fn from(head: BlobHead) -> Self {
        let (kind, progress) = match head.content {
            Content::Weights => (v1::BlobKind::Weights, None),
            Content::Checkpoint(progress) => (v1::BlobKind::Checkpoint, Some(progress.into())),
        };
        Self {
            worker_id: head.worker_id,
            attempt: Some(head.attempt.into()),
            kind: kind.into(),
            bytes_total: head.bytes_total,
            digest: head.digest.to_string(),
            progress,
        }
    }
}

impl From<Progress> for v1::Progress {
    fn from(Progress { epochs, batches, seconds }: Progress) -> Self {
        Self { epochs, batches, seconds }
    }
}

impl TryFrom<v1::Progress> for Progress {
    type Error = Malformed;

    fn try_from(v1::Progress { epochs, batches, seconds }: v1::Progress) -> Result<Self, Malformed> {
        match seconds.is_finite() && seconds >= 0.0 {
            true => Ok(Self { epochs, batches, seconds }),
            false => Err(malformed("progress.seconds", "must be finite and not negative")),
        }
    }
}

/// A checkpoint of a unit that the coordinator has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckpointRef {
    /// SHA-256 of the checkpoint file.
    pub digest: BlobDigest,
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// Progress of training in the checkpoint.
    pub progress: Progress,
}

impl From<CheckpointRef> for v1::Checkpoint {
    fn from(CheckpointRef { digest, bytes, progress }: CheckpointRef) -> Self {
        Self { digest: digest.to_string(), bytes_total: bytes, progress: Some(progress.into()) }
    }
}

impl TryFrom<v1::Checkpoint> for CheckpointRef {
    type Error = Malformed;

    fn try_from(checkpoint: v1::Checkpoint) -> Result<Self, Malformed> {
        let digest =
            checkpoint.digest.parse().map_err(|_| malformed("checkpoint.digest", "must be 64 hexadecimal digits"))?;
        if !(1..=limits::CHECKPOINT_BYTES_MAX).contains(&checkpoint.bytes_total) {
            return Err(malformed("checkpoint.bytes_total", "must be in 1..=1610612736"));
        }
        let progress = checkpoint.progress.ok_or(malformed("checkpoint.progress", "is missing"))?.try_into()?;
        Ok(Self { digest, bytes: checkpoint.bytes_total, progress })
    }
}

/// Checks the parts of a blob as they arrive.
#[derive(Debug)]
pub struct Arriving {
    digest: BlobDigest,
    missing: u64,
    hash: Sha256,
}

/// The parts do not make the blob that its head announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// A part without data, or with too much.
    #[error("a part of the blob does not hold 1 to 262144 bytes of data")]
    Part,
    /// More bytes arrived than were announced.
    #[error("more came than the blob's head announced")]
    Longer,
    /// Fewer bytes arrived than were announced.
    #[error("{} of the blob did not come", count(missing, "byte"))]
    Shorter {
        /// The number of missing bytes.
        missing: u64,
    },
    /// The bytes have another digest.
    #[error("the blob's digest is another")]
    Digest,
}

impl Arriving {
    /// The checker for the blob with this head.
    pub fn new(head: &BlobHead) -> Self {
        Self { digest: head.digest, missing: head.bytes_total, hash: Sha256::new() }
    }

    /// Checks a part after the head, and returns its data.
    ///
    /// # Errors
    /// When it cannot be a part of the blob.
    pub fn take(&mut self, part: v1::BlobPart) -> Result<Vec<u8>, Damaged> {
        let data = match part.part {
            Some(v1::blob_part::Part::Data(data)) if (1..=limits::CHUNK_BYTES_MAX).contains(&data.len()) => data,
            Some(v1::blob_part::Part::Data(_) | v1::blob_part::Part::Head(_)) | None => return Err(Damaged::Part),
        };
        self.missing = self.missing.checked_sub(data.len() as u64).ok_or(Damaged::Longer)?;
        self.hash.update(&data);
        Ok(data)
    }

    /// Ends the blob: no more parts come.
    ///
    /// # Errors
    /// When the parts were not the whole blob.
    pub fn finish(self) -> Result<(), Damaged> {
        match self.missing {
            0 if self.digest.0 == <[u8; 32]>::from(self.hash.finalize()) => Ok(()),
            0 => Err(Damaged::Digest),
            missing => Err(Damaged::Shorter { missing }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{study_id::StudyId, unit::UnitId};

    const ATTEMPT: Attempt = Attempt { study: StudyId([9; 16]), unit: UnitId([7; 16]), number: 2 };

    fn parts(bytes: usize) -> (Blob, Vec<v1::BlobPart>) {
        let blob = Blob::new((0..bytes).map(|index| (index % 251) as u8).collect());
        let parts = blob.parts("w".to_owned(), ATTEMPT, Content::Weights).collect();
        (blob, parts)
    }

    /// The result that a receiver gets from these parts.
    fn receive(parts: Vec<v1::BlobPart>) -> Result<Vec<u8>, Damaged> {
        let mut parts = parts.into_iter();
        let mut arriving = Arriving::new(&parts.next().unwrap().try_into().unwrap());
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend(arriving.take(part)?);
        }
        arriving.finish()?;
        Ok(bytes)
    }

    #[test]
    fn parts_make_the_blob_again() {
        for bytes in [1, limits::CHUNK_BYTES_MAX, limits::CHUNK_BYTES_MAX + 1, 3 * limits::CHUNK_BYTES_MAX] {
            let (blob, parts) = parts(bytes);
            assert_eq!(parts.len(), 1 + bytes.div_ceil(limits::CHUNK_BYTES_MAX));
            assert_eq!(receive(parts).unwrap(), blob.bytes());
        }
    }

    #[test]
    fn what_is_not_the_blob_is_noticed() {
        let (_, good) = parts(2 * limits::CHUNK_BYTES_MAX);
        let data = |bytes: Vec<u8>| v1::BlobPart { part: Some(v1::blob_part::Part::Data(bytes)) };
        let cut = receive(good[..2].to_vec());
        assert_eq!(cut, Err(Damaged::Shorter { missing: limits::CHUNK_BYTES_MAX as u64 }));
        assert_eq!(receive([&good[..], &[data(vec![1])]].concat()), Err(Damaged::Longer));
        assert_eq!(receive([&good[..], &good[..1]].concat()), Err(Damaged::Part), "a second head");
        assert_eq!(receive([&good[..1], &[data(Vec::new())]].concat()), Err(Damaged::Part));
        assert_eq!(receive([&good[..1], &[data(vec![0; limits::CHUNK_BYTES_MAX + 1])]].concat()), Err(Damaged::Part));
        assert_eq!(receive([&good[..1], &good[2..], &good[1..2]].concat()), Err(Damaged::Digest), "another order");
    }

    #[test]
    fn heads_are_checked() {
        let (blob, parts) = parts(10);
        let Some(v1::blob_part::Part::Head(good)) = parts[0].part.clone() else { panic!("the head comes first") };
        let read =
            |head: v1::BlobHead| BlobHead::try_from(v1::BlobPart { part: Some(v1::blob_part::Part::Head(head)) });
        let head = read(good.clone()).unwrap();
        assert_eq!((head.attempt, head.bytes_total), (ATTEMPT, 10));
        assert_eq!(head.digest, blob.digest());
        assert!(BlobHead::try_from(parts[1].clone()).is_err(), "data without a head");
        let field = |head| read(head).unwrap_err().field;
        assert_eq!(field(v1::BlobHead { kind: 0, ..good.clone() }), "blob.kind");
        assert_eq!(field(v1::BlobHead { kind: 77, ..good.clone() }), "blob.kind");
        assert_eq!(field(v1::BlobHead { bytes_total: 0, ..good.clone() }), "blob.bytes_total");
        let long = v1::BlobHead { bytes_total: limits::WEIGHTS_BYTES_MAX + 1, ..good.clone() };
        assert_eq!(field(long), "blob.bytes_total");
        let state = v1::BlobHead { kind: v1::BlobKind::Checkpoint.into(), ..good.clone() };
        assert_eq!(field(state.clone()), "blob.progress");
        let at = |seconds| Some(v1::Progress { epochs: 3, batches: 4, seconds });
        assert_eq!(field(v1::BlobHead { progress: at(f64::NAN), ..state.clone() }), "progress.seconds");
        let content = read(v1::BlobHead { progress: at(1.5), ..state }).unwrap().content;
        assert_eq!(content, Content::Checkpoint(Progress { epochs: 3, batches: 4, seconds: 1.5 }));
        assert_eq!(field(v1::BlobHead { attempt: None, ..good.clone() }), "blob.attempt");
        assert_eq!(field(v1::BlobHead { digest: "0".repeat(63), ..good }), "blob.digest");
    }

    #[test]
    fn digests_read_back() {
        let digest = BlobDigest::compute(b"weights");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("0123".parse::<BlobDigest>(), Err(BadBlobDigest));
        assert_eq!("é".repeat(32).parse::<BlobDigest>(), Err(BadBlobDigest));
    }
}
