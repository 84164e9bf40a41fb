//! The form of our mails: what it is about, numbered steps, and what else there is to know; as plain text and as HTML.

use crate::domain::contact::EmailAddress;

/// So many people are named.
const NAMED: usize = 5;
/// How a mail in HTML ends.
const END: &str = "</body></html>";

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

/// Who can sign in where a mail leads to. Contacts are named for mails, and need not be members.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Who may change things there.
    pub may_change: Vec<EmailAddress>,
    /// Who may look.
    pub may_look: Vec<EmailAddress>,
}

impl Access {
    /// What a reader must know besides the mail: nothing, for who can do there what it says.
    fn note(&self, reader: &EmailAddress) -> Option<String> {
        let is_reader = |address: &EmailAddress| address.as_str().eq_ignore_ascii_case(reader.as_str());
        if self.may_change.iter().any(is_reader) {
            return None;
        }
        let named: Vec<&str> = self.may_change.iter().map(EmailAddress::as_str).take(NAMED).collect();
        let looks = self.may_look.iter().any(is_reader);
        Some(match (looks, named.is_empty()) {
            (true, false) => format!("With this address you can look there. Changes are made by: {}.", named.join(", ")),
            (true, true) => "With this address you can look there, and nobody can change anything. Ask the operator of this server for an administrator.".to_owned(),
            (false, false) => format!("With this address you cannot sign in there. These people can: {}.", named.join(", ")),
            (false, true) => "Nobody can sign in there yet. Ask the operator of this server to let you in.".to_owned(),
        })
    }
}

impl Words {
    /// The mail as one reader gets it: with who can sign in, if the reader cannot.
    #[must_use]
    pub fn to(&self, reader: &EmailAddress, access: &Access) -> Self {
        let Some(note) = access.note(reader) else { return self.clone() };
        let html = match self.html.strip_suffix(END) {
            Some(body) => format!("{body}<p>{}</p>{END}", escape(&note)),
            None => self.html.clone(),
        };
        Self { subject: self.subject.clone(), text: format!("{}\n{note}\n", self.text), html }
    }
}

/// A mail to be worded.
pub(super) struct Letter {
    pub(super) subject: String,
    /// The first paragraph.
    pub(super) opening: String,
    /// What to do, in order.
    pub(super) steps: Vec<String>,
    /// The paragraphs after it.
    pub(super) closing: Vec<String>,
}

impl Letter {
    /// The mail in both forms. Wherever `page` is named, HTML makes it clickable.
    pub(super) fn words(self, page: &str) -> Words {
        let Self { subject, opening, steps, closing } = self;
        let paragraph = |text: &str| format!("<p>{}</p>", link(&escape(text).replace('\n', "<br>"), page));
        let item = |step: &String| format!("<li>{}</li>", link(&escape(step), page));
        let items: String = steps.iter().map(item).collect();
        let list = if items.is_empty() { items } else { format!("<ol>{items}</ol>") };
        let html = format!(
            "<!doctype html><html lang=\"en\"><body style=\"font-family:sans-serif;max-width:40em;overflow-wrap:anywhere\">\
             {}{list}{}{END}",
            paragraph(&opening),
            closing.iter().map(|text| paragraph(text)).collect::<String>()
        );
        let numbered: Vec<String> =
            (1..).zip(&steps).map(|(number, step)| format!("{number}. {step}")).collect();
        let steps = (!numbered.is_empty()).then(|| numbered.join("\n"));
        let paragraphs: Vec<String> = [opening].into_iter().chain(steps).chain(closing).collect();
        Words { subject, text: format!("{}\n", paragraphs.join("\n\n")), html }
    }
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

    fn sent(reader: &str, may_change: &[&str], may_look: &[&str]) -> Words {
        let page = "https://mdm.example/console/x";
        let letter = Letter {
            subject: "It ends".to_owned(),
            opening: format!("Go to {page}."),
            steps: Vec::new(),
            closing: Vec::new(),
        };
        let parsed = |addresses: &[&str]| addresses.iter().map(|text| text.parse().unwrap()).collect();
        let access = Access { may_change: parsed(may_change), may_look: parsed(may_look) };
        letter.words(page).to(&reader.parse().unwrap(), &access)
    }

    #[test]
    fn who_cannot_sign_in_is_told_who_can() {
        let everybody = [
            sent("Jo@school.example", &["jo@school.example"], &[]),
            sent("it@school.example", &["jo@school.example", "kim@school.example"], &[]),
            sent("vic@school.example", &["jo@school.example"], &["vic@school.example"]),
            sent("vic@school.example", &[], &["vic@school.example"]),
            sent("it@school.example", &[], &[]),
        ];
        let texts: Vec<&str> = everybody.iter().map(|words| words.text.as_str()).collect();
        insta::assert_snapshot!(texts.join("--------\n"));
        insta::assert_snapshot!(everybody[1].html);
        assert!(everybody.iter().all(|words| words.subject == "It ends"));
    }
}
