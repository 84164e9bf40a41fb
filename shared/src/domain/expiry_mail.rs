//! The mail about a credential that ends soon, or has ended.

use crate::domain::credential::WatchedCredential;
use crate::domain::expiry::Notice;
use crate::domain::expiry_words::{Advice, advice};
use crate::domain::letter::{Letter, Words};

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
    let details: Vec<String> =
        credential.details.iter().map(|(label, value)| format!("{label}: {value}")).collect();
    let stop = "This mail comes once a day until that is done.";
    let closing = warning.map(str::to_owned).into_iter().chain([details.join("\n"), stop.to_owned()]);
    Letter { subject, opening: format!("The {thing} of {owner} {state}"), steps, closing: closing.collect() }
        .words(page)
}

/// The mail that asks whether an address reads its mails, with the page where its owner says so.
pub fn confirmation_mail(tenant: &str, page: &str) -> Words {
    let why = format!(
        "{tenant} named this address as one that hears of certificates before they expire. Please confirm that you read it:"
    );
    let stop = "If this means nothing to you, do nothing.";
    Letter {
        subject: format!("Please confirm this address for {tenant}"),
        opening: why,
        steps: Vec::new(),
        closing: vec![page.to_owned(), stop.to_owned()],
    }
    .words(page)
}

fn count(days: i64) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
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
