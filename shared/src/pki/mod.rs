//! Certificates, keys and signatures, pure: no clock, no network, no store.
//!
//! Push certificates: [`csr`] makes the request or [`own_request`] reads the customer's, [`key_export`] hands a key out,
//! [`vendor`] and [`push_request`] sign it for Apple's portal,
//! [`push_upload`] reads what the portal answers and [`push_certificate`] judges it.
//! Devices: [`authority`] and [`scep`] issue their identities, [`carried_identity`] packs those that a profile brings, [`device_message`] and [`mdm_signature`] recognise them,
//! [`profile_signature`] signs what they install, with a [`profile_signer`] where an administrator brings one. [`seal`] keeps secrets at rest.
//! People: [`jws`] proves what an organization's identity provider says of them.

pub mod authority;
pub mod carried_identity;
pub mod csr;
pub mod device_message;
pub mod export;
pub mod jws;
pub mod key;
pub mod key_export;
pub mod mdm_signature;
pub mod own_request;
pub mod profile_signature;
pub mod profile_signer;
pub mod push_certificate;
pub mod push_request;
pub mod push_upload;
pub mod scep;
pub mod seal;
pub mod trust;
pub mod trust_bundle;
pub mod vendor;

pub(crate) mod certificate;
mod cms;
mod der;
mod field;
mod key_derivation;
pub(crate) mod pem;
mod provider;
pub(crate) mod validity;

pub use certificate::Credential;

#[cfg(test)]
pub(crate) mod fixture;
