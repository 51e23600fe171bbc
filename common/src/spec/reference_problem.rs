//! What can be wrong with a reference beyond its single values: that it is for nothing that the spec trains.

/// Most alternatives that a hint lists.
pub(super) const ALTERNATIVES_MAX: usize = 12;

/// A reference that is for no configuration of the spec.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReferenceProblem {
    /// No stage has this name.
    #[error("no stage has the name `{name}`{}", suggestion.as_ref().map_or_else(String::new, |word| format!(", did you mean `{word}`?")))]
    Stage {
        /// As written.
        name: String,
        /// The stage that was probably meant.
        suggestion: Option<String>,
        /// Every stage.
        known: Vec<String>,
    },
    /// The stage does not have this model.
    #[error("stage `{stage}` does not train model `{model}`")]
    Model {
        /// As written.
        model: String,
        /// The stage.
        stage: String,
        /// The stage's models.
        known: Vec<String>,
    },
    /// The model is not trained with these values.
    #[error("stage `{stage}` does not train model `{model}` with {values}")]
    Values {
        /// As written: "auxiliary_weight=0.4".
        values: String,
        /// The model.
        model: String,
        /// The stage.
        stage: String,
        /// What these hyper-parameters are in the stage.
        known: Vec<String>,
    },
}

impl ReferenceProblem {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let (what, known) = match self {
            Self::Stage { known, .. } => ("stages here", known),
            Self::Model { known, .. } => ("models of the stage", known),
            Self::Values { known, .. } => ("trained here", known),
        };
        let more = if known.len() > ALTERNATIVES_MAX { ", ..." } else { "" };
        let listed: Vec<&str> = known.iter().take(ALTERNATIVES_MAX).map(String::as_str).collect();
        format!("{what}: {}{more}; a reference is for what the spec trains", listed.join(", "))
    }
}
