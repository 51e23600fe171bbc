//! Whether results were trained or made up. Made-up results measure a coordinator (`scripts/bench-coordinator.sh`) and must never be mixed
//! with trained ones: a worker that makes them up says so in its numerics class, and a run directory takes results of one kind.

use std::fmt;

/// The numerics class of every made-up result, and of the workers that make them up.
pub const NO_OP: &str = "no-op";

/// Where results come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultKind {
    /// From training.
    #[default]
    Trained,
    /// From workers that train nothing.
    MadeUp,
}

impl ResultKind {
    /// The kind of results of this numerics class.
    pub fn from_numerics_class(numerics_class: &str) -> Self {
        if numerics_class == NO_OP { Self::MadeUp } else { Self::Trained }
    }
}

impl fmt::Display for ResultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trained => "trained",
            Self::MadeUp => "made-up",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_class_is_made_up() {
        assert_eq!(ResultKind::from_numerics_class(NO_OP), ResultKind::MadeUp);
        for class in ["", "own-kernels/1", "no-op/2", "NO-OP"] {
            assert_eq!(ResultKind::from_numerics_class(class), ResultKind::Trained, "{class}");
        }
    }
}
