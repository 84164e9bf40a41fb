//! The mail that invites a person to enroll a device.

use super::letter::{Letter, Words};

/// The invitation. `days` is how long the link works.
pub fn invitation_mail(organization: &str, name: Option<&str>, link: &str, days: i64) -> Words {
    let hello = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
    let life = if days == 1 { "one day".to_owned() } else { format!("{days} days") };
    Letter {
        subject: format!("Set up your device for {organization}"),
        opening: format!("{hello}\n{organization} invites you to set up your iPhone, iPad or Mac for its device management."),
        steps: vec![
            "Open the link below on the device itself, in Safari.".to_owned(),
            "Follow the two steps that it shows.".to_owned(),
        ],
        closing: vec![
            link.to_owned(),
            format!("The link works for one device and for {life}. Please do not pass it on."),
            "If this means nothing to you, do nothing.".to_owned(),
        ],
    }
    .words(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mail_says_who_what_and_how_long() {
        let mail = invitation_mail("Green & <Sons>", Some("Jo"), "https://mdm.example/enroll/t/l.s", 7);
        insta::assert_snapshot!(format!("{}\n\n{}\n{}", mail.subject, mail.text, mail.html));
        assert!(!mail.html.contains("<Sons>"));
        let short = invitation_mail("Green School", None, "https://mdm.example/enroll/t/l.s", 1);
        assert!(short.text.starts_with("Hello,\n") && short.text.contains("for one day."));
    }
}
