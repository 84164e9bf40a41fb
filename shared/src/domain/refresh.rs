//! A tenant's rule about the inventory: which questions its devices are asked again, and how often.

use std::collections::BTreeMap;

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use super::enrollment::{Enrollment, EnrollmentState};
use crate::error::{Error, Result};
use crate::id::CommandUuid;
use crate::protocol::inventory::Section;
use crate::time::{SignedDuration, Timestamp};

/// The longest time between two questions, in hours: 30 days.
pub const MOST_HOURS: u32 = 720;
/// Over how many hours the first question is spread, where it is not asked so often.
const SPREAD_HOURS: u32 = 24;
/// A sweep comes hourly, not to the second: half an hour too early is in time.
const SLACK: SignedDuration = SignedDuration::from_mins(30);

/// A tenant's rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshRule {
    /// The questions, each about a part of the inventory.
    pub questions: BTreeMap<Section, Every>,
    /// Counts the changes, so that of two concurrent ones one wins.
    pub version: u64,
}

/// How often a question is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Every {
    /// Hours between two questions.
    pub hours: u32,
    /// Since when it is asked at all.
    pub since: Timestamp,
}

impl RefreshRule {
    /// The rule that takes this one's place: hours by Apple's RequestType. A question that was asked before goes on from where it is.
    ///
    /// # Errors
    /// Malformed `refresh-query` or `refresh-hours`, naming the field.
    pub fn replaced_by(&self, hours: &BTreeMap<String, u32>, now: Timestamp) -> Result<Self> {
        let mut questions = BTreeMap::new();
        for (query, hours) in hours {
            let section = Section::ALL.into_iter().find(|section| section.query() == query);
            let Some(section) = section else {
                let known: Vec<&str> = Section::ALL.iter().map(|section| section.query()).collect();
                return Err(Error::malformed(
                    "refresh-query",
                    format!("{query} is no question that is kept up to date."),
                )
                .at(format!("queries.{query}"))
                .next(format!("Choose among {}.", known.join(", "))));
            };
            if !(1..=MOST_HOURS).contains(hours) {
                let message = format!("A question is asked every 1 to {MOST_HOURS} hours.");
                return Err(Error::malformed("refresh-hours", message).at(format!("queries.{query}")));
            }
            let since = self.questions.get(&section).map_or(now, |before| before.since);
            questions.insert(section, Every { hours: *hours, since });
        }
        Ok(Self { questions, version: self.version + 1 })
    }

    /// What a device is to be asked now. An inactive one, and one that has not been heard since it was asked last, is asked nothing:
    /// what it was asked waits for it already.
    pub fn due(&self, device: &Enrollment, now: Timestamp) -> Vec<Section> {
        let is_device = device.id.user_id().is_none() && device.state == EnrollmentState::Enrolled;
        let questions = self.questions.iter().filter(|_| is_device);
        questions
            .filter(|(section, every)| every.is_due(**section, device, now))
            .map(|(section, _)| *section)
            .collect()
    }
}

impl Every {
    fn is_due(&self, section: Section, device: &Enrollment, now: Timestamp) -> bool {
        let due = match device.asked.get(&section) {
            Some(asked) if device.last_seen <= *asked => return false,
            Some(asked) => *asked + SignedDuration::from_hours(i64::from(self.hours)) - SLACK,
            // A device that enrolled later begins at once: they do not all enroll in the same hour.
            None => match device.enrolled_at.filter(|enrolled| *enrolled > self.since) {
                Some(enrolled) => enrolled,
                None => self.since + offset(section, device, self.hours.min(SPREAD_HOURS)),
            },
        };
        due <= now
    }
}

/// A moment of its own for each device and question, within so many hours.
fn offset(section: Section, device: &Enrollment, hours: u32) -> SignedDuration {
    let digest = sha256(format!("{}\n{}", device.id, section.name()).as_bytes());
    let number = digest.iter().take(4).fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
    SignedDuration::from_secs(i64::from(number % (hours * 3_600)))
}

/// The UUID of a question to a device. It follows from what is stored before it is asked, so that a page of a sweep that is
/// done twice asks once.
pub fn question_uuid(device: &Enrollment, section: Section) -> CommandUuid {
    let asked = device.asked.get(&section).map(ToString::to_string).unwrap_or_default();
    let text = format!("{}\n{}\n{}\n{asked}", device.id, device.generation, section.name());
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(sha256(text.as_bytes())) {
        *place = byte;
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::enrollment::fixture;
    use crate::time::from_unix;

    const HOUR: i64 = 3_600;

    fn rule(query: &str, hours: u32, now: i64) -> RefreshRule {
        let hours = BTreeMap::from([(query.to_owned(), hours)]);
        RefreshRule::default().replaced_by(&hours, from_unix(now)).unwrap()
    }

    fn enrolled(at: i64) -> Enrollment {
        fixture("D-1", from_unix(at))
    }

    #[test]
    fn the_first_question_has_a_moment_of_its_own_within_a_day() {
        let rule = rule("ProfileList", 720, 100 * HOUR);
        let first = |number: usize| {
            let device = fixture(&format!("D-{number}"), from_unix(0));
            (0..=24).find(|hours| !rule.due(&device, from_unix((100 + hours) * HOUR)).is_empty()).unwrap()
        };
        let moments: std::collections::BTreeSet<i64> = (0..100).map(first).collect();
        assert!(moments.len() > 15, "{moments:?}");
    }

    #[test]
    fn a_device_that_enrolls_later_is_asked_at_once() {
        let rule = rule("ProfileList", 24, 0);
        assert_eq!(rule.due(&enrolled(5 * HOUR), from_unix(5 * HOUR)), [Section::Profiles]);
    }

    #[test]
    fn it_is_asked_again_when_its_time_has_come_and_it_was_heard() {
        let rule = rule("SecurityInfo", 24, 0);
        let asked = |seen| Enrollment {
            asked: BTreeMap::from([(Section::Security, from_unix(100 * HOUR))]),
            last_seen: from_unix(seen),
            ..enrolled(0)
        };
        let heard = asked(101 * HOUR);
        assert!(rule.due(&heard, from_unix(123 * HOUR)).is_empty());
        assert_eq!(rule.due(&heard, from_unix(124 * HOUR - 60)), [Section::Security]);
        assert!(rule.due(&asked(100 * HOUR), from_unix(900 * HOUR)).is_empty(), "it waits for it already");
        let inactive = Enrollment { state: EnrollmentState::Inactive, ..heard.clone() };
        assert!(rule.due(&inactive, from_unix(900 * HOUR)).is_empty());
        let user = Enrollment { id: "D-1:U-1".parse().unwrap(), ..heard };
        assert!(rule.due(&user, from_unix(900 * HOUR)).is_empty());
    }

    #[test]
    fn a_change_keeps_what_was_asked_before() {
        let before = rule("ProfileList", 24, 0);
        let hours = BTreeMap::from([("ProfileList".to_owned(), 48), ("SecurityInfo".to_owned(), 1)]);
        let after = before.replaced_by(&hours, from_unix(HOUR)).unwrap();
        assert_eq!(after.questions[&Section::Profiles], Every { hours: 48, since: from_unix(0) });
        assert_eq!(after.questions[&Section::Security], Every { hours: 1, since: from_unix(HOUR) });
        assert_eq!((before.version, after.version), (1, 2));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (query, hours, code) in [
            ("EraseDevice", 24, "refresh-query"),
            ("ProfileList", 0, "refresh-hours"),
            ("ProfileList", 721, "refresh-hours"),
        ] {
            let hours = BTreeMap::from([(query.to_owned(), hours)]);
            let error = RefreshRule::default().replaced_by(&hours, from_unix(0)).unwrap_err();
            let field = format!("queries.{query}");
            assert_eq!((error.code(), error.field()), (code, Some(field.as_str())));
        }
    }

    #[test]
    fn a_question_has_one_uuid_until_it_is_asked() {
        let device = enrolled(0);
        let uuid = question_uuid(&device, Section::Apps);
        assert_eq!(question_uuid(&device.clone(), Section::Apps), uuid);
        assert_ne!(question_uuid(&device, Section::Profiles), uuid);
        let asked = BTreeMap::from([(Section::Apps, from_unix(1))]);
        assert_ne!(question_uuid(&Enrollment { asked, ..device.clone() }, Section::Apps), uuid);
        assert_ne!(question_uuid(&Enrollment { generation: 2, ..device }, Section::Apps), uuid);
    }
}
