//! A bound on the work that a password-protected upload may ask for.

use super::der::{INTEGER, OCTET_STRING, Reader, SEQUENCE, SET};
use crate::error::{Error, Result};

/// Ten million rounds are seconds of work; what exporters write is 2,048 to 1,000,000.
const MOST_ROUNDS: u64 = 10_000_000;
/// The numbers behind the first: a key length, or the block size and parallelism of scrypt.
const LARGEST_FACTOR: u64 = 64;
const DEEPEST: u8 = 24;

/// Refuses a file whose key derivation would keep the processor busy: the file chooses the number of rounds, and
/// OpenSSL obeys any. In every scheme (PBES1, PBES2, scrypt, the MAC of a PKCS#12) the salt, an OCTET STRING, stands
/// in front of the numbers.
///
/// # Errors
/// `password-rounds` when the work is out of proportion.
pub(crate) fn check(der: &[u8]) -> Result<()> {
    if is_bounded(Reader::new(der), DEEPEST) {
        return Ok(());
    }
    let message = "The file's password protection asks for an unreasonable amount of computing.";
    let error = Error::malformed("password-rounds", message);
    Err(error.next("Export the certificate or key again with the usual settings, and upload that file."))
}

fn is_bounded(mut reader: Reader<'_>, depth: u8) -> bool {
    if depth == 0 {
        return false;
    }
    let mut after_salt = 0;
    while let Some(element) = reader.element() {
        let bounded = match element.tag {
            INTEGER if after_salt > 0 => {
                after_salt += 1;
                let most = if after_salt == 2 { MOST_ROUNDS } else { LARGEST_FACTOR };
                number(element.body).is_some_and(|number| number <= most)
            }
            OCTET_STRING => {
                after_salt = 1;
                Reader::whole(element.body, SEQUENCE).is_none_or(|inside| is_bounded(inside, depth - 1))
            }
            tag if tag == SEQUENCE || tag == SET || tag & 0xe0 == 0xa0 => {
                after_salt = 0;
                is_bounded(Reader::new(element.body), depth - 1)
            }
            _ => {
                after_salt = 0;
                true
            }
        };
        if !bounded {
            return false;
        }
    }
    true
}

fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::super::der::{sequence, unsigned, wrap};
    use super::*;

    fn parameters(numbers: &[&[u8]]) -> Vec<u8> {
        let mut parts = vec![wrap(OCTET_STRING, &[&[7; 8]])];
        parts.extend(numbers.iter().map(|number| unsigned(number)));
        let parts = parts.iter().map(Vec::as_slice).collect::<Vec<_>>();
        sequence(&[&sequence(&parts)])
    }

    #[test]
    fn usual_parameters_pass() {
        assert!(check(&parameters(&[&[0x09, 0x27, 0xc0], &[32]])).is_ok(), "PBKDF2, 600,000 rounds");
        assert!(check(&parameters(&[&[0x80, 0], &[8], &[1]])).is_ok(), "scrypt, N = 32,768");
    }

    #[test]
    fn a_bomb_is_refused_also_inside_octet_strings() {
        let bomb = parameters(&[&[0x7f, 0xff, 0xff, 0xff]]);
        assert_eq!(check(&bomb).unwrap_err().code(), "password-rounds");
        assert!(check(&wrap(OCTET_STRING, &[&bomb])).is_err());
        assert!(check(&parameters(&[&[0x40, 0], &[8], &[0xff, 0xff]])).is_err(), "scrypt, p = 65,535");
        assert!(check(&parameters(&[&[1; 9]])).is_err());
    }
}
