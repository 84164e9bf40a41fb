//! The first page: what is where, and what to do first.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use shared::error::{Error, Result};
use shared::http::Problem;

use super::clock::{moved, shown};
use super::layout::count;
use super::{Local, layout};
use crate::runner::OPERATOR;

pub(super) async fn show(State(local): State<Local>) -> Result<Response, Problem> {
    Ok(layout::answer(layout::page("Start", "/", &page(&local)?)))
}

fn page(local: &Local) -> Result<Markup> {
    let mails = local.mailbox.list().map_err(Error::internal)?.len() as u64;
    let certificates = local.portal.list()?.len() as u64;
    let devices = local.devices.list().len() as u64;
    Ok(html! {
        h1 { "Pomarium on this machine" }
        p { "Apple device management, with simulators in the place of Apple and AWS." }
        ul.cards {
            (card("/console", "Console", &format!("web pages for administrators; sign in as {OPERATOR}"), "the code is among the mails"))
            (card("/_local/portal", "Push Certificates Portal", "stands for identity.apple.com/pushcert", &count(certificates, "certificate")))
            (card("/_local/devices", "Simulated devices", "enroll by a link and answer commands", &count(devices, "device")))
            (card("/_local/mails", "Mails", "what would have been sent", &count(mails, "mail")))
            (card("/_local/clock", "Clock", &moved(local.clock.offset()), &shown(local.clock.now())))
            (card("/v1/openapi.json", "API", "every call, as OpenAPI", "JSON"))
        }
        h2 { "A first session" }
        ol {
            li { "Open the " a href="/console" { "console" } " and sign in as " code { (OPERATOR) } ". The code is among the " a href="/_local/mails" { "mails" } "." }
            li { "Create a tenant: a school, a company. Its first administrator may have any address: " code { "jo@school.example" } "." }
            li { "Sign out, and sign in as that administrator. The first page has three steps: push certificate, identity authority, a link." }
            li { "Open the link as one of the " a href="/_local/devices" { "simulated devices" } ", find the device in the console, lock it, and watch its answer arrive." }
            li { "Move the " a href="/_local/clock" { "clock" } " by eleven months, run the expiry-notifier there, and follow the mail to the renewal." }
        }
        h2 { "The same by the API" }
        p {
            "Every call of " code { "/v1" } " takes a token: " code { "Authorization: Bearer …" } ". The operator's stands in the terminal"
            @if let Some(directory) = &local.directory {
                " and in " code { (directory.join("operator-token").display()) }
            }
            ". The README has these steps as commands to paste."
        }
        ol {
            @for (step, call) in STEPS {
                li { (step) @if !call.is_empty() { br; code { (call) } } }
            }
        }
    })
}

fn card(place: &str, name: &str, what: &str, state: &str) -> Markup {
    html! {
        li { a href=(place) { (name) } p.quiet { (what) " · " (state) } }
    }
}

/// The README's session in short; `{t}` is the tenant's path.
const STEPS: [(&str, &str); 9] = [
    (
        "Create a tenant; the answer holds its admin token. {t} below is /v1/tenants/ and its id.",
        "POST /v1/tenants",
    ),
    (
        "Make a push certificate request and download its file.",
        "POST {t}/push-certificate/request, GET {t}/push-certificate/request/file",
    ),
    (
        "Give the file to the portal: Create. Take the certificate it returns.",
        "POST /_local/portal/certificates",
    ),
    (
        "Upload the certificate, read the review, activate it.",
        "POST {t}/push-certificate/staged, POST {t}/push-certificate/activate",
    ),
    ("Make the authority of the devices' identities.", "POST {t}/identity-authority"),
    ("Make an enrollment link.", "POST {t}/enrollment-links"),
    ("Start a simulated device with the link.", "POST /_local/devices"),
    ("Send it a command and read the answer.", "POST {t}/commands, GET {t}/commands/{uuid}"),
    (
        "Move the clock to 30 days before the certificate ends, run the expiry-notifier, read the mail.",
        "POST /_local/clock, POST /_local/run/expiry-notifier",
    ),
];
