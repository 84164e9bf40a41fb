//! A look at this server from outside: the TLS connection that a device would open.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use crate::domain::server_address::AddressTrouble;
use crate::time::Timestamp;

/// How long connection and handshake may take together.
const PATIENCE: Duration = Duration::from_secs(5);
const HTTPS: u16 = 443;

/// OpenSSL's numbers of what verification finds.
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
const SELF_SIGNED: i32 = 18;
const WRONG_HOST: i32 = 62;
const WRONG_ADDRESS: i32 = 64;

/// All that is wrong with the certificate that answers at `host`, judged by `roots` at `now`. `address` stands in for
/// what DNS says.
pub async fn examine(
    host: &str,
    address: Option<SocketAddr>,
    roots: &[X509],
    now: Timestamp,
) -> BTreeSet<AddressTrouble> {
    let found = Arc::new(Mutex::new(BTreeSet::new()));
    let looked = timeout(PATIENCE, handshake(host, address, roots, now, &found)).await;
    let reason = match looked {
        Ok(Ok(())) => None,
        Ok(Err(reason)) => Some(reason),
        Err(_) => Some("no answer in time".to_owned()),
    };
    let codes = found.lock().unwrap_or_else(PoisonError::into_inner);
    let mut troubles: BTreeSet<AddressTrouble> = codes.iter().copied().map(trouble).collect();
    // A chain that begins nowhere is reported along with each of these, and says nothing new.
    if troubles.contains(&AddressTrouble::SelfSigned) {
        troubles.remove(&AddressTrouble::Untrusted);
    }
    troubles.extend(reason.map(AddressTrouble::Unreachable));
    troubles
}

async fn handshake(
    host: &str,
    address: Option<SocketAddr>,
    roots: &[X509],
    now: Timestamp,
    found: &Arc<Mutex<BTreeSet<i32>>>,
) -> Result<(), String> {
    let session = session(host, roots, now, Arc::clone(found)).map_err(|error| error.to_string())?;
    let connected = match address {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect((host, HTTPS)).await,
    };
    let socket = connected.map_err(|error| error.to_string())?;
    let mut stream = SslStream::new(session, socket).map_err(|error| error.to_string())?;
    Pin::new(&mut stream).connect().await.map_err(|error| error.to_string())
}

/// A session that goes on whatever is wrong with the certificate, and collects it.
fn session(
    host: &str,
    roots: &[X509],
    now: Timestamp,
    found: Arc<Mutex<BTreeSet<i32>>>,
) -> Result<Ssl, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    for root in roots {
        store.add_cert(root.clone())?;
    }
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_cert_store(store.build());
    connector.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    connector.set_verify_callback(SslVerifyMode::PEER, move |fine, context| {
        if !fine {
            found.lock().unwrap_or_else(PoisonError::into_inner).insert(context.error().as_raw());
        }
        true
    });
    let mut session = connector.build().configure()?.into_ssl(host)?;
    session.param_mut().set_time(now.as_second());
    Ok(session)
}

fn trouble(code: i32) -> AddressTrouble {
    match code {
        NOT_YET_VALID => AddressTrouble::NotYetValid,
        EXPIRED => AddressTrouble::Expired,
        SELF_SIGNED => AddressTrouble::SelfSigned,
        WRONG_HOST | WRONG_ADDRESS => AddressTrouble::WrongName,
        _ => AddressTrouble::Untrusted,
    }
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::ssl::SslAcceptor;
    use openssl::x509::X509Name;
    use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
    use tokio::net::TcpListener;

    use super::*;
    use crate::time::from_unix;

    const HOST: &str = "mdm.school.example";

    /// A certificate for `host`, valid from second 1,000 to 2,000, by `issuer` or by itself.
    fn certificate(host: &str, key: &PKey<Private>, issuer: Option<(&X509, &PKey<Private>)>) -> X509 {
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", host).unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(issuer.map_or(&name, |(issuer, _)| issuer.subject_name())).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(1_000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(2_000).unwrap()).unwrap();
        let mut constraints = BasicConstraints::new();
        let constraints =
            if host == "Root" { constraints.critical().ca().build() } else { constraints.build() };
        builder.append_extension(constraints.unwrap()).unwrap();
        let context = builder.x509v3_context(None, None);
        let names = SubjectAlternativeName::new().dns(host).build(&context).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(issuer.map_or(key, |(_, key)| key), MessageDigest::sha256()).unwrap();
        builder.build()
    }

    /// A server that shows this certificate to everyone.
    async fn serve(certificate: &X509, key: &PKey<Private>) -> SocketAddr {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(certificate).unwrap();
        acceptor.set_private_key(key).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let mut stream = SslStream::new(Ssl::new(acceptor.context()).unwrap(), socket).unwrap();
                // How it ends is for the client to say.
                let _ = Pin::new(&mut stream).accept().await;
            }
        });
        address
    }

    #[tokio::test]
    async fn every_trouble_of_a_certificate_is_found() {
        let (root_key, key) = (crate::pki::key::generate().unwrap(), crate::pki::key::generate().unwrap());
        let root = certificate("Root", &root_key, None);
        let good = certificate(HOST, &key, Some((&root, &root_key)));
        let foreign = certificate("www.school.example", &key, Some((&root, &root_key)));
        let own = certificate(HOST, &key, None);
        let trusted = std::slice::from_ref(&root);
        for (shown, roots, second, expected) in [
            (&good, trusted, 1_500, vec![]),
            (&foreign, trusted, 1_500, vec![AddressTrouble::WrongName]),
            (&own, trusted, 1_500, vec![AddressTrouble::SelfSigned]),
            (&good, &[][..], 1_500, vec![AddressTrouble::Untrusted]),
            (&good, trusted, 2_500, vec![AddressTrouble::Expired]),
            (&good, trusted, 500, vec![AddressTrouble::NotYetValid]),
        ] {
            let address = serve(shown, &key).await;
            let found = examine(HOST, Some(address), roots, from_unix(second)).await;
            assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
        }
    }

    #[tokio::test]
    async fn nobody_there_is_said_so() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let found = examine(HOST, Some(address), &[], from_unix(1_500)).await;
        assert!(matches!(found.first(), Some(AddressTrouble::Unreachable(_))), "{found:?}");
    }
}
