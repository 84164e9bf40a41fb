//! The sealed form of an archive: two lines that say how, then pieces of 64 KiB, each sealed with AES-256-GCM.
//!
//! The key comes from the passphrase by scrypt, with a salt of the file's own, so that no two files share one. A piece's nonce is
//! its number and whether it is the last: what was changed, put elsewhere or cut off is noticed (the construction is STREAM,
//! <https://eprint.iacr.org/2015/189>).

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkcs5::scrypt;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use shared::error::{Error, Result};
use shared::secret::Secret;

/// The fewest characters of a passphrase: the file may lie about for years, and holds every key of the tenant.
pub const SHORTEST: usize = 16;
/// What every archive begins with; the number behind it is its form.
const FAMILY: &str = "pomarium-archive-";
const FORM: &str = "1";
/// scrypt's cost: 128 MiB and half a second for whoever tries a passphrase. N is 2 to the power of this.
const COST: u32 = 17;
const LEAST_COST: u32 = 4;
/// No file may ask for more than 1 GiB.
const MOST_COST: u32 = 20;
const BLOCK: u64 = 8;
const PARALLEL: u64 = 1;
const SALT: usize = 16;
const KEY: usize = 32;
/// Plain bytes of a piece.
const PIECE: usize = 1 << 16;
const TAG: usize = 16;
/// Longer lines are none of ours.
const LONGEST_LINE: u64 = 256;

/// What seals an archive.
#[derive(Clone)]
pub struct Passphrase {
    text: Secret<String>,
    /// scrypt's cost for new files: N is 2 to the power of this.
    cost: u32,
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Passphrase {
    /// A passphrase that is long enough.
    ///
    /// # Errors
    /// Malformed `archive-passphrase` when it is shorter than [`SHORTEST`].
    pub fn new(text: String) -> Result<Self> {
        if text.chars().count() < SHORTEST {
            let message = format!("This passphrase is too short: it needs {SHORTEST} characters.");
            return Err(Error::malformed("archive-passphrase", message)
                .at("PASSPHRASE")
                .next("Five or six words that have nothing to do with each other will do."));
        }
        Ok(Self { text: Secret::new(text), cost: COST })
    }

    /// The same for new files that cost nobody much to try: of what is worth nothing, such as a test's.
    #[must_use]
    pub fn cheap(self) -> Self {
        Self { cost: LEAST_COST, ..self }
    }
}

/// The keys of one file: one seals, the other proves the passphrase and the first line.
struct Keys {
    seal: Secret<Vec<u8>>,
    proof: Secret<Vec<u8>>,
}

impl Keys {
    fn derive(passphrase: &Passphrase, cost: u32, salt: &[u8]) -> Result<Self, ErrorStack> {
        let mut both = vec![0; 2 * KEY];
        let n = 1_u64 << cost;
        let most = 256 * BLOCK * n;
        scrypt(passphrase.text.expose().as_bytes(), salt, n, BLOCK, PARALLEL, most, &mut both)?;
        let proof = both.split_off(KEY);
        Ok(Self { seal: Secret::new(both), proof: Secret::new(proof) })
    }

    /// What only who knows the passphrase can write beneath the first line.
    fn proof_of(&self, line: &str) -> Result<Vec<u8>, ErrorStack> {
        let key = PKey::hmac(self.proof.expose())?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        signer.update(line.as_bytes())?;
        signer.sign_to_vec()
    }
}

/// The nonce of a piece: never the same twice under one key.
fn nonce(number: u64, is_last: bool) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [0, 0, 0, a, b, c, d, e, f, g, h, u8::from(is_last)]
}

/// Seals what is written to it.
pub(crate) struct Sealing<W> {
    out: W,
    key: Secret<Vec<u8>>,
    waiting: Vec<u8>,
    number: u64,
}

impl<W: Write> Sealing<W> {
    /// Begins a file with a salt that was never used before.
    pub(crate) fn begin(mut out: W, passphrase: &Passphrase, salt: [u8; SALT]) -> Result<Self> {
        let keys = Keys::derive(passphrase, passphrase.cost, &salt).map_err(Error::internal)?;
        let line = format!("{FAMILY}{FORM} scrypt {} {}\n", passphrase.cost, hex::encode(salt));
        let proof = hex::encode(keys.proof_of(&line).map_err(Error::internal)?);
        writeln!(out, "{line}{proof}").map_err(not_written)?;
        Ok(Self { out, key: keys.seal, waiting: Vec::with_capacity(2 * PIECE), number: 0 })
    }

    /// Ends the file; without this it cannot be opened.
    pub(crate) fn finish(mut self) -> Result<W> {
        let rest = std::mem::take(&mut self.waiting);
        self.seal(&rest, true).and_then(|()| self.out.flush()).map_err(not_written)?;
        Ok(self.out)
    }

    fn seal(&mut self, piece: &[u8], is_last: bool) -> io::Result<()> {
        let (nonce, mut tag) = (nonce(self.number, is_last), [0; TAG]);
        let sealed =
            encrypt_aead(Cipher::aes_256_gcm(), self.key.expose(), Some(&nonce), &[], piece, &mut tag)?;
        self.number += 1;
        self.out.write_all(&sealed)?;
        self.out.write_all(&tag)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, some: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(some);
        // A full piece waits until there is more: it might be the last.
        while self.waiting.len() > PIECE {
            let rest = self.waiting.split_off(PIECE);
            let piece = std::mem::replace(&mut self.waiting, rest);
            self.seal(&piece, false)?;
        }
        Ok(some.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what is read from it. A fault of the file is an error of the kind `InvalidData`.
pub(crate) struct Opening<R> {
    sealed: BufReader<R>,
    key: Secret<Vec<u8>>,
    /// The sealed piece after this one: whether there is one says which is the last.
    ahead: Vec<u8>,
    plain: Vec<u8>,
    read: usize,
    number: u64,
}

impl<R: Read> Opening<R> {
    /// Reads how a file is sealed, and whether this is its passphrase.
    pub(crate) fn begin(sealed: R, passphrase: &Passphrase) -> Result<Self> {
        let mut sealed = BufReader::new(sealed);
        let mut line = || {
            let mut line = String::new();
            let read = (&mut sealed).take(LONGEST_LINE).read_line(&mut line);
            read.map(|_| line).map_err(|_| damaged("it does not begin as one"))
        };
        let (first, second) = (line()?, line()?);
        let (cost, salt) = parameters(&first)?;
        let keys = Keys::derive(passphrase, cost, &salt).map_err(Error::internal)?;
        let proof = keys.proof_of(&first).map_err(Error::internal)?;
        let told = hex::decode(second.trim_end()).unwrap_or_default();
        if told.len() != proof.len() {
            return Err(damaged("its second line cannot be read"));
        }
        if !memcmp::eq(&told, &proof) {
            return Err(Error::forbidden("archive-passphrase-wrong", "This is not the archive's passphrase.")
                .at("PASSPHRASE")
                .next("Nothing was changed. Mind capitals and spaces. If it is the right one, the file was damaged: copy it again."));
        }
        let ahead = piece(&mut sealed).map_err(|error| damaged(&error.to_string()))?;
        Ok(Self { sealed, key: keys.seal, ahead, plain: Vec::new(), read: 0, number: 0 })
    }

    fn next(&mut self) -> io::Result<()> {
        let ahead = piece(&mut self.sealed)?;
        let present = std::mem::replace(&mut self.ahead, ahead);
        let fault = || io::Error::new(ErrorKind::InvalidData, "it was changed, or cut off");
        let place = present.len().checked_sub(TAG).ok_or_else(fault)?;
        let (sealed, tag) = present.split_at(place);
        let nonce = nonce(self.number, self.ahead.is_empty());
        let cipher = Cipher::aes_256_gcm();
        self.plain =
            decrypt_aead(cipher, self.key.expose(), Some(&nonce), &[], sealed, tag).map_err(|_| fault())?;
        (self.read, self.number) = (0, self.number + 1);
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.plain.len() {
            // The last piece was read.
            if self.ahead.is_empty() && self.number > 0 {
                return Ok(0);
            }
            self.next()?;
        }
        let mut rest = self.plain.get(self.read..).unwrap_or_default();
        let read = rest.read(into)?;
        self.read += read;
        Ok(read)
    }
}

/// The next sealed piece; empty at the end.
fn piece(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE + TAG);
    let whole = u64::try_from(PIECE + TAG).map_err(io::Error::other)?;
    from.take(whole).read_to_end(&mut piece)?;
    Ok(piece)
}

/// Cost and salt, as the first line says.
fn parameters(line: &str) -> Result<(u32, Vec<u8>)> {
    let rest = line.strip_prefix(FAMILY).ok_or_else(|| damaged("it does not begin as one"))?;
    let mut words = rest.trim_end().split(' ');
    let form = words.next().unwrap_or_default();
    if form != FORM {
        let message = format!("This archive has the form {form}; this program reads {FORM}.");
        return Err(Error::malformed("archive-form", message).at("FILE").next(
            "Nothing was changed. Import it with the release of Pomarium that wrote it, or a newer one.",
        ));
    }
    let unknown = || damaged("its first line cannot be read");
    let (Some("scrypt"), Some(cost), Some(salt), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(unknown());
    };
    let cost =
        cost.parse().ok().filter(|cost| (LEAST_COST..=MOST_COST).contains(cost)).ok_or_else(unknown)?;
    Ok((cost, hex::decode(salt).map_err(|_| unknown())?))
}

pub(crate) fn not_written(error: io::Error) -> Error {
    Error::conflict("archive-not-written", format!("The archive cannot be written: {error}."))
        .at("FILE")
        .next("What was written is of no use. Make room, and export again.")
}

pub(crate) fn damaged(why: &str) -> Error {
    Error::malformed("archive-damaged", format!("This is no whole archive of a tenant: {why}."))
        .at("FILE")
        .next("Nothing was changed. Copy the file again, or export again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase() -> Passphrase {
        Passphrase::new("correct horse battery".into()).unwrap().cheap()
    }

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::begin(Vec::new(), &passphrase(), [7; SALT]).unwrap();
        // In pieces of an odd size.
        for some in content.chunks(10_007) {
            sealing.write_all(some).unwrap();
        }
        sealing.finish().unwrap()
    }

    fn opened(sealed: &[u8]) -> io::Result<Vec<u8>> {
        let mut opening = Opening::begin(sealed, &passphrase()).expect("the passphrase is right");
        let mut content = Vec::new();
        opening.read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn what_was_sealed_comes_back_whatever_its_size() {
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let file = sealed(&content);
            assert_eq!(opened(&file).unwrap(), content, "{size} bytes");
            let pieces = size.div_ceil(PIECE).max(1);
            let lines = file.iter().position(|byte| *byte == b'\n').unwrap() + 1 + 65;
            assert_eq!(file.len(), lines + size + pieces * TAG, "{size} bytes");
        }
    }

    #[test]
    fn what_was_changed_cut_off_or_put_elsewhere_is_noticed() {
        let content = vec![42; 3 * PIECE];
        let file = sealed(&content);
        let begin = file.len() - 3 * (PIECE + TAG);
        let (head, pieces) = file.split_at(begin);
        let pieces: Vec<&[u8]> = pieces.chunks(PIECE + TAG).collect();
        let join = |order: &[usize]| {
            let body = order.iter().map(|at| pieces[*at]).collect::<Vec<_>>().concat();
            [head, &body].concat()
        };
        assert_eq!(opened(&join(&[0, 1, 2])).unwrap(), content);
        for order in [&[0, 1][..], &[0], &[], &[1, 0, 2], &[0, 2], &[0, 1, 1, 2], &[0, 1, 2, 2]] {
            let error = opened(&join(order)).expect_err("it is not the file");
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{order:?}");
        }
        for place in [begin, begin + PIECE, file.len() - 1] {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert_eq!(opened(&changed).unwrap_err().kind(), ErrorKind::InvalidData, "{place}");
        }
        assert!(opened(&file[..file.len() - 1]).is_err());
    }

    #[test]
    fn the_passphrase_is_told_from_the_damage() {
        let file = sealed(b"content");
        let wrong = Passphrase::new("correct horse batterY".into()).unwrap();
        let code = |file: &[u8], passphrase: &Passphrase| match Opening::begin(file, passphrase) {
            Ok(_) => "opened".to_owned(),
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(code(&file, &passphrase()), "opened");
        assert_eq!(code(&file, &wrong), "archive-passphrase-wrong");
        assert_eq!(code(b"", &passphrase()), "archive-damaged");
        assert_eq!(code(&[0xff; 1_000], &passphrase()), "archive-damaged");
        let text = |from: &str, to: &str| {
            let place = file.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
            [&file[..place], to.as_bytes(), &file[place + from.len()..]].concat()
        };
        assert_eq!(code(&text("archive-1 ", "archive-2 "), &passphrase()), "archive-form");
        assert_eq!(code(&text(" 4 ", " 31 "), &passphrase()), "archive-damaged", "no bomb");
        assert_eq!(code(&text(" 4 ", " 5 "), &passphrase()), "archive-passphrase-wrong");
        assert_eq!(code(&file[..60], &passphrase()), "archive-damaged");
    }

    #[test]
    fn without_a_word_a_passphrase_is_dear_to_try() {
        let dear = Passphrase::new("correct horse battery".into()).unwrap();
        let file = Sealing::begin(Vec::new(), &dear, [7; SALT]).unwrap().finish().unwrap();
        assert!(file.starts_with(b"pomarium-archive-1 scrypt 17 0707"));
        assert_eq!(opened(&file).unwrap(), b"", "the file says what it cost, not the passphrase");
    }

    #[test]
    fn a_short_passphrase_is_refused_and_none_is_shown() {
        let refused = Passphrase::new("fifteen letters".into()).unwrap_err();
        assert_eq!(refused.code(), "archive-passphrase");
        assert!(refused.to_string().contains("16 characters"), "{refused}");
        assert_eq!(format!("{:?}", passphrase()), "***");
    }

    #[test]
    fn no_two_pieces_share_a_nonce() {
        assert_eq!(nonce(1, false), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(nonce(1 << 56, true), [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
