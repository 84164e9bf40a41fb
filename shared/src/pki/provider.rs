//! OpenSSL's providers.

use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::provider::Provider;

use crate::error::{Error, Result};

static LOADED: OnceLock<Result<[Provider; 2], ErrorStack>> = OnceLock::new();

/// Makes the old ciphers work that uploads and SCEP clients still use: RC2-40 in PKCS#12, single DES in SCEP.
///
/// Both providers are loaded and kept: loading any provider by name switches off the implicit loading of `default`.
pub(crate) fn load_legacy() -> Result<()> {
    let load = || Ok([Provider::load(None, "default")?, Provider::load(None, "legacy")?]);
    match LOADED.get_or_init(load) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::internal(error.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_des_works_after_loading_and_so_does_everything_else() {
        load_legacy().unwrap();
        load_legacy().unwrap();
        let des = openssl::symm::Cipher::des_cbc();
        assert!(openssl::symm::encrypt(des, &[1; 8], Some(&[2; 8]), b"text").is_ok());
        assert_eq!(openssl::sha::sha256(b"").len(), 32);
    }
}
