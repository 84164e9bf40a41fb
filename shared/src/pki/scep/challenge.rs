//! The challenge password of a certificate request (PKCS#9, 1.2.840.113549.1.9.7).

use openssl::x509::X509ReqRef;

use crate::error::{Error, Result};
use crate::pki::der::{
    self, CONTEXT_0, IA5_STRING, INTEGER, OBJECT_IDENTIFIER, PRINTABLE_STRING, Reader, SEQUENCE, SET,
    TELETEX_STRING, UTF8_STRING,
};
use crate::secret::Secret;

const CHALLENGE_PASSWORD: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x07];

/// The challenge password, if the request has one that is text.
pub(super) fn read(request: &X509ReqRef) -> Result<Option<Secret<String>>> {
    let encoded = request.to_der().map_err(Error::internal)?;
    Ok(find(&encoded).map(Secret::new))
}

fn find(request: &[u8]) -> Option<String> {
    let mut information = Reader::whole(request, SEQUENCE)?.enter(SEQUENCE)?;
    information.take(INTEGER)?;
    information.take(SEQUENCE)?;
    information.take(SEQUENCE)?;
    let mut attributes = information.enter(CONTEXT_0)?;
    while let Some(mut attribute) = attributes.enter(SEQUENCE) {
        if attribute.take(OBJECT_IDENTIFIER)? == CHALLENGE_PASSWORD {
            let value = attribute.enter(SET)?.element()?;
            let is_text = matches!(value.tag, PRINTABLE_STRING | UTF8_STRING | IA5_STRING | TELETEX_STRING);
            return String::from_utf8(value.body.to_vec()).ok().filter(|_| is_text);
        }
    }
    None
}

/// The attributes of a request with this challenge password, tagged as the request wants them.
pub(super) fn attributes(challenge: Option<&Secret<String>>) -> Vec<u8> {
    let attribute = challenge.map(|challenge| {
        let value = der::wrap(UTF8_STRING, &[challenge.expose().as_bytes()]);
        let identifier = der::wrap(OBJECT_IDENTIFIER, &[&CHALLENGE_PASSWORD]);
        der::sequence(&[&identifier, &der::wrap(SET, &[&value])])
    });
    der::wrap(CONTEXT_0, &[&attribute.unwrap_or_default()])
}
