//! A mail as a file that any mail program opens (RFC 5322, RFC 2045 to 2047).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::mailbox::SentMail;

/// The longest line of a base 64 body, in characters (RFC 2045, section 6.8).
const LINE: usize = 76;
/// The most bytes whose encoded word stays within 75 characters (RFC 2047, section 2).
const WORD: usize = 45;

/// The whole message, with the plain text first: a reader shows the last form it understands.
pub(super) fn message(sent: &SentMail) -> String {
    let date = DateTimePrinter::new().timestamp_to_string(&sent.sent_at).unwrap_or_default();
    let boundary = format!("part-{}", sent.id);
    let mut lines = vec![
        format!("From: {}", header(&sent.from)),
        format!("To: {}", header(&sent.mail.to)),
        format!("Subject: {}", header(&sent.mail.subject)),
        format!("Date: {date}"),
        format!("Message-ID: <{}@local.invalid>", sent.id),
        "MIME-Version: 1.0".to_owned(),
        format!("Content-Type: multipart/alternative; boundary=\"{boundary}\""),
    ];
    for (kind, content) in [("plain", &sent.mail.text), ("html", &sent.mail.html)] {
        lines.push(String::new());
        lines.push(format!("--{boundary}"));
        lines.push(format!("Content-Type: text/{kind}; charset=utf-8"));
        lines.push("Content-Transfer-Encoding: base64".to_owned());
        lines.push(String::new());
        lines.extend(split(&STANDARD.encode(content), LINE).map(str::to_owned));
    }
    lines.push(format!("--{boundary}--"));
    lines.push(String::new());
    lines.join("\r\n")
}

/// A header's value; what is not printable ASCII becomes encoded words, so no value can add a header of its own.
fn header(value: &str) -> String {
    if value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return value.to_owned();
    }
    let words: Vec<_> =
        split(value, WORD).map(|part| format!("=?utf-8?B?{}?=", STANDARD.encode(part))).collect();
    words.join("\r\n ")
}

/// Cuts text into pieces of at most `length` bytes, never inside a character.
fn split(mut text: &str, length: usize) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(length));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use shared::port::mailer::Mail;
    use shared::time::from_unix;

    use super::*;

    fn sent(subject: &str, text: &str) -> String {
        message(&SentMail {
            id: "m-1".into(),
            from: "mdm@example.org".into(),
            mail: Mail {
                to: "jane@example.org".into(),
                subject: subject.into(),
                text: text.into(),
                html: "<p>Hi</p>".into(),
            },
            sent_at: from_unix(0),
        })
    }

    #[test]
    fn a_message_has_both_forms_and_lines_that_end_as_mail_does() {
        let message = sent("Expiry", &"long ".repeat(100));
        assert!(message.starts_with("From: mdm@example.org\r\nTo: jane@example.org\r\nSubject: Expiry\r\n"));
        assert!(message.contains("\r\nDate: Thu, 1 Jan 1970 00:00:00 -0000\r\n"), "{message}");
        assert!(message.contains("boundary=\"part-m-1\"\r\n\r\n--part-m-1\r\nContent-Type: text/plain"));
        assert!(message.contains(&STANDARD.encode("<p>Hi</p>")));
        assert!(message.ends_with("\r\n--part-m-1--\r\n"));
        assert!(message.split("\r\n").all(|line| line.len() <= LINE && !line.contains('\n')));
    }

    #[test]
    fn a_subject_cannot_add_a_header() {
        let message = sent("Läuft ab\r\nBcc: all@example.org", "text");
        assert!(!message.contains("\r\nBcc:"));
        assert!(message.contains("Subject: =?utf-8?B?TMOkdWZ0IGFi"));
    }

    #[test]
    fn a_long_subject_is_cut_between_characters() {
        let words = header(&"ä".repeat(50));
        for word in words.split("\r\n ") {
            assert!(word.len() <= 75);
            let inner = word.strip_prefix("=?utf-8?B?").and_then(|word| word.strip_suffix("?=")).unwrap();
            assert!(String::from_utf8(STANDARD.decode(inner).unwrap()).is_ok());
        }
    }
}
