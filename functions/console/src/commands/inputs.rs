//! A command's keys as fields of a form, from the schema that the server checks commands against.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use serde_json::{Map, Value};
use shared::error::{Error, Result};
use shared::protocol::command::schema::{CommandSchema, Key, Shape};

use super::help::purpose_of;
use crate::fields::Fields;

fn field(key: &Key) -> String {
    format!("key.{}", key.name)
}

/// Where a file's content is kept as text between the form and the review.
fn kept(key: &Key) -> String {
    format!("data.{}", key.name)
}

/// The fields of a command, as they were filled in.
pub(super) fn page(schema: &CommandSchema, fields: &Fields) -> Markup {
    html! {
        @for key in schema.keys {
            label {
                @let words = words(key.name);
                (words) @if key.required { strong { " (needed)" } }
                (input(key, fields))
                small { @if words != key.name { code { (key.name) } " " } (help(key)) }
            }
        }
        @if takes_pin(schema.name) {
            label { input type="checkbox" name="random_pin" value="yes" checked[fields.ticked("random_pin")]; "Each Mac gets a random PIN of its own" }
        }
    }
}

/// Whether Macs take a PIN with it.
pub(super) fn takes_pin(name: &str) -> bool {
    matches!(name, "DeviceLock" | "EraseDevice")
}

/// A key's name as people write: `PhoneNumber` is "Phone number".
fn words(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| letters.get(place));
        let begins = letter.is_uppercase() && before.is_some_and(|before| before.is_lowercase()) && place > 1;
        let within = letters.get(place + 1).is_some_and(|next| next.is_lowercase());
        if begins {
            words.push(' ');
        }
        if begins && within { words.extend(letter.to_lowercase()) } else { words.push(*letter) }
    }
    words
}

fn help(key: &Key) -> String {
    match (purpose_of(key.name), key.shape) {
        (Some(purpose), _) => purpose.to_owned(),
        (None, Shape::Text | Shape::Flag) => String::new(),
        (None, shape) => form(key, shape),
    }
}

fn form(key: &Key, shape: Shape) -> String {
    match shape {
        Shape::Texts => format!("{}, one on each line", key.what),
        Shape::Dictionary | Shape::Items => format!("{}, as JSON", key.what),
        Shape::Text
        | Shape::AnyText
        | Shape::Data
        | Shape::Flag
        | Shape::Integer
        | Shape::OneOf(_)
        | Shape::OneOfNumbers(_)
        | Shape::Pin
        | Shape::HttpsUrl => key.what.to_owned(),
    }
}

fn input(key: &Key, fields: &Fields) -> Markup {
    let (name, typed) = (field(key), fields.text(&field(key)));
    let options = |values: Vec<(String, String)>| {
        html! {
            select name=(name) {
                option value="" { "Not said" }
                @for (value, words) in values { option value=(value) selected[value == typed] { (words) } }
            }
        }
    };
    let same = |value: String| (value.clone(), value);
    match key.shape {
        Shape::Text | Shape::AnyText | Shape::HttpsUrl => html! { input name=(name) value=(typed); },
        Shape::Pin => html! { input name=(name) value=(typed) inputmode="numeric" autocomplete="off"; },
        Shape::Integer => html! { input name=(name) value=(typed) inputmode="numeric"; },
        Shape::Data => html! {
            @if let Ok(Some(Value::String(data))) = value(key, fields) {
                input type="hidden" name=(kept(key)) value=(data);
                span.quiet { " A file is here. Choose one only to replace it." }
            }
            input type="file" name=(name);
        },
        Shape::Texts | Shape::Dictionary | Shape::Items => {
            html! { textarea name=(name) rows="4" { (typed) } }
        }
        Shape::Flag => options(
            [("true", "Yes"), ("false", "No")]
                .map(|(value, words)| (value.to_owned(), words.to_owned()))
                .into(),
        ),
        Shape::OneOf(texts) => options(texts.iter().map(ToString::to_string).map(same).collect()),
        Shape::OneOfNumbers(numbers) => options(numbers.iter().map(ToString::to_string).map(same).collect()),
    }
}

/// The command that was filled in, as JSON. Its values are judged where every command's are.
pub(super) fn command(schema: &CommandSchema, fields: &Fields) -> Result<Value> {
    let mut command = Map::new();
    command.insert("RequestType".to_owned(), schema.name.into());
    for key in schema.keys {
        if let Some(value) = value(key, fields)? {
            command.insert(key.name.to_owned(), value);
        }
    }
    Ok(command.into())
}

fn value(key: &Key, fields: &Fields) -> Result<Option<Value>> {
    let name = field(key);
    let typed = fields.text(&name);
    if let Shape::Data = key.shape {
        let file = fields.file(&name);
        let text = if file.is_empty() { fields.text(&kept(key)) } else { STANDARD.encode(file) };
        return Ok(Some(text).filter(|text| !text.is_empty()).map(Value::from));
    }
    // An empty text that must be said has a meaning.
    let says_nothing = typed.is_empty() && !(key.required && matches!(key.shape, Shape::AnyText));
    if says_nothing {
        return Ok(None);
    }
    Ok(Some(match key.shape {
        Shape::Text | Shape::AnyText | Shape::HttpsUrl | Shape::Pin | Shape::OneOf(_) | Shape::Data => {
            typed.into()
        }
        Shape::Texts => typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
        Shape::Flag => (typed == "true").into(),
        // What is no number is refused with the command's own words.
        Shape::Integer | Shape::OneOfNumbers(_) => {
            typed.parse::<i64>().map_or_else(|_| Value::from(typed.as_str()), Value::from)
        }
        Shape::Dictionary | Shape::Items => {
            serde_json::from_str(&typed).map_err(|cause| not_json(key, &cause))?
        }
    }))
}

fn not_json(key: &Key, cause: &serde_json::Error) -> Error {
    Error::malformed("typed-json", format!("What was typed for {} is not JSON: {cause}.", key.name))
        .at(key.name)
        .next("Write it as JSON, such as {\"Item\": \"DeviceName\", \"DeviceName\": \"Desk 7\"}.")
}

/// The fields of the form as hidden ones, files as text.
pub(super) fn hidden(schema: Option<&CommandSchema>, fields: &Fields) -> Markup {
    let files: Vec<&Key> = schema.map_or_else(Vec::new, |schema| {
        schema.keys.iter().filter(|key| matches!(key.shape, Shape::Data)).collect()
    });
    let is_file = |name: &str| files.iter().any(|key| field(key) == name || kept(key) == name);
    let ours = ["form_token", "then", "uuid", "hits", "confirm"];
    html! {
        @for (name, value) in fields.texts().filter(|(name, _)| !is_file(name) && !ours.contains(name)) {
            input type="hidden" name=(name) value=(value);
        }
        @for key in files.iter().copied() {
            @if let Ok(Some(Value::String(data))) = value(key, fields) { input type="hidden" name=(kept(key)) value=(data); }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn keys_read_as_people_write() {
        for (name, expected) in [
            ("Message", "Message"),
            ("PhoneNumber", "Phone number"),
            ("PIN", "PIN"),
            ("iTunesStoreID", "iTunes store ID"),
            ("ManifestURL", "Manifest URL"),
            ("DeviceAttestationNonce", "Device attestation nonce"),
        ] {
            assert_eq!(words(name), expected);
        }
    }
}
