//! TLS as a browser speaks it. OpenSSL is compiled in and knows no roots of the system: Mozilla's come along.

use openssl::error::ErrorStack;
use openssl::ssl::{Error as SslError, SslConnector, SslMethod, SslRef, SslVersion};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509VerifyResult};

use crate::error::Error;

/// A connector that trusts `roots`, or Mozilla's.
pub(super) fn connector(roots: Option<&[X509]>) -> Result<SslConnector, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    match roots {
        Some(roots) => roots.iter().try_for_each(|root| store.add_cert(root.clone()))?,
        None => {
            for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
                store.add_cert(X509::from_der(der)?)?;
            }
        }
    }
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_cert_store(store.build());
    connector.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    connector.set_alpn_protos(b"\x08http/1.1")?;
    Ok(connector.build())
}

/// Why there is no session: what is wrong with the server's certificate, where it is that.
pub(super) fn refused(session: &SslRef, error: SslError) -> Error {
    match session.verify_result() {
        X509VerifyResult::OK => Error::unavailable(error),
        wrong => Error::unavailable(format!("the server's certificate: {}", wrong.error_string())),
    }
}
