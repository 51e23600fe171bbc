//! Sends data sets that workers ask for, from the run directory's files.

use std::{collections::BTreeMap, fs::File, io, path::PathBuf};

use seedgrid_common::{study_id::StudyId, wire::v1};
use tonic::Status;

use super::{
    file_download::{self, Parts},
    newest_call_only::Turn,
};
use crate::scheduler::queue::WorkerId;

/// The files of a study's encoded data sets by digest.
pub type DatasetFiles = BTreeMap<String, PathBuf>;

/// The parts of the data set in the file at `path`, until another call takes the `turn`.
pub(super) async fn open(path: PathBuf, turn: Turn<(StudyId, WorkerId)>) -> Result<Parts<v1::DatasetChunk>, Status> {
    let shown = path.display().to_string();
    let lost = |problem: String| {
        tracing::error!("{shown} cannot be given out; run the study again, which makes it anew: {problem}");
        Status::not_found(format!("the study's data set cannot be read: {problem}"))
    };
    let opened = tokio::task::spawn_blocking(move || -> io::Result<_> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    });
    let (file, bytes_total) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return Err(lost(error.to_string())),
        Err(error) => return Err(lost(error.to_string())),
    };
    let head = v1::DatasetChunk { bytes_total, data: Vec::new() };
    Ok(file_download::parts(file, head, |data| v1::DatasetChunk { bytes_total: 0, data }, turn))
}
