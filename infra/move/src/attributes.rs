//! An item's attributes in DynamoDB's own JSON, which its other tools read, too.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// An item as DynamoDB gives it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// An item as JSON; none where DynamoDB has a type of value that this code does not know.
pub(crate) fn to_json(item: &Item) -> Option<Value> {
    let attributes = item.iter().map(|(name, value)| Some((name.clone(), value_to_json(value)?)));
    attributes.collect::<Option<Map<_, _>>>().map(Value::Object)
}

/// The item that was written so.
pub(crate) fn from_json(json: &Value) -> Option<Item> {
    let attributes = json.as_object()?.iter();
    attributes.map(|(name, value)| Some((name.clone(), value_from_json(value)?))).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the SDK may come to know more types")]
fn value_to_json(value: &AttributeValue) -> Option<Value> {
    let binary = |blob: &Blob| STANDARD.encode(blob);
    Some(match value {
        AttributeValue::B(blob) => json!({ "B": binary(blob) }),
        AttributeValue::Bool(is) => json!({ "BOOL": is }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(binary).collect::<Vec<_>>() }),
        AttributeValue::L(values) => {
            json!({ "L": values.iter().map(value_to_json).collect::<Option<Vec<_>>>()? })
        }
        AttributeValue::M(values) => json!({ "M": to_json(values)? }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Null(is) => json!({ "NULL": is }),
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        _ => return None,
    })
}

fn value_from_json(json: &Value) -> Option<AttributeValue> {
    let mut one = json.as_object()?.iter();
    let (Some((kind, value)), None) = (one.next(), one.next()) else { return None };
    let binary = |value: &Value| STANDARD.decode(value.as_str()?).ok().map(Blob::new);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = || value.as_array();
    Some(match kind.as_str() {
        "B" => AttributeValue::B(binary(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "BS" => AttributeValue::Bs(list()?.iter().map(binary).collect::<Option<_>>()?),
        "L" => AttributeValue::L(list()?.iter().map(value_from_json).collect::<Option<_>>()?),
        "M" => AttributeValue::M(from_json(value)?),
        "N" => AttributeValue::N(text(value)?),
        "NS" => AttributeValue::Ns(list()?.iter().map(text).collect::<Option<_>>()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "S" => AttributeValue::S(text(value)?),
        "SS" => AttributeValue::Ss(list()?.iter().map(text).collect::<Option<_>>()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_value_comes_back() {
        let item = json!({
            "b": {"B": "AAH/"}, "bool": {"BOOL": true}, "bs": {"BS": ["AA==", "AQ=="]},
            "l": {"L": [{"S": "a"}, {"N": "1.5"}]}, "m": {"M": {"deep": {"M": {"er": {"NULL": true}}}}},
            "n": {"N": "12345678901234567890"}, "ns": {"NS": ["1", "2"]}, "s": {"S": ""}, "ss": {"SS": ["a", "b"]},
        });
        let read = from_json(&item).unwrap();
        assert_eq!(read["b"], AttributeValue::B(Blob::new([0, 1, 255])));
        assert_eq!(to_json(&read), Some(item));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for wrong in [
            json!({"a": {"S": 1}}),
            json!({"a": {"X": "1"}}),
            json!({"a": {}}),
            json!({"a": {"B": "?"}}),
            json!([]),
        ] {
            assert_eq!(from_json(&wrong), None, "{wrong}");
        }
        assert_eq!(from_json(&json!({"a": {"S": "1", "N": "1"}})), None);
    }
}
