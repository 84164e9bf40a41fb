//! What can be wrong with the address that devices are given.

/// A reason for which devices would not talk to this server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressTrouble {
    /// It is not `https://` and a host name.
    NotHttps,
    /// No TLS connection came about, for this reason.
    Unreachable(String),
    /// The certificate there is for other names.
    WrongName,
    /// The certificate there has expired.
    Expired,
    /// The certificate there is not valid yet.
    NotYetValid,
    /// The certificate there signed itself.
    SelfSigned,
    /// Nobody whom devices trust vouches for the certificate there, or an intermediate certificate is not sent.
    Untrusted,
}

impl AddressTrouble {
    /// The trouble, and what to do about it, in words.
    pub fn meaning(&self, address: &str) -> String {
        match self {
            Self::NotHttps => {
                format!(
                    "{address} is not https:// and a host name. Devices enroll over https only: set BaseUrl anew."
                )
            }
            Self::Unreachable(reason) => format!(
                "{address} cannot be reached from here ({reason}). Check the DNS record and the domain of the API."
            ),
            Self::WrongName => format!(
                "The certificate that answers at {address} is for another name. Get one that includes this host name."
            ),
            Self::Expired => format!("The certificate that answers at {address} has expired. Renew it."),
            Self::NotYetValid => {
                format!("The certificate that answers at {address} is not valid yet. Check its dates.")
            }
            Self::SelfSigned => format!(
                "The certificate that answers at {address} signed itself. Devices trust only what a public authority \
                 issued."
            ),
            Self::Untrusted => format!(
                "No authority that devices trust vouches for the certificate that answers at {address}, or its \
                 intermediate certificates are not sent along. Install the whole chain of a public authority."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_is_told_with_the_address() {
        let unreachable = AddressTrouble::Unreachable("no answer in time".into());
        for (trouble, words) in [
            (AddressTrouble::NotHttps, "over https only"),
            (unreachable, "(no answer in time)"),
            (AddressTrouble::WrongName, "another name"),
            (AddressTrouble::Expired, "expired"),
            (AddressTrouble::NotYetValid, "not valid yet"),
            (AddressTrouble::SelfSigned, "signed itself"),
            (AddressTrouble::Untrusted, "whole chain"),
        ] {
            let meaning = trouble.meaning("https://mdm.school.example");
            assert!(meaning.contains(words) && meaning.contains("https://mdm.school.example"), "{meaning}");
        }
    }
}
