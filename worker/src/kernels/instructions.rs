//! Which instructions the kernels use: found once, when the program runs.

use std::sync::LazyLock;

use pulp::{Scalar, Simd, WithSimd};

/// A set of vector instructions that this machine has. The choice changes speed only, never a result.
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

/// Names the instructions to use instead of the fastest, to compare them. What the machine lacks is passed over.
const CHOICE: &str = "SEEDGRID_INSTRUCTIONS";

static BEST: LazyLock<Instructions> = LazyLock::new(|| {
    let available = Instructions::available();
    let chosen = std::env::var(CHOICE).ok();
    available.iter().copied().find(|set| chosen.as_deref() == Some(set.name())).unwrap_or(available[0])
});

impl Instructions {
    /// The fastest that this machine has, or the ones that the environment variable `SEEDGRID_INSTRUCTIONS` names.
    pub fn best() -> Self {
        *BEST
    }

    /// Every set that this machine has, the fastest first.
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

    /// For people and logs: "avx512", "avx2", "neon" or "portable".
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
    /// The closure must be `#[inline(always)]`: only what is inlined here is compiled so.
    #[inline(always)]
    pub(super) fn run_loops(self, loops: impl FnMut()) {
        self.run(Loops(loops));
    }
}

/// `FnMut` because calling a closure as `FnOnce` goes through a function of its own, which would not be compiled so.
struct Loops<F>(F);

impl<F: FnMut()> WithSimd for Loops<F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        (self.0)();
    }
}
