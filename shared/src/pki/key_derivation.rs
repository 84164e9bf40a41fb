//! A bound on the work that a password-protected upload may ask for.

use super::der::{self, CONSTRUCTED, INTEGER, OCTET_STRING};
use crate::error::{Error, Result};

/// Ten million rounds are seconds of work; what exporters write is 2,048 to 1,000,000.
const MOST_ROUNDS: u64 = 10_000_000;
/// The numbers behind the first: a key length, or the block size and parallelism of scrypt.
const LARGEST_FACTOR: u64 = 64;
const DEEPEST: u8 = 24;
/// An OCTET STRING in pieces.
const PIECES: u8 = OCTET_STRING | CONSTRUCTED;

/// Refuses a file (DER or BER) whose key derivation would keep the processor busy: the file chooses the number of
/// rounds, and OpenSSL obeys any. In every scheme (PBES1, PBES2, scrypt, the MAC of a PKCS#12) the salt, an OCTET
/// STRING, stands in front of the numbers.
///
/// # Errors
/// `password-rounds` when the work is out of proportion.
pub(crate) fn check(file: &[u8]) -> Result<()> {
    if is_bounded(file, DEEPEST) {
        return Ok(());
    }
    let message = "The file's password protection asks for an unreasonable amount of computing.";
    let error = Error::malformed("password-rounds", message);
    Err(error.next("Export the certificate or key again with the usual settings, and upload that file."))
}

fn is_bounded(mut rest: &[u8], depth: u8) -> bool {
    if depth == 0 {
        return false;
    }
    // 0: no salt in front; 1: the salt was the last element; 2 and more: numbers behind it.
    let mut behind_salt = 0;
    while let Some(element) = der::ber_element(rest) {
        rest = rest.get(element.encoded.len()..).unwrap_or_default();
        let most = if behind_salt == 1 { MOST_ROUNDS } else { LARGEST_FACTOR };
        if element.tag == INTEGER && behind_salt > 0 {
            behind_salt += 1;
            if number(element.body).is_none_or(|number| number > most) {
                return false;
            }
            continue;
        }
        behind_salt = u8::from(matches!(element.tag, OCTET_STRING | PIECES));
        let bounded = if element.tag == PIECES {
            is_bounded(&join(element.body), depth - 1)
        } else if element.tag == OCTET_STRING || element.tag & CONSTRUCTED != 0 {
            is_bounded(element.body, depth - 1)
        } else {
            true
        };
        if !bounded {
            return false;
        }
    }
    true
}

/// The content of an OCTET STRING that BER split into pieces.
fn join(mut pieces: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(piece) = der::ber_element(pieces) {
        whole.extend_from_slice(piece.body);
        pieces = pieces.get(piece.encoded.len()..).unwrap_or_default();
    }
    whole
}

fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::der::{sequence, unsigned, wrap};
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
        let (left, right) = bomb.split_at(10);
        let pieces = [wrap(OCTET_STRING, &[left]), wrap(OCTET_STRING, &[right])].concat();
        let indefinite = [&[0x30, 0x80, PIECES, 0x80], &pieces[..], &[0; 4]].concat();
        assert!(check(&indefinite).is_err(), "BER hides nothing");
        assert!(check(&parameters(&[&[0x40, 0], &[8], &[0xff, 0xff]])).is_err(), "scrypt, p = 65,535");
        assert!(check(&parameters(&[&[1; 9]])).is_err());
    }
}
