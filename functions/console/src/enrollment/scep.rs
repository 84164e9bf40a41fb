//! A SCEP server of the tenant's own, in the enrollment settings. Secrets go in and never out.

use maud::{Markup, html};
use shared::domain::external_scep::{ChallengeSource, ExternalScep};
use shared::domain::identity::IdentityAuthority;
use shared::secret::Secret;
use shared::service::external_settings::{NewChallenge, NewExternalScep};

use super::field;
use super::settings::{FORM, choice, pem};
use crate::fields::Fields;
use crate::typed::{Typed, optional};

/// What stands in the form.
pub(super) fn read(fields: &Fields) -> NewExternalScep {
    let secret = optional(fields, "scep_secret").map(Secret::new);
    NewExternalScep {
        url: fields.text("scep_url"),
        name: optional(fields, "scep_name"),
        ca_fingerprint: optional(fields, "scep_fingerprint"),
        authority: fields.text("scep_authority"),
        challenge: if fields.text("scep_challenge") == "fetched" {
            NewChallenge::Fetched {
                url: fields.text("scep_challenge_url"),
                user: fields.text("scep_challenge_user"),
                password: secret,
            }
        } else {
            NewChallenge::Static(secret)
        },
    }
}

pub(super) fn page(
    external: Option<&ExternalScep>,
    authorities: &[IdentityAuthority],
    typed: &Typed,
) -> Markup {
    let text = |name: &str, usual: &str| typed.text(FORM, name, usual);
    let (kind, page, user) = match external.map(|external| &external.challenge) {
        None | Some(ChallengeSource::Static { .. }) => ("static", "", ""),
        Some(ChallengeSource::Fetched { url, user, .. }) => ("fetched", url.as_str(), user.as_str()),
    };
    let fingerprint = external.map(ExternalScep::ca_fingerprint_hex).unwrap_or_default();
    let known = external.map(|external| certificates(external, authorities)).unwrap_or_default();
    html! {
        (field("Address", "Where devices ask for their identities.", &html! {
            input name="scep_url" type="url" value=(text("scep_url", external.map_or("", |external| &external.url)));
        }))
        (field("Name of the authority there", "Only if the server has several.", &html! {
            input name="scep_name" value=(text("scep_name", external.and_then(|external| external.name.as_deref()).unwrap_or_default()));
        }))
        (field("The authority's certificate", "PEM; up to five of them.", &html! {
            textarea name="scep_authority" rows="4" { (text("scep_authority", &known)) }
        }))
        (field("Its fingerprint", "SHA-1 or MD5, in hex. Empty: SHA-1 of the first certificate.", &html! {
            input name="scep_fingerprint" value=(text("scep_fingerprint", &fingerprint));
        }))
        (field("Challenge", "", &choice("scep_challenge", &text("scep_challenge", kind),
            &[("static", "The same in every profile"), ("fetched", "A new one for each profile, from NDES")])))
        (field("Challenge, or password at NDES", "Leave it empty to keep the one there is.", &html! {
            input type="password" name="scep_secret" autocomplete="new-password";
        }))
        (field("NDES's page for challenges", "https://…/certsrv/mscep_admin/", &html! {
            input name="scep_challenge_url" type="url" value=(text("scep_challenge_url", page));
        }))
        (field("User at NDES", "", &html! { input name="scep_challenge_user" autocomplete="off" value=(text("scep_challenge_user", user)); }))
    }
}

/// The certificates of those who issue there.
fn certificates(external: &ExternalScep, authorities: &[IdentityAuthority]) -> String {
    let certificate = |fingerprint| authorities.iter().find(|known| known.fingerprint() == fingerprint);
    let found = external.authorities.iter().filter_map(|authority| certificate(authority.fingerprint));
    found.map(|authority| pem(&authority.certificate)).collect()
}
