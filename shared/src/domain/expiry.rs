//! When to mail about something that expires, and what the mail says.

use crate::domain::tenant::Tenant;
use crate::pki::push_certificate::PushCertificate;
use crate::time::{Timestamp, days_until};

/// The first day of mails, counted before the end.
pub const FIRST_DAY: i64 = 30;
/// The last day of mails, counted after the end.
pub const LAST_DAY: i64 = 14;

/// How near an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Days left; 0 is the last day.
    Expires(i64),
    /// Whole days since the end; 0 is the first day without.
    Expired(i64),
}

/// The notice due at `now` for something that ends at `not_after`, if one is.
pub fn due(now: Timestamp, not_after: Timestamp) -> Option<Notice> {
    match days_until(now, not_after) {
        days @ 0..=FIRST_DAY => Some(Notice::Expires(days)),
        days if days < 0 && -days <= LAST_DAY => Some(Notice::Expired(-days - 1)),
        _ => None,
    }
}

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

/// The mail about a push certificate that ends soon, or has ended.
///
/// `page` is where the tenant renews it.
pub fn push_certificate_mail(
    tenant: &Tenant,
    certificate: &PushCertificate,
    notice: Notice,
    page: &str,
) -> Words {
    let day = certificate.not_after.strftime("%e %B %Y").to_string();
    let day = day.trim_start();
    let (subject, state) = match notice {
        Notice::Expires(0) => (
            format!("Last day: the Apple push certificate of {} expires today", tenant.name),
            format!("expires today, {day}"),
        ),
        Notice::Expires(days) => (
            format!("The Apple push certificate of {} expires in {}", tenant.name, count(days)),
            format!("expires on {day}, in {}", count(days)),
        ),
        Notice::Expired(_) => (
            format!("Expired: the Apple push certificate of {}", tenant.name),
            format!("expired on {day}. No device can be enrolled or managed until it is renewed"),
        ),
    };
    let why = "Without it, no Apple device of yours can be enrolled or managed.";
    let row = certificate.common_name.as_deref().unwrap_or(&certificate.topic);
    let steps = [
        format!("Make a new request: {page} leads through all steps."),
        "Sign in at https://identity.apple.com/pushcert with the Apple account that made the certificate.".to_owned(),
        format!(
            "Choose Renew, not Create, in the row of the certificate {row} and upload the request."
        ),
        "Download the new certificate, upload it as that page says, check that the answer is Renewal, and activate it.".to_owned(),
    ];
    let warning = "A new certificate made with Create, or with another Apple account, is a Replacement: every enrolled \
                   device would have to be enrolled again.";
    let stop = "This mail comes once a day until the certificate is renewed.";

    let numbered: String =
        steps.iter().enumerate().map(|(index, step)| format!("{}. {step}\n", index + 1)).collect();
    let text = format!(
        "The Apple push certificate of {} {state}.\n{why}\n\n{numbered}\n{warning}\n\nTopic: {}\nSerial number: {}\n\n{stop}\n",
        tenant.name, certificate.topic, certificate.serial
    );
    let items: String = steps.iter().map(|step| format!("<li>{}</li>", link(&escape(step), page))).collect();
    let html = format!(
        "<!doctype html><html lang=\"en\"><body style=\"font-family:sans-serif;max-width:40em;overflow-wrap:anywhere\">\
         <p>The Apple push certificate of <b>{}</b> {state}.<br>{why}</p><ol>{items}</ol><p>{warning}</p>\
         <p>Topic: {}<br>Serial number: {}</p><p>{stop}</p></body></html>",
        escape(&tenant.name),
        escape(&certificate.topic),
        escape(&certificate.serial)
    );
    Words { subject, text, html }
}

fn count(days: i64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Makes the page's address in an escaped text clickable.
fn link(escaped: &str, page: &str) -> String {
    let address = escape(page);
    escaped.replace(&address, &format!("<a href=\"{address}\">{address}</a>"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;
    use crate::time::{DAY, from_unix};

    const END: i64 = 365 * DAY;

    #[test]
    fn mails_come_from_thirty_days_before_to_fourteen_days_after() {
        let due_at = |seconds: i64| due(from_unix(END - seconds), from_unix(END));
        assert_eq!(due_at(31 * DAY), None);
        assert_eq!(due_at(30 * DAY), Some(Notice::Expires(30)));
        assert_eq!(due_at(DAY), Some(Notice::Expires(1)));
        assert_eq!(due_at(1), Some(Notice::Expires(0)));
        assert_eq!(due_at(-1), Some(Notice::Expired(0)));
        assert_eq!(due_at(-14 * DAY), Some(Notice::Expired(13)));
        assert_eq!(due_at(-14 * DAY - 1), None);
    }

    fn mail(notice: Notice) -> Words {
        let tenant = Tenant {
            id: TenantId::from([1; 10]),
            name: "Smith & <Sons>".into(),
            contacts: Vec::new(),
            expiry_mails: true,
            created_at: from_unix(0),
        };
        let certificate = PushCertificate::sample("com.apple.mgmt.External.1234", "0a1b", from_unix(END));
        push_certificate_mail(&tenant, &certificate, notice, "https://mdm.example/console/x")
    }

    #[test]
    fn the_mail_says_what_when_and_how() {
        insta::assert_snapshot!(mail(Notice::Expires(30)).text);
        insta::assert_snapshot!(mail(Notice::Expires(1)).html);
    }

    #[test]
    fn subjects_count_down() {
        assert_eq!(
            mail(Notice::Expires(1)).subject,
            "The Apple push certificate of Smith & <Sons> expires in 1 day"
        );
        assert!(mail(Notice::Expires(0)).subject.starts_with("Last day"));
        assert!(mail(Notice::Expired(3)).subject.starts_with("Expired"));
        assert!(!mail(Notice::Expires(1)).html.contains("<Sons>"));
    }
}
