//! Strict DER, the little of it that OpenSSL's bindings do not reach, and the length of a BER element.
//!
//! `None` always means: these bytes are not what was asked for.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const TELETEX_STRING: u8 = 0x14;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]`, constructed: explicit tagging, or the implicit tagging of a SET or SEQUENCE.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[3]`, constructed: the extensions of a certificate.
pub(crate) const CONTEXT_3: u8 = 0xa3;

/// The bit of a tag that says: elements are inside.
pub(crate) const CONSTRUCTED: u8 = 0x20;
const LONG_TAG: u8 = 0x1f;
const INDEFINITE: u8 = 0x80;
const END_OF_CONTENT: [u8; 2] = [0, 0];
/// Deeper BER than this is an attack: a CMS message nests about 12 levels.
const DEEPEST: u8 = 32;

/// One element: its tag, its content, and both together with the length as they were encoded.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
    pub(crate) encoded: &'a [u8],
}

/// Reads elements one after the other from the content of a SEQUENCE or SET.
#[derive(Clone)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The content of the one element of this tag that `bytes` consist of.
    pub(crate) fn whole(bytes: &'a [u8], tag: u8) -> Option<Self> {
        let mut reader = Self(bytes);
        let inside = reader.enter(tag)?;
        reader.is_empty().then_some(inside)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever it is.
    pub(crate) fn element(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & LONG_TAG == LONG_TAG {
            return None;
        }
        let (length, rest) = definite_length(rest)?;
        let (body, after) = rest.split_at_checked(length)?;
        let (encoded, _) = self.0.split_at(self.0.len() - after.len());
        self.0 = after;
        Some(Element { tag, body, encoded })
    }

    /// The content of the next element if it has this tag; else nothing is read.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = self.clone();
        let element = ahead.element()?;
        (element.tag == tag).then(|| {
            *self = ahead;
            element.body
        })
    }

    /// A reader of the content of the next element if it has this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }
}

/// A minimal definite length, as DER demands, of at most four bytes.
fn definite_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < INDEFINITE {
        return Some((usize::from(first), rest));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let length = big_endian(digits);
    let is_minimal = digits.len() <= 4 && length >= 0x80 && digits.first() != Some(&0);
    is_minimal.then_some((length, rest))
}

/// The first eight digits; longer lengths are refused by the callers.
fn big_endian(digits: &[u8]) -> usize {
    digits.iter().take(8).fold(0, |value, digit| value << 8 | usize::from(*digit))
}

/// How many bytes the BER element at the start of `bytes` takes.
///
/// OpenSSL reads the first element and silently ignores what follows it; comparing lengths refuses such a tail.
pub(crate) fn ber_length(bytes: &[u8]) -> Option<usize> {
    ber_element(bytes).map(|element| element.encoded.len())
}

/// The element at the start of BER, where lengths may be indefinite or longer than needed.
pub(crate) fn ber_element(bytes: &[u8]) -> Option<Element<'_>> {
    measure(bytes, DEEPEST)
}

fn measure(bytes: &[u8], depth: u8) -> Option<Element<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    if tag & LONG_TAG == LONG_TAG {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    let element = |body, after: &[u8]| {
        let (encoded, _) = bytes.split_at(bytes.len() - after.len());
        Some(Element { tag, body, encoded })
    };
    if first == INDEFINITE {
        if tag & CONSTRUCTED == 0 || depth == 0 {
            return None;
        }
        let mut after = rest;
        while !after.starts_with(&END_OF_CONTENT) {
            after = after.get(measure(after, depth - 1)?.encoded.len()..)?;
        }
        let (body, _) = rest.split_at(rest.len() - after.len());
        return element(body, after.strip_prefix(&END_OF_CONTENT)?);
    }
    let (length, rest) = if first < INDEFINITE {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (digits.len() <= 4).then(|| (big_endian(digits), rest))?
    };
    let (body, after) = rest.split_at_checked(length)?;
    element(body, after)
}

/// An element of this tag around the parts, one after the other.
pub(crate) fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut encoded = vec![tag];
    if length < 0x80 {
        encoded.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        encoded.push(INDEFINITE | (digits.len() - zeros) as u8);
        encoded.extend(digits.iter().skip(zeros));
    }
    for part in parts {
        encoded.extend_from_slice(part);
    }
    encoded
}

/// A SEQUENCE of the parts.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    wrap(SEQUENCE, parts)
}

/// A SET OF the parts, in the order of their encodings as DER demands.
pub(crate) fn set_of(tag: u8, mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    let parts = parts.iter().map(Vec::as_slice).collect::<Vec<_>>();
    wrap(tag, &parts)
}

/// An INTEGER from the big-endian bytes of a number that is not negative.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|digit| *digit >= 0x80) { &[0] } else { &[] };
    wrap(INTEGER, &[sign, digits])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let encoded = sequence(&[&wrap(OCTET_STRING, &[&content]), &unsigned(&[0, 0x80])]);
            let mut inside = Reader::whole(&encoded, SEQUENCE).unwrap();
            assert_eq!(inside.take(OCTET_STRING).unwrap(), content);
            assert_eq!(inside.take(INTEGER).unwrap(), [0, 0x80]);
            assert!(inside.is_empty());
            assert_eq!(ber_length(&encoded), Some(encoded.len()));
        }
    }

    #[test]
    fn lengths_that_are_not_minimal_are_not_der() {
        for bad in [&[0x04, 0x81, 0x01, 7][..], &[0x04, 0x82, 0, 0x80], &[0x30, 0x80, 0, 0], &[0x04, 5, 1]] {
            assert!(Reader(bad).element().is_none(), "{bad:x?}");
        }
    }

    #[test]
    fn another_tag_is_left_for_the_next_question() {
        let mut reader = Reader(&[NULL, 0]);
        assert!(reader.take(INTEGER).is_none());
        assert_eq!(reader.take(NULL), Some(&[][..]));
    }

    #[test]
    fn a_set_is_sorted_and_integers_are_minimal() {
        assert_eq!(set_of(SET, vec![vec![4, 1, 9], vec![2, 1, 1]]), [SET, 6, 2, 1, 1, 4, 1, 9]);
        assert_eq!(unsigned(&[]), [INTEGER, 1, 0]);
        assert_eq!(unsigned(&[0, 0, 5]), [INTEGER, 1, 5]);
    }

    #[test]
    fn indefinite_lengths_are_measured_and_bombs_are_refused() {
        let nested = [0x30, 0x80, 0x24, 0x80, 0x04, 1, 9, 0, 0, 0, 0, 0xff];
        assert_eq!(ber_length(&nested), Some(11));
        assert_eq!(ber_length(&nested[..9]), None);
        assert_eq!(ber_length(&[0x30, 0x80].repeat(100_000)), None);
        assert_eq!(ber_length(&[0x04, 0x80, 0, 0]), None);
    }
}
