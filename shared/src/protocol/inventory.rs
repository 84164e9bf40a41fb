//! What an answer tells of a device: which part of its inventory it is. The answer's own keys say so; the command that
//! asked need not be known.

use openssl::sha::sha256;
use plist::{Dictionary, Value};
use serde::{Deserialize, Serialize};

/// A part of a device's inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Hardware and system: DeviceInformation.
    Device,
    /// InstalledApplicationList.
    Apps,
    /// ProfileList.
    Profiles,
    /// CertificateList.
    Certificates,
    /// SecurityInfo.
    Security,
    /// ProvisioningProfileList.
    ProvisioningProfiles,
    /// Restrictions.
    Restrictions,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Device,
        Self::Apps,
        Self::Profiles,
        Self::Certificates,
        Self::Security,
        Self::ProvisioningProfiles,
        Self::Restrictions,
    ];

    /// Its name in keys and paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Apps => "apps",
            Self::Profiles => "profiles",
            Self::Certificates => "certificates",
            Self::Security => "security",
            Self::ProvisioningProfiles => "provisioning-profiles",
            Self::Restrictions => "restrictions",
        }
    }

    /// Apple's RequestType that asks for it.
    pub fn query(self) -> &'static str {
        match self {
            Self::Device => "DeviceInformation",
            Self::Apps => "InstalledApplicationList",
            Self::Profiles => "ProfileList",
            Self::Certificates => "CertificateList",
            Self::Security => "SecurityInfo",
            Self::ProvisioningProfiles => "ProvisioningProfileList",
            Self::Restrictions => "Restrictions",
        }
    }

    /// The key of an answer that holds it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Device => "QueryResponses",
            Self::Apps => "InstalledApplicationList",
            Self::Profiles => "ProfileList",
            Self::Certificates => "CertificateList",
            Self::Security => "SecurityInfo",
            Self::ProvisioningProfiles => "ProvisioningProfileList",
            Self::Restrictions => "GlobalRestrictions",
        }
    }
}

/// What an answer tells of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryAnswer {
    /// Which part it is.
    pub section: Section,
    /// Tells answers to different sets of DeviceInformation queries apart: one must not take the other's place. Empty
    /// for the other sections.
    pub variant: String,
    /// The device's name, where it was asked for.
    pub device_name: Option<String>,
    /// The system's version, where it was asked for.
    pub os_version: Option<String>,
    /// The system's build, where it was asked for.
    pub build_version: Option<String>,
    /// Whether it is supervised, where that was asked for.
    pub supervised: Option<bool>,
}

/// The part of the inventory that a report brings, if any.
pub(super) fn answer(message: &Dictionary) -> Option<InventoryAnswer> {
    let section = Section::ALL.into_iter().find(|section| message.contains_key(section.key()))?;
    let none = Dictionary::new();
    let answers = message.get(section.key()).and_then(Value::as_dictionary);
    let answers = answers.filter(|_| section == Section::Device).unwrap_or(&none);
    let text = |key: &str| answers.get(key).and_then(Value::as_string).map(str::to_owned);
    Some(InventoryAnswer {
        section,
        variant: if section == Section::Device { variant(answers) } else { String::new() },
        device_name: text("DeviceName"),
        os_version: text("OSVersion"),
        build_version: text("BuildVersion"),
        supervised: answers.get("IsSupervised").and_then(Value::as_boolean),
    })
}

fn variant(answers: &Dictionary) -> String {
    let mut keys: Vec<&str> = answers.keys().map(String::as_str).collect();
    keys.sort_unstable();
    hex::encode(sha256(keys.join("\n").as_bytes()).get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{body, captured};

    fn of(xml: &str) -> Option<InventoryAnswer> {
        answer(body::parse(xml.as_bytes()).unwrap().as_dictionary().unwrap())
    }

    #[test]
    fn recorded_answers_are_parts_of_the_inventory() {
        let device = of(captured::DEVICE_INFORMATION).unwrap();
        assert_eq!(device.section, Section::Device);
        assert_eq!(device.device_name.as_deref(), Some("0N9FC9K37QW9's Computer"));
        assert_eq!(device.variant.len(), 16);
        let profiles = of(captured::PROFILE_LIST).unwrap();
        assert_eq!((profiles.section, profiles.variant.as_str()), (Section::Profiles, ""));
        assert_eq!(of(captured::INSTALL_PROFILE), None);
        assert_eq!(of(captured::IDLE), None);
    }

    #[test]
    fn other_questions_have_another_variant_in_whatever_order() {
        let asked = |keys: &[&str]| {
            let answers: Dictionary = keys.iter().map(|key| ((*key).to_owned(), Value::from("x"))).collect();
            answer(&Dictionary::from_iter([("QueryResponses".to_owned(), Value::from(answers))]))
                .unwrap()
                .variant
        };
        assert_eq!(asked(&["UDID", "OSVersion"]), asked(&["OSVersion", "UDID"]));
        assert_ne!(asked(&["UDID", "OSVersion"]), asked(&["UDID"]));
    }

    #[test]
    fn every_section_has_its_own_key_and_the_name_that_is_stored() {
        for section in Section::ALL {
            assert_eq!(serde_json::to_value(section).unwrap(), section.name());
            let message = Dictionary::from_iter([(section.key().to_owned(), Value::from(Dictionary::new()))]);
            assert_eq!(answer(&message).unwrap().section, section);
        }
    }
}
