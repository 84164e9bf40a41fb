//! What is active: facts, Apple's word on it, who can renew it; going back, export, deletion.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use shared::domain::contact::EmailAddress;
use shared::domain::ownership::{Ownership, needs_confirmation};
use shared::domain::push_certificates::{InstalledCertificate, PushCertificates};
use shared::error::{Kind, Result};
use shared::secret::Secret;
use shared::service::activate_push_certificate::roll_back_push_certificate;
use shared::service::apns_status::{PushStatus, apns_status};
use shared::service::delete_push_certificates::{DeletionConfirmed, delete_push_certificates};
use shared::service::export_push_certificate::export_push_certificate;
use shared::service::record_ownership::{Owner, record_ownership};
use shared::time::days_until;

use super::{done, refused};
use crate::home::days;
use crate::layout;
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// Goes back to the certificate that was active before.
pub(crate) async fn roll_back(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let wanted = fields.text("fingerprint").parse()?;
    let orphans = fields.text("orphans").parse().ok();
    match roll_back_push_certificate(&look.state, &look.scope, Some(wanted), orphans).await {
        Ok(_) => Ok(done(&look, "rolled-back")),
        Err(error) => refused(&look, error).await,
    }
}

/// Hands out certificate and key.
pub(crate) async fn export(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let password = Secret::new(fields.text("password"));
    let exported = match export_push_certificate(&look.state, &look.scope, None, &password).await {
        Ok(exported) => exported,
        Err(error) if error.kind() != Kind::Unavailable => return refused(&look, error).await,
        Err(error) => return Err(error.into()),
    };
    let (kind, name, file) = if fields.text("format") == "pem" {
        ("application/x-pem-file", "push-certificate.pem", exported.pem)
    } else {
        ("application/x-pkcs12", "push-certificate.pfx", exported.pfx)
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, file.expose().clone()).into_response())
}

/// Deletes every push certificate with its key.
pub(crate) async fn delete(Act { look, fields }: Act) -> Result<Response, Refusal> {
    let confirmed =
        DeletionConfirmed { name: fields.text("confirm"), orphans: fields.text("orphans").parse().ok() };
    match delete_push_certificates(&look.state, &look.scope, &confirmed).await {
        Ok(_) => Ok(done(&look, "deleted")),
        Err(error) => refused(&look, error).await,
    }
}

/// Records who can renew.
pub(crate) async fn record(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let recorded = async {
        let apple_account: EmailAddress = fields.text("apple_account").parse()?;
        let note = Some(fields.text("note")).filter(|note| !note.is_empty());
        let owner = Owner { apple_account, second_factor_holder: fields.text("second_factor_holder"), note };
        record_ownership(&look.state, &look.scope, owner).await
    };
    match recorded.await {
        Ok(_) => Ok(done(&look, "saved")),
        Err(error) => refused(&look, error).await,
    }
}

/// Everything about what is active; short while another one is on its way.
pub(super) async fn page(look: &Look, all: &PushCertificates, busy: bool) -> Result<Markup> {
    let Some(active) = all.active() else { return Ok(html! {}) };
    let status = apns_status(&look.state, &look.scope).await?;
    let record = look.state.store.ownership(&look.scope).await?;
    let asked = needs_confirmation(record.as_ref(), active.certificate.not_after, look.state.clock.now());
    Ok(html! {
        section {
            h2 { "Active certificate" }
            (facts(look, active))
            (apple(&status))
        }
        @if !busy {
            (ownership(look, record.as_ref(), asked))
            @if look.may_change() { (more(look, all, active)) }
        }
    })
}

fn facts(look: &Look, active: &InstalledCertificate) -> Markup {
    let certificate = &active.certificate;
    let left = days_until(look.state.clock.now(), certificate.not_after);
    html! {
        p.big.bad[left < 0].warn[(0..=30).contains(&left)] { "It " (days(left)) }
        dl.facts {
            dt { "Renew before" } dd { (layout::moment(certificate.not_after)) }
            dt { "Topic" } dd { code { (certificate.topic) } }
            dt { "Name at Apple's portal" } dd { (certificate.common_name.as_deref().unwrap_or("—")) }
            dt { "Serial number" } dd { code { (certificate.serial) } }
            dt { "Fingerprint (SHA-256)" } dd { code { (certificate.fingerprint) } }
            dt { "Activated" } dd { (layout::moment(active.activated_at)) }
        }
    }
}

fn apple(status: &PushStatus) -> Markup {
    html! {
        h3 { "Apple's push service" }
        @match &status.connection {
            None => p { "Nothing was sent with it yet. It is tried within a day of its activation." }
            Some(known) => {
                p { span.badge.good[known.connected].bad[!known.connected] { @if known.connected { "Connected" } @else { "Disconnected" } }
                    " since " (layout::moment(known.since)) }
                @if let Some(error) = known.last_error.as_ref().filter(|_| !known.connected) { p.bad { (error.meaning) } }
            }
        }
        @if let Some((delivery, since)) = &status.delivery {
            p.bad[delivery.alert.is_some()] { (delivery.meaning(*since)) }
            @if let Some(next) = delivery.next_step() { p { (next) } }
        }
    }
}

fn ownership(look: &Look, record: Option<&Ownership>, asked: bool) -> Markup {
    let text = |of: fn(&Ownership) -> String| record.map(of).unwrap_or_default();
    html! {
        section {
            h2 { "Who can renew it" }
            @if asked { p.note.warn { "The end is near, and nobody has said lately who can renew. Please check, and save." } }
            @if look.may_change() {
                form.plain method="post" action=(look.path("push-certificate/ownership")) {
                    (layout::token(&look.visitor))
                    label { "Apple account" input type="email" name="apple_account" required value=(text(|record| record.apple_account.to_string()));
                        small { "The account that made the certificate. Without it, every device must enroll again." } }
                    label { "Who holds its second factor" input name="second_factor_holder" required maxlength="200" value=(text(|record| record.second_factor_holder.clone())); }
                    label { "Note for successors" input name="note" maxlength="500" value=(text(|record| record.note.clone().unwrap_or_default())); }
                    button type="submit" { "This is right" }
                }
            } @else if let Some(record) = record {
                dl.facts { dt { "Apple account" } dd { (record.apple_account) } dt { "Second factor" } dd { (record.second_factor_holder) } }
            }
            @if let Some(record) = record {
                p.quiet { "Confirmed " (layout::moment(record.confirmed_at)) " by " (record.confirmed_by) }
            }
        }
    }
}

fn more(look: &Look, all: &PushCertificates, active: &InstalledCertificate) -> Markup {
    let previous = all.active.as_ref().and_then(|pointer| pointer.previous);
    html! {
        section {
            h2 { "More" }
            @if let Some(previous) = previous {
                details {
                    summary { "Go back to the former certificate" }
                    p { "It becomes active again. Devices that enrolled since with another topic stop answering." }
                    form.plain method="post" action=(look.path("push-certificate/rollback")) {
                        (layout::token(&look.visitor))
                        input type="hidden" name="fingerprint" value=(previous);
                        label { "Number of devices that must enroll again, if any" input name="orphans" inputmode="numeric" autocomplete="off"; }
                        button type="submit" class="secondary" { "Go back" }
                    }
                }
            }
            @if active.exportable && look.may_own() {
                details {
                    summary { "Export certificate and key" }
                    form.plain method="post" action=(look.path("push-certificate/export")) {
                        (layout::token(&look.visitor))
                        label { "Password chosen at the activation" input type="password" name="password" autocomplete="off" required; }
                        label { "File" select name="format" { option value="pfx" { "PFX, behind the same password" } option value="pem" { "PEM, the key without protection" } } }
                        button type="submit" class="secondary" { "Download" }
                    }
                }
            }
            @if look.may_own() {
                details {
                    summary { "Delete all push certificates" }
                    p { "Their keys are destroyed for good. Every enrolled device stops answering and must enroll again." }
                    form.plain method="post" action=(look.path("push-certificate/delete")) {
                        (layout::token(&look.visitor))
                        label { "Type the name of your organization: " strong { (look.tenant.name) } input name="confirm" autocomplete="off" required; }
                        label { "Number of devices that must enroll again" input name="orphans" inputmode="numeric" autocomplete="off"; }
                        button.danger type="submit" { "Delete for good" }
                    }
                }
            }
        }
    }
}
