//! Apple's portal, and the upload of what it returns.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::push_certificates::{Custody, PushCertificates};
use shared::error::{Kind, Result};
use shared::secret::Secret;
use shared::service::stage_push_certificate::{UploadFiles, discard_staged, stage_push_certificate};

use super::{done, refused};
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// Takes Apple's certificate for review.
pub(crate) async fn take(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let some = |bytes: &[u8]| (!bytes.is_empty()).then(|| bytes.to_vec());
    let password = fields.text("password");
    let files = UploadFiles {
        certificate: fields.file("certificate").to_vec(),
        key: some(fields.file("key")),
        password: (!password.is_empty()).then(|| Secret::new(password)),
    };
    match stage_push_certificate(&look.state, &look.scope, &files).await {
        Ok(_) => Ok(done(&look, "staged")),
        Err(error) if matches!(error.kind(), Kind::Malformed | Kind::Conflict) => refused(&look, error).await,
        Err(error) => Err(error.into()),
    }
}

/// Throws the upload away.
pub(crate) async fn discard(SharedAct(Act { look, .. }): SharedAct) -> Result<Response, Refusal> {
    discard_staged(&look.state, &look.scope).await?;
    Ok(done(&look, "discarded"))
}

/// What to do at Apple's portal, and the form for what comes back.
pub(super) fn page(look: &Look, all: &PushCertificates) -> Markup {
    html! {
        @if let Some(request) = &all.request {
            section {
                h2 { "2. Apple's portal" }
                ol {
                    li { a role="button" href=(look.path("push-certificate/request/file")) download="APNSPushCert.csr" { "Download the request" } }
                    li { "Open " a href=(look.state.config.portal_url) target="_blank" rel="noopener" { "identity.apple.com/pushcert" }
                        " and sign in with your organization's Apple account, not a private one: you need the same account every year." }
                    li { (which_button(all)) " Upload " code { "APNSPushCert.csr" } " there, and download the certificate." }
                }
                @if request.custody != Custody::Kept {
                    p.note.warn { "The private key is with you: upload it in the next step together with the certificate." }
                }
                @if look.may_own() {
                    form method="post" action=(look.path("push-certificate/request/cancel")) {
                        (layout::token(&look.visitor))
                        button.secondary.outline { "Give this request up" }
                    }
                }
            }
        }
        @if look.may_own() { (form(look)) }
    }
}

/// Create and Renew look alike at Apple's portal, and the wrong one silences every device.
fn which_button(all: &PushCertificates) -> Markup {
    html! {
        @match all.active() {
            None => { "Choose " strong { "Create a Certificate" } "." }
            Some(active) => {
                "Choose " strong { "Renew" } ", not Create, in the row of "
                code { (active.certificate.common_name.as_deref().unwrap_or(&active.certificate.topic)) }
                " (serial number " code { (active.certificate.serial) } ", ends " (layout::moment(active.certificate.not_after)) ")."
            }
        }
    }
}

fn form(look: &Look) -> Markup {
    html! {
        section {
            h2 { "3. Upload" }
            form.plain method="post" action=(look.path("push-certificate/staged")) enctype="multipart/form-data" data-drop {
                (layout::token(&look.visitor))
                label { "Certificate from Apple" input type="file" name="certificate" required;
                    small { "MDM_….pem, or a PFX file. You can drop it here. Nothing changes before you have seen what it is." } }
                details {
                    summary { "The private key is not here" }
                    label { "Private key" input type="file" name="key"; }
                    label { "Password of key or PFX file" input type="password" name="password" autocomplete="off"; }
                }
                button type="submit" { "Upload and review" }
            }
        }
    }
}
