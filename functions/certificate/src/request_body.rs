//! What a request is made from, as it comes over HTTP.

use serde::Deserialize;
use shared::error::{Error, Result};
use shared::http::Body;
use shared::pki::csr::Subject;
use shared::secret::Secret;
use shared::service::request_push_certificate::{KeyChoice, RequestSource};
use shared::service::stage_push_certificate::file_bytes;
use utoipa::ToSchema;

/// A request: this as JSON, or your own certificate request's file as the whole body.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRequest {
    /// Whom the certificate is for: key and request are made here. Either this or `csr`.
    #[serde(default)]
    subject: Option<Subject>,
    /// Your own certificate request (PKCS#10), made elsewhere: PEM text, or base64 of DER. Its key stays with you.
    #[serde(default)]
    csr: Option<String>,
    /// Where the private key goes that is made for `subject`; kept here unless you say otherwise.
    #[serde(default)]
    key: Option<NewKey>,
    /// Gives up a request that is pending: Apple's certificate for it will fit no key any more.
    #[serde(default)]
    replace: bool,
}

/// Where a private key goes that is made here.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "custody", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum NewKey {
    /// It stays here. Nothing more is to be done with it.
    Keep,
    /// The answer holds it, this once; it is not kept, and is to be uploaded together with Apple's certificate.
    Download {
        /// Protects the file: 12 to 128 characters.
        password: String,
    },
}

/// What to make a request from, and whether it may take the place of a pending one.
///
/// # Errors
/// Malformed unless exactly one source is given.
pub(crate) fn source(body: Body<NewRequest>) -> Result<(RequestSource, bool)> {
    let body = match body {
        Body::File(file) => return Ok((RequestSource::Own(file), false)),
        Body::Json(body) => body,
    };
    let source = match (body.subject, body.csr, body.key) {
        (Some(subject), None, None | Some(NewKey::Keep)) => RequestSource::Form(subject, KeyChoice::Keep),
        (Some(subject), None, Some(NewKey::Download { password })) => {
            RequestSource::Form(subject, KeyChoice::Download(Secret::new(password)))
        }
        (None, Some(csr), None) => RequestSource::Own(file_bytes(csr)),
        (None, Some(_), Some(_)) | (Some(_), Some(_), _) | (None, None, _) => {
            let message = "A request is made either from a subject, or from your own certificate request, whose key you \
                           have already.";
            return Err(Error::malformed("push-request-source", message)
                .at("subject")
                .next("Give \"subject\" and, if you like, \"key\"; or \"csr\" alone."));
        }
    };
    Ok((source, body.replace))
}
