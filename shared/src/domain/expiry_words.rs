//! What is said of each kind of credential that ends: what fails without it, and the steps to a new one.

use crate::domain::credential::{CredentialKind, WatchedCredential};

/// The words about one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What it is called in a sentence.
    pub thing: String,
    /// What fails without it.
    pub consequence: &'static str,
    /// What fails now that it has ended.
    pub ended: &'static str,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// The mistake to avoid.
    pub warning: Option<&'static str>,
}

/// What to say of a credential. `page` is where it is dealt with.
pub fn advice(credential: &WatchedCredential, page: &str) -> Advice {
    let name = &credential.name;
    match credential.kind {
        CredentialKind::PushCertificate => Advice {
            thing: "Apple push certificate".to_owned(),
            consequence: "Without it, no Apple device of yours can be enrolled or managed.",
            ended: "No device can be enrolled or managed until it is renewed",
            steps: vec![
                format!("Make a new request: {page} leads through all steps."),
                "Sign in at https://identity.apple.com/pushcert with the Apple account that made the certificate.".to_owned(),
                format!("Choose Renew, not Create, in the row of the certificate {name} and upload the request."),
                "Download the new certificate, upload it as that page says, check that the answer is Renewal, and activate it.".to_owned(),
            ],
            warning: Some("A new certificate made with Create, or with another Apple account, is a Replacement: every \
                           enrolled device would have to be enrolled again."),
        },
        CredentialKind::VendorCertificate => Advice {
            thing: "MDM vendor certificate".to_owned(),
            consequence: "Without it, no tenant of this server can request or renew its push certificate.",
            ended: "No tenant can request or renew its push certificate until it is replaced",
            steps: vec![
                "Sign in at https://developer.apple.com/account/resources/certificates with the account that has the MDM CSR option.".to_owned(),
                "Make a new certificate of the type MDM CSR and download it.".to_owned(),
                format!("Install it with its key: {page}."),
                "Let it sign, on the same page.".to_owned(),
            ],
            warning: None,
        },
        CredentialKind::IdentityAuthority => Advice {
            thing: format!("identity authority \"{name}\""),
            consequence: "It vouches for your devices' identities. Without it, no device can be enrolled, and none can renew its identity.",
            ended: "No device can be enrolled, and none can renew its identity",
            steps: vec![
                format!("Find the authority of this fingerprint on {page}, and make another one in its place there. New devices use it at once."),
                "Do it soon: the devices you have move over when they renew their identities, and only while they are still managed.".to_owned(),
                "When none is left with it, retire the old one on the same page.".to_owned(),
            ],
            warning: Some("If it belongs to another server that you brought along, trust that server's new authority first."),
        },
        CredentialKind::ProfileSigner => Advice {
            thing: format!("profile signing certificate \"{name}\""),
            consequence: "Without it, devices show the profiles they are given as not verified.",
            ended: "Devices show new profiles as not verified",
            steps: vec![
                format!("Compare the fingerprint below with {page}."),
                "Write to the operator of this server and ask for a new signing certificate.".to_owned(),
            ],
            warning: None,
        },
        CredentialKind::SigningCertificate => Advice {
            thing: format!("profile signing certificate \"{name}\""),
            consequence: "Without it, another certificate signs the profiles, and devices may show them as not verified.",
            ended: "Another certificate signs new profiles, and devices may show them as not verified",
            steps: vec![
                "Order a new certificate where the old one came from.".to_owned(),
                format!("Install it with its key and chain: {page}. New profiles are signed with it at once."),
            ],
            warning: None,
        },
        CredentialKind::ApiToken => Advice {
            thing: format!("API token \"{name}\""),
            consequence: "The program that uses it will be turned away.",
            ended: "The program that uses it is turned away",
            steps: vec![
                "Find the program that uses the token.".to_owned(),
                format!("Make a new token, {page}, and give it to that program."),
                "Delete the old token. If nothing uses it any more, deleting it is all there is to do.".to_owned(),
            ],
            warning: None,
        },
        CredentialKind::ServerCertificate => Advice {
            thing: "TLS certificate".to_owned(),
            consequence: "Without it, no device and no browser can reach this server.",
            ended: "No device and no browser can reach this server",
            steps: vec![
                "Open AWS Certificate Manager, in the region of this installation, and find the certificate of this host name.".to_owned(),
                "If it says that the renewal is pending, put the DNS records that it names in place: it then renews by itself.".to_owned(),
                format!("If something else answers for {page}, renew the certificate there."),
            ],
            warning: None,
        },
    }
}
