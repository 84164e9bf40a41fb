//! What holds for every command, whatever it asks.

use plist::{Dictionary, Value};

use crate::error::{Error, Result};
use crate::protocol::body::is_xml_text;

/// Collections inside collections: the deepest of Apple's commands have five, app configurations a few more.
const MAX_DEPTH: usize = 32;

/// The command's RequestType: 1 to 64 letters and digits.
///
/// # Errors
/// Malformed `command-request-type`.
pub(super) fn request_type(keys: &Dictionary) -> Result<&str> {
    let name = keys.get("RequestType").and_then(Value::as_string).unwrap_or_default();
    if (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(name);
    }
    Err(Error::malformed("command-request-type", "A command needs a RequestType, the name of what is asked.")
        .at("command.RequestType")
        .next("Use one of Apple's names, such as DeviceInformation."))
}

/// Refuses what a device could not read back: control characters, too many levels, archiver identifiers.
///
/// # Errors
/// Malformed: `command-control-character`, `command-depth`, `command-key-type`.
pub(super) fn values(keys: &Dictionary) -> Result<()> {
    dictionary(keys, &mut Vec::new(), 1)
}

/// The dotted name of a place in a command, for an error.
pub(super) fn field(path: &[&str]) -> String {
    let mut field = "command".to_owned();
    for key in path {
        field.push('.');
        field.push_str(key);
    }
    field
}

fn dictionary<'a>(keys: &'a Dictionary, path: &mut Vec<&'a str>, depth: usize) -> Result<()> {
    for (key, inner) in keys {
        path.push(key);
        text(key, path)?;
        value(inner, path, depth)?;
        path.pop();
    }
    Ok(())
}

fn value<'a>(value: &'a Value, path: &mut Vec<&'a str>, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::malformed("command-depth", "The command is nested too deep.").at("command"));
    }
    if let Some(string) = value.as_string() {
        text(string, path)
    } else if let Some(keys) = value.as_dictionary() {
        dictionary(keys, path, depth + 1)
    } else if let Some(values) = value.as_array() {
        values.iter().try_for_each(|inner| self::value(inner, path, depth + 1))
    } else if value.as_uid().is_some() {
        Err(Error::malformed("command-key-type", "A command cannot hold an archiver's identifier.")
            .at(field(path)))
    } else {
        Ok(())
    }
}

fn text(text: &str, path: &[&str]) -> Result<()> {
    if is_xml_text(text) {
        return Ok(());
    }
    let message = "This text holds a control character, which no device can receive.";
    // The key itself may be what is unprintable, so it is named with its control characters escaped.
    let field = field(path).escape_debug().to_string();
    Err(Error::malformed("command-control-character", message)
        .at(field)
        .next("Remove the invisible characters: they often come from copying out of another program."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Command;
    use super::*;

    #[test]
    fn a_command_says_what_it_asks() {
        let too_long = "A".repeat(65);
        for name in [json!(""), json!(1), json!("Device Lock"), json!("../x"), json!(too_long)] {
            let error = Command::from_json(&json!({"RequestType": name})).unwrap_err();
            assert_eq!((error.code(), error.field()), ("command-request-type", Some("command.RequestType")));
        }
    }

    #[test]
    fn control_characters_are_refused_in_texts_and_in_keys() {
        for (command, field) in [
            (json!({"RequestType": "DeviceLock", "Message": "a\u{0}b"}), "command.Message"),
            (json!({"RequestType": "X", "A": {"b\u{1b}": 1}}), "command.A.b\\u{1b}"),
        ] {
            let error = Command::from_json(&command).unwrap_err();
            assert_eq!((error.code(), error.field()), ("command-control-character", Some(field)));
        }
        let lines = json!({"RequestType": "DeviceLock", "Message": "Bring it back\r\nto room 12\t(IT)"});
        assert!(Command::from_json(&lines).is_ok());
    }

    #[test]
    fn thirty_two_levels_pass_and_one_more_does_not() {
        let nested = |levels: usize| {
            let deep = (1..levels).fold(json!(1), |inner, _| json!([inner]));
            Command::from_json(&json!({"RequestType": "X", "Deep": deep}))
        };
        assert!(Command::from_stored(&nested(32).unwrap().to_plist().unwrap()).is_ok());
        assert_eq!(nested(33).unwrap_err().code(), "command-depth");
    }

    #[test]
    fn an_archivers_identifier_is_refused() {
        let mut keys = Dictionary::new();
        keys.insert("Id".to_owned(), Value::Uid(plist::Uid::new(1)));
        let error = values(&keys).unwrap_err();
        assert_eq!((error.code(), error.field()), ("command-key-type", Some("command.Id")));
    }
}
