//! The mails that would have been sent.

use std::path::PathBuf;

use rusqlite::{Row, params};
use shared::port::mailer::Mail;
use shared::port::random::Random;
use shared::time::{Clock, Timestamp};

use super::database::Database;
use super::error::Refusal;
use super::mime;

/// Every mail that SES accepted. Clones are the same mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    database: Database,
    clock: Clock,
    random: Random,
    directory: Option<PathBuf>,
}

/// A mail as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    /// The message id that SES answered.
    pub id: String,
    /// The sender's address.
    pub from: String,
    /// Recipient, subject and the two forms of the text.
    pub mail: Mail,
    /// When SES accepted it.
    pub sent_at: Timestamp,
}

impl Mailbox {
    /// A mailbox that also writes each mail as an `.eml` file into `directory`, if there is one.
    pub(super) fn new(database: Database, clock: Clock, directory: Option<PathBuf>) -> Self {
        Self { database, clock, random: Random::system(), directory }
    }

    /// All mails, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn list(&self) -> Result<Vec<SentMail>, Refusal> {
        self.database.transaction(|transaction| {
            let mut statement = transaction.prepare(
                "select id, sender, recipient, subject, text, html, sent_at from mail order by sequence",
            )?;
            let mails = statement.query_map([], sent_mail)?.collect::<Result<_, _>>()?;
            Ok(mails)
        })
    }

    /// Keeps a mail and answers it with its message id.
    pub(super) fn accept(&self, from: &str, mail: Mail) -> Result<SentMail, Refusal> {
        let sent = SentMail {
            id: self.random.uuid_string().to_lowercase(),
            from: from.to_owned(),
            mail,
            sent_at: self.clock.now(),
        };
        self.database.transaction(|transaction| {
            let Mail { to, subject, text, html } = &sent.mail;
            transaction.execute(
                "insert into mail (id, sender, recipient, subject, text, html, sent_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![sent.id, sent.from, to, subject, text, html, sent.sent_at.as_millisecond()],
            )
        })?;
        self.write_file(&sent)?;
        Ok(sent)
    }

    fn write_file(&self, sent: &SentMail) -> Result<(), Refusal> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let day = sent.sent_at.strftime("%Y-%m-%d");
        let file = directory.join(format!("{day}-{}.eml", sent.id));
        std::fs::write(file, mime::message(sent)).map_err(Refusal::internal)
    }
}

fn sent_mail(row: &Row<'_>) -> rusqlite::Result<SentMail> {
    Ok(SentMail {
        id: row.get(0)?,
        from: row.get(1)?,
        mail: Mail { to: row.get(2)?, subject: row.get(3)?, text: row.get(4)?, html: row.get(5)? },
        sent_at: Timestamp::from_millisecond(row.get(6)?).unwrap_or(Timestamp::MAX),
    })
}
