//! One image of a file, as bytes.

use std::io::Cursor;

use image::{
    DynamicImage, ImageBuffer, ImageDecoder as _, Luma, Pixel, Rgb,
    codecs::png::PngDecoder,
    imageops::{self, FilterType},
};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::error::Fault;

/// Most pixels of an image that is decoded.
pub const PIXELS_MAX: usize = 1 << 26;

/// The colour on which transparent images are laid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Black.
    Black,
    /// White.
    White,
}

/// An image of 8 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// Grey values.
    Grey(ImageBuffer<Luma<u8>, Vec<u8>>),
    /// Colours.
    Colour(ImageBuffer<Rgb<u8>, Vec<u8>>),
}

/// The conversion of an image, to make it one of 8 bits without transparency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// 16 bits were reduced to 8.
    pub reduced: bool,
    /// It was laid on the background.
    pub laid: bool,
}

/// Decodes a PNG or JPEG.
///
/// - Palettes and 1, 2 and 4 bits become 8 bits.
/// - 16 bits become 8: the value is divided by 257 and rounded.
/// - An alpha channel that is opaque everywhere is dropped. Otherwise the image is laid on `background`.
/// - A turn that a camera noted (EXIF) is not applied.
///
/// # Errors
/// When it is neither, is damaged or cut short, is too large, is a CMYK JPEG, or is transparent without a background.
pub fn decode(bytes: &[u8], background: Option<Background>) -> Result<(Decoded, Changes), Fault> {
    match bytes {
        [] => Err(Fault::EmptyFile),
        [0xff, 0xd8, ..] => Ok((decode_jpeg(bytes)?, Changes::default())),
        _ => decode_png(bytes, background),
    }
}

fn damaged(detail: &impl ToString) -> Fault {
    Fault::Image { detail: detail.to_string() }
}

fn check_size(width: usize, height: usize) -> Result<(), Fault> {
    match width.checked_mul(height) {
        Some(pixels) if pixels <= PIXELS_MAX => Ok(()),
        _ => Err(Fault::ManyPixels { most: PIXELS_MAX }),
    }
}

fn decode_jpeg(bytes: &[u8]) -> Result<Decoded, Fault> {
    // The decoder fills the missing part with grey. The last scan begins with FF DA, and the image ends with FF D9.
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    if last(0xd9).is_none_or(|end| last(0xda).is_some_and(|scan| scan > end)) {
        return Err(Fault::Truncated { detail: "the mark of a JPEG's end is missing".to_owned() });
    }
    let options = DecoderOptions::default().set_max_width(PIXELS_MAX).set_max_height(PIXELS_MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| damaged(&"it has no size"))?;
    check_size(width, height)?;
    let is_grey = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => true,
        Some(ColorSpace::CMYK | ColorSpace::YCCK) => return Err(Fault::Cmyk),
        _ => false,
    };
    let target = if is_grey { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = options.jpeg_set_out_colorspace(target);
    let pixels =
        JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode().map_err(|error| damaged(&error))?;
    let (width, height) = (width as u32, height as u32);
    let decoded = if is_grey {
        ImageBuffer::from_raw(width, height, pixels).map(Decoded::Grey)
    } else {
        ImageBuffer::from_raw(width, height, pixels).map(Decoded::Colour)
    };
    decoded.ok_or_else(|| damaged(&"it has fewer pixels than its size"))
}

fn decode_png(bytes: &[u8], background: Option<Background>) -> Result<(Decoded, Changes), Fault> {
    let failed = |error: image::ImageError| match error {
        image::ImageError::IoError(cause) => Fault::from(cause),
        other => damaged(&other),
    };
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(damaged(&"it is neither a PNG nor a JPEG"));
    }
    let decoder = PngDecoder::new(Cursor::new(bytes)).map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_size(width as usize, height as usize)?;
    let decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
    let colours = decoded.color();
    let mut changes = Changes { reduced: colours.bytes_per_pixel() > colours.channel_count(), laid: false };
    let decoded = match (colours.has_alpha(), colours.has_color()) {
        (false, false) => Decoded::Grey(decoded.into_luma8()),
        (false, true) => Decoded::Colour(decoded.into_rgb8()),
        (true, is_colour) => {
            let transparent = decoded.into_rgba8();
            changes.laid = transparent.pixels().any(|pixel| pixel[3] != u8::MAX);
            let ground = match (changes.laid, background) {
                (true, None) => return Err(Fault::Alpha),
                (true, Some(Background::White)) => u8::MAX,
                (true, Some(Background::Black)) | (false, _) => 0,
            };
            let lay = |value: u8, alpha: u8| {
                let (alpha, value, ground) = (u32::from(alpha), u32::from(value), u32::from(ground));
                ((value * alpha + ground * (255 - alpha) + 127) / 255) as u8
            };
            if is_colour {
                let pixel = |x, y| {
                    let [red, green, blue, alpha] = transparent.get_pixel(x, y).0;
                    Rgb([red, green, blue].map(|value| lay(value, alpha)))
                };
                Decoded::Colour(ImageBuffer::from_fn(width, height, pixel))
            } else {
                let pixel = |x, y| {
                    let [grey, .., alpha] = transparent.get_pixel(x, y).0;
                    Luma([lay(grey, alpha)])
                };
                Decoded::Grey(ImageBuffer::from_fn(width, height, pixel))
            }
        }
    };
    Ok((decoded, changes))
}

impl Decoded {
    /// Number of channels.
    pub fn channels(&self) -> usize {
        match self {
            Self::Grey(_) => 1,
            Self::Colour(_) => 3,
        }
    }

    /// Height and width.
    pub fn size(&self) -> [u32; 2] {
        let (width, height) = match self {
            Self::Grey(image) => image.dimensions(),
            Self::Colour(image) => image.dimensions(),
        };
        [height, width]
    }

    /// The image with one or three channels. Grey is (19595 R + 38470 G + 7471 B + 32768) / 65536, rounded down: the luma
    /// of ITU-R BT.601, as Pillow computes it.
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Self {
        match (self, channels) {
            (Self::Colour(image), 1) => {
                let grey = |x, y| {
                    let [red, green, blue] = image.get_pixel(x, y).0.map(u32::from);
                    Luma([((19_595 * red + 38_470 * green + 7_471 * blue + 32_768) >> 16) as u8])
                };
                Self::Grey(ImageBuffer::from_fn(image.width(), image.height(), grey))
            }
            (Self::Grey(image), 3) => {
                let colour = |x, y| Rgb([image.get_pixel(x, y).0[0]; 3]);
                Self::Colour(ImageBuffer::from_fn(image.width(), image.height(), colour))
            }
            (same, _) => same,
        }
    }

    /// The image of another size, by a triangle filter (bilinear, which averages where the image becomes smaller).
    #[must_use]
    pub fn resized(self, [height, width]: [u32; 2]) -> Self {
        if self.size() == [height, width] {
            return self;
        }
        match self {
            Self::Grey(image) => Self::Grey(imageops::resize(&image, width, height, FilterType::Triangle)),
            Self::Colour(image) => Self::Colour(imageops::resize(&image, width, height, FilterType::Triangle)),
        }
    }

    /// Adds the pixels to `target`, channel by channel.
    pub fn append(&self, target: &mut Vec<u8>) {
        match self {
            Self::Grey(image) => target.extend_from_slice(image.as_raw()),
            Self::Colour(image) => {
                (0..3).for_each(|channel| target.extend(image.pixels().map(|pixel| pixel.channels()[channel])));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;

    fn png(bytes: &[u8], width: u32, height: u32, colour: ExtendedColorType) -> Vec<u8> {
        let mut file = Vec::new();
        PngEncoder::new(&mut file).write_image(bytes, width, height, colour).unwrap();
        file
    }

    fn jpeg(bytes: &[u8], side: u16, colour: ColorType) -> Vec<u8> {
        let mut file = Vec::new();
        Encoder::new(&mut file, 100).encode(bytes, side, side, colour).unwrap();
        file
    }

    fn pixels(image: &Decoded) -> Vec<u8> {
        let mut pixels = Vec::new();
        image.append(&mut pixels);
        pixels
    }

    #[test]
    fn pngs_of_every_depth_become_bytes() {
        let (grey, changes) = decode(&png(&[0, 7, 255, 1], 2, 2, ExtendedColorType::L8), None).unwrap();
        assert_eq!((pixels(&grey), grey.size(), changes), (vec![0, 7, 255, 1], [2, 2], Changes::default()));
        let (colour, _) = decode(&png(&[1, 2, 3, 4, 5, 6], 2, 1, ExtendedColorType::Rgb8), None).unwrap();
        assert_eq!(pixels(&colour), [1, 4, 2, 5, 3, 6]);
        let deep: Vec<u8> = [0_u16, 128, 129, 65535].iter().flat_map(|value| value.to_ne_bytes()).collect();
        let (reduced, changes) = decode(&png(&deep, 2, 2, ExtendedColorType::L16), None).unwrap();
        assert_eq!((pixels(&reduced), changes.reduced), (vec![0, 0, 1, 255], true));
    }

    #[test]
    fn transparent_pixels_need_a_background() {
        let file = png(&[200, 100, 0, 255, 200, 100, 0, 51], 2, 1, ExtendedColorType::Rgba8);
        assert!(matches!(decode(&file, None), Err(Fault::Alpha)));
        let laid = |background| {
            let (image, changes) = decode(&file, Some(background)).unwrap();
            assert!(changes.laid);
            pixels(&image)
        };
        assert_eq!(laid(Background::Black), [200, 40, 100, 20, 0, 0]);
        assert_eq!(laid(Background::White), [200, 244, 100, 224, 0, 204]);
        let opaque = png(&[9, 255, 8, 255], 2, 1, ExtendedColorType::La8);
        assert_eq!(
            decode(&opaque, None).map(|(image, changes)| (pixels(&image), changes.laid)).unwrap(),
            (vec![9, 8], false)
        );
    }

    #[test]
    fn palettes_become_colours() {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 4, 1);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Two);
        encoder.set_palette(vec![0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
        encoder.write_header().unwrap().write_image_data(&[0b0001_1011]).unwrap();
        let (image, _) = decode(&file, None).unwrap();
        assert_eq!(pixels(&image), [0, 10, 40, 70, 0, 20, 50, 80, 0, 30, 60, 90]);
    }

    #[test]
    fn jpegs_are_read_but_for_cmyk() {
        let (grey, _) = decode(&jpeg(&[100; 64], 8, ColorType::Luma), None).unwrap();
        assert_eq!((grey.channels(), pixels(&grey)), (1, vec![100; 64]));
        let colours: Vec<u8> = (0..64).flat_map(|_| [200, 100, 50]).collect();
        let (colour, _) = decode(&jpeg(&colours, 8, ColorType::Rgb), None).unwrap();
        assert!(pixels(&colour)[..64].iter().all(|red| red.abs_diff(200) < 4), "{colour:?}");
        for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
            assert!(matches!(decode(&jpeg(&[50; 256], 8, kind), None), Err(Fault::Cmyk)), "{kind:?}");
        }
    }

    #[test]
    fn files_that_are_cut_short_or_strange_are_refused() {
        let noise: Vec<u8> = (0..4096_u32).map(|place| (place * 97 % 251) as u8).collect();
        for file in [png(&noise, 64, 64, ExtendedColorType::L8), jpeg(&noise, 64, ColorType::Luma)] {
            for length in [1, 9, file.len() / 2, file.len() - 20] {
                assert!(decode(&file[..length], None).is_err(), "{length} of {}", file.len());
            }
        }
        assert!(matches!(decode(b"GIF89a", None), Err(Fault::Image { .. })));
        assert!(matches!(decode(b"", None), Err(Fault::EmptyFile)));
        let mut huge = png(&[0], 1, 1, ExtendedColorType::L8);
        huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        // The head's check sum, as a program that means harm would write it.
        let sum = crc32(&huge[12..29]);
        huge[29..33].copy_from_slice(&sum.to_be_bytes());
        assert!(matches!(decode(&huge, None), Err(Fault::ManyPixels { .. })));
    }

    /// CRC-32 of the PNG specification, bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
        })
    }

    #[test]
    fn channels_and_sizes_are_converted() {
        let (colour, _) =
            decode(&png(&[255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9], 2, 2, ExtendedColorType::Rgb8), None).unwrap();
        let grey = colour.clone().with_channels(1);
        assert_eq!(pixels(&grey), [76, 150, 29, 9]);
        assert_eq!(pixels(&grey.clone().with_channels(3)), [pixels(&grey), pixels(&grey), pixels(&grey)].concat());
        let (flat, _) = decode(&png(&[50; 64], 8, 8, ExtendedColorType::L8), None).unwrap();
        let small = flat.resized([4, 2]);
        assert_eq!((small.size(), pixels(&small)), ([4, 2], vec![50; 8]));
        assert_eq!(colour.clone().resized([2, 2]), colour);
    }
}
