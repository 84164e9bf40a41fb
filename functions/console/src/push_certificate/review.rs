//! The review of an upload beside what is active, and its activation.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::push_certificates::Source;
use shared::error::{Kind, Result};
use shared::id::Fingerprint;
use shared::pki::export::chosen_password;
use shared::pki::push_certificate::PushCertificate;
use shared::service::activate_push_certificate::{
    Activated, Confirmation, OverrideReason, activate_push_certificate,
};
use shared::service::stage_push_certificate::{Review, review};

use super::{done, refused};
use crate::fields::Fields;
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::number;

/// Activates what was reviewed.
pub(crate) async fn activate(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let activated = async {
        let confirmation = confirmation(&fields)?;
        activate_push_certificate(&look.state, &look.scope, &confirmation).await
    };
    match activated.await {
        Ok(Activated { check, .. }) if !check.ok => Ok(done(&look, "activated-unchecked")),
        Ok(Activated { source: Source::New, .. }) => Ok(done(&look, "activated")),
        Ok(Activated { source: Source::Renewal, .. }) => Ok(done(&look, "renewed")),
        Ok(Activated { source: Source::Replacement, .. }) => Ok(done(&look, "replaced")),
        Err(error) if matches!(error.kind(), Kind::Malformed | Kind::Conflict) => refused(&look, error).await,
        Err(error) => Err(error.into()),
    }
}

fn confirmation(fields: &Fields) -> Result<Confirmation> {
    let fingerprint: Fingerprint = fields.text("fingerprint").parse()?;
    let (password, again) = (fields.text("export_password"), fields.text("export_password_again"));
    let export_password =
        if password.is_empty() && again.is_empty() { None } else { Some(chosen_password(password, &again)?) };
    let orphans = number(fields, "orphans")?;
    let reason = fields.text("override_check");
    let override_check = if reason.is_empty() { None } else { Some(OverrideReason::parse(&reason)?) };
    Ok(Confirmation {
        fingerprint: Some(fingerprint),
        orphans,
        expiry_mails: Some(fields.ticked("expiry_mails")),
        export_password,
        override_check,
    })
}

/// The review, and the form that activates.
pub(super) async fn page(look: &Look) -> Result<Markup> {
    let review = review(&look.state, &look.scope).await?;
    Ok(html! {
        section {
            h2 { "4. Review" }
            (verdict(&review))
            (comparison(&review))
            @if look.may_change() {
                form method="post" action=(look.path("push-certificate/staged/discard")) {
                    (layout::token(&look.visitor))
                    button.secondary.outline { "Discard this upload" }
                }
            }
        }
        @if look.may_change() { (form(look, &review)) }
    })
}

/// What the upload is, large and in words.
fn verdict(review: &Review) -> Markup {
    match review.source {
        Source::New => html! {
            div.note.good { p.big { "New" } p { "This is your organization's first push certificate. No device depends on another one." } }
        },
        Source::Renewal => html! {
            div.note.good { p.big { "Renewal" } p { "The same certificate for another year. Every enrolled device goes on answering." } }
        },
        Source::Replacement => html! {
            div.note.bad role="alert" {
                p.big { "Replacement" }
                p { strong { (silenced(review.orphans)) } " This is another certificate, not the next year of the active one: it was made with
                    Create, or with another Apple account." }
                p { "If you meant to renew: discard it, go back to Apple's portal, and choose Renew in the row of the active certificate." }
            }
        },
    }
}

fn silenced(devices: u64) -> String {
    match devices {
        0 => "No enrolled device depends on the active certificate.".to_owned(),
        1 => "1 device will stop answering and must enroll again.".to_owned(),
        many => format!("{many} devices will stop answering and must enroll again."),
    }
}

fn comparison(review: &Review) -> Markup {
    type Field = (&'static str, fn(&PushCertificate) -> Markup);
    let fields: [Field; 6] = [
        ("Topic", |one| html! { code { (one.topic) } }),
        ("Name", |one| html! { (one.common_name.as_deref().unwrap_or("—")) }),
        ("Issuer", |one| html! { (one.issuer) }),
        ("Serial number", |one| html! { code { (one.serial) } }),
        ("Valid from", |one| layout::moment(one.not_before)),
        ("Renew before", |one| layout::moment(one.not_after)),
    ];
    let staged = &review.staged.certificate;
    let active = review.active.as_ref().map(|active| &active.certificate);
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { th { "" } th { "Uploaded" } @if active.is_some() { th { "Active now" } } } }
            tbody {
                @for (name, of) in fields {
                    tr { th scope="row" { (name) } td { (of(staged)) } @if let Some(active) = active { td { (of(active)) } } }
                }
            }
        } }
    }
}

fn form(look: &Look, review: &Review) -> Markup {
    let replaces = review.source == Source::Replacement;
    html! {
        section {
            h2 { "5. Activate" }
            form.plain method="post" action=(look.path("push-certificate/activate")) {
                (layout::token(&look.visitor))
                input type="hidden" name="fingerprint" value=(review.staged.certificate.fingerprint);
                label { input type="checkbox" name="expiry_mails" value="yes" checked; "Mail our contacts daily from thirty days before it ends" }
                details {
                    summary { "Keep certificate and key for export" }
                    label { "Password" input type="password" name="export_password" autocomplete="new-password";
                        small { "At least 12 characters. It is stored nowhere: who forgets it cannot export." } }
                    label { "The same again" input type="password" name="export_password_again" autocomplete="new-password"; }
                }
                details {
                    summary { "Apple's check fails, and I know why" }
                    label { "Reason, for the audit log" input name="override_check" maxlength="200"; }
                }
                @if replaces {
                    label { "Type the number of devices that must enroll again: " strong { (review.orphans) }
                        input name="orphans" inputmode="numeric" autocomplete="off" required; }
                }
                button type="submit" class=[replaces.then_some("danger")] {
                    @if replaces { "Replace the active certificate" } @else { "Activate" }
                }
                p.quiet { "Before anything changes, it is tried with Apple's push service. That takes a few seconds." }
            }
        }
    }
}
