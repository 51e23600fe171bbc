//! Whether a folder may take an export: other files in it are never replaced.

use std::{fs, path::Path};

use seedgrid_common::durable_files;

use super::{ExportError, Form, csv, parquet, predictions, table::Column, units};

/// The prefix of the schema in the Parquet files of every version.
const SCHEMA: &str = "seedgrid.export/";

/// Every table, with the first columns of its CSV file.
fn tables() -> [(&'static str, Vec<Column>); 3] {
    [
        ("units", units::KEYS.to_vec()),
        ("epochs", predictions::epoch_columns()),
        ("predictions", predictions::prediction_columns()),
    ]
}

/// Refuses a folder in which an export in these formats would replace other files or mix with them.
///
/// # Errors
/// When the folder is not empty and has no export, or when a file that would be replaced does not come from an export.
pub fn check_place(folder: &Path, forms: &[Form]) -> Result<(), ExportError> {
    // A folder that cannot be made gives an error later.
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    if entries.flatten().all(|entry| durable_files::is_left_over(&entry.file_name())) {
        return Ok(());
    }
    let (mut holds_export, mut foreign) = (false, None);
    for (table, columns) in tables() {
        for form in Form::ALL {
            let path = folder.join(form.file(table));
            let is_own = match form {
                Form::Csv => csv::begins_with(&path, &columns),
                Form::Parquet => parquet::says(&path, "schema", SCHEMA),
            };
            holds_export |= is_own;
            if !is_own && forms.contains(&form) && path.symlink_metadata().is_ok() {
                foreign.get_or_insert(path);
            }
        }
    }
    match foreign {
        _ if !holds_export => Err(ExportError::Foreign { folder: folder.to_owned() }),
        Some(path) => Err(ExportError::ForeignFile { path }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: &str =
        "stage,configuration,model,variant,unit,places,learning_rate,normalize\nfinal,1,fc,,0,1,0.1,none\n";

    fn check(folder: &Path) -> Result<(), ExportError> {
        check_place(folder, &[Form::Csv])
    }

    #[test]
    fn new_and_empty_folders_and_those_of_an_export_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        check(&folder.path().join("new")).unwrap();
        check(folder.path()).unwrap();
        fs::write(folder.path().join(".writing-1"), "half").unwrap();
        check(folder.path()).unwrap();
        fs::write(folder.path().join("units.csv"), UNITS).unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        check(folder.path()).unwrap();
    }

    #[test]
    fn other_files_are_not_replaced() {
        let report = "stage,configuration,model,variant,unit,hyperparameters.batch_size\n";
        for (name, content) in
            [("units.csv", report), ("units.csv", "unit,price\n"), ("notes.txt", ""), ("epochs.parquet", "PAR1")]
        {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), content).unwrap();
            assert!(matches!(check(folder.path()), Err(ExportError::Foreign { .. })), "{name}: {content}");
            fs::write(folder.path().join("predictions.csv"), "unit,part,pair\n").unwrap();
            assert!(matches!(check(folder.path()), Err(ExportError::Foreign { .. })), "not all of its columns");
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("units.csv"), UNITS).unwrap();
        fs::write(folder.path().join("epochs.parquet"), "mine").unwrap();
        check(folder.path()).unwrap();
        let both = check_place(folder.path(), &Form::ALL);
        assert!(
            matches!(&both, Err(ExportError::ForeignFile { path }) if path.ends_with("epochs.parquet")),
            "{both:?}"
        );
    }
}
