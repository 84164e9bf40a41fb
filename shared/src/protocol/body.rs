//! Property lists in and out: bounded reading of either form, and writing XML.

use plist::Value;

use super::{binary_bounds, xml_bounds};
use crate::error::{Error, Result};

/// Reads a property list from outside, binary or XML (UTF-8). The caller has bounded its size in bytes.
///
/// # Errors
/// Malformed: `plist-empty`, `plist-encoding`, `plist-syntax`, `plist-too-deep`, `plist-too-large`, `plist-entity`,
/// `plist-cdata`.
pub fn parse(body: &[u8]) -> Result<Value> {
    if body.starts_with(b"bplist") {
        binary_bounds::check(body)?;
        return Value::from_reader(std::io::Cursor::new(body)).map_err(unreadable);
    }
    if body.trim_ascii().is_empty() {
        return Err(Error::malformed("plist-empty", "The body is empty: a property list was expected."));
    }
    let document =
        std::str::from_utf8(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).map_err(|cause| {
            Error::malformed("plist-encoding", "The XML property list is not in UTF-8.")
                .next("Save it as UTF-8, or as a binary property list.")
                .because(cause)
        })?;
    xml_bounds::check(document)?;
    // Not `from_reader`: it guesses the form by itself, and would read OpenStep text and unbounded binary too.
    Value::from_reader_xml(document.as_bytes()).map_err(unreadable)
}

/// Writes a property list as XML, byte for byte the same for the same value.
///
/// # Errors
/// Malformed `plist-control-character` when a text holds a character XML has no way to write.
pub fn to_xml(value: &Value) -> Result<Vec<u8>> {
    if !writable(value) {
        return Err(Error::malformed(
            "plist-control-character",
            "A text holds a control character, which a property list cannot carry.",
        )
        .next("Remove the invisible characters: they often come from copying out of another program."));
    }
    let mut xml = Vec::with_capacity(1024);
    value.to_writer_xml(&mut xml).map_err(Error::internal)?;
    Ok(xml)
}

/// Whether XML can carry this text. The writer does not check, and would emit a document no device reads.
pub(super) fn is_xml_text(text: &str) -> bool {
    !text.chars().any(|character| match character {
        '\t' | '\n' | '\r' => false,
        '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    })
}

fn writable(value: &Value) -> bool {
    if let Some(text) = value.as_string() {
        is_xml_text(text)
    } else if let Some(values) = value.as_array() {
        values.iter().all(writable)
    } else if let Some(dictionary) = value.as_dictionary() {
        dictionary.iter().all(|(key, value)| is_xml_text(key) && writable(value))
    } else {
        true
    }
}

fn unreadable(cause: plist::Error) -> Error {
    Error::malformed("plist-syntax", "The body is not a property list that can be read.").because(cause)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::captured;

    fn binary(xml: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        parse(xml.as_bytes()).unwrap().to_writer_binary(&mut bytes).unwrap();
        bytes
    }

    fn code(body: &[u8]) -> &'static str {
        parse(body).map_or_else(|error| error.code(), |_| "ok")
    }

    #[test]
    fn both_forms_of_a_real_message_read_the_same() {
        for xml in captured::ALL {
            let value = parse(xml.as_bytes()).unwrap();
            assert_eq!(parse(&binary(xml)).unwrap(), value);
            assert_eq!(parse(&to_xml(&value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn what_is_not_a_property_list_is_refused() {
        assert_eq!(code(b""), "plist-empty");
        assert_eq!(code(b" \n"), "plist-empty");
        assert_eq!(code(b"\xff\xfe<\0p\0"), "plist-encoding");
        assert_eq!(code(b"{ UDID = 1; }"), "plist-syntax");
        assert_eq!(code(b"<plist><dict><key>a</key></dict></plist>"), "plist-syntax");
        assert_eq!(code(b"<plist><html></html></plist>"), "plist-syntax");
        assert_eq!(code(b"bplist99 of another version, long enough for a trailer"), "plist-syntax");
        assert_eq!(code("<array>".repeat(100_000).as_bytes()), "plist-too-deep");
    }

    #[test]
    fn a_byte_order_mark_is_tolerated() {
        assert_eq!(code(b"\xef\xbb\xbf<plist><true/></plist>"), "ok");
    }

    #[test]
    fn a_control_character_is_refused_in_texts_and_keys() {
        for bad in ["\u{1}", "\u{ffff}"] {
            let text = Value::Array(vec![bad.into()]);
            let key = Value::Dictionary([(bad.to_owned(), true)].into_iter().collect());
            for value in [text, key] {
                assert_eq!(to_xml(&value).unwrap_err().code(), "plist-control-character");
            }
        }
        assert!(to_xml(&"two\n\tlines".into()).is_ok());
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = parse(&body);
            let _ = parse(&[b"bplist00".as_slice(), &body].concat());
        }

        #[test]
        fn mutated_messages_never_panic(
            which in 0..captured::ALL.len(),
            as_binary: bool,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let xml = captured::ALL[which];
            let mut body = if as_binary { binary(xml) } else { xml.as_bytes().to_vec() };
            for (place, byte) in changes {
                let place = place.index(body.len());
                body[place] = byte;
            }
            let _ = parse(&body);
        }
    }
}
