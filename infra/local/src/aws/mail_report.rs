//! What SES reports of a mail through EventBridge, in its own form.

use serde_json::{Map, Value, json};

use super::mailbox::SentMail;

/// The host of SES's mailbox simulator:
/// <https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator>.
const SIMULATOR: &str = "simulator.amazonses.com";

/// The report about a mail to `bounce`, `full` or `complaint` at the simulator, with or without a `+label`. `full` is
/// ours: a mailbox that may take the next mail.
pub(super) fn report(sent: &SentMail, configuration_set: &str, tags: Vec<(String, String)>) -> Option<Value> {
    let (user, _) = sent.mail.to.split_once('@').filter(|(_, host)| *host == SIMULATOR)?;
    let name = user.split_once('+').map_or(user, |(name, _)| name);
    let (detail_type, event_type, key, what) = match name {
        "bounce" => (
            "Email Bounced",
            "Bounce",
            "bounce",
            bounce(sent, "Permanent", "General", "550 5.1.1 user unknown"),
        ),
        "full" => (
            "Email Bounced",
            "Bounce",
            "bounce",
            bounce(sent, "Transient", "MailboxFull", "552 5.2.2 mailbox full"),
        ),
        "complaint" => ("Email Complaint Received", "Complaint", "complaint", complaint(sent)),
        _ => return None,
    };
    let mut all: Map<String, Value> = tags.into_iter().map(|(name, value)| (name, json!([value]))).collect();
    all.insert("ses:configuration-set".into(), json!([configuration_set]));
    let mut detail = json!({
        "eventType": event_type,
        "mail": {
            "timestamp": sent.sent_at,
            "source": sent.from,
            "sendingAccountId": "000000000000",
            "messageId": sent.id,
            "destination": [sent.mail.to],
            "headersTruncated": false,
            "commonHeaders": { "from": [sent.from], "to": [sent.mail.to], "subject": sent.mail.subject },
            "tags": all,
        },
    });
    detail[key] = what;
    Some(json!({
        "version": "0",
        "id": sent.id,
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": "000000000000",
        "time": sent.sent_at,
        "region": "eu-central-1",
        "resources": [format!("arn:aws:ses:eu-central-1:000000000000:configuration-set/{configuration_set}")],
        "detail": detail,
    }))
}

fn bounce(sent: &SentMail, kind: &str, sub_kind: &str, said: &str) -> Value {
    json!({
        "feedbackId": sent.id,
        "bounceType": kind,
        "bounceSubType": sub_kind,
        "bouncedRecipients": [{
            "emailAddress": sent.mail.to,
            "action": "failed",
            "status": said.split(' ').nth(1),
            "diagnosticCode": format!("smtp; {said}"),
        }],
        "timestamp": sent.sent_at,
        "reportingMTA": format!("dns; {SIMULATOR}"),
    })
}

fn complaint(sent: &SentMail) -> Value {
    json!({
        "feedbackId": sent.id,
        "complaintSubType": null,
        "complainedRecipients": [{ "emailAddress": sent.mail.to }],
        "timestamp": sent.sent_at,
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": "abuse",
        "arrivalDate": sent.sent_at,
    })
}
