//! The mail about a credential that ends soon, or has ended.

use crate::domain::credential::WatchedCredential;
use crate::domain::expiry::Notice;
use crate::domain::expiry_words::{Advice, advice};

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

/// The mail about `owner`'s credential. `page` is where it is renewed.
pub fn expiry_mail(owner: &str, credential: &WatchedCredential, notice: Notice, page: &str) -> Words {
    let Advice { thing, consequence, ended, steps, warning } = advice(credential, page);
    let day = credential.not_after.strftime("%e %B %Y").to_string();
    let day = day.trim_start();
    let (subject, state) = match notice {
        Notice::Expires(0) => (
            format!("Last day: the {thing} of {owner} expires today"),
            format!("expires today, {day}.\n{consequence}"),
        ),
        Notice::Expires(days) => (
            format!("The {thing} of {owner} expires in {}", count(days)),
            format!("expires on {day}, in {}.\n{consequence}", count(days)),
        ),
        Notice::Expired(_) => {
            (format!("Expired: the {thing} of {owner}"), format!("expired on {day}.\n{ended}."))
        }
    };
    let stop = "This mail comes once a day until that is done.";
    let numbered: String =
        steps.iter().enumerate().map(|(index, step)| format!("{}. {step}\n", index + 1)).collect();
    let details: Vec<String> =
        credential.details.iter().map(|(label, value)| format!("{label}: {value}")).collect();
    let paragraphs = [
        Some(format!("The {thing} of {owner} {state}")),
        Some(numbered.trim_end().to_owned()),
        warning.map(str::to_owned),
        Some(details.join("\n")),
        Some(stop.to_owned()),
    ];
    let paragraphs: Vec<String> = paragraphs.into_iter().flatten().collect();
    let items: String = steps.iter().map(|step| format!("<li>{}</li>", link(&escape(step), page))).collect();
    let warning = warning.map(|warning| format!("<p>{}</p>", escape(warning))).unwrap_or_default();
    let html = format!(
        "<!doctype html><html lang=\"en\"><body style=\"font-family:sans-serif;max-width:40em;overflow-wrap:anywhere\">\
         <p>The {} of <b>{}</b> {}</p><ol>{items}</ol>{warning}<p>{}</p><p>{stop}</p></body></html>",
        escape(&thing),
        escape(owner),
        escape(&state).replace('\n', "<br>"),
        escape(&details.join("\n")).replace('\n', "<br>")
    );
    Words { subject, text: format!("{}\n", paragraphs.join("\n\n")), html }
}

/// The mail that asks whether an address reads its mails, with the page where its owner says so.
pub fn confirmation_mail(tenant: &str, page: &str) -> Words {
    let why = format!(
        "{tenant} named this address as one that hears of certificates before they expire. Please confirm that you read it:"
    );
    let stop = "If this means nothing to you, do nothing.";
    let address = escape(page);
    Words {
        subject: format!("Please confirm this address for {tenant}"),
        text: format!("{why}\n\n{page}\n\n{stop}\n"),
        html: format!(
            "<!doctype html><html lang=\"en\"><body style=\"font-family:sans-serif;max-width:40em;overflow-wrap:anywhere\">\
             <p>{}</p><p><a href=\"{address}\">{address}</a></p><p>{stop}</p></body></html>",
            escape(&why)
        ),
    }
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
    use crate::domain::credential::CredentialKind;
    use crate::time::{DAY, from_unix};

    fn credential(kind: CredentialKind) -> WatchedCredential {
        WatchedCredential {
            kind,
            reference: "0a1b".into(),
            name: "APSP:<1234>".into(),
            details: vec![("Topic", "com.apple.mgmt.External.1234".into()), ("Serial number", "0a1b".into())],
            not_after: from_unix(365 * DAY),
        }
    }

    fn mail(kind: CredentialKind, notice: Notice) -> Words {
        expiry_mail("Smith & <Sons>", &credential(kind), notice, "https://mdm.example/console/x")
    }

    #[test]
    fn the_mail_says_what_when_and_how() {
        insta::assert_snapshot!(mail(CredentialKind::PushCertificate, Notice::Expires(30)).text);
        insta::assert_snapshot!(mail(CredentialKind::PushCertificate, Notice::Expires(1)).html);
    }

    #[test]
    fn every_kind_has_words_of_its_own() {
        let kinds = [
            CredentialKind::VendorCertificate,
            CredentialKind::IdentityAuthority,
            CredentialKind::ProfileSigner,
            CredentialKind::SigningCertificate,
            CredentialKind::ApiToken,
            CredentialKind::ServerCertificate,
        ];
        let texts: Vec<String> = kinds.into_iter().map(|kind| mail(kind, Notice::Expired(2)).text).collect();
        insta::assert_snapshot!(texts.join("--------\n"));
    }

    #[test]
    fn subjects_count_down_and_names_are_escaped() {
        let subject = |notice| mail(CredentialKind::PushCertificate, notice).subject;
        assert_eq!(
            subject(Notice::Expires(1)),
            "The Apple push certificate of Smith & <Sons> expires in 1 day"
        );
        assert!(subject(Notice::Expires(0)).starts_with("Last day"));
        assert!(subject(Notice::Expired(3)).starts_with("Expired"));
        for kind in [CredentialKind::PushCertificate, CredentialKind::ApiToken] {
            let html = mail(kind, Notice::Expires(1)).html;
            assert!(!html.contains("<Sons>") && !html.contains("<1234>"), "{html}");
        }
        assert!(!confirmation_mail("<Sons>", "https://mdm.example/x").html.contains("<Sons>"));
    }
}
