//! The request that a tenant takes to Apple's portal.

use super::install_vendor_certificate::vendor_certificate;
use super::push_key::delete_unless_needed;
use super::secret_path;
use crate::domain::audit::AuditAction;
use crate::domain::push_certificates::PendingRequest;
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::pki::csr::Subject;
use crate::pki::push_request::{self, Digest};
use crate::pki::{csr, key};
use crate::scope::Scope;
use crate::state::State;

/// Makes a key and a request signed by the vendor. The key stays in Secrets Manager; the request is checked before it is
/// kept, so Apple never sees a bad one.
///
/// A second request asks before it takes the first one's place: Apple's answer to the first would fit no key.
///
/// # Errors
/// Malformed, naming the subject's field; Conflict when a request is pending and `replace` is not set, or when the
/// vendor certificate is missing or expired.
pub async fn request_push_certificate(
    state: &State,
    scope: &Scope,
    subject: &Subject,
    replace: bool,
) -> Result<PendingRequest> {
    let subject = subject.checked()?;
    let all = state.store.push_certificates(scope).await?;
    let pending = all.request;
    if let Some(pending) = &pending
        && !replace
    {
        return Err(Error::conflict(
            "push-request-pending",
            format!("A request of {} is waiting for Apple's certificate.", pending.created_at),
        )
        .next("Upload the certificate for it, or send \"replace\": true to give it up: its certificate would not fit."));
    }
    let now = state.clock.now();
    let vendor = vendor_certificate(state).await?;
    let private = key::generate()?;
    let request = csr::build(&subject, &private)?;
    let file = push_request::sign(&request, &vendor, Digest::Sha256, now)?;
    let id: KeyId = state.random.id();
    state.secrets.put(&secret_path::push_key(scope.tenant(), &id), &key::to_pem(&private)?).await?;
    let request = PendingRequest { key: id, subject, file, created_at: now };
    let audit = state.audit(scope, AuditAction::PushRequestMade).with("key", &request.key);
    state.store.put_push_request(scope, &request, pending.as_ref(), &audit).await?;
    if let Some(former) = pending {
        delete_unless_needed(state, scope, &former.key).await;
    }
    Ok(request)
}

/// The request that waits for Apple's certificate.
///
/// # Errors
/// NotFound when there is none.
pub async fn pending_request(state: &State, scope: &Scope) -> Result<PendingRequest> {
    state.store.push_certificates(scope).await?.request.ok_or_else(|| Error::not_found("pending request"))
}
