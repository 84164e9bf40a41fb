//! Whom a command to many devices is for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::applicability::Platform;
use crate::domain::enrollment::{Enrollment, EnrollmentState};
use crate::domain::installed::{AppFilter, ProfileFilter};
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// The most enrollments that one call may list.
pub const MOST_LISTED: usize = 10_000;

/// Whom a command to many devices is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Enrollments that were listed; the list is in the bucket, because an item would not hold it.
    Listed {
        /// How many.
        count: usize,
        /// Where the list is.
        blob: String,
    },
    /// The members of the group with this name, as they are when their page comes.
    Group(String),
    /// The enrolled devices that a filter lets through.
    Filter(Box<Filter>),
    /// All enrolled devices.
    All,
}

/// What must be true of a device, as far as it is known; all of what is set. What a device never told fits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// `ios` (iPads too), `macos`, `tvos`, `visionos` or `watchos`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub platform: Option<Platform>,
    /// The system is older than this, such as `18.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub os_version_below: Option<Version>,
    /// The system is this or newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub os_version_at_least: Option<Version>,
    /// Model or product begins with this, in either case: `iPad`, `iPad13,`, `MacBook`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The serial number begins with this, in either case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_prefix: Option<String>,
    /// Whether it is supervised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervised: Option<bool>,
    /// `enrolled` or `inactive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub state: Option<EnrollmentState>,
    /// It was last seen before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen_before: Option<Timestamp>,
    /// It was last seen at this moment or after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen_after: Option<Timestamp>,
    /// It is in the group of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// An app is installed, or is not, by what the device last told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppFilter>,
    /// A profile is installed, or is not, by what the device last told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileFilter>,
}

impl Filter {
    /// The filter, unless it lets everything through.
    ///
    /// # Errors
    /// Malformed `command-targets`; also for an app or a profile without a name.
    pub fn checked(self) -> Result<Self> {
        self.app.as_ref().map_or(Ok(()), AppFilter::check)?;
        self.profile.as_ref().map_or(Ok(()), ProfileFilter::check)?;
        if self != Self::default() {
            return Ok(self);
        }
        Err(Error::malformed("command-targets", "This filter lets every device through.")
            .at("targets.filter")
            .next("Say \"all\": true if that is meant."))
    }

    /// Whether it asks for what only the inventory knows.
    pub fn reads_inventory(&self) -> bool {
        self.app.is_some() || self.profile.is_some()
    }

    /// Whether a device fits, but for what only the inventory knows.
    pub fn admits(&self, device: &Enrollment) -> bool {
        let facts = &device.facts;
        let version = facts.os_version.as_deref().and_then(|text| text.parse::<Version>().ok());
        let begins = |text: &Option<String>, start: &str| {
            text.as_ref().is_some_and(|text| text.to_lowercase().starts_with(&start.to_lowercase()))
        };
        let is_model = |start: &String| {
            [&facts.product_name, &facts.model_name, &facts.model].into_iter().any(|name| begins(name, start))
        };
        self.platform.is_none_or(|platform| Platform::of(facts) == Some(platform))
            && self.os_version_below.as_ref().is_none_or(|end| version.as_ref().is_some_and(|own| own < end))
            && self
                .os_version_at_least
                .as_ref()
                .is_none_or(|from| version.as_ref().is_some_and(|own| own >= from))
            && self.model.as_ref().is_none_or(is_model)
            && self.serial_prefix.as_ref().is_none_or(|start| begins(&facts.serial_number, start))
            && self.supervised.is_none_or(|wanted| facts.supervised == Some(wanted))
            && self.state.is_none_or(|state| device.state == state)
            && self.last_seen_before.is_none_or(|end| device.last_seen < end)
            && self.last_seen_after.is_none_or(|from| device.last_seen >= from)
            && self.group.as_ref().is_none_or(|group| device.groups.contains(group))
    }
}

/// A version in numbers, such as `18.1.1`: compared number by number, so that `18.10` is newer than `18.9`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u32>);

impl std::str::FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: Option<Vec<u32>> = text.split('.').map(|number| number.parse().ok()).collect();
        let mut numbers = numbers.filter(|numbers| numbers.len() <= 5).ok_or_else(|| {
            Error::malformed("os-version", format!("{text:?} is not a version in numbers, such as 18.1."))
        })?;
        // 18 and 18.0 are the same.
        while numbers.len() > 1 && numbers.last() == Some(&0) {
            numbers.pop();
        }
        Ok(Self(numbers))
    }
}

impl TryFrom<String> for Version {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        let numbers: Vec<String> = version.0.iter().map(ToString::to_string).collect();
        numbers.join(".")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::enrollment::{DeviceFacts, fixture};

    fn device() -> Enrollment {
        let facts = DeviceFacts {
            model_name: Some("iPad".into()),
            product_name: Some("iPad13,1".into()),
            serial_number: Some("DMPXYZ".into()),
            os_version: Some("18.9.1".into()),
            supervised: Some(true),
            ..DeviceFacts::default()
        };
        let seen = crate::time::from_unix(1_000);
        Enrollment { facts, groups: ["Year 7".to_owned()].into(), ..fixture("D-1", seen) }
    }

    fn admits(filter: Value, device: &Enrollment) -> bool {
        serde_json::from_value::<Filter>(filter).unwrap().checked().unwrap().admits(device)
    }

    #[test]
    fn a_device_fits_what_it_told() {
        for (fits, other) in [
            (json!({"platform": "ios"}), json!({"platform": "macos"})),
            (json!({"os_version_below": "18.10"}), json!({"os_version_below": "18.9.1"})),
            (json!({"os_version_at_least": "18.9.1"}), json!({"os_version_at_least": "19"})),
            (json!({"model": "ipad13,"}), json!({"model": "iPhone"})),
            (json!({"serial_prefix": "dmp"}), json!({"serial_prefix": "C02"})),
            (json!({"supervised": true}), json!({"supervised": false})),
            (json!({"state": "enrolled"}), json!({"state": "inactive"})),
            (
                json!({"last_seen_before": "1970-01-01T00:16:41Z"}),
                json!({"last_seen_before": "1970-01-01T00:16:40Z"}),
            ),
            (
                json!({"last_seen_after": "1970-01-01T00:16:40Z"}),
                json!({"last_seen_after": "1970-01-01T00:16:41Z"}),
            ),
            (json!({"group": "Year 7"}), json!({"group": "Year 8"})),
            (json!({"model": "iPad", "supervised": true}), json!({"model": "iPad", "supervised": false})),
        ] {
            assert!(admits(fits.clone(), &device()), "{fits}");
            assert!(!admits(other.clone(), &device()), "{other}");
        }
    }

    #[test]
    fn a_device_that_told_nothing_fits_nothing() {
        let silent = fixture("D-1", Timestamp::UNIX_EPOCH);
        for filter in [
            json!({"platform": "ios"}),
            json!({"os_version_below": "99"}),
            json!({"os_version_at_least": "1"}),
            json!({"model": ""}),
            json!({"serial_prefix": ""}),
            json!({"supervised": false}),
            json!({"group": "Year 7"}),
        ] {
            assert!(!admits(filter.clone(), &silent), "{filter}");
        }
    }

    #[test]
    fn versions_are_compared_number_by_number() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("18.9") < version("18.10") && version("17.7.2") < version("18"));
        assert_eq!(version("18.0.0"), version("18"));
        assert_eq!(String::from(version("18.1.0")), "18.1");
        for bad in ["", "18.", "18.x", "1.2.3.4.5.6", "-1"] {
            assert_eq!(bad.parse::<Version>().unwrap_err().code(), "os-version", "{bad}");
        }
    }

    #[test]
    fn a_filter_for_everybody_must_say_so() {
        for (filter, field) in [
            (json!({}), "targets.filter"),
            (json!({"app": {"identifier": " "}}), "targets.filter.app"),
            (
                json!({"app": {"identifier": "a", "installed": false, "version_below": "1"}}),
                "targets.filter.app",
            ),
            (json!({"profile": {"identifier": ""}}), "targets.filter.profile"),
        ] {
            let error = serde_json::from_value::<Filter>(filter).unwrap().checked().unwrap_err();
            assert_eq!((error.code(), error.field()), ("command-targets", Some(field)));
        }
    }
}
