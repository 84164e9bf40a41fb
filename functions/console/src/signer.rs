//! A profile signing certificate on a page: its facts, and the form that brings one. The organization's and the server's look
//! alike.

use maud::{Markup, html};
use shared::domain::profile_signer::InstalledSigner;
use shared::secret::Secret;
use shared::service::authenticate_visitor::Visitor;
use shared::service::profile_signer::SignerFiles;
use shared::time::{Timestamp, days_until};

use crate::fields::Fields;
use crate::home::days;
use crate::layout;

/// The files of the form.
pub(crate) fn files(fields: &Fields) -> SignerFiles {
    let file = |name: &str| Some(fields.file(name).to_vec()).filter(|file| !file.is_empty());
    SignerFiles {
        certificate: fields.file("certificate").to_vec(),
        key: file("key"),
        chain: file("chain"),
        password: Some(fields.text("password")).filter(|text| !text.is_empty()).map(Secret::new),
    }
}

/// What an installed one is.
pub(crate) fn facts(signer: &InstalledSigner, now: Timestamp) -> Markup {
    let left = days_until(now, signer.not_after);
    html! {
        p.big.bad[left < 0].warn[(0..=30).contains(&left)] { "It " (days(left)) }
        dl.facts {
            dt { "Name" } dd { (signer.common_name) }
            dt { "Issuer" } dd { (signer.issuer) }
            dt { "Valid" } dd { (layout::moment(signer.not_before)) " to " (layout::moment(signer.not_after)) }
            dt { "Certificates sent along" } dd { (signer.chain.len()) }
            dt { "Fingerprint (SHA-256)" } dd { code { (signer.fingerprint) } }
            dt { "Installed" } dd { (layout::moment(signer.installed_at)) }
        }
    }
}

/// The forms: another one, and none any more.
pub(crate) fn forms(visitor: &Visitor, path: &str, installed: Option<&InstalledSigner>) -> Markup {
    html! {
        h2 { @if installed.is_some() { "Install another one" } @else { "Install one" } }
        form.plain method="post" action=(path) enctype="multipart/form-data" {
            (layout::token(visitor))
            label { "Certificate" input type="file" name="certificate" required; small { "A PFX file with everything in it, or a certificate in PEM or DER." } }
            label { "Private key, if it is in a file of its own" input type="file" name="key"; }
            label { "Issuers' certificates (PEM), if they are in a file of their own" input type="file" name="chain"; }
            label { "Password of the key or the PFX file" input type="password" name="password" autocomplete="off"; }
            button type="submit" { "Install" }
        }
        @if installed.is_some() {
            details {
                summary { "Give it up" }
                p { "Its key is destroyed. New profiles are signed with what comes next; profiles on devices stay as they are." }
                form.plain method="post" action={ (path) "/remove" } {
                    (layout::token(visitor))
                    button.danger type="submit" { "Give it up for good" }
                }
            }
        }
    }
}
