//! A look at a request before it is made: what it would say, and what stands in its way.

use super::request_push_certificate::{RequestSource, already_pending, check};
use super::vendor_certificate::signing_vendor;
use crate::error::{Error, Kind, Result};
use crate::pki::own_request::{self, RequestKey, RequestSubject};
use crate::scope::Scope;
use crate::state::State;

/// What a request would be.
pub struct RequestReview {
    /// Whom it names.
    pub subject: RequestSubject,
    /// Its key; none where the key is yet to be made.
    pub key: Option<RequestKey>,
    /// Everything that would refuse it now; nothing when it can be made.
    pub problems: Vec<Error>,
}

/// Reviews a request; nothing is kept.
///
/// # Errors
/// Malformed when the file is not a request at all; Unavailable when a service does not answer.
pub async fn review_push_request(
    state: &State,
    scope: &Scope,
    source: &RequestSource,
) -> Result<RequestReview> {
    let (subject, key) = match source {
        RequestSource::Form(subject, _) => {
            (subject.checked().unwrap_or_else(|_| subject.clone()).into(), None)
        }
        RequestSource::Own(file) => {
            let request = own_request::read(file)?;
            (RequestSubject::of(&request), Some(RequestKey::of(&request)?))
        }
    };
    let pending = state.store.push_certificates(scope).await?.request;
    let waiting = pending.as_ref().map_or(Ok(()), |pending| Err(already_pending(pending)));
    let mut problems = Vec::new();
    for found in [check(source), waiting, signing_vendor(state).await.map(drop)] {
        problems.extend(found.map_or_else(problem, |()| Ok(None))?);
    }
    Ok(RequestReview { subject, key, problems })
}

/// What the caller can do something about is a finding; what the server cannot find out is a failure.
fn problem(error: Error) -> Result<Option<Error>> {
    match error.kind() {
        Kind::Malformed | Kind::Conflict => Ok(Some(error)),
        Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::RateLimited { .. }
        | Kind::Unavailable
        | Kind::Internal => Err(error),
    }
}
