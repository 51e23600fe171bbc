//! The two kinds of targets.

/// The kind of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One class an example.
    Class,
    /// Numbers to be predicted.
    Number,
}

impl TargetKind {
    /// The name in a spec.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Number => "number",
        }
    }
}
