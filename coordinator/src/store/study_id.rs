//! The study's id: drawn when the database is made, or after its row was lost to damage.

use rusqlite::{Connection, OptionalExtension as _, params};
use seedgrid_common::study_id::StudyId;

use super::{Store, StoreError};

/// The name of the fact that holds the study's id.
const FACT: &str = "study id";

/// Draws an id for a study that has none.
pub(super) fn draw_where_missing(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT INTO facts (name, value, seal) VALUES (?1, ?2, seal('facts', ?1, ?2)) ON CONFLICT DO NOTHING";
    connection.execute(sql, params![FACT, StudyId::generate().to_string()])?;
    Ok(())
}

impl Store {
    /// The id of the study that the database belongs to.
    ///
    /// # Errors
    /// When the database cannot be read, or the id's row was lost to damage: [`Store::open`] then draws another one.
    pub fn study_id(&self) -> Result<StudyId, StoreError> {
        let sql = "SELECT value FROM facts WHERE name = ?";
        let read = self.connection.query_row(sql, [FACT], |row| row.get::<_, String>(0)).optional();
        let text = read.map_err(|cause| StoreError::open(&self.path, cause))?;
        text.and_then(|text| text.parse().ok()).ok_or_else(|| StoreError::Damaged {
            path: self.path.clone(),
            detail: "the row with the study's id is lost".to_owned(),
        })
    }
}
