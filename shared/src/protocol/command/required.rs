//! The keys without which a command fails on every device, so that the administrator hears it and not the device.

use plist::{Dictionary, Value};

use crate::error::{Error, Result};

/// What a key's value must be.
#[derive(Clone, Copy)]
enum Shape {
    /// A text with something in it.
    Text,
    /// A text; an empty one has a meaning.
    AnyText,
    /// Data with something in it.
    Data,
    /// A list of texts with something in it.
    Texts,
}

/// RequestType, key, shape, and what the key holds in an administrator's words. Apple: `mdm/commands/*.yaml`.
/// ClearPasscode's UnlockToken is not here: the server puts in the one the device deposited.
const REQUIRED: &[(&str, &str, Shape, &str)] = &[
    ("DeviceInformation", "Queries", Shape::Texts, "a list of what to ask for"),
    ("InstallProfile", "Payload", Shape::Data, "the profile's bytes"),
    ("InstallProvisioningProfile", "ProvisioningProfile", Shape::Data, "the provisioning profile's bytes"),
    ("RemoveProfile", "Identifier", Shape::Text, "the PayloadIdentifier of the profile to remove"),
    ("RemoveProvisioningProfile", "UUID", Shape::Text, "the UUID of the provisioning profile to remove"),
    ("SetRecoveryLock", "NewPassword", Shape::AnyText, "the new password, or an empty text to clear it"),
];

/// Refuses a command that lacks a key it needs.
///
/// # Errors
/// Malformed: `command-key-missing`, `command-key-type`.
pub(super) fn check(request_type: &str, keys: &Dictionary) -> Result<()> {
    for (_, key, shape, what) in REQUIRED.iter().filter(|(command, ..)| *command == request_type) {
        let value = keys.get(key).ok_or_else(|| {
            Error::malformed("command-key-missing", format!("{request_type} needs {key}: {what}."))
                .at(format!("command.{key}"))
                .next("Add the key to the command.")
        })?;
        if !fits(value, *shape) {
            return Err(Error::malformed(
                "command-key-type",
                format!("{key} of {request_type} must be {what}."),
            )
            .at(format!("command.{key}"))
            .next("Correct the value. In a property list, bytes are a data element."));
        }
    }
    let says = |key| keys.get(key).is_some_and(|value| fits(value, Shape::Text));
    if request_type == "EnableLostMode" && !says("Message") && !says("PhoneNumber") {
        return Err(Error::malformed(
            "command-key-missing",
            "EnableLostMode needs a Message or a PhoneNumber to show on the lost device.",
        )
        .at("command.Message")
        .next("Add Message, PhoneNumber, or both."));
    }
    Ok(())
}

fn fits(value: &Value, shape: Shape) -> bool {
    match shape {
        Shape::Text => value.as_string().is_some_and(|text| !text.is_empty()),
        Shape::AnyText => value.as_string().is_some(),
        Shape::Data => value.as_data().is_some_and(|data| !data.is_empty()),
        Shape::Texts => value
            .as_array()
            .is_some_and(|values| !values.is_empty() && values.iter().all(|value| fits(value, Shape::Text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command<const N: usize>(keys: [(&str, Value); N]) -> Dictionary {
        keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    #[test]
    fn each_required_key_is_missed_by_name() {
        for (request_type, key, _, what) in REQUIRED {
            let error = check(request_type, &Dictionary::new()).unwrap_err();
            let field = format!("command.{key}");
            assert_eq!((error.code(), error.field()), ("command-key-missing", Some(field.as_str())));
            assert!(error.to_string().contains(what));

            let error = check(request_type, &command([(key, true.into())])).unwrap_err();
            assert_eq!((error.code(), error.field()), ("command-key-type", Some(field.as_str())));
        }
    }

    #[test]
    fn an_empty_value_is_refused_unless_it_means_something() {
        for (request_type, key, empty) in [
            ("DeviceInformation", "Queries", Value::Array(Vec::new())),
            ("DeviceInformation", "Queries", Value::Array(vec![1.into()])),
            ("InstallProfile", "Payload", Value::Data(Vec::new())),
            ("InstallProfile", "Payload", "PHBsaXN0Lz4=".into()),
            ("RemoveProfile", "Identifier", "".into()),
        ] {
            let error = check(request_type, &command([(key, empty)])).unwrap_err();
            assert_eq!(error.code(), "command-key-type", "{request_type}");
        }
        assert!(check("SetRecoveryLock", &command([("NewPassword", "".into())])).is_ok());
    }

    #[test]
    fn lost_mode_needs_something_to_show() {
        let error = check("EnableLostMode", &command([("Message", "".into())])).unwrap_err();
        assert_eq!((error.code(), error.field()), ("command-key-missing", Some("command.Message")));
        for key in ["Message", "PhoneNumber"] {
            assert!(check("EnableLostMode", &command([(key, "555-0100".into())])).is_ok());
        }
    }

    #[test]
    fn commands_without_required_keys_pass_and_so_does_an_unlock_left_to_the_server() {
        for request_type in ["SecurityInfo", "ClearPasscode", "ACommandOfNextYear"] {
            assert!(check(request_type, &Dictionary::new()).is_ok());
        }
    }
}
