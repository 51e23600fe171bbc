//! The meaning of an example's axes.

use super::error::Fault;

/// The order of an example's axes in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Height and width of a grey image.
    Hw,
    /// Channels, height and width of an image.
    Chw,
    /// Height, width and channels of an image.
    Hwc,
    /// Channels and length of a signal.
    Cl,
    /// Length and channels of a signal.
    Lc,
    /// A row of numbers, whatever the axes are.
    Flat,
}

/// Numbers of channels by which an axis is known as that of channels.
const CHANNELS: [usize; 3] = [1, 3, 4];

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 6] = [Self::Hw, Self::Chw, Self::Hwc, Self::Cl, Self::Lc, Self::Flat];

    /// The name in a spec.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hw => "hw",
            Self::Chw => "chw",
            Self::Hwc => "hwc",
            Self::Cl => "cl",
            Self::Lc => "lc",
            Self::Flat => "flat",
        }
    }

    /// The layout with this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// The only layout that examples of this shape are known to have. One axis is a row of numbers. Two are a grey image
    /// where they are bytes or the image is square. Three are an image whose first or last axis has 1, 3 or 4 places, and not
    /// the other.
    ///
    /// # Errors
    /// When the shape does not tell.
    pub fn guess(shape: &[usize], bytes: bool) -> Result<Self, Fault> {
        match shape {
            [] | [_] => Ok(Self::Flat),
            [height, width] if bytes || height == width => Ok(Self::Hw),
            [first, _, last] if CHANNELS.contains(first) && !CHANNELS.contains(last) => Ok(Self::Chw),
            [first, _, last] if CHANNELS.contains(last) && !CHANNELS.contains(first) => Ok(Self::Hwc),
            _ => Err(Fault::AmbiguousLayout { shape: shape.to_vec() }),
        }
    }

    /// The shape of an example in the data set, and the order in which the array's axes become it.
    ///
    /// # Errors
    /// When the array has another number of axes.
    pub fn order(self, shape: &[usize]) -> Result<(Vec<usize>, Vec<usize>), Fault> {
        let wrong = || Fault::WrongLayout { shape: shape.to_vec(), layout: self.name() };
        match (self, shape) {
            (Self::Flat, _) => Ok((vec![shape.iter().product()], (0..shape.len()).collect())),
            (Self::Hw, &[height, width]) => Ok((vec![1, height, width], vec![0, 1])),
            (Self::Chw, &[channels, height, width]) => Ok((vec![channels, height, width], vec![0, 1, 2])),
            (Self::Hwc, &[height, width, channels]) => Ok((vec![channels, height, width], vec![2, 0, 1])),
            (Self::Cl, &[channels, length]) => Ok((vec![channels, length], vec![0, 1])),
            (Self::Lc, &[length, channels]) => Ok((vec![channels, length], vec![1, 0])),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_guessed_only_where_they_are_certain() {
        let guess = |shape: &[usize], bytes| Layout::guess(shape, bytes).ok();
        assert_eq!(guess(&[], false), Some(Layout::Flat));
        assert_eq!(guess(&[20], false), Some(Layout::Flat));
        assert_eq!([guess(&[28, 30], true), guess(&[28, 28], false)], [Some(Layout::Hw); 2]);
        assert_eq!(guess(&[28, 30], false), None, "a signal or an image");
        assert_eq!(guess(&[3, 32, 32], true), Some(Layout::Chw));
        assert_eq!(guess(&[32, 32, 3], true), Some(Layout::Hwc));
        assert_eq!([guess(&[3, 32, 3], true), guess(&[5, 32, 32], true), guess(&[1, 2, 3, 4], true)], [None; 3]);
    }

    #[test]
    fn axes_become_channels_first() {
        assert_eq!(Layout::Hwc.order(&[32, 30, 3]).unwrap(), (vec![3, 32, 30], vec![2, 0, 1]));
        assert_eq!(Layout::Lc.order(&[128, 6]).unwrap(), (vec![6, 128], vec![1, 0]));
        assert_eq!(Layout::Hw.order(&[4, 5]).unwrap().0, [1, 4, 5]);
        assert_eq!(Layout::Flat.order(&[4, 5]).unwrap().0, [20]);
        assert_eq!(Layout::Flat.order(&[]).unwrap().0, [1]);
        assert!(Layout::Hw.order(&[4, 5, 3]).is_err() && Layout::Cl.order(&[4]).is_err());
        assert!(Layout::ALL.iter().all(|layout| Layout::find(layout.name()) == Some(*layout)));
    }
}
