//! Readers of a user's own files: each makes a [`Dataset`](super::Dataset) from a plain spec.
//!
//! [`arrays`] reads NumPy's files, safetensors and IDX, [`table`] reads CSV and Parquet, and [`images`] reads folders of
//! PNG and JPEG. They share [`parts`] (the test part, groups and folds), [`labels`] (classes),
//! [`assemble`] (from the examples of all files to the two parts), [`source`] (files and their facts) and [`error`].

pub mod array;
pub mod arrays;
pub mod assemble;
pub mod columns;
pub mod containers;
pub mod csv_file;
pub mod decode;
pub mod error;
pub mod files;
mod image_files;
pub mod images;
pub mod labels;
pub mod layout;
pub mod npy;
pub mod parquet_file;
pub mod parts;
pub mod rows;
pub mod safetensors_file;
pub mod source;
pub mod table;
pub mod target;
pub mod warning;
