//! Enrollment in phases: the profile that asks a device who it is, and what the device answers.
//!
//! Apple: "Over-the-Air Profile Delivery and Configuration".

use plist::{Dictionary, Value};
use uuid::Uuid;

use super::body;
use super::fields::{Fields, missing};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// What a device is asked to tell of itself.
const ATTRIBUTES: [&str; 6] = ["UDID", "SERIAL", "PRODUCT", "VERSION", "IMEI", "MEID"];

/// The profile of the first phase: it installs nothing, the device answers to its URL instead.
#[derive(Clone, Debug)]
pub struct ProfileService {
    /// PayloadIdentifier, in reverse-DNS form.
    pub identifier: String,
    /// The profile's name on the device.
    pub display_name: String,
    /// Who manages the device.
    pub organization: String,
    /// What the person installing it reads.
    pub description: String,
    /// Where the device answers, in the second phase and in the third.
    pub url: String,
    /// What it answers with.
    pub challenge: Secret<String>,
    /// PayloadUUID.
    pub uuid: Uuid,
}

impl ProfileService {
    /// The profile as XML.
    ///
    /// # Errors
    /// Malformed `plist-control-character` when one of the texts holds a control character.
    pub fn to_plist(&self) -> Result<Vec<u8>> {
        let asked = ATTRIBUTES.into_iter().map(Value::from).collect();
        let content = dictionary([
            ("URL", self.url.as_str().into()),
            ("DeviceAttributes", Value::Array(asked)),
            ("Challenge", self.challenge.expose().as_str().into()),
        ]);
        let profile = dictionary([
            ("PayloadType", "Profile Service".into()),
            ("PayloadVersion", 1.into()),
            ("PayloadIdentifier", self.identifier.as_str().into()),
            ("PayloadUUID", self.uuid.to_string().to_uppercase().into()),
            ("PayloadDisplayName", self.display_name.as_str().into()),
            ("PayloadContent", content.into()),
            ("PayloadDescription", self.description.as_str().into()),
            ("PayloadOrganization", self.organization.as_str().into()),
        ]);
        body::to_xml(&profile.into())
    }
}

fn dictionary<const N: usize>(keys: [(&str, Value); N]) -> Dictionary {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What a device tells of itself.
#[derive(Clone, Debug)]
pub struct DeviceAttributes {
    /// Its UDID.
    pub udid: String,
    /// Its serial number.
    pub serial_number: Option<String>,
    /// The challenge of the first phase. In the third the device may leave it out: its identity says the same.
    pub challenge: Option<Secret<String>>,
}

impl DeviceAttributes {
    /// Reads the property list inside a device's message.
    ///
    /// # Errors
    /// Malformed, as [`body::parse`] says; `message-key-missing` without UDID; `message-key-type`.
    pub fn parse(content: &[u8]) -> Result<Self> {
        let value = body::parse(content)?;
        let message = value.as_dictionary().ok_or_else(|| {
            Error::malformed("over-the-air-message", "The device's message holds no dictionary.")
        })?;
        let fields = Fields(message);
        Ok(Self {
            udid: fields.string("UDID")?.ok_or_else(|| missing("UDID"))?,
            serial_number: fields.string("SERIAL")?,
            challenge: fields.string("CHALLENGE")?.map(Secret::new),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_what_apple_documents() {
        let profile = ProfileService {
            identifier: "org.example.mdm.aaaaaaaaaaaaaaaa.service".to_owned(),
            display_name: "Device management of Example & Sons".to_owned(),
            organization: "Example & Sons".to_owned(),
            description: "Lets Example & Sons manage this device.".to_owned(),
            url: "https://mdm.example.org/enroll/aaaaaaaaaaaaaaaa/device".to_owned(),
            challenge: Secret::new("one-time".to_owned()),
            uuid: Uuid::from_u128(1),
        };
        assert!(!format!("{profile:?}").contains("one-time"));
        insta::assert_snapshot!(String::from_utf8(profile.to_plist().unwrap()).unwrap());
    }

    fn message(keys: &str) -> Vec<u8> {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict>{keys}</dict></plist>"
        )
        .into_bytes()
    }

    #[test]
    fn a_device_tells_who_it_is() {
        let keys = "<key>UDID</key><string>D-1</string><key>SERIAL</key><string>C02AAA</string>\
                    <key>CHALLENGE</key><string>one-time</string><key>VERSION</key><string>23B85</string>";
        let told = DeviceAttributes::parse(&message(keys)).unwrap();
        assert_eq!((told.udid.as_str(), told.serial_number.as_deref()), ("D-1", Some("C02AAA")));
        assert_eq!(told.challenge.unwrap().expose(), "one-time");
        let told = DeviceAttributes::parse(&message("<key>UDID</key><string>D-1</string>")).unwrap();
        assert!(told.serial_number.is_none() && told.challenge.is_none());
    }

    #[test]
    fn what_tells_nothing_is_refused_by_name() {
        for (content, code) in [
            (message(""), "message-key-missing"),
            (message("<key>UDID</key><integer>1</integer>"), "message-key-type"),
            (b"<plist version=\"1.0\"><array/></plist>".to_vec(), "over-the-air-message"),
            (Vec::new(), "plist-empty"),
        ] {
            assert_eq!(DeviceAttributes::parse(&content).unwrap_err().code(), code);
        }
    }
}
