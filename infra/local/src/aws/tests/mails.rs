use aws_sdk_sesv2::Client;
use shared::Kind;
use shared::domain::token::Owner;
use shared::port::mailer::{Mail, Mailer};
use shared::time::{Clock, from_unix};

use super::local_aws;
use crate::aws::{LocalAws, Storage};

fn mail(to: &str) -> Mail {
    Mail {
        to: to.into(),
        subject: "Ihr Push-Zertifikat läuft ab".into(),
        text: "In 30 Tagen.".into(),
        html: "<p>In 30 Tagen.</p>".into(),
    }
}

#[tokio::test]
async fn a_mail_lands_in_the_mailbox_and_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(from_unix(1_000_000));
    let aws = LocalAws::start(Storage::Directory(directory.path().into()), clock.clone()).await.unwrap();
    let mailer = Mailer::new(Client::new(&aws.sdk_config()), "mdm@example.org".into(), "mails".into());
    let id = mailer.send(&Owner::Operator, &mail("jane@example.org")).await.unwrap();

    let sent = aws.mailbox().list().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].id.as_str(), sent[0].from.as_str()), (id.as_str(), "mdm@example.org"));
    assert_eq!((&sent[0].mail, sent[0].sent_at), (&mail("jane@example.org"), clock.now()));
    let file = directory.path().join(format!("mail/1970-01-12-{id}.eml"));
    assert!(std::fs::read_to_string(file).unwrap().contains("To: jane@example.org\r\n"));
}

#[tokio::test]
async fn an_address_that_ses_refuses_sends_nothing() {
    let (aws, _clock) = local_aws().await;
    let mailer = Mailer::new(Client::new(&aws.sdk_config()), "mdm@example.org".into(), "mails".into());
    for address in [
        "jane",
        "@example.org",
        "jane@localhost",
        "a b@example.org",
        "a@b@example.org",
        "jane@school.invalid",
    ] {
        let error = mailer.send(&Owner::Operator, &mail(address)).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Malformed, "mail-refused"), "{address}");
    }
    assert!(aws.mailbox().list().unwrap().is_empty());
}
