//! `seedgrid data` downloads MNIST, verifies a copy, or describes a data set.

use std::path::PathBuf;

use seedgrid_common::{data::locate, error_chain::chain};

use super::{
    Exit, Failure,
    arguments::{DataAction, DataArguments},
    data_description,
};
use crate::cli::mnist_download::{FetchedFile, MIRRORS, Progress, check, fetch};

pub(super) async fn data(arguments: DataArguments) -> Result<Exit, Failure> {
    let variable = |name: &str| std::env::var_os(name);
    match arguments.action {
        DataAction::Fetch { data, mirror } => {
            let folder = data.or_else(|| locate::cache(variable)).ok_or(Failure::NoDataFolder)?;
            let mirrors = if mirror.is_empty() { MIRRORS.map(str::to_owned).to_vec() } else { mirror };
            // Blocking work runs outside the signal threads, so that Ctrl-C ends it; received data are kept.
            let download = tokio::task::spawn_blocking(move || fetch(&folder, &mirrors, &mut Progress::on_stderr()));
            for FetchedFile { path, from } in download.await.map_err(|_| Failure::DownloadPanicked)?? {
                let how = from.map_or("was there and is good".to_owned(), |url| format!("from {url}"));
                super::print(&format!("{}: {how}\n", path.display()))?;
            }
            Ok(Exit::Done)
        }
        DataAction::Describe { spec, data, contact_sheet, format } => {
            data_description::describe(&spec, data.as_deref(), contact_sheet.as_deref(), format)
        }
        DataAction::Check { data } => {
            let folder = place(data, variable)?;
            let found = check(&folder);
            for file in &found {
                // Both cases name the file.
                let what = match &file.found {
                    Ok(path) => path.display().to_string(),
                    Err(error) => chain(error),
                };
                super::print(&format!("{:<10} {what}\n", file.word()))?;
            }
            match found.iter().all(|file| file.found.is_ok()) {
                true => Ok(Exit::Done),
                false => Err(Failure::BadCopy { folder: folder.display().to_string() }),
            }
        }
    }
}

/// The first folder with files among those that a run would search, or the first of all.
fn place(given: Option<PathBuf>, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<PathBuf, Failure> {
    let places = locate::places(given.as_deref(), variable);
    let found = locate::first_with_files(&places).ok().map(ToOwned::to_owned);
    found.or_else(|| places.into_iter().next()).ok_or(Failure::NoDataFolder)
}
