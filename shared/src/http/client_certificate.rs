//! The certificate that a device has shown in the TLS handshake.

use axum::http::Extensions;
use lambda_http::request::RequestContext;

/// The certificate of the connection, in PEM: the gateway's word. A header that anyone can send is not asked.
pub(super) fn client_certificate(extensions: &Extensions) -> Option<&str> {
    let RequestContext::ApiGatewayV2(context) = extensions.get::<RequestContext>()? else { return None };
    context.authentication.as_ref()?.client_cert.as_ref()?.client_cert_pem.as_deref()
}
