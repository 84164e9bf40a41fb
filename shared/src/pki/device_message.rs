//! What a device sends to a profile service: a CMS message around a property list, signed with the certificate that the device
//! got from its maker, or with an identity that it got since.
//!
//! Apple: "Over-the-Air Profile Delivery and Configuration", phases 2 and 3.

use openssl::x509::X509;

use super::cms;
use super::trust::{self, TrustRoots};
use crate::error::{Error, Result};

/// A message whose signature is good.
pub struct DeviceMessage {
    /// The property list.
    pub content: Vec<u8>,
    /// Who signed it.
    pub signer: X509,
}

impl DeviceMessage {
    /// Opens a message. Whom to trust, the caller decides.
    ///
    /// # Errors
    /// `over-the-air-message` when it is not a CMS message with one valid signature around its content.
    pub fn open(message: &[u8]) -> Result<Self> {
        let verified = cms::verify(message, None).map_err(|reason| {
            Error::malformed(
                "over-the-air-message",
                format!("The device's message is not accepted. {reason}"),
            )
        })?;
        Ok(Self { content: verified.content, signer: verified.signer })
    }

    /// Whether one of `makers` issued the signer's certificate, at whatever time: Apple's authority ended in 2014, and devices
    /// sign with its certificates to this day.
    pub fn is_from(&self, makers: &TrustRoots) -> bool {
        trust::chains_to(&self.signer, makers.certificates()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use openssl::nid::Nid;

    use super::super::fixture::{self, Chain, certificate, key, name};
    use super::super::profile_signature;
    use super::*;

    const ATTRIBUTES: &[u8] = b"<plist/>";

    /// A message of a device whose maker's authority has ended, as Apple's has.
    fn signed() -> (Vec<u8>, TrustRoots) {
        let maker = name(&[(Nid::COMMONNAME, "Test Device CA")]);
        let authority = certificate(&maker, key(3), (&maker, key(3)), true, (-7_000, -4_500));
        let device = name(&[(Nid::COMMONNAME, "D-1")]);
        let device = certificate(&device, key(0), (&maker, key(3)), false, (-4_000, -3_000));
        let message = profile_signature::sign(ATTRIBUTES, &fixture::credential(device, 0), &[]).unwrap();
        (message, authority.into())
    }

    #[test]
    fn a_devices_message_is_known_by_its_maker_whatever_the_time() {
        let (message, maker) = signed();
        let message = DeviceMessage::open(&message).unwrap();
        assert_eq!(message.content, ATTRIBUTES);
        assert!(message.is_from(&maker));
        assert!(!message.is_from(&Chain::new().root.into()));
        assert!(!message.is_from(&TrustRoots::apple_devices().unwrap()));
    }

    #[test]
    fn a_changed_or_unsigned_message_is_refused() {
        let (message, _) = signed();
        let changed = fixture::replace(&message, ATTRIBUTES, b"<Plist/>");
        for bytes in [changed, message[..message.len() - 1].to_vec(), ATTRIBUTES.to_vec(), Vec::new()] {
            assert_eq!(DeviceMessage::open(&bytes).err().unwrap().code(), "over-the-air-message");
        }
    }
}
