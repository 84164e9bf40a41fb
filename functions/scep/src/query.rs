//! SCEP's query strings. They are not forms: macOS leaves the `+` and `/` of base64 unescaped, so a `+` is a plus.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// The value of a parameter, percent-decoded.
pub fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found == name).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
    })
}

/// The message of a GET.
pub fn message(query: &str) -> Option<Vec<u8>> {
    // A client that does treat the query as a form has turned plus signs into spaces.
    let text = parameter(query, "message")?.replace(' ', "+");
    let compact: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(compact).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_escaped_and_not() {
        let bytes = [0xfb, 0xef, 0xff, 0x00];
        for text in ["++//AA==", "%2B%2B%2F%2FAA%3D%3D", "++//AA%3D%3D", "  //AA=="] {
            let found = message(&format!("operation=PKIOperation&message={text}")).unwrap();
            assert_eq!(found, bytes, "{text}");
        }
    }

    #[test]
    fn what_is_missing_or_broken_is_none() {
        assert_eq!(parameter("operation=GetCACaps&message=x", "operation").as_deref(), Some("GetCACaps"));
        assert_eq!(parameter("", "operation"), None);
        assert_eq!(message("operation=PKIOperation&message=*"), None);
    }
}
