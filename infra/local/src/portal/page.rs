//! The portal's one page. It works without JavaScript and asks nothing of other hosts.

use maud::{Markup, html};

use super::Row;
use crate::pages::layout;

/// The list of certificates with a form for each thing to do; `base` is the path the portal is mounted at.
pub(super) fn render(base: &str, rows: &[Row], faults: &[String]) -> Markup {
    let content = html! {
        h1 { "Push Certificates Portal" }
        p.quiet {
            "A simulation of identity.apple.com/pushcert. Its certificates work with the simulated push service only."
        }
        @if !faults.is_empty() {
            div.alert-box role="alert" {
                strong { "The file was refused." }
                ul { @for fault in faults { li { (fault) } } }
            }
        }
        @if rows.is_empty() {
            p { "No certificates yet." }
        }
        ul.cards { @for row in rows { (certificate(base, row)) } }
        h2 { "Create a certificate" }
        form method="post" action={ (base) "/certificates" } enctype="multipart/form-data" {
            label { "Request file, APNSPushCert.csr " input type="file" name="file"; }
            label { "or its text" textarea name="text" rows="4" {} }
            button { "Create" }
        }
    };
    layout::page("Push Certificates Portal", base, &content)
}

fn certificate(base: &str, row: &Row) -> Markup {
    html! {
        li {
            code { (row.uid) }
            p.quiet {
                "Serial " code { (row.serial) } " · " (row.vendor) " · expires " (row.expires_at.strftime("%F"))
            }
            @if row.revoked {
                p { "Revoked" }
            } @else {
                div.row {
                    a href={ (base) "/certificates/" (row.uid) ".pem" } { "Download" }
                    form method="post" action={ (base) "/certificates/" (row.uid) "/revoke" } {
                        button.alert { "Revoke" }
                    }
                }
                form.row method="post" action={ (base) "/certificates/" (row.uid) "/renew" } enctype="multipart/form-data" {
                    input type="file" name="file" aria-label={ "Request file to renew " (row.uid) } required;
                    button { "Renew" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_an_uploaded_file_stays_text() {
        let page = render("", &[], &["unknown root \"<script>\"".to_owned()]).into_string();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
    }
}
