//! A tenant's rule about silent devices: after how long one counts as inactive, and when that must not be concluded.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::enrollment::{Enrollment, EnrollmentState};
use crate::error::{Error, Result};
use crate::time::{DAY, Date, SignedDuration, Timestamp, day_begins};

/// Most devices that a rule may make inactive in a day, at most.
const LARGEST_CAP: u32 = 10_000;
/// Most calendar exceptions, so that the rule stays one small item.
const EXCEPTIONS: usize = 50;
/// The longest exception, in days.
const LONGEST_EXCEPTION: i64 = 366;
/// So many silent devices are nobody's outage, however few devices there are.
const FEW: u64 = 2;
/// How long a device has to answer the last question, in hours.
const ANSWER_HOURS: i64 = 1;
/// For how long a confirmation holds, in hours.
pub const CONFIRMED_HOURS: i64 = 24;

/// How long a device may be silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum SilentFor {
    /// For ever.
    #[default]
    #[serde(rename = "never")]
    Never,
    /// 24 hours.
    #[serde(rename = "24h")]
    Day,
    /// 7 days.
    #[serde(rename = "7d")]
    Week,
    /// 14 days.
    #[serde(rename = "14d")]
    TwoWeeks,
    /// 30 days.
    #[serde(rename = "30d")]
    Month,
}

impl SilentFor {
    /// The period; none where silence has no consequence.
    pub fn period(self) -> Option<SignedDuration> {
        let days = match self {
            Self::Never => return None,
            Self::Day => 1,
            Self::Week => 7,
            Self::TwoWeeks => 14,
            Self::Month => 30,
        };
        Some(SignedDuration::from_hours(24 * days))
    }
}

/// Days on which silence does not count, such as holidays: from the first until the last, in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarException {
    /// What it is.
    #[schema(example = "Summer holidays")]
    pub name: String,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
}

/// The DeviceLock that waits for a device which became inactive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitingLock {
    /// Shown on the lock screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Shown on the lock screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
}

/// Why nothing is locked although devices are silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Held {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How many devices would become inactive.
    pub would_hit: u64,
    /// Of how many enrolled ones.
    pub devices: u64,
}

/// A tenant's rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InactivityRule {
    /// After how long a silent device is inactive.
    pub after: SilentFor,
    /// Most devices that become inactive in a day.
    pub daily_cap: u32,
    /// When silence does not count, in their order.
    #[serde(default)]
    pub exceptions: Vec<CalendarException>,
    /// Queued for a device that becomes inactive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_lock: Option<WaitingLock>,
    /// Counts the changes, so that of two concurrent ones one wins.
    pub version: u64,
    /// Until when somebody has confirmed that so many devices are really silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_until: Option<Timestamp>,
    /// Set while the rule rests because too many devices fell silent at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

impl InactivityRule {
    /// Checks what a person wrote.
    ///
    /// # Errors
    /// Malformed, naming the field.
    pub fn check(&self) -> Result<()> {
        if !(1..=LARGEST_CAP).contains(&self.daily_cap) {
            let message = format!("The daily cap is 1 to {LARGEST_CAP} devices.");
            return Err(Error::malformed("inactivity-daily-cap", message).at("daily_cap"));
        }
        if self.exceptions.len() > EXCEPTIONS {
            let message = format!("A rule has up to {EXCEPTIONS} calendar exceptions.");
            return Err(Error::malformed("inactivity-exceptions", message).at("exceptions"));
        }
        let mut before: Option<Date> = None;
        for (number, exception) in self.exceptions.iter().enumerate() {
            let wrong = |field: &str, message: String| {
                Err(Error::malformed("inactivity-exceptions", message)
                    .at(format!("exceptions[{number}].{field}")))
            };
            if !(1..=100).contains(&exception.name.trim().chars().count()) {
                return wrong("name", "An exception has a name of 1 to 100 characters.".to_owned());
            }
            if before.is_some_and(|before| exception.from <= before) {
                return wrong("from", "Exceptions stand in their order and do not overlap.".to_owned());
            }
            let days =
                (day_begins(exception.to).as_second() - day_begins(exception.from).as_second()) / DAY + 1;
            if !(1..=LONGEST_EXCEPTION).contains(&days) {
                return wrong("to", format!("An exception lasts 1 to {LONGEST_EXCEPTION} days."));
            }
            before = Some(exception.to);
        }
        let words = self
            .device_lock
            .iter()
            .flat_map(|lock| [("message", &lock.message), ("phone_number", &lock.phone_number)]);
        for (field, text) in words {
            if text.as_ref().is_some_and(|text| !(1..=300).contains(&text.chars().count())) {
                let message = "The words on a lock screen are 1 to 300 characters.";
                return Err(
                    Error::malformed("inactivity-device-lock", message).at(format!("device_lock.{field}"))
                );
            }
        }
        Ok(())
    }

    /// How long a device last seen at `seen` has been silent at `now`, without the days that do not count.
    pub fn silence(&self, seen: Timestamp, now: Timestamp) -> SignedDuration {
        let spared: i64 = self
            .exceptions
            .iter()
            .map(|exception| {
                let from = day_begins(exception.from).as_second().max(seen.as_second());
                let to = (day_begins(exception.to).as_second() + DAY).min(now.as_second());
                (to - from).max(0)
            })
            .sum();
        SignedDuration::from_secs((now.as_second() - seen.as_second() - spared).max(0))
    }

    /// Whether it is one of the devices among which silence is counted.
    pub fn counts(device: &Enrollment) -> bool {
        is_a_managed_device(device) && device.state == EnrollmentState::Enrolled
    }

    /// Whether the device has been silent for the whole period.
    pub fn is_silent(&self, device: &Enrollment, now: Timestamp) -> bool {
        let silence = self.silence(device.last_seen, now);
        Self::counts(device) && self.after.period().is_some_and(|period| silence >= period)
    }

    /// Whether the device, silent for the whole period, was asked once more after that and has not answered: only then
    /// it is the device that is silent, and not the server that is deaf.
    pub fn is_inactive(&self, device: &Enrollment, now: Timestamp) -> bool {
        self.is_silent(device, now)
            && self.last_question(device).is_some_and(|asked| {
                asked + SignedDuration::from_hours(ANSWER_HOURS) <= now && self.is_silent(device, asked)
            })
    }

    /// When the device was last asked since it was last seen: a push that Apple took, or would not take any more for this
    /// device. What failed because of us or of Apple was no question.
    fn last_question(&self, device: &Enrollment) -> Option<Timestamp> {
        let push = device.last_push.as_ref().filter(|push| push.at >= device.last_seen)?;
        (push.is_accepted() || device.push_rests_until.is_some()).then_some(push.at)
    }

    /// Whether to ask the device if it is still there. A device that nobody wakes says nothing, so that silence alone
    /// proves nothing: under a rule each device is asked four times within the period, once a day at least, and once more when
    /// the period is over.
    pub fn is_to_be_asked(&self, device: &Enrollment, now: Timestamp) -> bool {
        let Some(period) = self.after.period().filter(|_| is_a_managed_device(device)) else { return false };
        let rests = device.push_rests_until.is_some_and(|until| now < until);
        if device.push.is_none() || rests {
            return false;
        }
        let hour = SignedDuration::from_hours(ANSWER_HOURS);
        let Some(push) = device.last_push.as_ref().filter(|push| push.at >= device.last_seen) else {
            return device.last_seen + pause(period) <= now;
        };
        let is_last_question_due = self.is_silent(device, now) && !self.is_silent(device, push.at);
        let wait = if is_last_question_due || !push.is_accepted() { hour } else { pause(period) };
        push.at + wait <= now
    }

    /// Whether so many silent devices, of all that are enrolled, look like an outage and not like silence.
    pub fn is_held(&self, would_hit: u64, devices: u64, now: Timestamp) -> bool {
        would_hit > FEW.max(devices / 5) && !self.is_confirmed(now)
    }

    /// Whether somebody has looked and says that the devices are silent indeed.
    pub fn is_confirmed(&self, now: Timestamp) -> bool {
        self.confirmed_until.is_some_and(|until| now < until)
    }
}

/// How long after its last word a device is asked again.
fn pause(period: SignedDuration) -> SignedDuration {
    (period / 4).min(SignedDuration::from_hours(24))
}

/// The rule is about devices: a user's channel speaks only while the user is there.
fn is_a_managed_device(device: &Enrollment) -> bool {
    device.id.user_id().is_none() && device.is_managed()
}

#[cfg(test)]
mod tests;
