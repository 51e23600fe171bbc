//! The vector instructions of the kernels, detected once when the program runs.

use std::sync::LazyLock;

use pulp::{Scalar, Simd, WithSimd};

/// A set of vector instructions of this machine. The choice affects only speed, never a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// AVX-512 (F, BW, CD, DQ, VL): 32 registers of 16 values.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA: 16 registers of 8 values.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// NEON: 32 registers of 4 values.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// One value at a time. Slow where the processor has no fused multiply-add, but the same results.
    Portable,
}

/// The variable that names the instructions to use instead of the fastest ones, for comparisons. A set that the machine
/// lacks is ignored.
const CHOICE: &str = "SEEDGRID_INSTRUCTIONS";

static BEST: LazyLock<Instructions> = LazyLock::new(|| {
    let available = Instructions::available();
    let chosen = std::env::var(CHOICE).ok();
    available.iter().copied().find(|set| chosen.as_deref() == Some(set.name())).unwrap_or(available[0])
});

impl Instructions {
    /// The fastest set of this machine, or the one that the environment variable `SEEDGRID_INSTRUCTIONS` names.
    pub fn best() -> Self {
        *BEST
    }

    /// Every set of this machine, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            sets.extend(pulp::x86::V4::try_new().map(|_| Self::Avx512));
            sets.extend(pulp::x86::V3::try_new().map(|_| Self::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        sets.extend(pulp::aarch64::Neon::try_new().map(|_| Self::Neon));
        sets.push(Self::Portable);
        sets
    }

    /// The name for people and logs: "avx512", "avx2", "neon" or "portable".
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// Runs `operation`, compiled for these instructions. Where the machine lacks them, runs the portable form.
    #[inline]
    pub fn run<O: WithSimd>(self, operation: O) -> O::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => match pulp::x86::V4::try_new() {
                Some(simd) => Simd::vectorize(simd, operation),
                None => Simd::vectorize(Scalar, operation),
            },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => match pulp::x86::V3::try_new() {
                Some(simd) => Simd::vectorize(simd, operation),
                None => Simd::vectorize(Scalar, operation),
            },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => match pulp::aarch64::Neon::try_new() {
                Some(simd) => Simd::vectorize(simd, operation),
                None => Simd::vectorize(Scalar, operation),
            },
            Self::Portable => Simd::vectorize(Scalar, operation),
        }
    }

    /// Runs plain loops, compiled for these instructions so that the compiler can use them.
    ///
    /// The closure must be `#[inline(always)]`: only inlined code is compiled for these instructions.
    #[inline(always)]
    pub(super) fn run_loops(self, loops: impl FnMut()) {
        self.run(Loops(loops));
    }
}

/// The loops of [`Instructions::run_loops`]. `FnMut`, because a call as `FnOnce` goes through a separate function,
/// which would not be compiled for the instructions.
struct Loops<F>(F);

impl<F: FnMut()> WithSimd for Loops<F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        (self.0)();
    }
}
