//! A command's JSON as a property list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plist::{Dictionary, Value};
use serde_json::{Map, Value as Json};

use super::data_keys::is_data;
use super::{check, not_a_dictionary};
use crate::error::{Error, Result};

/// The dictionary of a command given as a JSON object. Recursion is bounded by the JSON parser (128 levels).
pub(super) fn dictionary(command: &Json) -> Result<Dictionary> {
    let object = command.as_object().ok_or_else(not_a_dictionary)?;
    let request_type = object.get("RequestType").and_then(Json::as_str).unwrap_or_default();
    Reading { request_type, path: Vec::new() }.object(object)
}

/// Where in the command the reading is.
struct Reading<'a> {
    request_type: &'a str,
    /// Keys from the command down to here.
    path: Vec<&'a str>,
}

impl<'a> Reading<'a> {
    fn object(&mut self, object: &'a Map<String, Json>) -> Result<Dictionary> {
        let mut dictionary = Dictionary::new();
        for (key, json) in object {
            self.path.push(key);
            dictionary.insert(key.clone(), self.value(json)?);
            self.path.pop();
        }
        Ok(dictionary)
    }

    fn value(&mut self, json: &'a Json) -> Result<Value> {
        Ok(match json {
            Json::Null => {
                return Err(Error::malformed("command-null", "A property list has no null.")
                    .at(check::field(&self.path))
                    .next("Leave the key out."));
            }
            Json::Bool(flag) => Value::Boolean(*flag),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(signed), _) => signed.into(),
                (None, Some(unsigned)) => unsigned.into(),
                (None, None) => Value::Real(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) if is_data(self.request_type, &self.path) => Value::Data(self.base64(text)?),
            Json::String(text) => Value::String(text.clone()),
            Json::Array(values) => {
                Value::Array(values.iter().map(|json| self.value(json)).collect::<Result<_>>()?)
            }
            Json::Object(object) => self.object(object)?.into(),
        })
    }

    /// Base64 with or without line breaks, which the usual tools insert.
    fn base64(&self, text: &str) -> Result<Vec<u8>> {
        let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        STANDARD.decode(text).map_err(|cause| {
            Error::malformed("command-base64", "This value is not valid base64.")
                .at(check::field(&self.path))
                .next("Encode the file's bytes in standard base64, with padding.")
                .because(cause)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_json_type_has_its_place() {
        let read = dictionary(&json!({
            "RequestType": "X", "Flag": true, "Low": i64::MIN, "High": u64::MAX, "Half": 0.5, "List": [1, {"a": "b"}],
        }))
        .unwrap();
        assert_eq!(read.get("Flag"), Some(&true.into()));
        assert_eq!(read.get("Low"), Some(&i64::MIN.into()));
        assert_eq!(read.get("High"), Some(&u64::MAX.into()));
        assert_eq!(read.get("Half"), Some(&Value::Real(0.5)));
        let inner: Dictionary = [("a".to_owned(), "b")].into_iter().collect();
        assert_eq!(read.get("List"), Some(&Value::Array(vec![1.into(), inner.into()])));
    }

    #[test]
    fn data_is_given_in_base64_with_or_without_line_breaks() {
        let read = dictionary(&json!({"RequestType": "InstallProfile", "Payload": "AA\r\nEC"})).unwrap();
        assert_eq!(read.get("Payload"), Some(&Value::Data(vec![0, 1, 2])));
        let pins =
            json!({"RequestType": "InstallEnterpriseApplication", "ManifestURLPinningCerts": ["AA=="]});
        let read = dictionary(&pins).unwrap();
        assert_eq!(read.get("ManifestURLPinningCerts"), Some(&Value::Array(vec![Value::Data(vec![0])])));
    }

    #[test]
    fn a_refusal_names_the_place() {
        for (json, code, field) in [
            (json!([]), "command-object", "command"),
            (json!({"RequestType": "X", "A": {"B": [null]}}), "command-null", "command.A.B"),
            (
                json!({"RequestType": "InstallProfile", "Payload": "<?xml"}),
                "command-base64",
                "command.Payload",
            ),
        ] {
            let error = dictionary(&json).unwrap_err();
            assert_eq!((error.code(), error.field()), (code, Some(field)));
        }
    }
}
