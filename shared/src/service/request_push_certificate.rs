//! The request that a tenant takes to Apple's portal.

use openssl::pkey::{PKey, Private};
use openssl::x509::X509Req;

use super::push_key::delete_unless_needed;
use super::secret_path;
use super::vendor_certificate::signing_vendor;
use crate::domain::audit::AuditAction;
use crate::domain::push_certificates::{Custody, PendingRequest};
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::pki::csr::Subject;
use crate::pki::key_export::{self, ExportNonce};
use crate::pki::own_request::{self, RequestKey, RequestSubject};
use crate::pki::{csr, key, push_request};
use crate::scope::Scope;
use crate::secret::Secret;
use crate::state::State;

/// What a request is made from.
pub enum RequestSource {
    /// A form: key and request are made here.
    Form(Subject, KeyChoice),
    /// The customer's own request, as a file.
    Own(Vec<u8>),
}

/// Where the private key goes that is made here.
pub enum KeyChoice {
    /// Into the secret store.
    Keep,
    /// To the customer, behind this password, and nowhere else.
    Download(Secret<String>),
}

/// A request, and the private key where it is handed out: this once.
pub struct MadeRequest {
    /// The request.
    pub request: PendingRequest,
    /// Encrypted PKCS#8 in PEM.
    pub private_key: Option<Secret<String>>,
}

/// Makes a key and a request, or takes the customer's own, and signs it as the vendor. The result is checked before it is
/// kept, so Apple never sees a bad one.
///
/// A second request asks before it takes the first one's place: Apple's answer to the first would fit no key.
///
/// # Errors
/// Malformed, naming the field; Conflict when a request is pending and `replace` is not set, or when the vendor
/// certificate is missing or expired.
pub async fn request_push_certificate(
    state: &State,
    scope: &Scope,
    source: &RequestSource,
    replace: bool,
) -> Result<MadeRequest> {
    check(source)?;
    let all = state.store.push_certificates(scope).await?;
    let former = all.give_up();
    if let Some(former) = former.filter(|_| !replace) {
        return Err(already_pending(former.request));
    }
    let now = state.clock.now();
    let vendor = signing_vendor(state).await?;
    let (request, made) = make(source)?;
    let file = push_request::sign(&request, &vendor.certificate, vendor.digest, now)?;
    let id: KeyId = state.random.id();
    let (custody, private_key) = match made {
        MadeKey::Keep(private) => {
            state.secrets.put(&secret_path::push_key(scope.tenant(), &id), &key::to_pem(&private)?).await?;
            (Custody::Kept, None)
        }
        MadeKey::Download(private, password) => {
            let nonce = ExportNonce { salt: state.random.bytes(), iv: state.random.bytes() };
            (Custody::Downloaded, Some(key_export::to_encrypted_pem(&private, password, &nonce)?))
        }
        MadeKey::Elsewhere => (Custody::Own, None),
    };
    let request = PendingRequest {
        key: id,
        subject: RequestSubject::of(&request),
        file,
        created_at: now,
        custody,
        key_fingerprint: Some(RequestKey::of(&request)?.fingerprint),
    };
    let audit = state
        .audit(scope, AuditAction::PushRequestMade)
        .with("key", &request.key)
        .with("custody", format!("{custody:?}").to_lowercase());
    state.store.put_push_request(scope, &request, former, &audit).await?;
    if let Some(former) = former {
        delete_unless_needed(state, scope, &former.request.key).await;
    }
    Ok(MadeRequest { request, private_key })
}

/// The request that waits for Apple's certificate.
///
/// # Errors
/// NotFound when there is none.
pub async fn pending_request(state: &State, scope: &Scope) -> Result<PendingRequest> {
    state.store.push_certificates(scope).await?.request.ok_or_else(|| Error::not_found("pending request"))
}

/// What can be said of a source before anything is made from it.
pub(super) fn check(source: &RequestSource) -> Result<()> {
    match source {
        RequestSource::Form(subject, choice) => {
            subject.checked()?;
            match choice {
                KeyChoice::Keep => Ok(()),
                KeyChoice::Download(password) => {
                    key_export::check_password(password).map_err(|error| error.at("key.password"))
                }
            }
        }
        RequestSource::Own(file) => {
            let request = own_request::read(file)?;
            csr::check(&request).map_err(|error| error.at("csr"))
        }
    }
}

/// The private key of a request, and where it goes.
enum MadeKey<'a> {
    Keep(PKey<Private>),
    Download(PKey<Private>, &'a Secret<String>),
    Elsewhere,
}

fn make(source: &RequestSource) -> Result<(X509Req, MadeKey<'_>)> {
    match source {
        RequestSource::Form(subject, choice) => {
            let private = key::generate()?;
            let request = csr::build(subject, &private)?;
            Ok(match choice {
                KeyChoice::Keep => (request, MadeKey::Keep(private)),
                KeyChoice::Download(password) => (request, MadeKey::Download(private, password)),
            })
        }
        RequestSource::Own(file) => Ok((own_request::read(file)?, MadeKey::Elsewhere)),
    }
}

pub(super) fn already_pending(pending: &PendingRequest) -> Error {
    Error::conflict(
        "push-request-pending",
        format!("A request of {} is waiting for Apple's certificate.", pending.created_at),
    )
    .next("Upload the certificate for it, or send \"replace\": true to give it up: its certificate would not fit.")
}
