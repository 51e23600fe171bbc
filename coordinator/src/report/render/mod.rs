//! Renders a document. Each form decides how things look; what they say is the document's.

pub(crate) mod html;
pub(crate) mod latex;
pub(crate) mod markdown;
pub(crate) mod terminal;
