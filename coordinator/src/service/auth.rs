//! Who may call: whoever shows the join file's token.

use seedgrid_common::join::Token;
use subtle::ConstantTimeEq as _;
use tonic::{Request, Status, service::Interceptor};

use crate::door::Visitor;

/// Lets calls with the right token pass.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    token: Token,
}

impl Guard {
    pub(super) fn new(token: Token) -> Self {
        Self { token }
    }
}

impl Interceptor for Guard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let shown = request
            .metadata()
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or("");
        // Compared in constant time, so that answers do not tell how much of a guess was right.
        if bool::from(shown.as_bytes().ct_eq(self.token.expose().as_bytes())) {
            if let Some(visitor) = request.extensions().get::<Visitor>() {
                visitor.welcome();
            }
            Ok(request)
        } else {
            tracing::debug!("refused a call without the study's token");
            Err(Status::unauthenticated(
                "the token is missing or wrong: use the join file of this study's run directory",
            ))
        }
    }
}
