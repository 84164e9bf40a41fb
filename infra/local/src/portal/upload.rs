//! The file in a form that a browser sends.

/// The first file or text of a `multipart/form-data` body that is not empty (RFC 7578).
pub(super) fn first_content(content_type: &str, body: &[u8]) -> Option<String> {
    let boundary = content_type.split_once("boundary=")?.1.split(';').next()?.trim_matches('"');
    let body = String::from_utf8_lossy(body);
    body.split(&format!("--{boundary}"))
        .filter_map(|part| part.split_once("\r\n\r\n"))
        .map(|(_headers, content)| content.trim())
        .find(|content| !content.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_counts_and_the_text_where_no_file_was_chosen() {
        let body = |file: &str, text: &str| {
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{file}\r\n\
                 --x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--x--\r\n"
            )
        };
        let first = |body: String| first_content("multipart/form-data; boundary=x", body.as_bytes());
        assert_eq!(first(body("QUJD", "")).as_deref(), Some("QUJD"));
        assert_eq!(first(body("", "REVG\r\n")).as_deref(), Some("REVG"));
        assert_eq!(first(body("", "")), None);
        assert_eq!(first_content("multipart/form-data", b"--x"), None);
    }
}
