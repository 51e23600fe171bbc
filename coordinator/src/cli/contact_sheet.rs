//! A contact sheet: some images of each class, as one PNG file.

use std::{
    io,
    path::{Path, PathBuf},
};

use png::{BitDepth, ColorType, Encoder, EncodingError};
use seedgrid_common::{
    data::{
        Dataset, Labelled as _, Part,
        schema::{Content, Input},
        values::Values,
    },
    durable_files,
};

/// Most classes with a row of their own.
const ROWS_MAX: usize = 20;
/// Most images of a row.
const COLUMNS_MAX: usize = 12;
/// Pixels between images.
const GAP: usize = 2;
/// Images smaller than this are enlarged, by whole factors.
const SIDE_MIN: usize = 48;
/// The grey value between images.
const PAPER: u8 = 255;

/// The reason why there is no contact sheet.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ContactSheetError {
    /// No input has images.
    #[error("the data set has no images with 1 or 3 channels, so there is no contact sheet")]
    #[diagnostic(help("leave --contact-sheet out"))]
    NoImages,
    /// The image cannot be encoded.
    #[error("the contact sheet cannot be encoded")]
    Encode(#[from] EncodingError),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    #[diagnostic(help("name a file in a folder that can be written to"))]
    Write {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Writes a contact sheet of the training part: a row for each class of the primary target, or one row. Each image stands there
/// with all inputs that are images, one beside the other.
///
/// # Errors
/// When the data set has no images, or the file cannot be written.
pub(super) fn write(dataset: &Dataset, path: &Path) -> Result<(), ContactSheetError> {
    let png = draw(dataset)?;
    let failed = |source| ContactSheetError::Write { path: path.to_owned(), source };
    durable_files::write(path, &png).map_err(failed)
}

/// The bytes of the PNG file.
fn draw(dataset: &Dataset) -> Result<Vec<u8>, ContactSheetError> {
    let images: Vec<Image<'_>> = dataset
        .about
        .schema
        .inputs
        .iter()
        .filter_map(|(name, input)| Image::new(input, dataset.train.inputs.get(name)?))
        .collect();
    let [height, width] = [0, 1].map(|axis| images.iter().map(|image| image.sides()[axis]).max().unwrap_or_default());
    if images.is_empty() {
        return Err(ContactSheetError::NoImages);
    }
    let rows = rows(dataset);
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let cell = [height + GAP, images.len() * (width + GAP) + GAP];
    let [sheet_height, sheet_width] = [rows.len() * cell[0] + GAP, columns * cell[1] + GAP];
    let mut sheet = vec![PAPER; 3 * sheet_height * sheet_width];
    for (row, examples) in rows.iter().enumerate() {
        for (column, example) in examples.iter().enumerate() {
            for (place, image) in images.iter().enumerate() {
                let corner = [GAP + row * cell[0], GAP + column * cell[1] + place * (width + GAP)];
                image.paint(*example, corner, sheet_width, &mut sheet);
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, sheet_width as u32, sheet_height as u32);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&sheet)?;
    writer.finish()?;
    Ok(bytes)
}

/// The shown examples: the first of each class.
fn rows(dataset: &Dataset) -> Vec<Vec<usize>> {
    let Some(classes) = dataset.classes(Part::Train) else {
        return vec![(0..dataset.examples(Part::Train)).take(COLUMNS_MAX).collect()];
    };
    let count = dataset.about.schema.classes().map_or(0, <[String]>::len).min(ROWS_MAX);
    let mut rows = vec![Vec::new(); count];
    for (example, class) in classes.iter().enumerate() {
        if let Some(row) = rows.get_mut(*class as usize).filter(|row| row.len() < COLUMNS_MAX) {
            row.push(example);
        }
    }
    rows
}

/// An input of images.
struct Image<'d> {
    values: &'d Values,
    channels: usize,
    height: usize,
    width: usize,
    /// How many pixels of the sheet a pixel has a side.
    factor: usize,
    /// The lowest value and the range, for images of other numbers than grey values.
    range: [f32; 2],
}

impl<'d> Image<'d> {
    fn new(input: &Input, values: &'d Values) -> Option<Self> {
        let &[channels @ (1 | 3), height, width] = input.shape.as_slice() else { return None };
        let range = match input.content {
            Content::Pixels => [0.0, 255.0],
            Content::Numbers | Content::Columns(_) => {
                let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
                for example in 0..values.examples() {
                    values.for_each(example, |value| (low, high) = (low.min(value), high.max(value)));
                }
                [low, high - low]
            }
        };
        let factor = SIDE_MIN.div_ceil(height.max(width)).max(1);
        Some(Self { values, channels, height, width, factor, range })
    }

    fn sides(&self) -> [usize; 2] {
        [self.height, self.width].map(|side| self.factor * side)
    }

    /// Paints an example at this corner, given as row and column, of a sheet of so many columns.
    fn paint(&self, example: usize, [top, left]: [usize; 2], sheet_width: usize, sheet: &mut [u8]) {
        let numbers = self.values.example(example);
        let [low, range] = self.range;
        let [rows, columns] = self.sides();
        for row in 0..rows {
            for column in 0..columns {
                let pixel = row / self.factor * self.width + column / self.factor;
                for channel in 0..3 {
                    let plane = channel % self.channels;
                    let value = numbers[plane * self.height * self.width + pixel];
                    let share = if range > 0.0 { (value - low) / range } else { 0.0 };
                    sheet[3 * ((top + row) * sheet_width + left + column) + channel] = (share * 255.0).round() as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use seedgrid_common::data::{
        DatasetSpec, build, glyph_pairs,
        pairs::{self, PAIR_PIXELS, Pairs},
        values::NumberType,
    };

    use super::*;

    fn decoded(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    #[test]
    fn each_class_has_a_row_and_each_pair_both_of_its_images() {
        // One pair of each class: the first image is black, the second is grey.
        let pair: Vec<f32> = (0..PAIR_PIXELS).map(|pixel| if pixel < PAIR_PIXELS / 2 { 0.0 } else { 100.0 }).collect();
        let both = Pairs { pixels: [pair.clone(), pair].concat(), digits: vec![[1, 2], [2, 1]] };
        let dataset = pairs::dataset("two", 0, NumberType::U8, [&both; 2]);
        let (width, height, pixels) = decoded(&draw(&dataset).unwrap());
        // Pixels of 14 x 14 images are 4 x 4 on the sheet.
        assert_eq!((width, height), (2 + 2 * 58 + 2, 2 + 2 * 58));
        let at = |row: usize, column: usize| pixels[3 * (row * width as usize + column)];
        for row in [2, 2 + 58] {
            assert_eq!([at(row, 1), at(row, 2), at(row, 57), at(row, 58), at(row, 60)], [255, 0, 0, 255, 100]);
        }
    }

    #[test]
    fn a_sheet_is_written_for_drawn_data() {
        let folder = tempfile::tempdir().unwrap();
        let spec = DatasetSpec { kind: &glyph_pairs::KIND, train_pairs: 40, test_pairs: 1, seed: 0 };
        let path = folder.path().join("sheet.png");
        write(&build(&spec, &[]).unwrap(), &path).unwrap();
        assert_eq!(decoded(&std::fs::read(&path).unwrap()).0, (2 + 12 * (2 * 58 + 2)) as u32);
        assert!(matches!(
            write(&build(&spec, &[]).unwrap(), &folder.path().join("no/folder.png")),
            Err(ContactSheetError::Write { .. })
        ));
    }
}
