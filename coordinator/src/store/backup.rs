//! Copying a database for a backup.

use std::path::Path;

use seedgrid_common::unit::UnitId;

use super::{Store, StoreError, begun, lock_wait::LockWait, opening, reader_copy};

impl Store {
    /// Makes the new file `to` a copy of the database at `path` as it is now, also while a coordinator writes to it. The copy is not durable yet.
    ///
    /// # Errors
    /// When the database cannot be read, or the copy not be written.
    pub fn back_up(path: &Path, to: &Path) -> Result<(), StoreError> {
        let source = begun(path, &LockWait::default())?;
        opening::new(to).and_then(|copy| reader_copy::copy_to(&source, copy)).map_err(|cause| {
            match StoreError::open(path, cause) {
                StoreError::Open { cause, .. } => StoreError::BackUp { path: path.to_owned(), cause },
                damaged => damaged,
            }
        })
    }

    /// Removes checkpoints from the copy at `path`: it goes on without them.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn forget_checkpoints(path: &Path, units: &[UnitId]) -> Result<(), StoreError> {
        let forget = || {
            let copy = opening::new(path)?;
            let sql = "DELETE FROM checkpoints WHERE unit = (SELECT number FROM units WHERE unit_id = ?)";
            units.iter().try_for_each(|unit| copy.execute(sql, [unit.0]).map(drop))
        };
        if units.is_empty() {
            Ok(())
        } else {
            forget().map_err(|cause| StoreError::Write { path: path.to_owned(), cause })
        }
    }
}
