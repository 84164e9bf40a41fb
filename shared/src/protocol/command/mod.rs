//! Commands: what an administrator asks of a device, as JSON or as Apple's property list.

mod check;
mod data_keys;
mod json;
pub mod schema;
mod subject;
mod typed;

use std::fmt;

use plist::{Dictionary, Value};

use super::body;
use crate::error::{Error, Result};
use crate::id::CommandUuid;

/// A command: a dictionary with a `RequestType`, checked, in the form devices read.
#[derive(Clone, PartialEq)]
pub struct Command {
    request_type: String,
    keys: Dictionary,
}

impl Command {
    /// A command out of a JSON object such as `{"RequestType": "DeviceLock", "Message": "..."}`.
    ///
    /// Keys that Apple types as data (`InstallProfile.Payload` and others) are given in base64. A DeviceInformation
    /// without `Queries` asks for [`DEFAULT_QUERIES`].
    ///
    /// # Errors
    /// Malformed: `command-object`, `command-request-type`, `command-null`, `command-base64`,
    /// `command-key-missing`, `command-key-type`, `command-key-value`, `command-control-character`, `command-depth`.
    pub fn from_json(command: &serde_json::Value) -> Result<Self> {
        let mut keys = json::dictionary(command)?;
        let asks = keys.get("RequestType").and_then(Value::as_string) == Some("DeviceInformation");
        if asks && !keys.contains_key("Queries") {
            keys.insert("Queries".to_owned(), Value::Array(DEFAULT_QUERIES.map(Value::from).to_vec()));
        }
        Self::checked(keys)
    }

    /// A command out of a property list: the command's own dictionary, or a whole `{CommandUUID, Command}` envelope.
    /// The envelope's CommandUUID is ignored, because each queued command gets one of its own.
    ///
    /// # Errors
    /// Malformed: as [`Self::from_json`], and those of [`body::parse`].
    pub fn from_plist(bytes: &[u8]) -> Result<Self> {
        let mut document = body::parse(bytes)?.into_dictionary().ok_or_else(not_a_dictionary)?;
        if document.contains_key("RequestType") {
            return Self::checked(document);
        }
        let command = document.remove("Command").unwrap_or_else(|| document.into());
        Self::checked(command.into_dictionary().ok_or_else(not_a_dictionary)?)
    }

    /// A command that was stored by [`Self::to_plist`].
    ///
    /// # Errors
    /// Internal when the stored bytes are not a command.
    pub fn from_stored(bytes: &[u8]) -> Result<Self> {
        let keys = body::parse(bytes).map_err(Error::internal)?.into_dictionary();
        let keys = keys.ok_or_else(|| Error::internal("a stored command is not a dictionary"))?;
        let request_type = check::request_type(&keys).map_err(Error::internal)?.to_owned();
        Ok(Self { request_type, keys })
    }

    fn checked(keys: Dictionary) -> Result<Self> {
        let request_type = check::request_type(&keys)?.to_owned();
        check::values(&keys)?;
        typed::check(&request_type, &keys)?;
        Ok(Self { request_type, keys })
    }

    /// What is asked: `DeviceInformation`, `InstallProfile`, ...
    pub fn request_type(&self) -> &str {
        &self.request_type
    }

    /// Its keys that Apple's schema does not have; none where the RequestType is not a typed one.
    pub fn unknown_keys(&self) -> Vec<String> {
        typed::unknown_keys(&self.request_type, &self.keys)
    }

    /// Whether it may hold a secret: a PIN, a password, a token, a profile. Of a command that is not typed nobody knows.
    pub fn may_hold_secret(&self) -> bool {
        schema::of(&self.request_type).is_none_or(|schema| !schema.harmless)
            || !self.unknown_keys().is_empty()
    }

    /// The PIN that a Mac is locked or erased with, if the command sets one.
    pub fn pin(&self) -> Option<&str> {
        self.keys.get("PIN").and_then(Value::as_string)
    }

    /// Whether it is a command that a Mac takes a PIN with.
    pub fn takes_pin(&self) -> bool {
        matches!(self.request_type.as_str(), "DeviceLock" | "EraseDevice")
    }

    /// The same command with this PIN.
    #[must_use]
    pub fn with_pin(&self, pin: &str) -> Self {
        let mut filled = self.clone();
        filled.keys.insert("PIN".to_owned(), pin.into());
        filled
    }

    /// Whether it is a ClearPasscode that lacks the device's unlock token.
    pub fn needs_unlock_token(&self) -> bool {
        self.request_type == "ClearPasscode" && !self.keys.contains_key("UnlockToken")
    }

    /// The same ClearPasscode with a device's unlock token.
    #[must_use]
    pub fn with_unlock_token(&self, token: &[u8]) -> Self {
        let mut filled = self.clone();
        filled.keys.insert("UnlockToken".to_owned(), Value::Data(token.to_vec()));
        filled
    }

    /// What the command is about, so that a later one about the same takes its place while it waits: the same
    /// question, or a profile of the same PayloadIdentifier. `None` where each one counts.
    pub fn subject(&self) -> Option<String> {
        subject::of(&self.request_type, &self.keys)
    }

    /// Whether it asks for a part of what there is, so that its answer is no full inventory.
    pub fn asks_for_a_part(&self) -> bool {
        let set = |key| self.keys.get(key).and_then(Value::as_boolean).unwrap_or(false);
        self.keys.contains_key("Identifiers") || set("ManagedAppsOnly") || set("ManagedOnly")
    }

    /// The command's dictionary as XML, to be stored.
    ///
    /// # Errors
    /// Internal when the document cannot be written.
    pub fn to_plist(&self) -> Result<Vec<u8>> {
        body::to_xml(&self.keys.clone().into())
    }

    /// What a polling device is answered: `{CommandUUID, Command}` as XML.
    ///
    /// # Errors
    /// Internal when the document cannot be written.
    pub fn envelope(&self, uuid: &CommandUuid) -> Result<Vec<u8>> {
        let mut envelope = Dictionary::new();
        envelope.insert("Command".to_owned(), self.keys.clone().into());
        envelope.insert("CommandUUID".to_owned(), uuid.as_str().into());
        body::to_xml(&envelope.into())
    }
}

/// Names the command only: its keys may hold PINs and passwords.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.request_type)
    }
}

/// What a DeviceInformation asks for when the administrator names no queries: who the device is, what it runs, and
/// how full and how charged it is.
pub const DEFAULT_QUERIES: [&str; 13] = [
    "DeviceName",
    "OSVersion",
    "BuildVersion",
    "ModelName",
    "Model",
    "ProductName",
    "SerialNumber",
    "UDID",
    "IsSupervised",
    "BatteryLevel",
    "DeviceCapacity",
    "AvailableDeviceCapacity",
    "WiFiMAC",
];

fn not_a_dictionary() -> Error {
    Error::malformed("command-object", "A command is a dictionary of keys and values.")
        .at("command")
        .next("Send the command's keys, RequestType among them.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plist(xml: &str) -> Result<Command> {
        Command::from_plist(format!("<plist>{xml}</plist>").as_bytes())
    }

    #[test]
    fn a_command_travels_from_json_through_the_store_to_the_device() {
        let command = Command::from_json(&json!({
            "RequestType": "Settings",
            "Settings": [{"Item": "Wallpaper", "Image": "AAEC", "Where": 1}],
        }))
        .unwrap();
        assert_eq!(command.request_type(), "Settings");
        let stored = command.to_plist().unwrap();
        assert_eq!(Command::from_stored(&stored).unwrap(), command);
        assert_eq!(Command::from_plist(&stored).unwrap(), command);

        let uuid = "0a0a0a0a-0000-4000-8000-00000000000b".parse().unwrap();
        let sent = body::parse(&command.envelope(&uuid).unwrap()).unwrap();
        assert_eq!(
            crate::protocol::decode::to_json(&sent),
            json!({
                "CommandUUID": "0A0A0A0A-0000-4000-8000-00000000000B",
                "Command": {
                    "RequestType": "Settings",
                    "Settings": [{"Item": "Wallpaper", "Image": "AAEC", "Where": 1}],
                },
            })
        );
        let image = |dictionary: &Dictionary| dictionary.get("Image").cloned();
        let settings =
            sent.as_dictionary().and_then(|sent| sent.get("Command")?.as_dictionary()?.get("Settings"));
        let first = settings.and_then(|settings| settings.as_array()?.first()?.as_dictionary());
        assert_eq!(first.and_then(image), Some(Value::Data(vec![0, 1, 2])));
    }

    #[test]
    fn a_raw_command_may_come_with_or_without_its_envelope() {
        let inner = "<dict><key>RequestType</key><string>ProfileList</string></dict>";
        let bare = plist(inner).unwrap();
        let enveloped =
            format!("<dict><key>CommandUUID</key><string>mine</string><key>Command</key>{inner}</dict>");
        assert_eq!(plist(&enveloped).unwrap(), bare);
        assert!(!String::from_utf8(bare.to_plist().unwrap()).unwrap().contains("mine"));
    }

    #[test]
    fn a_raw_command_that_is_none_is_refused() {
        for (xml, code) in [
            ("<array/>", "command-object"),
            ("<dict><key>Command</key><array/></dict>", "command-object"),
            ("<dict/>", "command-request-type"),
            ("<dict><key>RequestType</key><string>DeviceInformation</string></dict>", "command-key-missing"),
        ] {
            assert_eq!(plist(xml).unwrap_err().code(), code, "{xml}");
        }
    }

    #[test]
    fn device_information_asks_for_the_usual_when_nothing_is_named() {
        let usual = Command::from_json(&json!({"RequestType": "DeviceInformation"})).unwrap();
        let queries = usual.keys.get("Queries").and_then(Value::as_array).unwrap();
        assert_eq!(queries.len(), DEFAULT_QUERIES.len());
        let named = json!({"RequestType": "DeviceInformation", "Queries": ["UDID"]});
        let named = Command::from_json(&named).unwrap();
        assert_eq!(named.keys.get("Queries"), Some(&Value::Array(vec!["UDID".into()])));
    }

    #[test]
    fn a_damaged_store_is_our_fault() {
        for bytes in [b"nonsense".as_slice(), b"<plist><array/></plist>", b"<plist><dict/></plist>"] {
            assert_eq!(Command::from_stored(bytes).unwrap_err().kind(), crate::Kind::Internal);
        }
    }

    #[test]
    fn debug_shows_no_keys() {
        let lock = Command::from_json(&json!({"RequestType": "DeviceLock", "PIN": "123456"})).unwrap();
        assert_eq!(format!("{lock:?}"), "Command(DeviceLock)");
    }
}
