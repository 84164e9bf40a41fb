//! The operator's support looks into a tenant's console while the tenant allows it, and not otherwise.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::scope::Role;
use crate::time::{SignedDuration, Timestamp};

/// For how many hours support may be let in.
const HOURS: std::ops::RangeInclusive<u32> = 1..=168;
/// Most characters of a note or a reason.
const WORDS: usize = 500;
/// So many seconds after a question the next one may be asked.
pub const ASKED_EVERY: i64 = 3_600;

/// What a tenant allows. It stands in the tenant's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportAccess {
    /// As what: viewer or administrator.
    pub level: Role,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who allowed it, as the audit log names them.
    pub allowed_by: String,
    /// What for, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl SupportAccess {
    /// Access that begins now.
    ///
    /// # Errors
    /// Malformed, naming the field.
    pub fn new(level: Role, hours: u32, note: &str, allowed_by: String, now: Timestamp) -> Result<Self> {
        if !HOURS.contains(&hours) {
            return Err(Error::malformed("support-hours", "Support is let in for 1 to 168 hours.")
                .at("hours")
                .next("Allow it again when the time is over."));
        }
        if !matches!(level, Role::Viewer | Role::Admin) {
            return Err(Error::malformed(
                "support-level",
                "Support is let in as viewer or as administrator.",
            )
            .at("level")
            .next("Use \"viewer\" or \"admin\"."));
        }
        let until = now.checked_add(SignedDuration::from_hours(hours.into())).map_err(Error::internal)?;
        let note = Some(note.trim()).filter(|note| !note.is_empty());
        let note = note.map(|note| words(note).map_err(|error| error.at("note"))).transpose()?;
        Ok(Self { level, from: now, until, allowed_by, note })
    }

    /// Whether it is not over.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// That an operator asked to be let in: the latest question alone is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportQuestion {
    /// Who asked, as the audit log names them.
    pub by: String,
    /// When, in unix seconds.
    pub asked_at: i64,
    /// Why, in their words.
    pub reason: String,
}

impl SupportQuestion {
    /// A question that is asked now.
    ///
    /// # Errors
    /// Malformed when there is no reason, or too long a one.
    pub fn new(by: String, reason: &str, now: Timestamp) -> Result<Self> {
        let reason = words(reason.trim()).map_err(|error| error.at("reason"))?;
        Ok(Self { by, asked_at: now.as_second(), reason })
    }

    /// For how many seconds nobody may ask again.
    pub fn rests(&self, now: Timestamp) -> Option<u32> {
        u32::try_from(self.asked_at + ASKED_EVERY - now.as_second()).ok().filter(|rest| *rest > 0)
    }
}

/// A member by the address alone; everybody else as the audit log names them.
pub fn person(actor: &str) -> &str {
    actor.strip_prefix("member:").unwrap_or(actor)
}

fn words(text: &str) -> Result<String> {
    let fits = (1..=WORDS).contains(&text.chars().count())
        && !text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Error::malformed("support-words", "Write 1 to 500 characters."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn access_has_a_level_and_an_end() {
        let allow =
            |level, hours, note| SupportAccess::new(level, hours, note, "member:jo".into(), from_unix(0));
        let access = allow(Role::Viewer, 1, " printer ").unwrap();
        assert_eq!((access.until, access.note.as_deref()), (from_unix(3_600), Some("printer")));
        assert!(access.is_open(from_unix(3_599)) && !access.is_open(from_unix(3_600)));
        assert_eq!(allow(Role::Admin, 168, "").unwrap().note, None);
        let refused = |level, hours, note| {
            let error = allow(level, hours, note).unwrap_err();
            (error.code(), error.field().map(str::to_owned))
        };
        let named = |code, field: &str| (code, Some(field.to_owned()));
        assert_eq!(refused(Role::Viewer, 0, ""), named("support-hours", "hours"));
        assert_eq!(refused(Role::Viewer, 169, ""), named("support-hours", "hours"));
        assert_eq!(refused(Role::Operator, 1, ""), named("support-level", "level"));
        assert_eq!(refused(Role::Viewer, 1, &"x".repeat(501)), named("support-words", "note"));
    }

    #[test]
    fn a_question_has_a_reason_and_rests_for_an_hour() {
        let ask = |reason| SupportQuestion::new("member:ola".into(), reason, from_unix(0));
        let question = ask("A device\ndoes not answer").unwrap();
        assert_eq!(question.rests(from_unix(3_599)), Some(1));
        assert_eq!(question.rests(from_unix(3_600)), None);
        for bad in ["", " ", "bell\u{7}"] {
            assert_eq!(ask(bad).unwrap_err().code(), "support-words");
        }
    }
}
