//! Pages, and the one about renewing. They need no JavaScript and load nothing.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "
:root { color-scheme: light dark; --text: #1d1d1f; --soft: #5c5c61; --back: #ffffff; --code: #f2f2f5; --warn: #b26a00 }
@media (prefers-color-scheme: dark) {
  :root { --text: #f2f2f5; --soft: #a5a5ad; --back: #161618; --code: #26262a; --warn: #ffb347 }
}
body { font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; font-weight: 600; margin-bottom: .2rem }
p.note { color: var(--soft); margin-top: 0 }
li { margin-bottom: 1rem }
pre { background: var(--code); border-radius: 8px; padding: .7rem 1rem; overflow-x: auto; font-size: .85rem }
code { font-family: ui-monospace, monospace }
.warning { border-left: 4px solid var(--warn); padding: .1rem 1rem }
a { color: inherit }
button { font: inherit; padding: .5rem 1rem }
";

/// What a browser may do with a page: show it with its own style, and send its form to where it came from.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/// A page as an answer that may be kept as `cache` says.
pub(crate) fn answer(status: StatusCode, cache: &'static str, page: &Markup) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, cache),
    ];
    (status, headers, page.0.clone()).into_response()
}

/// A page in the common dress.
pub(crate) fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (content) }
        }
    }
}

/// How to renew a push certificate with the API of the server at `base`.
pub(crate) fn renewal(base: &str) -> Markup {
    page("Renew the Apple push certificate", &body(base))
}

fn body(base: &str) -> Markup {
    html! {
        h1 { "Renew the Apple push certificate" }
        p.note { "About ten minutes. You need an admin's API token of your organization, and the Apple account that the
            certificate was made with." }
        ol {
            li { "Say who you are. The tenant is the part of this page's address after " code { "/console/" } "."
                (shell(&format!("export SERVER={base}\nexport TENANT=...\nexport TOKEN=...\n\
                    api() {{ curl --fail-with-body -sS -H \"Authorization: Bearer $TOKEN\" \
                    \"$SERVER/v1/tenants/$TENANT/$1\" \"${{@:2}}\"; }}"))) }
            li { "See which certificate is active and when it ends. Note its " code { "common_name" } "."
                (shell("api push-certificate")) }
            li { "Make a request and save its file."
                (shell("api push-certificate/request -d '{\"subject\": {\"common_name\": \"Green School\",\n  \
                    \"organization\": \"Green School\", \"email\": \"it@green-school.example\", \"country\": \"DE\"}}'\n\
                    api push-certificate/request/file -o APNSPushCert.csr")) }
            li { "Sign in at " a href="https://identity.apple.com/pushcert" { "identity.apple.com/pushcert" } " with the same
                Apple account as last time. Choose " strong { "Renew" } ", not Create, in the row with that name, upload "
                code { "APNSPushCert.csr" } " and download the new certificate." }
            li { "Upload it. The answer must say " code { "\"source\": \"Renewal\"" } "."
                (shell("api push-certificate/staged --data-binary @MDM_Certificate.pem")) }
            li { "Activate it. It works at once, and the daily mails stop."
                (shell("api push-certificate/activate -X POST")) }
        }
        div.warning {
            p { "If the answer says " strong { "Replacement" } " instead, stop: the certificate was made with Create or with
                another Apple account, and every enrolled device would have to enroll again. Discard it and go back to
                Apple's portal." }
            (shell("api push-certificate/staged -X DELETE"))
        }
    }
}

fn shell(commands: &str) -> Markup {
    html! { pre { code { (commands) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_this_server_and_asks_nothing_of_others() {
        let page = renewal("https://mdm.example.org").into_string();
        assert!(page.contains("export SERVER=https://mdm.example.org\n"));
        for loading in ["<script", "<img", "<link", "src=", "url(", "@import"] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}
