//! Typed reading of a message's keys, with errors that name the key.

use plist::{Dictionary, Value};

use crate::error::{Error, Result};
use crate::secret::Secret;

/// The keys of one message.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Dictionary);

impl<'a> Fields<'a> {
    /// A text; an empty one counts as absent, because devices send both.
    pub(super) fn text(self, key: &'static str) -> Result<Option<&'a str>> {
        let text = self.typed(key, "a text", Value::as_string)?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// An owned text, absent when empty.
    pub(super) fn string(self, key: &'static str) -> Result<Option<String>> {
        Ok(self.text(key)?.map(str::to_owned))
    }

    /// A text that must be there and not empty.
    pub(super) fn required_text(self, key: &'static str) -> Result<&'a str> {
        self.text(key)?.ok_or_else(|| missing(key))
    }

    /// Data; empty data counts as absent.
    pub(super) fn data(self, key: &'static str) -> Result<Option<&'a [u8]>> {
        let data = self.typed(key, "data", Value::as_data)?;
        Ok(data.filter(|data| !data.is_empty()))
    }

    /// Secret data, absent when empty.
    pub(super) fn secret(self, key: &'static str) -> Result<Option<Secret<Vec<u8>>>> {
        Ok(self.data(key)?.map(|data| Secret::new(data.to_vec())))
    }

    /// True or false.
    pub(super) fn flag(self, key: &'static str) -> Result<Option<bool>> {
        self.typed(key, "true or false", Value::as_boolean)
    }

    fn typed<T>(
        self,
        key: &'static str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        let typed = read(value).ok_or_else(|| {
            Error::malformed("message-key-type", format!("The device's {key} is not {kind}.")).at(key)
        })?;
        Ok(Some(typed))
    }
}

/// The error for a key that a message must have.
pub(super) fn missing(key: &'static str) -> Error {
    Error::malformed("message-key-missing", format!("The device's message has no {key}.")).at(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_key() {
        let message: Dictionary = [("Topic", Value::from(1)), ("Token", "text".into()), ("Flag", 1.into())]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let fields = Fields(&message);
        for (error, key) in [
            (fields.text("Topic").unwrap_err(), "Topic"),
            (fields.data("Token").unwrap_err(), "Token"),
            (fields.flag("Flag").unwrap_err(), "Flag"),
        ] {
            assert_eq!((error.code(), error.field()), ("message-key-type", Some(key)));
        }
        let error = fields.required_text("UDID").unwrap_err();
        assert_eq!((error.code(), error.field()), ("message-key-missing", Some("UDID")));
    }

    #[test]
    fn empty_is_absent() {
        let message: Dictionary =
            [("Text".to_owned(), Value::from("")), ("Data".to_owned(), Value::Data(Vec::new()))]
                .into_iter()
                .collect();
        assert_eq!(Fields(&message).text("Text").unwrap(), None);
        assert_eq!(Fields(&message).data("Data").unwrap(), None);
    }
}
