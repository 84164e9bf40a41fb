//! The mail that asks, well before the end, who can renew the push certificate.

use super::credential::WatchedCredential;
use super::letter::{Letter, Words};
use super::ownership::Ownership;

/// The question about `owner`'s push certificate. `page` is where it is renewed, and where the record is.
pub fn ownership_mail(
    owner: &str,
    push: &WatchedCredential,
    record: Option<&Ownership>,
    page: &str,
) -> Words {
    let day = push.not_after.strftime("%e %B %Y").to_string();
    let day = day.trim_start();
    let name = &push.name;
    let known = match record {
        Some(Ownership { apple_account, second_factor_holder, .. }) => format!(
            "The record says: the Apple account is {apple_account}, and its second factor is with {second_factor_holder}."
        ),
        None => {
            "Nobody has recorded yet which Apple account made it, and who holds its second factor.".to_owned()
        }
    };
    let opening = format!(
        "The Apple push certificate of {owner} expires on {day}. Only the Apple account that made it can renew it; with \
         any other, every enrolled device would have to be enrolled again. Please make sure now that you can.\n{known}"
    );
    let steps = [
        format!("Sign in at https://identity.apple.com/pushcert with that account and look for the certificate {name}."),
        "If you cannot, find the colleague who can, or ask Apple's support to move the certificate to another account: that takes weeks.".to_owned(),
        match record {
            Some(_) => format!("Say on {page} that the record is true, or correct it there."),
            None => format!("Record who it is: {page}."),
        },
        format!("There is nothing to renew yet. When there is, {page} leads through it."),
    ];
    let stop = "This mail comes once a week until that is done.";
    Letter {
        subject: format!("Who can renew the Apple push certificate of {owner}?"),
        opening,
        steps: steps.to_vec(),
        closing: vec![stop.to_owned()],
    }
    .words(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::CredentialKind;
    use crate::time::{DAY, from_unix};

    fn mail(record: Option<&Ownership>) -> Words {
        let push = WatchedCredential {
            kind: CredentialKind::PushCertificate,
            reference: "0a1b".into(),
            name: "APSP:<1234>".into(),
            details: Vec::new(),
            not_after: from_unix(365 * DAY),
        };
        ownership_mail("Smith & <Sons>", &push, record, "https://mdm.example/console/x")
    }

    #[test]
    fn it_asks_for_what_is_recorded_or_for_a_record() {
        let record = Ownership {
            apple_account: "it@school.example".parse().unwrap(),
            second_factor_holder: "Jo <the head>".into(),
            note: None,
            confirmed_at: from_unix(0),
            confirmed_by: "token:a".into(),
            version: 1,
        };
        insta::assert_snapshot!(mail(Some(&record)).text);
        insta::assert_snapshot!(mail(None).html);
        assert!(!mail(Some(&record)).html.contains("<the head>"));
    }
}
