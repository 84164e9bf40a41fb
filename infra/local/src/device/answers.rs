//! What a healthy iPad answers when nobody prescribes anything else.

use plist::{Dictionary, Value};

use super::error::Result;
use super::wire::Command;
use super::{Reply, SimDevice, dictionary};

impl SimDevice {
    /// The reply to a command that no script covers.
    pub(super) fn usual_reply(&self, command: &Command) -> Result<Reply> {
        let keys = match command.request_type.as_str() {
            "DeviceInformation" => dictionary([("QueryResponses", self.information(command).into())]),
            "SecurityInfo" => dictionary([("SecurityInfo", security().into())]),
            "ProfileList" => dictionary([("ProfileList", Value::Array(vec![self.enrollment()?.into()]))]),
            "InstalledApplicationList" => {
                dictionary([("InstalledApplicationList", Value::Array(vec![application().into()]))])
            }
            "CertificateList" => {
                dictionary([("CertificateList", Value::Array(vec![self.certificate()?.into()]))])
            }
            "DeviceLock" => dictionary([("MessageResult", "Success".into())]),
            _ => Dictionary::new(),
        };
        Ok(Reply::Acknowledge(keys))
    }

    /// What was asked for and is known.
    fn information(&self, command: &Command) -> Dictionary {
        let known = dictionary([
            ("UDID", self.udid.as_str().into()),
            ("SerialNumber", self.serial.as_str().into()),
            ("DeviceName", self.name.as_str().into()),
            ("ModelName", "iPad".into()),
            ("Model", "MYQ43FD/A".into()),
            ("ProductName", "iPad13,18".into()),
            ("OSVersion", "26.1".into()),
            ("BuildVersion", "23B85".into()),
            ("IsSupervised", true.into()),
            ("BatteryLevel", Value::Real(0.86)),
            ("DeviceCapacity", Value::Real(64.0)),
            ("AvailableDeviceCapacity", Value::Real(41.7)),
            ("WiFiMAC", "a4:83:e7:00:00:01".into()),
        ]);
        let asked = command.keys.get("Queries").and_then(Value::as_array);
        let is_asked =
            |key: &String| asked.is_none_or(|asked| asked.iter().any(|query| query.as_string() == Some(key)));
        known.into_iter().filter(|(key, _)| is_asked(key)).collect()
    }

    /// The profile that enrolled it, in its list of profiles.
    fn enrollment(&self) -> Result<Dictionary> {
        let profile = self.profile()?;
        Ok(dictionary([
            ("PayloadIdentifier", profile.identifier.as_str().into()),
            ("PayloadDisplayName", profile.display_name.as_str().into()),
            ("PayloadVersion", 1.into()),
            ("IsManaged", true.into()),
        ]))
    }

    fn certificate(&self) -> Result<Dictionary> {
        let certificate = &self.identity()?.certificate;
        let der = certificate
            .to_der()
            .map_err(|source| super::DeviceError::unreadable("the device's own certificate", source))?;
        Ok(dictionary([
            ("CommonName", "Device identity".into()),
            ("Data", Value::Data(der)),
            ("IsIdentity", true.into()),
        ]))
    }
}

fn security() -> Dictionary {
    dictionary([
        ("HardwareEncryptionCaps", 3.into()),
        ("PasscodePresent", true.into()),
        ("PasscodeCompliant", true.into()),
        ("PasscodeCompliantWithProfiles", true.into()),
    ])
}

fn application() -> Dictionary {
    dictionary([
        ("Identifier", "com.apple.Pages".into()),
        ("Name", "Pages".into()),
        ("Version", "14.4".into()),
        ("BundleSize", 512_000_000.into()),
    ])
}
