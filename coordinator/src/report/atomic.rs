//! Files that are there whole or not at all.

use std::{
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

/// Writes a file beside its final place, makes it durable and renames it, so that a reader or a crash never meets half of it.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("the path has no folder"))?;
    let mut file = tempfile::Builder::new()
        .prefix(".writing-")
        // As any new file: the process's umask decides who else may read it.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes a folder and those above it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|error| match fs::symlink_metadata(folder) {
        Ok(found) if found.is_symlink() => io::Error::new(error.kind(), "it is a link that leads to no folder"),
        Ok(_) | Err(_) => error,
    })
}
