//! How one glyph comes out: the deformations of strokes, the pen and the paper, drawn from a stream.

use crate::random::Stream;

/// Full turn, in radians.
const TURN: f64 = std::f64::consts::TAU;

/// Everything that varies from glyph to glyph, except which digit and which writing.
#[derive(Clone, Debug)]
pub(super) struct Hand {
    waves: [Wave; 5],
    stretch: f64,
    slant: f64,
    rotation: f64,
    /// Height of the glyph, in pixels.
    pub(super) height: f64,
    /// Where the ink's centre lies relative to the image's centre, in pixels.
    pub(super) offset: [f64; 2],
    /// Shares of each stroke's length that its beginning and its end are cut by.
    pub(super) cut: [f64; 2],
    /// Half the width of strokes, in pixels.
    pub(super) radius: f64,
    /// By how much of `radius` the pressure varies along strokes, and where.
    pub(super) pressure: [f64; 2],
    /// Share of each pixel that comes from its neighbourhood.
    pub(super) blur: f64,
    /// Grey value of full ink; above 255, the middle of strokes is saturated.
    pub(super) ink: f64,
    /// Standard deviation of the noise, in grey values.
    pub(super) noise: f64,
}

/// A smooth displacement that varies like a sine across the glyph.
#[derive(Clone, Copy, Debug)]
struct Wave {
    /// Displacement at the crest, in glyph heights.
    crest: [f64; 2],
    /// Periods per glyph height along x and y.
    frequency: [f64; 2],
    /// In turns.
    phase: f64,
}

impl Hand {
    pub(super) fn draw(stream: &mut Stream) -> Self {
        // Long waves bend the whole glyph, short ones single strokes.
        let waves = [(0.055, 0.6), (0.055, 0.6), (0.05, 1.0), (0.035, 1.5), (0.035, 1.5)]
            .map(|(size, frequency)| Wave::draw(stream, size, frequency));
        Self {
            waves,
            stretch: stream.between(0.65, 1.20),
            slant: stream.between(-0.25, 0.50),
            rotation: stream.between(-0.05, 0.05),
            height: stream.between(8.6, 10.6),
            offset: [stream.between(-0.75, 0.75), stream.between(-0.75, 0.75)],
            cut: [stream.between(0.0, 0.08), stream.between(0.0, 0.08)],
            radius: stream.between(0.38, 0.95),
            pressure: [stream.between(0.0, 0.35), stream.unit_f64()],
            blur: stream.between(0.0, 0.5),
            ink: stream.between(170.0, 340.0),
            noise: stream.between(0.0, 14.0),
        }
    }

    /// Where a point of a writing comes to lie, in glyph heights.
    pub(super) fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [mut u, mut v] = [x - 0.5, y - 0.5];
        for wave in &self.waves {
            let [du, dv] = wave.displacement([x, y]);
            u += du;
            v += dv;
        }
        u = u * self.stretch - v * self.slant;
        let (sine, cosine) = (libm::sin(self.rotation * TURN), libm::cos(self.rotation * TURN));
        [cosine * u - sine * v, sine * u + cosine * v]
    }

    /// Half the stroke's width in pixels at this share of its length.
    pub(super) fn radius_at(&self, share: f64) -> f64 {
        let [depth, phase] = self.pressure;
        self.radius * (1.0 + depth * libm::sin((share + phase) * TURN))
    }
}

impl Wave {
    fn draw(stream: &mut Stream, size: f64, frequency: f64) -> Self {
        let mut between = |bound: f64| stream.between(-bound, bound);
        Self {
            crest: [between(size), between(size)],
            frequency: [between(frequency), between(frequency)],
            phase: between(0.5),
        }
    }

    fn displacement(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [along_x, along_y] = self.frequency;
        let height = libm::sin((along_x * x + along_y * y + self.phase) * TURN);
        self.crest.map(|crest| crest * height)
    }
}
