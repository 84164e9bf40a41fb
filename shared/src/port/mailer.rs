//! Mail through SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};

use crate::aws::failure;
use crate::domain::mail_feedback::tag;
use crate::domain::token::Owner;
use crate::error::{Error, Result};

/// A mail to one address, in both forms that mail programs show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Sends mails from one address.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    from: String,
    configuration_set: String,
}

impl Mailer {
    /// A mailer whose mails come `from` this address, which SES must have verified. What becomes of them SES reports
    /// where the configuration set says.
    pub fn new(client: Client, from: String, configuration_set: String) -> Self {
        Self { client, from, configuration_set }
    }

    /// Sends a mail for the tenant or the operator and returns SES's message id.
    ///
    /// # Errors
    /// Malformed (`mail-refused`) when SES will never take a mail to this address; Unavailable when SES throttles, is
    /// paused or does not answer.
    pub async fn send(&self, owner: &Owner, mail: &Mail) -> Result<String> {
        let content = content(mail).map_err(Error::internal)?;
        let (name, value) = tag(owner);
        let tag = MessageTag::builder().name(name).value(value).build().map_err(Error::internal)?;
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(content)
            .configuration_set_name(&self.configuration_set)
            .email_tags(tag)
            .send()
            .await
            .map_err(refusal)?;
        sent.message_id.ok_or_else(|| Error::internal("SES accepted a mail and gave it no message id"))
    }
}

fn content(mail: &Mail) -> Result<EmailContent, BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(utf8(&mail.text)?).html(utf8(&mail.html)?).build();
    let message = Message::builder().subject(utf8(&mail.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

fn refusal(error: SdkError<SendEmailError>) -> Error {
    match error.as_service_error() {
        Some(SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_)) => {
            Error::malformed("mail-refused", "The mail service refused this address.")
                .at("to")
                .next("Check the address for typing errors, or use another one.")
                .because(error)
        }
        Some(SendEmailError::SendingPausedException(_) | SendEmailError::LimitExceededException(_)) => {
            Error::unavailable(error)
        }
        Some(_) | None => failure(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::scripted::{Answer, script};

    async fn send(answer: Answer) -> Result<String> {
        let (config, _requests) = script([answer]);
        let mail = Mail {
            to: "jane@example.org".into(),
            subject: "Expiry".into(),
            text: "text".into(),
            html: "<p>html</p>".into(),
        };
        Mailer::new(Client::new(&config), "mdm@example.org".into(), "mails".into())
            .send(&Owner::Operator, &mail)
            .await
    }

    #[tokio::test]
    async fn a_refused_address_is_the_callers_and_the_rest_may_pass() {
        assert_eq!(send(Answer::ok(r#"{"MessageId":"m-1"}"#)).await.unwrap(), "m-1");
        for code in ["MessageRejected", "BadRequestException"] {
            let error = send(Answer::error(400, code)).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Malformed, "mail-refused"));
            assert_eq!(error.to_string(), "The mail service refused this address.");
            assert_eq!(error.field(), Some("to"));
        }
        for code in ["SendingPausedException", "LimitExceededException", "TooManyRequestsException"] {
            let error = send(Answer::error(400, code)).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Unavailable, "{code}");
        }
        let unverified = send(Answer::error(400, "MailFromDomainNotVerifiedException")).await.unwrap_err();
        assert_eq!(unverified.kind(), Kind::Internal);
        assert_eq!(send(Answer::ok("{}")).await.unwrap_err().kind(), Kind::Internal);
    }
}
