//! What SES reports of a mail after it took it:
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::contact::DisabledReason;
use super::token::Owner;
use crate::time::Timestamp;

/// The tag of a mail sent for a tenant; its value is the tenant.
const TENANT: &str = "tenant";
/// The tag of a mail sent to the operator.
const OPERATOR: &str = "operator";
/// The most of another server's words that is kept, in characters.
const LONGEST_DETAIL: usize = 500;

/// The name and the value of the tag that a mail carries, and that every report about it brings back.
pub fn tag(owner: &Owner) -> (&'static str, &str) {
    match owner {
        Owner::Operator => (OPERATOR, "server"),
        Owner::Tenant(tenant) => (TENANT, tenant.as_str()),
    }
}

/// A report, as SES hands it to EventBridge under `detail`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailEvent {
    /// The mail it is about.
    pub mail: ReportedMail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

/// A mail in a report.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedMail {
    /// When SES took it.
    pub timestamp: Timestamp,
    /// The id that SES gave it.
    pub message_id: String,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<BouncedRecipient>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BouncedRecipient {
    email_address: String,
    diagnostic_code: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<ComplainedRecipient>,
    complaint_feedback_type: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ComplainedRecipient {
    email_address: String,
}

/// An address that mails must no longer go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The address, as the report writes it.
    pub address: String,
    /// Why.
    pub reason: DisabledReason,
    /// In the words of the other mail server.
    pub detail: String,
}

impl MailEvent {
    /// For whom the mail was sent; `None` when it does not say, which is never guessed.
    pub fn owner(&self) -> Option<Owner> {
        if self.mail.tags.contains_key(OPERATOR) {
            return Some(Owner::Operator);
        }
        let [tenant] = self.mail.tags.get(TENANT)?.as_slice() else { return None };
        tenant.parse().ok().map(Owner::Tenant)
    }

    /// The addresses it loses: of a permanent bounce or a complaint, and of nothing else. A full mailbox may be empty
    /// tomorrow.
    pub fn lost(&self) -> Vec<Lost> {
        let bounced =
            self.bounce.iter().filter(|bounce| bounce.bounce_type == "Permanent").flat_map(|bounce| {
                bounce.bounced_recipients.iter().map(|recipient| Lost {
                    address: recipient.email_address.clone(),
                    reason: DisabledReason::Bounced,
                    detail: detail(recipient.diagnostic_code.as_deref()),
                })
            });
        let complained = self.complaint.iter().flat_map(|complaint| {
            complaint.complained_recipients.iter().map(|recipient| Lost {
                address: recipient.email_address.clone(),
                reason: DisabledReason::Complained,
                detail: detail(complaint.complaint_feedback_type.as_deref()),
            })
        });
        bounced.chain(complained).collect()
    }
}

fn detail(text: Option<&str>) -> String {
    text.unwrap_or("no reason was given").chars().take(LONGEST_DETAIL).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(tags: serde_json::Value, kind: &str) -> MailEvent {
        let mail = json!({"timestamp": "2026-03-01T07:00:00.000Z", "messageId": "m-1", "tags": tags});
        let bounced =
            json!([{"emailAddress": "it@school.example", "diagnosticCode": "smtp; 550 5.1.1 unknown"}]);
        let bounce = json!({"bounceType": kind, "bouncedRecipients": bounced});
        serde_json::from_value(json!({"eventType": "Bounce", "mail": mail, "bounce": bounce})).unwrap()
    }

    #[test]
    fn only_a_permanent_bounce_loses_an_address() {
        let lost = event(json!({}), "Permanent").lost();
        assert_eq!((lost[0].address.as_str(), lost.len()), ("it@school.example", 1));
        assert_eq!(lost[0].detail, "smtp; 550 5.1.1 unknown");
        for kind in ["Transient", "Undetermined"] {
            assert_eq!(event(json!({}), kind).lost(), []);
        }
    }

    #[test]
    fn the_tag_that_a_mail_carries_comes_back_as_its_owner() {
        let tenant = Owner::Tenant("abcdefghijkmnpqr".parse().unwrap());
        for owner in [Owner::Operator, tenant] {
            let (name, value) = tag(&owner);
            assert_eq!(event(json!({ name: [value] }), "Permanent").owner(), Some(owner));
        }
        for tags in
            [json!({}), json!({"tenant": []}), json!({"tenant": ["a", "b"]}), json!({"tenant": ["!"]})]
        {
            assert_eq!(event(tags, "Permanent").owner(), None);
        }
    }
}
