//! The fields of a certificate's subject: what OpenSSL or Apple would refuse, refused by name.

use crate::error::{Error, Result};

/// Upper bounds of X.520 in characters: commonName, organizationName, organizationalUnitName.
pub(crate) const SHORT: usize = 64;
/// Upper bound of X.520 in characters: localityName, stateOrProvinceName.
pub(crate) const LONG: usize = 128;
/// Upper bound of emailAddress in characters (RFC 2985, as OpenSSL enforces it).
const EMAIL: usize = 128;

/// A text of 1 to `most` characters without control characters; white space around it is dropped.
pub(crate) fn text(field: &'static str, value: &str, most: usize) -> Result<String> {
    let value = value.trim();
    if value.is_empty() {
        return Err(refuse(field, format!("The field {field} is empty."), "Fill it in."));
    }
    if value.chars().any(char::is_control) {
        let message = format!("The field {field} holds a line break or another control character.");
        return Err(refuse(field, message, "Write it in one line of plain text."));
    }
    let length = value.chars().count();
    if length > most {
        let message = format!("The field {field} has {length} characters; certificates allow {most}.");
        return Err(refuse(field, message, "Shorten it."));
    }
    Ok(value.to_owned())
}

/// The same for a field that may be missing; an empty one counts as missing.
pub(crate) fn optional_text(field: &'static str, value: Option<&str>, most: usize) -> Result<Option<String>> {
    match value.map(str::trim) {
        None | Some("") => Ok(None),
        Some(value) => text(field, value, most).map(Some),
    }
}

/// A country code, in upper case.
pub(crate) fn country(value: &str) -> Result<String> {
    let value = text("country", value, SHORT)?;
    if value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(value.to_ascii_uppercase());
    }
    let message = format!("\"{value}\" is not a country code of two letters.");
    Err(refuse("country", message, "Use the ISO 3166 code, for example US, DE or JP."))
}

/// An e-mail address, in lower case.
pub(crate) fn email(value: &str) -> Result<String> {
    let value = text("email", value, EMAIL)?;
    let shape_is_right = value.split_once('@').is_some_and(|(user, host)| {
        let labels = host.split('.').collect::<Vec<_>>();
        let host_is_right = labels.len() > 1 && labels.iter().all(|label| is_host_label(label));
        !user.is_empty() && host_is_right
    });
    if shape_is_right && value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(value.to_ascii_lowercase());
    }
    let message = format!("\"{value}\" is not an e-mail address that a certificate can hold.");
    Err(refuse("email", message, "Use an address such as mdm@school.example, in plain ASCII letters."))
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn refuse(field: &'static str, message: String, next: &'static str) -> Error {
    Error::malformed("subject", message).at(field).next(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T>(result: Result<T>) -> String {
        let error = result.err().unwrap();
        assert_eq!(error.code(), "subject");
        error.to_string()
    }

    #[test]
    fn text_is_trimmed_bounded_and_printable() {
        assert_eq!(text("organization", "  Schule Süd ", SHORT).unwrap(), "Schule Süd");
        assert_eq!(text("organization", &"ü".repeat(64), SHORT).unwrap().chars().count(), 64);
        assert!(message(text("organization", " ", SHORT)).contains("is empty"));
        assert!(message(text("organization", "a\nb", SHORT)).contains("line break"));
        assert!(message(text("organization", &"x".repeat(65), SHORT)).contains("65 characters"));
    }

    #[test]
    fn an_empty_optional_field_is_missing() {
        assert_eq!(optional_text("state", Some(" "), LONG).unwrap(), None);
        assert_eq!(optional_text("state", Some("Hessen"), LONG).unwrap().as_deref(), Some("Hessen"));
        assert!(optional_text("state", Some("a\0b"), LONG).is_err());
    }

    #[test]
    fn countries_are_two_letters() {
        assert_eq!(country("de").unwrap(), "DE");
        for bad in ["DEU", "D", "D1", "Germany", "ß"] {
            assert!(message(country(bad)).contains("two letters"), "{bad}");
        }
    }

    #[test]
    fn addresses_have_a_user_and_a_host() {
        assert_eq!(email("MDM@School.Example").unwrap(), "mdm@school.example");
        for bad in
            ["mdm", "@school.example", "mdm@school", "mdm@a..b", "m dm@a.b", "mdm@schüle.de", "a@b@c.d"]
        {
            assert!(message(email(bad)).contains("e-mail"), "{bad}");
        }
    }
}
