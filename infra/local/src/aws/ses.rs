//! SES v2: `SendEmail` with simple content, and the addresses of SES's mailbox simulator that bounce and complain.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use shared::port::mailer::Mail;

use super::error::Refusal;
use super::mail_report::report;
use super::server::{Services, input};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: String,
    destination: Destination,
    content: Content,
    configuration_set_name: Option<String>,
    #[serde(default)]
    email_tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Simple,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Part,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Part,
    html: Part,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    data: String,
}

/// `POST /v2/email/outbound-emails`.
pub(super) async fn send_email(State(services): State<Services>, body: Bytes) -> Response {
    let answer = input::<SendEmail>(&body).and_then(|email| {
        let recipient = recipient(&email)?.to_owned();
        let Simple { subject, body } = email.content.simple;
        let mail = Mail { to: recipient, subject: subject.data, text: body.text.data, html: body.html.data };
        let sent = services.mailbox.accept(&email.from_email_address, mail)?;
        let tags = email.email_tags.into_iter().map(|tag| (tag.name, tag.value)).collect();
        if let Some(set) = &email.configuration_set_name
            && let Some(report) = report(&sent, set, tags)
        {
            // EventBridge keeps what it could not hand over, as a queue does.
            services.sqs.0.send(set, &[(&report.to_string(), 0)])?;
        }
        Ok(sent.id)
    });
    match answer {
        Ok(id) => Json(json!({ "MessageId": id })).into_response(),
        Err(refusal) => refusal.into_json(),
    }
}

/// The one recipient, if SES would take a mail to it.
fn recipient(email: &SendEmail) -> Result<&str, Refusal> {
    let [to] = email.destination.to_addresses.as_slice() else {
        return Err(Refusal::bad_request("BadRequestException", "One recipient, please."));
    };
    for address in [&email.from_email_address, to] {
        let good = address.bytes().all(|byte| byte.is_ascii_graphic())
            && address.split_once('@').is_some_and(|(user, domain)| {
                !user.is_empty() && domain.contains('.') && !domain.contains('@')
            });
        if !good {
            return Err(Refusal::bad_request("BadRequestException", format!("Illegal address: {address:?}")));
        }
    }
    // Nothing under this domain can exist (RFC 2606), which gives the demonstration an address that is refused.
    if to.ends_with(".invalid") {
        return Err(Refusal::bad_request("MessageRejected", "Email address is not verified."));
    }
    Ok(to)
}
