//! The mail that says that a webhook was switched off by itself.

use super::letter::{Letter, Words};
use super::webhook::{OffReason, SwitchedOff, Webhook};

/// The mail about one of `owner`'s webhooks. `page` shows it.
pub fn webhook_mail(owner: &str, webhook: &Webhook, off: &SwitchedOff, page: &str) -> Words {
    let (_, target) = webhook.target.fact();
    let day = off.at.strftime("%e %B %Y at %H:%M UTC").to_string();
    let day = day.trim_start();
    let why = match off.why {
        OffReason::Gone => "it answered 410, which says that nobody listens there any more",
        OffReason::Failing => "nothing could be delivered to it for a day",
    };
    let purpose = match webhook.description.as_str() {
        "" => String::new(),
        words => format!(" ({words})"),
    };
    let steps = [
        format!("See what went wrong: {page} shows the last deliveries."),
        "Put it right, and send a test from the same page.".to_owned(),
        "Switch the webhook on again there. It goes on where it stopped.".to_owned(),
        "If nobody needs it any more, delete it there.".to_owned(),
    ];
    Letter {
        subject: format!("A webhook of {owner} was switched off"),
        opening: format!("The server that manages the devices of {owner} tells {target}{purpose} of events. On {day} it stopped, because {why}."),
        steps: steps.to_vec(),
        closing: vec![
            "Events stay in the log for as long as your organization keeps it. What is not delivered until then is lost to the webhook.".to_owned(),
            "This mail comes once.".to_owned(),
        ],
    }
    .words(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::webhook::Target;
    use crate::id::WebhookId;
    use crate::time::{DAY, from_unix};

    fn mail(why: OffReason, description: &str) -> Words {
        let webhook = Webhook {
            id: WebhookId::from([0; 10]),
            target: Target::Bus {
                event_bus: "arn:aws:events:eu-central-1:123456789012:event-bus/pomarium-a".parse().unwrap(),
            },
            description: description.to_owned(),
            kinds: Default::default(),
            enabled: false,
            switched_off: None,
            untold: true,
            created_at: from_unix(0),
            version: 2,
        };
        let off = SwitchedOff { at: from_unix(365 * DAY), why };
        webhook_mail("Smith & <Sons>", &webhook, &off, "https://mdm.example/console/x/settings/webhooks/y")
    }

    #[test]
    fn it_says_which_since_when_why_and_what_to_do() {
        let failing = mail(OffReason::Failing, "Help <desk>");
        insta::assert_snapshot!(format!("{}\n\n{}\n{}", failing.subject, failing.text, failing.html));
        assert!(!failing.html.contains("<desk>") && !failing.html.contains("<Sons>"));
        let gone = mail(OffReason::Gone, "");
        assert!(gone.text.contains("pomarium-a of events.") && gone.text.contains("answered 410"));
    }
}
