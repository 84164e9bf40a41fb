//! Whether a device takes a command, as far as it is known: a reason to warn, never to refuse. What is known may be old,
//! and Apple's documents are not always right.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::enrollment::{DeviceFacts, Enrollment};
use crate::protocol::command::Command;
use crate::protocol::command::schema::{self, Availability, Since};

/// Why a device will probably not do what a command asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// A stable name, such as `os-version`.
    pub code: &'static str,
    /// In a sentence.
    pub message: String,
}

/// Apple's systems, as far as commands differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// iPhones and iPads.
    Ios,
    /// Macs.
    MacOs,
    /// Apple TV.
    TvOs,
    /// Apple Vision.
    VisionOs,
    /// Apple Watch.
    WatchOs,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ios => "iOS",
            Self::MacOs => "macOS",
            Self::TvOs => "tvOS",
            Self::VisionOs => "visionOS",
            Self::WatchOs => "watchOS",
        })
    }
}

impl Platform {
    /// By the hardware's name, such as `iPhone17,2`, or the model's, such as `MacBook Pro`.
    pub(super) fn of(facts: &DeviceFacts) -> Option<Self> {
        let names = [&facts.product_name, &facts.model_name, &facts.model];
        names.into_iter().flatten().find_map(|name| {
            let begins = |word: &str| name.starts_with(word);
            match () {
                () if begins("iPhone") || begins("iPad") || begins("iPod") => Some(Self::Ios),
                () if begins("Mac") || begins("iMac") || begins("VirtualMac") => Some(Self::MacOs),
                () if begins("AppleTV") || begins("Apple TV") => Some(Self::TvOs),
                () if begins("RealityDevice") || begins("Apple Vision") => Some(Self::VisionOs),
                () if begins("Watch") || begins("Apple Watch") => Some(Self::WatchOs),
                () => None,
            }
        })
    }

    fn since(self, availability: &Availability) -> Option<Since> {
        match self {
            Self::Ios => availability.ios,
            Self::MacOs => availability.macos,
            Self::TvOs => availability.tvos,
            Self::VisionOs => availability.visionos,
            Self::WatchOs => availability.watchos,
        }
    }
}

/// What speaks against a command on this enrollment. Nothing for a command that is not typed.
pub fn doubts(command: &Command, enrollment: &Enrollment) -> Vec<Doubt> {
    let name = command.request_type();
    let Some(schema) = schema::of(name) else { return Vec::new() };
    let availability = &schema.availability;
    let facts = &enrollment.facts;
    let mut doubts = Vec::new();
    let mut doubt = |code, message| doubts.push(Doubt { code, message });
    if enrollment.id.user_id().is_some() && !availability.user_channel {
        doubt("channel", format!("{name} goes to the device, not to one of its users."));
    }
    if facts.user_enrollment && !availability.user_enrollment {
        doubt("user-enrollment", format!("A device in User Enrollment does not take {name}."));
    }
    let Some(platform) = Platform::of(facts) else { return doubts };
    let Some(since) = platform.since(availability) else {
        doubt("platform", format!("{name} does not exist on {platform}."));
        return doubts;
    };
    let (major, minor) = since.version;
    if let Some(installed) = facts.os_version.as_deref()
        && version(installed).is_some_and(|installed| installed < since.version)
    {
        let message = format!("{name} needs {platform} {major}.{minor}; the device last said {installed}.");
        doubt("os-version", message);
    }
    if since.supervised && facts.supervised == Some(false) {
        doubt("supervised", format!("{name} needs a supervised device, and this one said that it is not."));
    }
    if platform == Platform::MacOs && name == "DeviceLock" && command.pin().is_none() {
        doubt("pin", "A Mac is locked with a PIN of six digits; this command sets none.".to_owned());
    }
    doubts
}

/// Whether a PIN means anything to a device: to a Mac, and to one of which nothing is known.
pub fn takes_pin(facts: &DeviceFacts) -> bool {
    Platform::of(facts).is_none_or(|platform| platform == Platform::MacOs)
}

/// Major and minor of a version such as `18.1.1`.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::enrollment::fixture;
    use crate::time::Timestamp;

    fn device(product: &str, os: &str) -> DeviceFacts {
        DeviceFacts {
            product_name: Some(product.into()),
            os_version: Some(os.into()),
            ..DeviceFacts::default()
        }
    }

    #[test]
    fn pins_are_for_macs_and_for_whom_nobody_knows() {
        assert!(takes_pin(&device("Mac15,3", "15.1")) && takes_pin(&DeviceFacts::default()));
        assert!(!takes_pin(&device("iPad13,1", "18.1")));
    }

    fn codes(request_type: &str, facts: DeviceFacts, user: bool) -> Vec<&'static str> {
        let command = Command::from_json(&json!({"RequestType": request_type})).unwrap();
        let id = if user { "D-1:U-1" } else { "D-1" };
        let enrollment = Enrollment { facts, ..fixture(id, Timestamp::UNIX_EPOCH) };
        doubts(&command, &enrollment).into_iter().map(|doubt| doubt.code).collect()
    }

    #[test]
    fn what_is_known_of_a_device_is_held_against_apples_schema() {
        let unsupervised = |product| DeviceFacts { supervised: Some(false), ..device(product, "18.1") };
        let byod = DeviceFacts { user_enrollment: true, ..device("iPhone17,2", "18.1") };
        for (request_type, facts, user, expected) in [
            ("ShutDownDevice", device("AppleTV14,1", "18.0"), false, vec!["platform"]),
            ("ClearPasscode", device("Mac14,2", "15.1"), false, vec!["platform"]),
            ("RestartDevice", device("iPad13,1", "10.2"), false, vec!["os-version"]),
            ("RestartDevice", device("iPad13,1", "10.3.1"), false, vec![]),
            ("RestartDevice", unsupervised("iPad13,1"), false, vec!["supervised"]),
            ("RestartDevice", unsupervised("MacBookPro18,3"), false, vec![]),
            ("EraseDevice", byod.clone(), false, vec!["user-enrollment"]),
            ("SecurityInfo", byod, false, vec![]),
            ("SecurityInfo", device("Mac14,2", "15.1"), true, vec!["channel"]),
            ("ProfileList", device("Mac14,2", "15.1"), true, vec![]),
            ("DeviceLock", device("iMac21,1", "14.0"), false, vec!["pin"]),
            ("DeviceLock", device("Watch7,1", "9.6"), false, vec!["os-version"]),
            ("ShutDownDevice", device("RealityDevice14,1", "2.0"), false, vec!["platform"]),
        ] {
            assert_eq!(codes(request_type, facts, user), expected, "{request_type}");
        }
    }

    #[test]
    fn nothing_is_held_against_what_is_not_known() {
        assert_eq!(codes("RestartDevice", DeviceFacts::default(), false), [""; 0]);
        assert_eq!(codes("ACommandOfNextYear", device("iPad13,1", "4.0"), true), [""; 0]);
        assert_eq!(codes("RestartDevice", device("iPad13,1", "unknown"), false), [""; 0]);
    }

    #[test]
    fn a_doubt_says_what_is_needed_and_what_is_there() {
        let command = Command::from_json(&json!({"RequestType": "RestartDevice"})).unwrap();
        let enrollment =
            Enrollment { facts: device("iPad13,1", "9.3.5"), ..fixture("D-1", Timestamp::UNIX_EPOCH) };
        let doubts = doubts(&command, &enrollment);
        assert_eq!(doubts[0].message, "RestartDevice needs iOS 10.3; the device last said 9.3.5.");
    }
}
