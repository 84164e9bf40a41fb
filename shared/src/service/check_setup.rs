//! Whether devices can reach and trust this server under the address that is written into them.

use openssl::x509::X509;

use crate::config::https_host;
use crate::domain::server_address::AddressTrouble;
use crate::error::{Error, Result};
use crate::port::own_address::examine;
use crate::state::State;

/// Where Amazon Linux and Debian keep the public authorities.
const PUBLIC_ROOTS: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];

/// What is wrong with the server's own address, in words; nothing when all is well.
///
/// # Errors
/// Internal when this machine has no list of public authorities to judge by.
pub async fn check_setup(state: &State) -> Result<Vec<String>> {
    let address = &state.config.base_url;
    let Some(host) = https_host(address) else {
        return Ok(vec![AddressTrouble::NotHttps.meaning(address)]);
    };
    let troubles = examine(host, None, &public_roots()?, state.clock.now()).await;
    Ok(troubles.iter().map(|trouble| trouble.meaning(address)).collect())
}

fn public_roots() -> Result<Vec<X509>> {
    let file = PUBLIC_ROOTS.iter().find_map(|path| std::fs::read(path).ok());
    let pem = file.ok_or_else(|| Error::internal("no file of public authorities was found"))?;
    X509::stack_from_pem(&pem).map_err(Error::internal)
}
