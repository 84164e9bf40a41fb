//! The expiry calendar as a file that calendar programs subscribe to (RFC 5545).

use crate::domain::credential::WatchedCredential;
use crate::domain::expiry_words::{Advice, advice};
use crate::time::Timestamp;

/// Days before the end on which a calendar program rings.
const ALARMS: [u8; 4] = [30, 14, 7, 1];
/// The most octets of a line, without its end (RFC 5545, 3.1).
const LINE: usize = 75;

/// One credential in the calendar.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What ends.
    pub credential: WatchedCredential,
    /// Where it is renewed.
    pub page: String,
}

/// The calendar of `owner`'s credentials at the server `host`: a day's entry at each end, with alarms.
pub fn calendar(owner: &str, host: &str, entries: &[Entry], now: Timestamp) -> String {
    let mut file = Lines(String::new());
    file.line("BEGIN:VCALENDAR");
    file.line("VERSION:2.0");
    file.line("PRODID:-//Pomarium//Expiry calendar//EN");
    file.line(&format!("X-WR-CALNAME:{}", escape(&format!("What expires: {owner}"))));
    file.line("REFRESH-INTERVAL;VALUE=DURATION:PT12H");
    for Entry { credential, page } in entries {
        let Advice { thing, consequence, steps, .. } = advice(credential, page);
        let summary = format!("The {thing} of {owner} expires");
        let description = format!("{consequence}\n{}", steps.join("\n"));
        file.line("BEGIN:VEVENT");
        file.line(&format!("UID:{}@{host}", escape(&credential.id())));
        file.line(&format!("DTSTAMP:{}", now.strftime("%Y%m%dT%H%M%SZ")));
        file.line(&format!("DTSTART;VALUE=DATE:{}", credential.not_after.strftime("%Y%m%d")));
        file.line(&format!("SUMMARY:{}", escape(&summary)));
        file.line(&format!("DESCRIPTION:{}", escape(&description)));
        file.line("TRANSP:TRANSPARENT");
        for days in ALARMS {
            file.line("BEGIN:VALARM");
            file.line("ACTION:DISPLAY");
            file.line(&format!("DESCRIPTION:{}", escape(&summary)));
            file.line(&format!("TRIGGER:-P{days}D"));
            file.line("END:VALARM");
        }
        file.line("END:VEVENT");
    }
    file.line("END:VCALENDAR");
    file.0
}

struct Lines(String);

impl Lines {
    /// Adds a line, folded where it is too long, and never within a character.
    fn line(&mut self, text: &str) {
        let mut octets = 0;
        for character in text.chars() {
            if octets + character.len_utf8() > LINE {
                self.0.push_str("\r\n ");
                // The blank that marks the continuation counts.
                octets = 1;
            }
            self.0.push(character);
            octets += character.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

/// A text value (RFC 5545, 3.3.11). Other control characters than a new line are not allowed in one.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            control if control.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::CredentialKind;
    use crate::time::{DAY, from_unix};

    fn file(owner: &str) -> String {
        let credential = WatchedCredential {
            kind: CredentialKind::ApiToken,
            reference: "aaaaaaaaaaaaaaaa".into(),
            name: "help; desk, \\ one\r\nBEGIN:VEVENT".into(),
            details: Vec::new(),
            not_after: from_unix(400 * DAY + 5),
        };
        let page = "https://mdm.example/v1".to_owned();
        calendar(owner, "mdm.example", &[Entry { credential, page }], from_unix(0))
    }

    #[test]
    fn an_entry_stands_on_the_last_day_and_rings_four_times() {
        let file = file("School");
        for line in [
            "UID:api-token.aaaaaaaaaaaaaaaa@mdm.example",
            "DTSTAMP:19700101T000000Z",
            "DTSTART;VALUE=DATE:19710205",
            "TRIGGER:-P30D",
            "TRIGGER:-P14D",
            "TRIGGER:-P7D",
            "TRIGGER:-P1D",
        ] {
            assert!(file.contains(&format!("\r\n{line}\r\n")), "{line} is not in {file}");
        }
    }

    #[test]
    fn long_lines_are_folded_between_characters_and_names_cannot_add_lines() {
        let owner = "Grundschule Süßenmühle ".repeat(6);
        let file = file(&owner);
        assert!(file.split("\r\n").all(|line| line.len() <= 75));
        let unfolded = file.replace("\r\n ", "");
        assert!(unfolded.contains(&owner));
        assert!(unfolded.contains(r#"API token "help\; desk\, \\ one\nBEGIN:VEVENT""#), "{unfolded}");
        assert_eq!(unfolded.lines().filter(|line| *line == "BEGIN:VEVENT").count(), 1);
        assert!(file.replace("\r\n", "").chars().all(|c| !c.is_control()));
    }
}
