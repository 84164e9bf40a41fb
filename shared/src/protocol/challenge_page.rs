//! The page on which Microsoft's NDES (`certsrv/mscep_admin`) hands out a challenge: HTML for people, in UTF-16 or UTF-8, whose words
//! follow the language of the server.

use crate::secret::Secret;

/// What stands before the challenge in English.
const BEFORE: &str = "enrollment challenge password is:";
/// What NDES says when it keeps as many unused challenges as it may.
const FULL: &str = "password cache is full";
/// What NDES says to a user who may not enroll.
const NOT_PERMITTED: &str = "not have sufficient permission";
/// How long a challenge may be, in bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=128;

/// What such a page says.
#[derive(Clone, Debug)]
pub enum ChallengePage {
    /// Here is a challenge.
    Challenge(Secret<String>),
    /// There are too many unused ones.
    Full,
    /// The user may not have one.
    NotPermitted,
    /// It is another page.
    Other,
}

impl ChallengePage {
    /// Reads a page.
    pub fn read(body: &[u8]) -> Self {
        let page = text(body);
        let lower = page.to_ascii_lowercase();
        if lower.contains(FULL) {
            return Self::Full;
        }
        if lower.contains(NOT_PERMITTED) {
            return Self::NotPermitted;
        }
        // In other languages the challenge is the one bold word: the authority's thumbprint, also bold, has several.
        let challenge = match lower.find(BEFORE) {
            Some(at) => bold(&page[at..], &lower[at..]).next().filter(|word| is_challenge(word)),
            None => {
                let mut words = bold(&page, &lower).filter(|word| is_hex(word));
                words.next().filter(|_| words.next().is_none())
            }
        };
        challenge.map_or(Self::Other, |word| Self::Challenge(Secret::new(word.to_owned())))
    }
}

/// UTF-16 shows in its zeros; a byte order mark is left out.
fn text(body: &[u8]) -> String {
    let body = body.strip_prefix(b"\xff\xfe").or(body.strip_prefix(b"\xef\xbb\xbf")).unwrap_or(body);
    if body.get(1) == Some(&0) {
        let units: Vec<u16> =
            body.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    } else {
        String::from_utf8_lossy(body).into_owned()
    }
}

/// What stands between `<b>` and `</b>`. `lower` is the page in small letters, byte for byte.
fn bold<'a>(page: &'a str, lower: &'a str) -> impl Iterator<Item = &'a str> {
    lower.match_indices("<b>").filter_map(|(at, tag)| {
        let begin = at + tag.len();
        let end = begin + lower[begin..].find("</b>")?;
        Some(page[begin..end].trim())
    })
}

fn is_challenge(word: &str) -> bool {
    LENGTH.contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>&".contains(&byte))
}

fn is_hex(word: &str) -> bool {
    is_challenge(word) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(words: &str) -> String {
        format!(
            "<HTML><Head><Title>Network Device Enrollment Service</Title></Head><Body><P> {words} </P></Body></HTML>"
        )
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[track_caller]
    fn challenge(body: &[u8]) -> Option<String> {
        match ChallengePage::read(body) {
            ChallengePage::Challenge(found) => Some(found.expose().clone()),
            ChallengePage::Full | ChallengePage::NotPermitted | ChallengePage::Other => None,
        }
    }

    #[test]
    fn the_challenge_is_found_in_either_encoding_and_any_language() {
        let thumbprint = "CA: <B> 39AD1B1E 9E0A7D1D F10AD3B5 A9F1E7C2 </B> <P>";
        for words in [
            format!("{thumbprint} The enrollment challenge password is: <B> 84C4E8C6A5CC6ACE </B>"),
            format!("{thumbprint} Das Kennwort lautet: <b>84C4E8C6A5CC6ACE</b>"),
        ] {
            let page = page(&words);
            let marked = [b"\xff\xfe".to_vec(), utf16(&page)].concat();
            for body in [page.clone().into_bytes(), utf16(&page), marked] {
                assert_eq!(challenge(&body).as_deref(), Some("84C4E8C6A5CC6ACE"), "{words}");
            }
        }
        let odd = page("The enrollment challenge password is: <B> pass-word_1 </B>");
        assert_eq!(challenge(odd.as_bytes()).as_deref(), Some("pass-word_1"));
    }

    #[test]
    fn its_refusals_are_told_apart() {
        let full = page("The password cache is full. Please wait.");
        assert!(matches!(ChallengePage::read(&utf16(&full)), ChallengePage::Full));
        let no = page("You do not have sufficient permission to enroll with SCEP.");
        assert!(matches!(ChallengePage::read(no.as_bytes()), ChallengePage::NotPermitted));
    }

    #[test]
    fn another_page_holds_no_challenge() {
        for words in [
            "",
            "<B>",
            "Welcome, <B>administrator</B>",
            "<B>ABCDEF01</B> <B>ABCDEF02</B>",
            "The enrollment challenge password is: <B> two words </B>",
            "The enrollment challenge password is: ",
        ] {
            assert!(matches!(ChallengePage::read(page(words).as_bytes()), ChallengePage::Other), "{words}");
        }
        for body in [&b""[..], b"\xff\xfe", b"\0\0\0", b"\xff\xfe\0"] {
            assert!(matches!(ChallengePage::read(body), ChallengePage::Other));
        }
    }
}
