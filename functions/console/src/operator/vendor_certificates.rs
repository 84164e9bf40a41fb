//! The MDM vendor certificates, which sign every tenant's request for a push certificate.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::vendor_certificates::{VendorCertificates, VendorRecord};
use shared::error::{Error, Result};
use shared::id::Fingerprint;
use shared::pki::push_request::Digest;
use shared::secret::Secret;
use shared::service::install_vendor_certificate::{VendorFiles, install_vendor_certificate};
use shared::service::vendor_certificate::{
    activate_vendor_certificate, delete_vendor_certificate, vendor_certificates,
};
use shared::time::days_until;

use crate::fields::Fields;
use crate::home::days;
use crate::layout;
use crate::look::{OperatorAct, OperatorLook};
use crate::refusal::Refusal;

const PLACE: &str = "/console/operator/vendor-certificates";
const TITLE: &str = "Vendor certificates";

/// The list, and the form for another one.
pub(crate) async fn show(look: OperatorLook) -> Result<Response, Refusal> {
    answer(&look, None).await
}

/// Installs one.
pub(crate) async fn install(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let password = Some(fields.text("password")).filter(|text| !text.is_empty()).map(Secret::new);
    let digest = if fields.text("digest") == "sha1" { Digest::Sha1 } else { Digest::Sha256 };
    let (state, files) = (&look.signed.state, files(&fields));
    match install_vendor_certificate(state, &look.operator, &files, password.as_ref(), digest).await {
        Ok(_) => Ok(layout::done(PLACE, "vendor-installed")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

/// Certificate and key, or one PFX with both.
fn files(fields: &Fields) -> VendorFiles {
    let file = |name: &str| fields.file(name).to_vec();
    if fields.file("key").is_empty() {
        VendorFiles::Pfx(file("certificate"))
    } else {
        VendorFiles::Apart { certificate: file("certificate"), key: file("key"), chain: file("chain") }
    }
}

/// Lets another one sign.
pub(crate) async fn activate(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let activated = async {
        let fingerprint = fields.text("fingerprint").parse()?;
        activate_vendor_certificate(&look.signed.state, &look.operator, &fingerprint).await
    };
    match activated.await {
        Ok(_) => Ok(layout::done(PLACE, "vendor-activated")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

/// Deletes one that does not sign, when its name was typed.
pub(crate) async fn delete(OperatorAct { look, fields }: OperatorAct) -> Result<Response, Refusal> {
    let state = &look.signed.state;
    let deleted = async {
        let fingerprint: Fingerprint = fields.text("fingerprint").parse()?;
        let all = vendor_certificates(state).await?;
        if let Some(record) = all.find(&fingerprint).filter(|record| record.name != fields.text("confirm")) {
            let message = format!("To delete the vendor certificate, type its name: {}.", record.name);
            return Err(Error::conflict("name-not-typed", message).at("confirm"));
        }
        delete_vendor_certificate(state, &look.operator, &fingerprint).await
    };
    match deleted.await {
        Ok(()) => Ok(layout::done(PLACE, "vendor-deleted")),
        Err(error) => answer(&look, Some(&error)).await,
    }
}

async fn answer(look: &OperatorLook, error: Option<&Error>) -> Result<Response, Refusal> {
    let all = vendor_certificates(&look.signed.state).await?;
    let content = html! {
        header { h1 { (TITLE) } p { "One of them signs every tenant's request for a push certificate. Without it, nobody can request or renew one." } }
        @if all.installed.is_empty() {
            div.empty { p { "None is installed yet. Get one at Apple's developer site (type MDM CSR), and install it here with its key." } }
        }
        @for record in &all.installed { (entry(look, &all, record)) }
        (form(look))
    };
    Ok(layout::operators_with(look, PLACE, TITLE, error, &content))
}

fn entry(look: &OperatorLook, all: &VendorCertificates, record: &VendorRecord) -> Markup {
    let left = days_until(look.signed.state.clock.now(), record.not_after);
    let active = all.is_active(&record.fingerprint);
    html! {
        article {
            h2 { (record.name) }
            p {
                @if active { span.badge.good { "Signs" } } @else { span.badge { "Does not sign" } }
                span.bad[left < 0].warn[(0..=30).contains(&left)] { " It " (days(left)) } ": " (layout::moment(record.not_after))
            }
            dl.facts {
                dt { "Fingerprint (SHA-256)" } dd { code { (record.fingerprint) } }
                dt { "Signs with" } dd { @match record.digest { Digest::Sha256 => "SHA-256", Digest::Sha1 => "SHA-1" } }
                dt { "Installed" } dd { (layout::moment(record.installed_at)) }
            }
            @if !active { (acts(look, record)) }
        }
    }
}

fn acts(look: &OperatorLook, record: &VendorRecord) -> Markup {
    let hidden = html! {
        (layout::token(&look.signed.visitor))
        input type="hidden" name="fingerprint" value=(record.fingerprint);
    };
    html! {
        form.plain method="post" action={ (PLACE) "/activate" } { (hidden) button.secondary type="submit" { "Let it sign" } }
        details {
            summary { "Delete it and its key" }
            form.plain method="post" action={ (PLACE) "/delete" } {
                (hidden)
                label { "Type its name: " strong { (record.name) } input name="confirm" autocomplete="off" required; }
                button.danger type="submit" { "Delete for good" }
            }
        }
    }
}

fn form(look: &OperatorLook) -> Markup {
    html! {
        h2 { "Install one" }
        p { "The first one signs at once, a later one when you let it." }
        form.plain method="post" action=(PLACE) enctype="multipart/form-data" {
            (layout::token(&look.signed.visitor))
            label { "Certificate" input type="file" name="certificate" required; small { "As Apple sent it, or a PFX file with its key." } }
            label { "Private key, unless it is a PFX file" input type="file" name="key"; }
            label { "Issuers' certificates (PEM)" input type="file" name="chain"; small { "Apple's own are known." } }
            label { "Password of the key or the PFX file" input type="password" name="password" autocomplete="off"; }
            label { "Signs with"
                select name="digest" { option value="sha256" { "SHA-256" } option value="sha1" { "SHA-1, only if Apple's portal still asks for it" } }
            }
            button type="submit" { "Install" }
        }
    }
}
