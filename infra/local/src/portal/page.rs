//! The portal's one page. It works without JavaScript and asks nothing of other hosts.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Row;

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; color: #1d1d1f; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-weight: 600; margin-bottom: 0 }
p.note { color: #5c5c61; margin-top: 0 }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem }
th, td { text-align: left; vertical-align: top; padding: .6rem .8rem .6rem 0; border-bottom: 1px solid #d2d2d7 }
code { font-size: .85em; overflow-wrap: anywhere }
form { margin: .3rem 0 }
textarea { width: 100%; box-sizing: border-box; font-family: ui-monospace, monospace }
button { font: inherit; padding: .2rem .9rem; border: 1px solid #0066cc; border-radius: 6px; background: #0066cc;
  color: #fff }
button.plain { background: none; color: #b00020; border-color: #b00020 }
label { display: block; margin-top: .6rem }
.faults { border-left: 4px solid #b00020; padding: .4rem 1rem; background: #fdeef0 }
";

/// The list of certificates with a form for each thing to do; `base` is the path the portal is mounted at.
pub(super) fn render(base: &str, rows: &[Row], faults: &[String]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Push Certificates Portal (simulated)" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Push Certificates Portal" }
                p.note { "A simulation of identity.apple.com/pushcert. Its certificates work with the simulated push service only." }
                @if !faults.is_empty() {
                    div.faults role="alert" {
                        strong { "The file was refused." }
                        ul { @for fault in faults { li { (fault) } } }
                    }
                }
                (certificates(base, rows))
                h2 { "Create a certificate" }
                form method="post" action={ (base) "/certificates" } enctype="multipart/form-data" {
                    label { "Request file, APNSPushCert.csr " input type="file" name="file"; }
                    label { "or its text" textarea name="text" rows="4" {} }
                    button { "Create" }
                }
            }
        }
    }
}

fn certificates(base: &str, rows: &[Row]) -> Markup {
    html! {
        @if rows.is_empty() {
            p { "No certificates yet." }
        } @else {
            table {
                thead { tr { th { "Certificate" } th { "Vendor" } th { "Expires" } th { "Actions" } } }
                tbody { @for row in rows { (certificate(base, row)) } }
            }
        }
    }
}

fn certificate(base: &str, row: &Row) -> Markup {
    html! {
        tr {
            td {
                code { (row.uid) } br;
                "Serial " code { (row.serial) }
            }
            td { (row.vendor) }
            td { (row.expires_at.strftime("%F")) }
            td {
                @if row.revoked {
                    "Revoked"
                } @else {
                    a href={ (base) "/certificates/" (row.uid) ".pem" } { "Download" }
                    form method="post" action={ (base) "/certificates/" (row.uid) "/renew" } enctype="multipart/form-data" {
                        input type="file" name="file" aria-label={ "Request file to renew " (row.uid) } required;
                        button { "Renew" }
                    }
                    form method="post" action={ (base) "/certificates/" (row.uid) "/revoke" } {
                        button.plain { "Revoke" }
                    }
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
