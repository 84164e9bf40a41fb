//! Who can renew a push certificate: renewal needs the Apple account that made it, and whoever holds its second factor.

use serde::{Deserialize, Serialize};

use super::contact::EmailAddress;
use super::expiry::FIRST_DAY;
use crate::error::{Error, Result};
use crate::time::{DAY, SignedDuration, Timestamp, days_until};

/// So many days before the end the tenant is asked whether the record is still true.
pub const ASKED_BEFORE: i64 = 60;
/// The question is mailed again after so many days without an answer.
const ASKED_EVERY: i64 = 7;
/// The longest text, in characters.
const LONGEST: usize = 500;

/// The record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The Apple account that made the certificate at Apple's portal.
    pub apple_account: EmailAddress,
    /// Who holds the account's second factor: a person, or a place where the telephone lies.
    pub second_factor_holder: String,
    /// Anything else that the successor must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When somebody last said that this is true.
    pub confirmed_at: Timestamp,
    /// Who did.
    pub confirmed_by: String,
    /// Counts the changes, so that of two concurrent ones one wins.
    pub version: u64,
}

/// A text of the record as it is kept: trimmed, 1 to 500 printable characters.
///
/// # Errors
/// Malformed, naming the field.
pub fn ownership_text(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    let unprintable = |character: char| character.is_control() && character != '\n';
    if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(unprintable) {
        let message = format!("Write 1 to {LONGEST} printable characters.");
        return Err(Error::malformed("ownership-text", message).at(field));
    }
    Ok(text.to_owned())
}

/// Whether the tenant is to be asked anew, for a certificate that ends at `not_after`: from 60 days before until somebody
/// confirms the record.
pub fn needs_confirmation(record: Option<&Ownership>, not_after: Timestamp, now: Timestamp) -> bool {
    let asked_from = not_after - SignedDuration::from_secs(ASKED_BEFORE * DAY);
    now >= asked_from && record.is_none_or(|record| record.confirmed_at < asked_from)
}

/// Which of the mails that ask is due, counted from 0: one a week, until somebody confirms the record or the daily mails
/// about the end itself begin.
pub fn question_due(record: Option<&Ownership>, not_after: Timestamp, now: Timestamp) -> Option<i64> {
    let days = days_until(now, not_after);
    let asked = days > FIRST_DAY && needs_confirmation(record, not_after, now);
    asked.then_some((ASKED_BEFORE - days) / ASKED_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn the_tenant_is_asked_from_sixty_days_before_until_it_answers() {
        let end = from_unix(365 * DAY);
        let record = |day: i64| Ownership {
            apple_account: "it@school.example".parse().unwrap(),
            second_factor_holder: "Jo".into(),
            note: None,
            confirmed_at: from_unix(day * DAY),
            confirmed_by: "token:a".into(),
            version: 1,
        };
        let asked =
            |record: Option<&Ownership>, day: i64| needs_confirmation(record, end, from_unix(day * DAY));
        assert!(!asked(Some(&record(0)), 304));
        assert!(asked(Some(&record(0)), 305));
        assert!(asked(Some(&record(304)), 364));
        assert!(!asked(Some(&record(305)), 364));
        assert!(!asked(None, 304));
        assert!(asked(None, 305));
    }

    #[test]
    fn the_question_is_mailed_five_times_at_most() {
        let due = |day: i64| question_due(None, from_unix(365 * DAY), from_unix(day * DAY));
        assert_eq!((due(304), due(305), due(311), due(312)), (None, Some(0), Some(0), Some(1)));
        assert_eq!((due(334), due(335)), (Some(4), None));
    }

    #[test]
    fn a_text_is_trimmed_and_bounded() {
        assert_eq!(ownership_text("note", " in the safe\nroom 3 ").unwrap(), "in the safe\nroom 3");
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(501)] {
            let error = ownership_text("note", bad).unwrap_err();
            assert_eq!((error.code(), error.field()), ("ownership-text", Some("note")));
        }
    }
}
