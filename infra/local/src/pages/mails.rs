//! The mailbox: what the product would have mailed.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::{Value, json};
use shared::error::{Error, Result};
use shared::http::Problem;

use super::clock::shown;
use super::{Local, layout, wants_page};
use crate::aws::SentMail;

const PAGE: &str = "/_local/mails";

/// All mails, newest first.
pub(super) async fn list(State(local): State<Local>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut mails = local.mailbox.list().map_err(Error::internal)?;
    mails.reverse();
    if wants_page(&headers) {
        return Ok(layout::answer(layout::page("Mails", PAGE, &list_page(&mails))));
    }
    let mails: Vec<Value> = mails.iter().map(view).collect();
    Ok(axum::Json(json!({ "mails": mails })).into_response())
}

/// One mail.
pub(super) async fn show(
    State(local): State<Local>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mails = local.mailbox.list().map_err(Error::internal)?;
    let mail = mails.into_iter().find(|mail| mail.id == id).ok_or_else(|| Error::not_found("mail"))?;
    if wants_page(&headers) {
        return Ok(layout::answer(layout::page(&mail.mail.subject, "", &mail_page(&mail))));
    }
    Ok(axum::Json(view(&mail)).into_response())
}

fn view(sent: &SentMail) -> Value {
    json!({
        "id": sent.id,
        "from": sent.from,
        "to": sent.mail.to,
        "subject": sent.mail.subject,
        "sent_at": sent.sent_at,
        "text": sent.mail.text,
        "html": sent.mail.html,
    })
}

fn list_page(mails: &[SentMail]) -> Markup {
    html! {
        h1 { "Mails" }
        p.quiet { "Nothing leaves this machine. Each mail is also an .eml file in the data directory." }
        @if mails.is_empty() {
            p {
                "No mails yet. They come from 30 days before a push certificate ends: "
                a href="/_local/clock" { "move the clock" } " and run the expiry-notifier."
            }
        }
        ul.cards {
            @for sent in mails {
                li {
                    a href={ (PAGE) "/" (sent.id) } { (sent.mail.subject) }
                    p.quiet { "To " (sent.mail.to) ", " (shown(sent.sent_at)) }
                }
            }
        }
    }
}

fn mail_page(sent: &SentMail) -> Markup {
    html! {
        p { a href=(PAGE) { "All mails" } }
        h1 { (sent.mail.subject) }
        dl {
            dt { "From" } dd { (sent.from) }
            dt { "To" } dd { (sent.mail.to) }
            dt { "Sent" } dd { (shown(sent.sent_at)) }
        }
        // Sandboxed: a mail's HTML may hold what a tenant typed.
        iframe title="The mail as HTML" sandbox="" srcdoc=(sent.mail.html) {}
        h2 { "As plain text" }
        pre { (sent.mail.text) }
    }
}
