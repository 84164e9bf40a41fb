//! The first step: the request for Apple's portal.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use shared::domain::push_certificates::PushCertificates;
use shared::domain::rights::Right;
use shared::error::{Kind, Result};
use shared::pki::csr::Subject;
use shared::secret::Secret;
use shared::service::cancel_push_request::cancel_push_request;
use shared::service::request_push_certificate::{
    KeyChoice, MadeRequest, RequestSource, pending_request, request_push_certificate,
};

use super::{Typed, answer, done, key, refused};
use crate::fields::Fields;
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// What the file is called that Apple's portal wants.
const FILE: &str = "APNSPushCert.csr";

/// The form as it was filled in.
#[derive(Default)]
pub(crate) struct Form {
    common_name: String,
    organization: String,
    email: String,
    country: String,
    /// Whether this was sent, and is shown again with what was wrong.
    pub(super) was_sent: bool,
}

impl Form {
    fn read(fields: &Fields) -> Self {
        Self {
            common_name: fields.text("common_name"),
            organization: fields.text("organization"),
            email: fields.text("email"),
            country: fields.text("country"),
            was_sent: true,
        }
    }

    /// What is known already: of the certificate that is renewed, or of the organization.
    fn known(look: &Look) -> Self {
        let name = look.tenant.name.clone();
        let email = look.visitor.address().to_string();
        Self { common_name: name.clone(), organization: name, email, country: String::new(), was_sent: false }
    }

    fn subject(&self) -> Subject {
        Subject {
            common_name: self.common_name.clone(),
            organization: self.organization.clone(),
            organizational_unit: None,
            email: self.email.clone(),
            country: self.country.clone(),
            state: None,
            locality: None,
        }
    }
}

/// Makes the request.
pub(crate) async fn make(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let form = Form::read(&fields);
    let own = fields.file("csr");
    if !own.is_empty() || fields.text("custody") == "download" {
        // Whoever holds the key can reach the tenant's devices.
        look.check(Right::Own)?;
    }
    let source = if own.is_empty() {
        let choice = if fields.text("custody") == "download" {
            KeyChoice::Download(Secret::new(fields.text("key_password")))
        } else {
            KeyChoice::Keep
        };
        RequestSource::Form(form.subject(), choice)
    } else {
        RequestSource::Own(own.to_vec())
    };
    match request_push_certificate(&look.state, &look.scope, &source, false).await {
        Ok(MadeRequest { private_key: Some(key), .. }) => Ok(key::show(&look, &key)),
        Ok(MadeRequest { private_key: None, .. }) => Ok(done(&look, "request-made")),
        Err(error) if matches!(error.kind(), Kind::Malformed | Kind::Conflict) => {
            answer(&look, Typed { error: Some(error), request: form }).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives the request up.
pub(crate) async fn cancel(Act { look, .. }: Act) -> Result<Response, Refusal> {
    match cancel_push_request(&look.state, &look.scope).await {
        Ok(()) => Ok(done(&look, "request-cancelled")),
        Err(error) => refused(&look, error).await,
    }
}

/// The file for Apple's portal.
pub(crate) async fn download(look: Look) -> Result<Response, Refusal> {
    let request = pending_request(&look.state, &look.scope).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{FILE}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, request.file).into_response())
}

/// The form.
pub(super) fn page(look: &Look, all: &PushCertificates, form: &Form) -> Markup {
    let known = Form::known(look);
    let form = if form.was_sent { form } else { &known };
    html! {
        section {
            h2 { "1. Request" }
            @if !look.may_change() { p { "An administrator of your organization makes it." } }
            @else {
                @if let Some(active) = all.active() {
                    p { "The names may change; what matters is that you choose " strong { "Renew" } " at Apple's portal, in the row "
                        code { (active.certificate.common_name.as_deref().unwrap_or(&active.certificate.topic)) } "." }
                }
                form.plain method="post" action=(look.path("push-certificate/request")) enctype="multipart/form-data" {
                    (layout::token(&look.visitor))
                    label { "Name" input name="common_name" value=(form.common_name) maxlength="64"; }
                    label { "Organization" input name="organization" value=(form.organization) maxlength="64"; }
                    label { "E-mail address" input type="email" name="email" value=(form.email) maxlength="128";
                        small { "It reaches the people who renew the certificate." } }
                    label { "Country" input name="country" value=(form.country) maxlength="2" placeholder="DE" autocomplete="country";
                        small { "Two letters." } }
                    @if look.may_own() { (own_key()) }
                    button type="submit" { "Make the request" }
                }
            }
        }
    }
}

/// For whoever wants the key elsewhere than here.
fn own_key() -> Markup {
    html! {
        details {
            summary { "I want to keep the private key myself" }
            label { "Where the key goes"
                select name="custody" {
                    option value="keep" { "It stays here, sealed (recommended)" }
                    option value="download" { "I download it once, and upload it with the certificate" }
                }
            }
            label { "Password for the downloaded key" input type="password" name="key_password" autocomplete="new-password";
                small { "At least 12 characters." } }
        }
        details {
            summary { "I have a certificate request of my own" }
            label { "Your request (PKCS#10)" input type="file" name="csr";
                small { "Its key stays with you: upload it together with Apple's certificate. The fields above are not used." } }
        }
    }
}
