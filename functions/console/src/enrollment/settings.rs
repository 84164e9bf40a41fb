//! What enrollment profiles ask of devices.

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::enrollment_settings::{
    AccessRight, DeviceAuthentication, EnrollmentMethod, EnrollmentSettings, IdentitySource, RemovalRule,
};
use shared::error::Result;
use shared::secret::Secret;
use shared::service::enrollment_settings::{NewSettings, Removal, change_enrollment_settings};

use super::{field, scep};
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;
use crate::typed::{Typed, optional};

pub(super) const FORM: &str = "settings";
const PATH: &str = "enrollment/settings";

/// The page.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    answer(&look, &Typed::default()).await
}

/// Changes them.
pub(crate) async fn change(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    match change_enrollment_settings(&look.state, &look.scope, read(&fields)).await {
        Ok(_) => Ok(layout::done(&look.path(PATH), "enrollment-settings")),
        Err(error) => answer(&look, &Typed::into(FORM, fields, error)).await,
    }
}

fn read(fields: &Fields) -> NewSettings {
    let rights = AccessRight::ALL.into_iter().filter(|right| fields.ticked(key(*right)));
    let identity = match fields.text("identity").as_str() {
        "pkcs12" => IdentitySource::Pkcs12,
        "external-scep" => IdentitySource::ExternalScep,
        _ => IdentitySource::Scep,
    };
    NewSettings {
        access_rights: rights.collect::<BTreeSet<_>>(),
        removal: match fields.text("removal").as_str() {
            "with-password" => Removal::WithPassword(optional(fields, "removal_password").map(Secret::new)),
            _ => Removal::Always,
        },
        trusted_authority: optional(fields, "trusted_authority"),
        pinned: fields.ticked("pinned"),
        per_user_connections: fields.ticked("per_user_connections"),
        bootstrap_token: fields.ticked("bootstrap_token"),
        external_scep: (identity == IdentitySource::ExternalScep).then(|| scep::read(fields)),
        identity,
        method: match fields.text("method").as_str() {
            "over-the-air" => EnrollmentMethod::OverTheAir,
            _ => EnrollmentMethod::Direct,
        },
        device_authentication: match fields.text("device_authentication").as_str() {
            "mutual-tls" => DeviceAuthentication::MutualTls,
            _ => DeviceAuthentication::Signature,
        },
    }
}

/// A right's field, and what it is for.
const fn right(right: AccessRight) -> (&'static str, &'static str) {
    match right {
        AccessRight::InspectProfiles => ("inspect_profiles", "See which profiles are installed"),
        AccessRight::ManageProfiles => ("manage_profiles", "Install and remove profiles"),
        AccessRight::LockDevice => ("lock_device", "Lock the device, and remove its passcode"),
        AccessRight::EraseDevice => ("erase_device", "Erase the device"),
        AccessRight::QueryDevice => ("query_device", "Read serial number, model and versions"),
        AccessRight::QueryNetwork => ("query_network", "Read its network addresses"),
        AccessRight::InspectProvisioningProfiles => {
            ("inspect_provisioning_profiles", "See which provisioning profiles are installed")
        }
        AccessRight::ManageProvisioningProfiles => {
            ("manage_provisioning_profiles", "Install and remove provisioning profiles")
        }
        AccessRight::InspectApps => ("inspect_apps", "See which apps are installed"),
        AccessRight::QueryRestrictions => ("query_restrictions", "Read its restrictions"),
        AccessRight::QuerySecurity => ("query_security", "Read what protects it"),
        AccessRight::ChangeSettings => ("change_settings", "Change settings"),
        AccessRight::ManageApps => ("manage_apps", "Install and remove apps"),
    }
}

fn key(of: AccessRight) -> &'static str {
    right(of).0
}

async fn answer(look: &Look, typed: &Typed) -> Result<Response, Refusal> {
    let settings = look.state.store.enrollment_settings(&look.scope).await?;
    let authorities = look.state.store.authorities(&look.scope).await?;
    let content = html! {
        header {
            h1 { "Enrollment settings" }
            p { "What profiles ask of devices, from the next link that is opened. Once devices are enrolled, rights can only be taken away." }
        }
        @if look.may_change() {
            form.plain method="post" action=(look.path(PATH)) {
                (layout::token(&look.visitor))
                (rights(&settings, typed))
                (removal(&settings, typed))
                (identity(&settings, typed))
                details open[settings.external_scep.is_some() || typed.is(FORM)] {
                    summary { "Your own SCEP server" }
                    (scep::page(settings.external_scep.as_ref(), &authorities, typed))
                }
                (trust(&settings, typed))
                (macs(&settings, typed))
                button type="submit" { "Save" }
            }
        } @else { (facts(&settings)) }
        p { a href=(look.path("enrollment")) { "Enrollment" } }
    };
    Ok(layout::page_with(look, Part::Enrollment, "Enrollment settings", typed.error.as_ref(), &content))
}

fn facts(settings: &EnrollmentSettings) -> Markup {
    html! {
        dl.facts {
            dt { "Rights" } dd { ul { @for one in &settings.access_rights { li { (right(*one).1) } } } }
            dt { "People may remove the profile" }
            dd { @match settings.removal { RemovalRule::Always => "Always", RemovalRule::WithPassword(_) => "With a password" } }
            dt { "Identity" }
            dd { @match settings.identity { IdentitySource::Scep => "Of this server", IdentitySource::Pkcs12 => "Inside the profile", IdentitySource::ExternalScep => "Of your own SCEP server" } }
        }
    }
}

fn checkbox(typed: &Typed, name: &str, usual: bool, words: &str) -> Markup {
    html! {
        label { input type="checkbox" name=(name) value="yes" checked[typed.ticked(FORM, name, usual)]; (words) }
    }
}

/// A choice of some; the first of each is its value.
pub(super) fn choice(name: &str, chosen: &str, choices: &[(&str, &str)]) -> Markup {
    html! {
        select name=(name) { @for (value, words) in choices { option value=(value) selected[*value == chosen] { (words) } } }
    }
}

fn rights(settings: &EnrollmentSettings, typed: &Typed) -> Markup {
    html! {
        fieldset {
            legend { "What your organization may do on the device" }
            @for one in AccessRight::ALL { (checkbox(typed, key(one), settings.access_rights.contains(&one), right(one).1)) }
        }
    }
}

fn removal(settings: &EnrollmentSettings, typed: &Typed) -> Markup {
    let kept = matches!(settings.removal, RemovalRule::WithPassword(_));
    let chosen = typed.text(FORM, "removal", if kept { "with-password" } else { "always" });
    html! {
        (field("People may remove the profile", "Who removes it leaves the management.", &choice("removal", &chosen,
            &[("always", "Always"), ("with-password", "With a password")])))
        (field("Password for the removal", if kept { "Leave it empty to keep the one there is." } else { "4 to 64 characters." }, &html! {
            input type="password" name="removal_password" autocomplete="new-password" maxlength="64";
        }))
    }
}

fn identity(settings: &EnrollmentSettings, typed: &Typed) -> Markup {
    let source = match settings.identity {
        IdentitySource::Scep => "scep",
        IdentitySource::Pkcs12 => "pkcs12",
        IdentitySource::ExternalScep => "external-scep",
    };
    let method = match settings.method {
        EnrollmentMethod::Direct => "direct",
        EnrollmentMethod::OverTheAir => "over-the-air",
    };
    let proof = match settings.device_authentication {
        DeviceAuthentication::Signature => "signature",
        DeviceAuthentication::MutualTls => "mutual-tls",
    };
    html! {
        (field("Where devices get their identity", "The first is right for nearly everybody: the key never leaves the device.",
            &choice("identity", &typed.text(FORM, "identity", source), &[
                ("scep", "The device makes its key, and this server certifies it (SCEP)"),
                ("pkcs12", "Key and certificate come inside the profile (PKCS #12)"),
                ("external-scep", "From a SCEP server of your own"),
            ])))
        (field("How the profile gets to the device", "In phases, only devices with a certificate from Apple enroll: iPhones and iPads, not Macs.",
            &choice("method", &typed.text(FORM, "method", method), &[
                ("direct", "The link holds it"),
                ("over-the-air", "In phases: the device proves first who it is"),
            ])))
        (field("How devices prove who they are", "Mutual TLS needs a host of its own, which the operator of this server sets up.",
            &choice("device_authentication", &typed.text(FORM, "device_authentication", proof), &[
                ("signature", "They sign each message"),
                ("mutual-tls", "They show their certificate in TLS"),
            ])))
    }
}

fn trust(settings: &EnrollmentSettings, typed: &Typed) -> Markup {
    let known = settings.trusted_authority.as_deref().map(pem).unwrap_or_default();
    html! {
        details open[!known.is_empty() || typed.is(FORM)] {
            summary { "A certificate authority of your own for this server" }
            (field("The authority's certificate", "PEM. Only where devices do not trust this server's certificate by themselves.", &html! {
                textarea name="trusted_authority" rows="4" { (typed.text(FORM, "trusted_authority", &known)) }
            }))
            (checkbox(typed, "pinned", settings.pinned, "Macs accept only certificates of this authority"))
        }
    }
}

fn macs(settings: &EnrollmentSettings, typed: &Typed) -> Markup {
    html! {
        fieldset {
            legend { "Macs and shared iPads" }
            (checkbox(typed, "per_user_connections", settings.per_user_connections, "Each user has a channel of their own. It cannot change once devices are enrolled."))
            (checkbox(typed, "bootstrap_token", settings.bootstrap_token, "A Mac deposits its bootstrap token"))
        }
    }
}

/// A certificate in PEM.
pub(super) fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}
