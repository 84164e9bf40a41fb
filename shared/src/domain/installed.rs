//! What must be true of what is installed on a device, as it was last told.

use plist::{Dictionary, Value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::targets::Version;
use crate::error::{Error, Result};
use crate::protocol::inventory::Section;

/// An app that is there, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppFilter {
    /// Its bundle identifier, such as `com.example.browser`.
    pub identifier: String,
    /// `false`: devices that do not have it.
    #[serde(default = "yes")]
    pub installed: bool,
    /// Its version is older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub version_below: Option<Version>,
    /// Its version is this or newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub version_at_least: Option<Version>,
}

/// A profile that is there, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileFilter {
    /// Its PayloadIdentifier.
    pub identifier: String,
    /// `false`: devices that do not have it.
    #[serde(default = "yes")]
    pub installed: bool,
}

fn yes() -> bool {
    true
}

impl AppFilter {
    /// Refuses what no device can fit.
    ///
    /// # Errors
    /// Malformed `command-targets`.
    pub fn check(&self) -> Result<()> {
        let of_absent = !self.installed && (self.version_below.is_some() || self.version_at_least.is_some());
        if self.identifier.trim().is_empty() || of_absent {
            return Err(Error::malformed(
                "command-targets",
                "A filter by app names its bundle identifier, and a version only of an app that is installed.",
            )
            .at("targets.filter.app"));
        }
        Ok(())
    }

    /// Whether a device fits that told this.
    pub fn admits(&self, told: &Dictionary) -> bool {
        let Some(apps) = entries(told, Section::Apps) else { return false };
        let mut own = apps.filter(|app| text(app, "Identifier") == Some(self.identifier.as_str()));
        if !self.installed {
            return own.next().is_none();
        }
        own.any(|app| {
            let version = text(app, "ShortVersion").or_else(|| text(app, "Version"));
            let version = version.and_then(|version| version.parse::<Version>().ok());
            let is = |wanted: &Option<Version>, fits: fn(&Version, &Version) -> bool| {
                let wanted = wanted.as_ref();
                wanted.is_none_or(|wanted| version.as_ref().is_some_and(|own| fits(own, wanted)))
            };
            is(&self.version_below, |own, end| own < end)
                && is(&self.version_at_least, |own, from| own >= from)
        })
    }
}

impl ProfileFilter {
    /// Refuses what no device can fit.
    ///
    /// # Errors
    /// Malformed `command-targets`.
    pub fn check(&self) -> Result<()> {
        if self.identifier.trim().is_empty() {
            return Err(Error::malformed(
                "command-targets",
                "A filter by profile names its PayloadIdentifier.",
            )
            .at("targets.filter.profile"));
        }
        Ok(())
    }

    /// Whether a device fits that told this.
    pub fn admits(&self, told: &Dictionary) -> bool {
        let Some(mut profiles) = entries(told, Section::Profiles) else { return false };
        profiles.any(|profile| text(profile, "PayloadIdentifier") == Some(self.identifier.as_str()))
            == self.installed
    }
}

fn entries(told: &Dictionary, section: Section) -> Option<impl Iterator<Item = &Dictionary>> {
    let listed = told.get(section.key()).and_then(Value::as_array)?;
    Some(listed.iter().filter_map(Value::as_dictionary))
}

fn text<'a>(entry: &'a Dictionary, key: &str) -> Option<&'a str> {
    entry.get(key).and_then(Value::as_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(section: Section, entries: &[&[(&str, &str)]]) -> Dictionary {
        let entries = entries.iter().map(|entry| {
            let entry = entry.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text)));
            Value::from(Dictionary::from_iter(entry))
        });
        Dictionary::from_iter([(section.key().to_owned(), Value::Array(entries.collect()))])
    }

    #[test]
    fn an_app_fits_by_being_there_or_not_and_by_its_version() {
        let browser: &[(&str, &str)] = &[("Identifier", "b"), ("ShortVersion", "5.10"), ("Version", "77")];
        let other: &[(&str, &str)] = &[("Identifier", "o"), ("Version", "1.2")];
        let odd: &[(&str, &str)] = &[("Identifier", "x"), ("ShortVersion", "2024b")];
        let told = told(Section::Apps, &[browser, other, odd]);
        for (filter, fits) in [
            (json!({"identifier": "b"}), true),
            (json!({"identifier": "B"}), false),
            (json!({"identifier": "c"}), false),
            (json!({"identifier": "b", "installed": false}), false),
            (json!({"identifier": "c", "installed": false}), true),
            (json!({"identifier": "b", "version_below": "5.10"}), false),
            (json!({"identifier": "b", "version_below": "5.11", "version_at_least": "5.9"}), true),
            (json!({"identifier": "o", "version_at_least": "1.2"}), true),
            (json!({"identifier": "x"}), true),
            (json!({"identifier": "x", "version_below": "9999"}), false),
        ] {
            let app: AppFilter = serde_json::from_value(filter.clone()).unwrap();
            assert_eq!(app.admits(&told), fits, "{filter}");
        }
    }

    #[test]
    fn a_profile_fits_by_being_there_or_not() {
        let told = told(Section::Profiles, &[&[("PayloadIdentifier", "wifi")]]);
        let fits = |identifier: &str, installed| {
            ProfileFilter { identifier: identifier.into(), installed }.admits(&told)
        };
        assert_eq!(
            [fits("wifi", true), fits("wifi", false), fits("vpn", true), fits("vpn", false)],
            [true, false, false, true]
        );
    }

    #[test]
    fn who_told_nothing_fits_neither_with_nor_without() {
        let nothing = Dictionary::new();
        for installed in [true, false] {
            let identifier = "b".to_owned();
            assert!(!ProfileFilter { identifier: identifier.clone(), installed }.admits(&nothing));
            let app = AppFilter { identifier, installed, version_below: None, version_at_least: None };
            assert!(!app.admits(&nothing));
        }
    }
}
