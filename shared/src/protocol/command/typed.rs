//! A typed command's keys against Apple's schema, so that the administrator hears of a mistake and not the device.

use plist::{Dictionary, Value};

use super::schema::{self, CommandSchema, Key, Shape};
use crate::error::{Error, Result};

/// Refuses a typed command that lacks a key it needs, or has one that no device would take.
///
/// # Errors
/// Malformed: `command-key-missing`, `command-key-type`, `command-key-value`.
pub(super) fn check(request_type: &str, keys: &Dictionary) -> Result<()> {
    let Some(schema) = schema::of(request_type) else { return Ok(()) };
    for key in schema.keys {
        match keys.get(key.name) {
            Some(value) => fits(schema, key, value)?,
            None if key.required => return Err(missing(schema, key)),
            None => {}
        }
    }
    let says = |key| keys.get(key).is_some_and(is_text);
    if request_type == "EnableLostMode" && !says("Message") && !says("PhoneNumber") {
        return Err(Error::malformed(
            "command-key-missing",
            "EnableLostMode needs a Message or a PhoneNumber to show on the lost device.",
        )
        .at("command.Message")
        .next("Add Message, PhoneNumber, or both."));
    }
    let names = ["iTunesStoreID", "Identifier", "ManifestURL"].iter().filter(|key| keys.contains_key(key));
    if request_type == "InstallApplication" && names.count() != 1 {
        return Err(Error::malformed(
            "command-key-missing",
            "InstallApplication needs exactly one of iTunesStoreID, Identifier and ManifestURL to say which app.",
        )
        .at("command.Identifier")
        .next("Give the one that fits where the app comes from, and leave the others out."));
    }
    Ok(())
}

/// The keys that Apple's schema of this command does not have, in their order. They are sent all the same: Apple adds
/// some every year.
pub(super) fn unknown_keys(request_type: &str, keys: &Dictionary) -> Vec<String> {
    let Some(schema) = schema::of(request_type) else { return Vec::new() };
    let known = |name: &str| {
        name == "RequestType"
            || name == "RequestRequiresNetworkTether"
            || schema.keys.iter().any(|key| key.name == name)
    };
    keys.keys().filter(|name| !known(name)).cloned().collect()
}

fn missing(schema: &CommandSchema, key: &Key) -> Error {
    Error::malformed("command-key-missing", format!("{} needs {}: {}.", schema.name, key.name, key.what))
        .at(format!("command.{}", key.name))
        .next("Add the key to the command.")
}

fn fits(schema: &CommandSchema, key: &Key, value: &Value) -> Result<()> {
    let kind = match key.shape {
        Shape::Text => is_text(value),
        Shape::AnyText | Shape::OneOf(_) | Shape::Pin | Shape::HttpsUrl => value.as_string().is_some(),
        Shape::Data => value.as_data().is_some_and(|data| !data.is_empty()),
        Shape::Texts => {
            value.as_array().is_some_and(|values| !values.is_empty() && values.iter().all(is_text))
        }
        Shape::Flag => value.as_boolean().is_some(),
        Shape::Integer | Shape::OneOfNumbers(_) => value.as_signed_integer().is_some(),
        Shape::Dictionary => value.as_dictionary().is_some(),
        Shape::Items => value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(has_item)),
    };
    if !kind {
        return Err(refused("command-key-type", schema, key)
            .next("Correct the value. In a property list, bytes are a data element."));
    }
    let text = value.as_string().unwrap_or_default();
    let allowed = match key.shape {
        Shape::OneOf(texts) => texts.contains(&text),
        Shape::OneOfNumbers(numbers) => {
            value.as_signed_integer().is_some_and(|number| numbers.contains(&number))
        }
        Shape::Pin => text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()),
        Shape::HttpsUrl => text.starts_with("https:"),
        Shape::Text
        | Shape::AnyText
        | Shape::Data
        | Shape::Texts
        | Shape::Flag
        | Shape::Integer
        | Shape::Dictionary
        | Shape::Items => true,
    };
    if allowed { Ok(()) } else { Err(refused("command-key-value", schema, key).next("Correct the value.")) }
}

fn refused(code: &'static str, schema: &CommandSchema, key: &Key) -> Error {
    Error::new(
        crate::error::Kind::Malformed,
        code,
        format!("{} of {} must be {}.", key.name, schema.name, key.what),
    )
    .at(format!("command.{}", key.name))
}

fn is_text(value: &Value) -> bool {
    value.as_string().is_some_and(|text| !text.is_empty())
}

fn has_item(value: &Value) -> bool {
    value.as_dictionary().and_then(|item| item.get("Item")).is_some_and(is_text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Command;

    fn refusal(command: &serde_json::Value) -> (&'static str, String) {
        let error = Command::from_json(command).unwrap_err();
        (error.code(), error.field().unwrap_or_default().to_owned())
    }

    #[test]
    fn every_required_key_is_asked_for_by_name() {
        for (request_type, key) in [
            ("InstallProfile", "Payload"),
            ("InstallProvisioningProfile", "ProvisioningProfile"),
            ("RemoveProfile", "Identifier"),
            ("RemoveProvisioningProfile", "UUID"),
            ("RemoveApplication", "Identifier"),
            ("Settings", "Settings"),
            ("SetRecoveryLock", "NewPassword"),
            ("EnableLostMode", "Message"),
            ("InstallApplication", "Identifier"),
        ] {
            let refused = refusal(&json!({"RequestType": request_type}));
            assert_eq!(refused, ("command-key-missing", format!("command.{key}")), "{request_type}");
        }
    }

    #[test]
    fn a_key_of_the_wrong_type_is_refused() {
        for (command, key) in [
            (json!({"RequestType": "DeviceLock", "Message": 1}), "Message"),
            (json!({"RequestType": "DeviceLock", "PIN": 123_456}), "PIN"),
            (json!({"RequestType": "EraseDevice", "PreserveDataPlan": "yes"}), "PreserveDataPlan"),
            (json!({"RequestType": "EraseDevice", "ReturnToService": []}), "ReturnToService"),
            (json!({"RequestType": "InstallProfile", "Payload": ""}), "Payload"),
            (json!({"RequestType": "RemoveProfile", "Identifier": ""}), "Identifier"),
            (json!({"RequestType": "CertificateList", "ManagedOnly": 1}), "ManagedOnly"),
            (json!({"RequestType": "InstalledApplicationList", "Identifiers": ["a", 1]}), "Identifiers"),
            (json!({"RequestType": "DeviceInformation", "Queries": []}), "Queries"),
            (json!({"RequestType": "InstallApplication", "iTunesStoreID": "1"}), "iTunesStoreID"),
            (json!({"RequestType": "Settings", "Settings": [{"Enabled": true}]}), "Settings"),
        ] {
            assert_eq!(refusal(&command), ("command-key-type", format!("command.{key}")));
        }
    }

    #[test]
    fn a_value_that_no_device_takes_is_refused() {
        for (command, key) in [
            (json!({"RequestType": "DeviceLock", "PIN": "12345"}), "PIN"),
            (json!({"RequestType": "EraseDevice", "PIN": "12345a"}), "PIN"),
            (json!({"RequestType": "EraseDevice", "ObliterationBehavior": "Never"}), "ObliterationBehavior"),
            (json!({"RequestType": "InstallApplication", "ManifestURL": "http://x"}), "ManifestURL"),
            (
                json!({"RequestType": "InstallApplication", "Identifier": "a", "ManagementFlags": 2}),
                "ManagementFlags",
            ),
        ] {
            assert_eq!(refusal(&command), ("command-key-value", format!("command.{key}")));
        }
    }

    #[test]
    fn what_devices_take_passes() {
        for command in [
            json!({"RequestType": "DeviceLock", "PIN": "012345", "Message": "Lost", "PhoneNumber": "555-0100"}),
            json!({"RequestType": "EraseDevice", "ObliterationBehavior": "DoNotObliterate"}),
            json!({"RequestType": "ClearPasscode"}),
            json!({"RequestType": "EnableLostMode", "PhoneNumber": "555-0100"}),
            json!({"RequestType": "InstallApplication", "iTunesStoreID": 1, "ManagementFlags": 5}),
            json!({"RequestType": "SetRecoveryLock", "NewPassword": ""}),
            json!({"RequestType": "ACommandOfNextYear", "PIN": 1}),
        ] {
            assert!(Command::from_json(&command).is_ok(), "{command}");
        }
    }

    #[test]
    fn an_app_is_named_in_one_way() {
        let two = json!({"RequestType": "InstallApplication", "Identifier": "a", "iTunesStoreID": 1});
        assert_eq!(refusal(&two), ("command-key-missing", "command.Identifier".to_owned()));
    }

    #[test]
    fn keys_that_apple_does_not_document_are_named() {
        let command = json!({"RequestType": "DeviceLock", "Pin": "123456", "Message": "Lost"});
        assert_eq!(Command::from_json(&command).unwrap().unknown_keys(), ["Pin"]);
        let raw = json!({"RequestType": "ACommandOfNextYear", "Key": 1});
        assert_eq!(Command::from_json(&raw).unwrap().unknown_keys(), [""; 0]);
    }
}
