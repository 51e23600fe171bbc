//! The pages of a damaged database: those of its file, overlaid with what its write-ahead log had committed.
//!
//! <https://www.sqlite.org/fileformat2.html> describes every byte that is read here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use rusqlite::types::Value;

use super::{
    record::{values, varint},
    with_end,
};

/// Page sizes that SQLite knows; the usual one first.
const SIZES: [usize; 8] = [4096, 1024, 2048, 8192, 16384, 32768, 65536, 512];
/// Longest record that is looked at: a result has at most a few MiB.
const RECORD_MAX: u64 = 1 << 28;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Pages by number, from 1.
pub(super) struct Pages {
    size: usize,
    pages: BTreeMap<u32, Vec<u8>>,
    /// Of which SQLite says that nothing is on them: what can be read there is out of date.
    free: BTreeSet<u32>,
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

impl Pages {
    /// The database at `path`, cut into pages of the size that its header names, then of every other size.
    pub(super) fn candidates(path: &Path) -> io::Result<impl Iterator<Item = Self> + use<>> {
        let file = fs::read(path)?;
        let log = fs::read(with_end(path, "-wal")).unwrap_or_default();
        let named = match short(&file, 16) {
            Some(1) => 65536,
            Some(size) => size,
            None => 0,
        };
        let named = SIZES.into_iter().filter(move |size| *size == named);
        let others = SIZES.into_iter();
        Ok(named.chain(others).map(move |size| Self::cut(&file, &log, size)))
    }

    fn cut(file: &[u8], log: &[u8], size: usize) -> Self {
        let mut pages: BTreeMap<u32, Vec<u8>> = (1..).zip(file.chunks_exact(size).map(<[u8]>::to_vec)).collect();
        pages.extend(committed(log, size));
        let free = free(&pages);
        Self { size, pages, free }
    }

    /// Every record on a page that holds rows.
    pub(super) fn records(&self) -> impl Iterator<Item = Vec<Value>> {
        let used = self.pages.iter().filter(|(at, _)| !self.free.contains(at));
        used.flat_map(|(at, page)| self.cells(*at, page))
    }

    /// The records of one page; empty when it is none with rows.
    fn cells(&self, at: u32, page: &[u8]) -> Vec<Vec<Value>> {
        let head = if at == 1 { 100 } else { 0 };
        let (header, is_table, is_inner) = match page.get(head) {
            Some(0x0d) => (8, true, false),
            Some(0x0a) => (8, false, false),
            Some(0x02) => (12, false, true),
            Some(_) | None => return Vec::new(),
        };
        let count = short(page, head + 3).unwrap_or_default();
        let places = (0..count).filter_map(|cell| short(page, head + header + 2 * cell));
        places.filter_map(|place| self.cell(page.get(place..)?, is_table, is_inner)).collect()
    }

    /// The record of one cell.
    fn cell(&self, cell: &[u8], is_table: bool, is_inner: bool) -> Option<Vec<Value>> {
        let mut rest = if is_inner { cell.get(4..)? } else { cell };
        let (length, taken) = varint(rest)?;
        rest = rest.get(taken..)?;
        let mut row_id = None;
        if is_table {
            let (id, taken) = varint(rest)?;
            rest = rest.get(taken..)?;
            row_id = Some(Value::Integer(id as i64));
        }
        let length = usize::try_from(length).ok().filter(|length| *length as u64 <= RECORD_MAX)?;
        let mut values = values(&self.payload(rest, length, is_table)?)?;
        // A row's number is not repeated in the record.
        if let (Some(id), Some(first @ Value::Null)) = (row_id, values.first_mut()) {
            *first = id;
        }
        Some(values)
    }

    /// A payload of `length` bytes that begins here and may go on elsewhere.
    fn payload(&self, start: &[u8], length: usize, is_table: bool) -> Option<Vec<u8>> {
        let usable = self.size;
        let local_max = if is_table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
        if length <= local_max {
            return Some(start.get(..length)?.to_vec());
        }
        let local_min = (usable - 12) * 32 / 255 - 23;
        let fitting = local_min + (length - local_min) % (usable - 4);
        let local = if fitting <= local_max { fitting } else { local_min };
        let mut payload = start.get(..local)?.to_vec();
        let mut next = number(start, local)?;
        while payload.len() < length {
            let page = self.pages.get(&next)?;
            let more = (length - payload.len()).min(usable - 4);
            payload.extend(page.get(4..4 + more)?);
            next = number(page, 0)?;
        }
        Some(payload)
    }
}

/// The pages that a write-ahead log has committed, the newest version of each.
fn committed(log: &[u8], size: usize) -> BTreeMap<u32, Vec<u8>> {
    let (mut committed, mut waiting) = (BTreeMap::new(), BTreeMap::new());
    let little_endian = match number(log, 0) {
        Some(0x377f_0682) => true,
        Some(0x377f_0683) => false,
        Some(_) | None => return committed,
    };
    if number(log, 8) != Some(size as u32) {
        return committed;
    }
    let (Some(header), Some(salt)) = (log.get(..24), log.get(16..24)) else { return committed };
    let mut sum = checksum((0, 0), header, little_endian);
    if number(log, 24) != Some(sum.0) || number(log, 28) != Some(sum.1) {
        return committed;
    }
    for frame in log[LOG_HEADER..].chunks_exact(FRAME_HEADER + size) {
        let (head, page) = frame.split_at(FRAME_HEADER);
        sum = checksum(checksum(sum, &head[..8], little_endian), page, little_endian);
        if head[8..16] != *salt || number(head, 16) != Some(sum.0) || number(head, 20) != Some(sum.1) {
            break;
        }
        let Some(at) = number(head, 0) else { break };
        waiting.insert(at, page.to_vec());
        if number(head, 4).is_some_and(|pages| pages > 0) {
            committed.append(&mut waiting);
        }
    }
    committed
}

fn checksum(start: (u32, u32), bytes: &[u8], little_endian: bool) -> (u32, u32) {
    let word = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    };
    bytes.chunks_exact(8).fold(start, |(first, second), pair| {
        let first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        let second = second.wrapping_add(word(&pair[4..])).wrapping_add(first);
        (first, second)
    })
}

/// The pages on the list of those that are free, as far as it can be followed.
fn free(pages: &BTreeMap<u32, Vec<u8>>) -> BTreeSet<u32> {
    let mut free = BTreeSet::new();
    let mut trunk = pages.get(&1).and_then(|first| number(first, 32)).unwrap_or_default();
    while let Some(page) = pages.get(&trunk) {
        if !free.insert(trunk) {
            break;
        }
        let count = number(page, 4).unwrap_or_default() as usize;
        free.extend((0..count.min(page.len() / 4)).filter_map(|place| number(page, 8 + 4 * place)));
        trunk = number(page, 0).unwrap_or_default();
    }
    free
}
