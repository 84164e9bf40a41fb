//! The renewal of a device's identity. What is to be done follows from the enrollment alone, so that nothing can hang: every
//! attempt has an end, after which there is another one, for as long as the device is enrolled.

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::enrollment::Enrollment;
use crate::domain::identity::DeviceIdentity;
use crate::id::{CommandUuid, EnrollmentId};
use crate::time::{DAY, Timestamp, from_unix};

/// How long before its end the renewal of an identity begins at the earliest, in seconds. Identities live a year; two months
/// bridge a summer without school.
const EARLIEST: i64 = 60 * DAY;
/// For how long the renewals of one day's devices are spread, in seconds.
const SPREAD: i64 = 30 * DAY;
/// How long after a try a device that was heard since is asked again, in seconds: it had its chance.
const PATIENCE: [i64; 4] = [DAY, 2 * DAY, 4 * DAY, 7 * DAY];
/// How long after a device said that it failed it is asked again, in seconds.
const PAUSES: [i64; 4] = [3_600, 4 * 3_600, 16 * 3_600, DAY];
/// How long a try waits for a device that sleeps, in seconds: so long its command stays in the queue.
pub const WAITS: i64 = 30 * DAY;

/// How long after a try whose challenge has ended unused the next one comes, in seconds: at another hour of the day, so that a device
/// which is off each night has its chance.
const FADED: i64 = 7 * 3_600;

/// What was done about the renewal of the identity that the device signs with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// How often the device was asked.
    pub attempt: u32,
    /// When it was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// By which command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandUuid>,
    /// When the challenge in it ends, where that is sooner than the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fades_at: Option<Timestamp>,
    /// When an administrator wanted it renewed at once, until the device is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_at: Option<Timestamp>,
    /// When it was written down that it is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_at: Option<Timestamp>,
}

/// Where the renewal of an identity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RenewalState {
    /// Its end is far.
    Fresh,
    /// The next sweep asks the device to renew it.
    Due,
    /// The device was asked, and is waited for.
    Asked,
    /// The device said that it failed; it is asked again.
    Failed,
    /// Its end is near or past; the device is asked again and again.
    Overdue,
}

impl DeviceIdentity {
    /// Before which length of its life it is to be renewed: two months, or the half of a short life. Over mutual TLS always the
    /// half: whose identity ended there is not let in any more, and must not have slept through it.
    fn window(&self, mutual_tls: bool) -> i64 {
        let half = (self.not_after.as_second() - self.not_before.as_second()) / 2;
        if mutual_tls { half } else { EARLIEST.min(half) }
    }

    /// When its renewal begins: each device has a moment of its own in the first half of the window and within a month, so that a
    /// fleet that enrolled on one day does not renew on one. Never within a day of its beginning, however soon its authority ends.
    fn renewal_begins(&self, id: &EnrollmentId, mutual_tls: bool) -> Timestamp {
        let window = self.window(mutual_tls);
        let digest = sha256(id.to_string().as_bytes());
        let chance = digest.iter().take(6).fold(0_i64, |sum, byte| sum * 256 + i64::from(*byte));
        let begins = self.not_after.as_second() - window + chance % (window / 2).clamp(1, SPREAD);
        from_unix(begins.max(self.not_before.as_second() + DAY))
    }

    /// From when on it counts as overdue: an eighth of the window before its end, a week as a rule and three over mutual TLS.
    fn overdue_from(&self, mutual_tls: bool) -> Timestamp {
        from_unix(self.not_after.as_second() - self.window(mutual_tls) / 8)
    }
}

impl Enrollment {
    /// The identity that may be renewed: of a device that is managed and was not shut out.
    fn renewable(&self) -> Option<&DeviceIdentity> {
        let identity = self.identity.as_ref()?;
        let speaks = self.certificates.contains(&identity.fingerprint);
        let reachable = self.is_managed() && self.id.user_id().is_none() && self.push.is_some();
        (speaks && reachable).then_some(identity)
    }

    /// When the device is to be asked next to renew its identity; none where it cannot be.
    pub fn renewal_at(&self) -> Option<Timestamp> {
        let begins = self.renewable()?.renewal_begins(&self.id, self.mutual_tls);
        let Some(renewal) = &self.renewal else { return Some(begins) };
        if renewal.wanted_at.is_some() {
            return renewal.wanted_at;
        }
        let Some(asked_at) = renewal.asked_at else { return Some(begins) };
        let step = usize::try_from(renewal.attempt).unwrap_or(usize::MAX).clamp(1, PATIENCE.len()) - 1;
        let later = |from: Timestamp, seconds: i64| Some(from_unix(from.as_second() + seconds));
        if let Some(failed_at) = self.renewal_failed_at {
            later(failed_at, PAUSES[step])
        } else if self.last_seen >= asked_at {
            later(asked_at, PATIENCE[step])
        } else {
            later(asked_at, if renewal.fades_at.is_some() { FADED } else { WAITS })
        }
    }

    /// Whether the device is to be asked now.
    pub fn is_renewal_due(&self, now: Timestamp) -> bool {
        self.renewal_at().is_some_and(|at| at <= now)
    }

    /// Whether it must be written down that the renewal is overdue.
    pub fn is_overdue_untold(&self, now: Timestamp) -> bool {
        let told = self.renewal.as_ref().is_some_and(|renewal| renewal.overdue_at.is_some());
        !told && self.renewable().is_some_and(|identity| identity.overdue_from(self.mutual_tls) <= now)
    }

    /// Where the renewal of its identity stands; none where there is none to renew.
    pub fn renewal_state(&self, now: Timestamp) -> Option<RenewalState> {
        let identity = self.renewable()?;
        let asked = self.renewal.as_ref().is_some_and(|renewal| renewal.asked_at.is_some());
        Some(if identity.overdue_from(self.mutual_tls) <= now {
            RenewalState::Overdue
        } else if self.renewal_failed_at.is_some() {
            RenewalState::Failed
        } else if self.is_renewal_due(now) {
            RenewalState::Due
        } else if asked {
            RenewalState::Asked
        } else {
            RenewalState::Fresh
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::enrollment::{PushAddress, fixture};
    use crate::id::Fingerprint;

    const YEAR: i64 = 365 * DAY;

    fn identity(lives: i64) -> DeviceIdentity {
        let fingerprint = Fingerprint::of(b"identity");
        let authority = Fingerprint::of(b"authority");
        DeviceIdentity { fingerprint, authority, not_before: from_unix(0), not_after: from_unix(lives) }
    }

    fn device(name: &str, lives: i64) -> Enrollment {
        let identity = identity(lives);
        Enrollment {
            certificates: BTreeSet::from([identity.fingerprint]),
            identity: Some(identity),
            push: Some(PushAddress { topic: "t".into(), token: "00".into(), magic: "m".into() }),
            ..fixture(name, from_unix(0))
        }
    }

    fn begins(name: &str, lives: i64) -> i64 {
        device(name, lives).renewal_at().unwrap().as_second()
    }

    #[test]
    fn every_device_has_its_own_moment_and_keeps_it() {
        let mut days = [0; 30];
        for number in 0..3_000 {
            let name = format!("D-{number}");
            let before_the_end = YEAR - begins(&name, YEAR);
            assert!((30 * DAY..=60 * DAY).contains(&before_the_end), "{name}: {before_the_end}");
            assert_eq!(begins(&name, YEAR), YEAR - before_the_end);
            days[usize::try_from((60 * DAY - before_the_end) / DAY).unwrap()] += 1;
        }
        // A hundred are to be expected on each.
        assert!(days.iter().all(|count| (60..150).contains(count)), "{days:?}");
    }

    #[test]
    fn over_mutual_tls_a_device_may_sleep_for_five_months_and_renew_in_time() {
        let (mut earliest, mut latest) = (YEAR, 0);
        for number in 0..1_000 {
            let device = Enrollment { mutual_tls: true, ..device(&format!("D-{number}"), YEAR) };
            let begins = device.renewal_at().unwrap().as_second();
            (earliest, latest) = (earliest.min(begins), latest.max(begins));
            let last_weeks = from_unix(YEAR - 22 * DAY);
            assert_eq!(device.renewal_state(last_weeks), Some(RenewalState::Overdue));
        }
        assert!(earliest >= YEAR / 2 && latest <= YEAR - 152 * DAY, "{} {}", earliest / DAY, latest / DAY);
        assert!(latest - earliest > 28 * DAY, "all of a month is used");
    }

    #[test]
    fn a_short_life_is_renewed_in_its_second_half_and_never_at_once() {
        for name in ["A", "B", "C"] {
            assert!((5 * DAY..=8 * DAY).contains(&begins(name, 10 * DAY)), "{name}");
            assert_eq!(begins(name, 3_600), DAY, "an authority that ends today does not make a loop");
        }
    }

    #[test]
    fn who_fails_is_asked_again_later_each_time_and_who_sleeps_is_waited_for() {
        let (asked, heard) = (from_unix(YEAR - 50 * DAY), from_unix(YEAR - 50 * DAY + 60));
        let next = |attempt, last_seen, failed: Option<Timestamp>| {
            let renewal = Renewal { attempt, asked_at: Some(asked), ..Renewal::default() };
            let device = Enrollment {
                renewal: Some(renewal),
                renewal_failed_at: failed,
                last_seen,
                ..device("D-1", YEAR)
            };
            assert!(!device.is_renewal_due(asked));
            device.renewal_at().unwrap().as_second() - asked.as_second()
        };
        let all = |last_seen, failed| [1, 2, 3, 4, 99].map(|attempt| next(attempt, last_seen, failed));
        assert_eq!(all(heard, None), [1, 2, 4, 7, 7].map(|days| days * DAY));
        assert_eq!(all(heard, Some(heard)), [1, 4, 16, 24, 24].map(|hours| 60 + hours * 3_600));
        assert_eq!(all(from_unix(0), None), [30 * DAY; 5]);
    }

    #[test]
    fn what_an_administrator_wants_is_due_at_once() {
        let wanted_at = Some(from_unix(9));
        let device = Enrollment {
            renewal: Some(Renewal { wanted_at, asked_at: Some(from_unix(5)), ..Renewal::default() }),
            ..device("D-1", YEAR)
        };
        assert_eq!(device.renewal_at(), wanted_at);
    }

    #[test]
    fn who_cannot_be_asked_is_not() {
        let device = device("D-1", YEAR);
        let late = from_unix(2 * YEAR);
        assert!(
            device.is_renewal_due(late) && device.is_overdue_untold(late),
            "an end that is past is no end"
        );
        for other in [
            Enrollment { certificates: BTreeSet::new(), ..device.clone() },
            Enrollment { identity: None, ..device.clone() },
            Enrollment { push: None, ..device.clone() },
            Enrollment { id: "D-1:U-1".parse().unwrap(), ..device.clone() },
            device.clone().ended(),
        ] {
            assert!(!other.is_renewal_due(late) && !other.is_overdue_untold(late), "{other:?}");
            assert_eq!(other.renewal_state(late), None);
        }
    }

    #[test]
    fn where_a_renewal_stands() {
        let device = device("D-1", YEAR);
        let begins = device.renewal_at().unwrap();
        let asked = Enrollment {
            renewal: Some(Renewal { attempt: 1, asked_at: Some(begins), ..Renewal::default() }),
            ..device.clone()
        };
        let failed = Enrollment { renewal_failed_at: Some(begins), ..asked.clone() };
        let week = from_unix(YEAR - 7 * DAY);
        let told = Some(Renewal { overdue_at: Some(week), ..Renewal::default() });
        for (device, at, state) in [
            (&device, from_unix(begins.as_second() - 1), RenewalState::Fresh),
            (&device, begins, RenewalState::Due),
            (&asked, begins, RenewalState::Asked),
            (&failed, begins, RenewalState::Failed),
            (&asked, week, RenewalState::Overdue),
        ] {
            assert_eq!(device.renewal_state(at), Some(state));
        }
        assert!(asked.is_overdue_untold(week));
        assert!(!Enrollment { renewal: told, ..asked }.is_overdue_untold(week));
    }
}
