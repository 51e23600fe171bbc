//! The problems of a reference as a whole: it matches nothing that the spec trains.

/// Most alternatives that a hint lists.
pub(super) const ALTERNATIVES_MAX: usize = 12;

/// A reference that matches no configuration of the spec.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReferenceProblem {
    /// No stage has this name.
    #[error("no stage has the name `{name}`{}", suggestion.as_ref().map_or_else(String::new, |word| format!(", did you mean `{word}`?")))]
    Stage {
        /// The name as written.
        name: String,
        /// The stage that was probably meant.
        suggestion: Option<String>,
        /// Every stage.
        known: Vec<String>,
    },
    /// The stage does not have this model.
    #[error("stage `{stage}` does not train model `{model}`")]
    Model {
        /// The model as written.
        model: String,
        /// The stage.
        stage: String,
        /// The stage's models.
        known: Vec<String>,
    },
    /// The model is not trained with these values.
    #[error("stage `{stage}` does not train model `{model}` with {values}")]
    Values {
        /// The values as written: "auxiliary_weight=0.4".
        values: String,
        /// The model.
        model: String,
        /// The stage.
        stage: String,
        /// The values of these hyper-parameters in the stage.
        known: Vec<String>,
    },
}

impl ReferenceProblem {
    /// The hint for this problem.
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
