//! Shows a device's results as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plist::Value;
use serde_json::{Number, Value as Json};

/// The same tree as JSON, with nothing dropped: data in base64, dates in RFC 3339, integers exact. A real that JSON
/// cannot write (infinite, not a number) becomes its text.
///
/// Recursive: for values that came through [`super::body::parse`], whose depth is bounded.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Array(values) => values.iter().map(to_json).collect(),
        Value::Dictionary(dictionary) => {
            dictionary.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()
        }
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Data(data) => Json::String(STANDARD.encode(data)),
        Value::Date(date) => Json::String(date.to_xml_format()),
        Value::Real(real) => {
            Number::from_f64(*real).map_or_else(|| Json::String(real.to_string()), Json::Number)
        }
        Value::Integer(integer) => match integer.as_signed() {
            Some(signed) => signed.into(),
            None => integer.as_unsigned().into(),
        },
        Value::String(text) => Json::String(text.clone()),
        Value::Uid(uid) => uid.get().into(),
        other => Json::String(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::{body, captured};

    #[test]
    fn every_type_is_shown_and_none_is_rounded() {
        let xml = "<plist><dict>
            <key>Flag</key><true/>
            <key>Low</key><integer>-9223372036854775808</integer>
            <key>High</key><integer>18446744073709551615</integer>
            <key>Battery</key><real>0.75</real>
            <key>Odd</key><real>nan</real>
            <key>Seen</key><date>2026-11-20T15:09:31Z</date>
            <key>Token</key><data>AAEC</data>
            <key>List</key><array><string>a</string><dict/></array>
        </dict></plist>";
        assert_eq!(
            to_json(&body::parse(xml.as_bytes()).unwrap()),
            json!({
                "Flag": true, "Low": i64::MIN, "High": u64::MAX, "Battery": 0.75, "Odd": "NaN",
                "Seen": "2026-11-20T15:09:31Z", "Token": "AAEC", "List": ["a", {}],
            })
        );
        assert_eq!(to_json(&Value::Uid(plist::Uid::new(7))), json!(7));
    }

    #[test]
    fn a_recorded_answer_can_be_read() {
        let shown = to_json(&body::parse(captured::DEVICE_INFORMATION.as_bytes()).unwrap());
        assert_eq!(shown["QueryResponses"]["DeviceName"], "0N9FC9K37QW9's Computer");
    }
}
