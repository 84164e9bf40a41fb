//! What this server and a tenant's OpenID provider say to each other without a browser in between.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, header};
use serde::Deserialize;
use url::form_urlencoded::{self, Serializer};

use crate::domain::id_token::refused;
use crate::domain::openid::{
    ClientAuthentication, Description, KnownProvider, OpenidProvider, description_url, host_of, unfit,
    unreachable, wrong_issuer,
};
use crate::error::{Error, Kind, Result};
use crate::pki::jws::{KeySet, Unverified};
use crate::port::outbound::Answer;
use crate::secret::Secret;
use crate::state::State;

/// How much of an answer is read, in bytes: keys may come with long chains of certificates.
const ANSWER: usize = 256 * 1_024;
/// A provider whose keys were read this many seconds ago is not asked again, whatever a token says.
const KEYS_REST: i64 = 60;

/// What a provider gives for a code.
#[derive(Deserialize)]
pub(super) struct Tokens {
    /// Who signed in.
    pub(super) id_token: Option<String>,
    /// The right to ask for more.
    pub(super) access_token: Option<String>,
}

/// What is asked of a provider's token endpoint.
pub(super) struct Exchange<'a> {
    /// The provider.
    pub(super) provider: &'a OpenidProvider,
    /// What it says of itself.
    pub(super) description: &'a Description,
    /// The secret by which this server proves itself, if there is one.
    pub(super) secret: Option<&'a Secret<String>>,
    /// Where the browser came back to.
    pub(super) redirect_uri: &'a str,
    /// What the browser brought.
    pub(super) code: &'a str,
    /// What proves that this server asked.
    pub(super) verifier: &'a str,
}

/// A provider's description and keys, which may be an hour old.
///
/// # Errors
/// Malformed, naming the field, in the words of who sets it up.
pub(super) async fn known(state: &State, issuer: &str) -> Result<Arc<KnownProvider>> {
    state.openid_providers.get_or_load(&issuer.to_owned(), look(state, issuer)).await
}

/// The same, looked up now.
///
/// # Errors
/// As [`known`].
pub(super) async fn known_now(state: &State, issuer: &str) -> Result<Arc<KnownProvider>> {
    state.openid_providers.forget(&issuer.to_owned());
    known(state, issuer).await
}

async fn look(state: &State, issuer: &str) -> Result<Arc<KnownProvider>> {
    state.outbound.url(issuer).map_err(|error| error.at("issuer"))?;
    let answer = fetch(state, &description_url(issuer)?, None).await.map_err(|cause| {
        let message = format!("{} cannot be asked for its description.", host_of(issuer));
        wrong_issuer(message)
            .next("See that the issuer is right, and that the whole internet reaches it by https.")
            .because(cause)
    })?;
    if !answer.status.is_success() {
        let message = format!(
            "{} answers with status {} where its description should be.",
            host_of(issuer),
            answer.status.as_u16()
        );
        return Err(wrong_issuer(message));
    }
    let description = Description::read(&answer.body, issuer)?;
    let endpoints = [&description.authorization_endpoint, &description.token_endpoint, &description.jwks_uri];
    for endpoint in endpoints.into_iter().chain(&description.userinfo_endpoint) {
        state.outbound.url(endpoint).map_err(|cause| {
            unfit(format!("The provider names an address that cannot be used: {endpoint:?}.")).because(cause)
        })?;
    }
    let answer = fetch(state, &description.jwks_uri, None)
        .await
        .map_err(|cause| unfit("The provider's keys cannot be had.").because(cause))?;
    let keys = KeySet::read(&answer.body)
        .ok_or_else(|| unfit("The provider publishes no key for RS256 or ES256 that can be read."))?;
    Ok(Arc::new(KnownProvider { description, keys, read_at: state.clock.now() }))
}

async fn fetch(state: &State, url: &str, bearer: Option<&Secret<String>>) -> Result<Answer> {
    let mut request =
        Request::get(url).header(header::ACCEPT, "application/json").header(header::USER_AGENT, "Pomarium");
    if let Some(token) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    }
    state.outbound.send(request.body(Bytes::new()).map_err(Error::internal)?, ANSWER).await
}

/// What a token says, once the provider's key is found to have signed it. A key that nobody knows yet is looked for.
///
/// # Errors
/// Unauthenticated (`openid-token`); Unavailable when the provider does not give its keys.
pub(super) async fn verify(state: &State, provider: &OpenidProvider, token: &str) -> Result<Vec<u8>> {
    let issuer = &provider.issuer;
    let unreachable = |cause: Error| unreachable(provider).because(cause);
    let known = known(state, issuer).await.map_err(unreachable)?;
    let mut verified = known.keys.verify(token);
    let age = state.clock.now().as_second() - known.read_at.as_second();
    if verified == Err(Unverified::UnknownKey) && !(0..KEYS_REST).contains(&age) {
        verified = known_now(state, issuer).await.map_err(unreachable)?.keys.verify(token);
    }
    verified.map_err(|why| {
        refused(match why {
            Unverified::NoToken => "cannot be read",
            Unverified::Algorithm => "is signed neither with RS256 nor with ES256",
            Unverified::UnknownKey => "is signed with a key that the provider does not publish",
            Unverified::Signature => "is not signed by the provider",
        })
    })
}

/// Gives a code for tokens.
///
/// # Errors
/// Forbidden (`openid-client-refused`) when the provider does not accept this server; Unauthenticated (`openid-code`) when it does
/// not accept the code; Unavailable.
pub(super) async fn exchange(state: &State, exchange: &Exchange<'_>) -> Result<Tokens> {
    let provider = exchange.provider;
    let answer = ask(state, exchange).await.map_err(|cause| unreachable(provider).because(cause))?;
    if answer.status.is_success() {
        return serde_json::from_slice(&answer.body).map_err(|cause| unreachable(provider).because(cause));
    }
    let said = Said::read(&answer);
    tracing::warn!(issuer = provider.issuer, status = answer.status.as_u16(), said = ?said, "a provider gave no token");
    Err(match said.error.as_str() {
        "invalid_client" | "unauthorized_client" => Error::forbidden(
            "openid-client-refused",
            format!(
                "{} does not accept this server: its client secret is wrong or has ended.",
                provider.name()
            ),
        )
        .next("Tell an administrator of your organization: a new secret goes into Settings, Sign-in."),
        "invalid_grant" => Error::unauthenticated(
            "openid-code",
            format!("{} does not stand by this sign-in any more.", provider.name()),
        )
        .next("Sign in again."),
        _ => unreachable(provider),
    })
}

/// Whether the provider accepts this server: it is shown a code that it never gave, and must refuse that and nothing else.
///
/// # Errors
/// Malformed, naming the field.
pub(super) async fn try_client(state: &State, exchange: &Exchange<'_>) -> Result<()> {
    let answer = ask(state, exchange).await.map_err(|cause| match cause.kind() {
        Kind::Internal => cause,
        Kind::Malformed
        | Kind::TooLarge
        | Kind::WrongMethod
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::RateLimited { .. }
        | Kind::Unavailable => unfit("The provider's token endpoint cannot be reached.").because(cause),
    })?;
    let said = Said::read(&answer);
    let wrong = |field: &'static str, message: &str| {
        Err(Error::malformed("openid-client", message)
            .at(field)
            .next("Copy both from the provider's pages, where this server is registered.")
            .because(format!("{said:?}")))
    };
    match (said.error.as_str(), exchange.secret.is_some()) {
        ("invalid_client", true) => {
            wrong("client_secret", "The provider does not accept this client with this secret.")
        }
        ("invalid_client", false) => wrong(
            "client_secret",
            "The provider does not know this client, or does not accept it without a secret.",
        ),
        ("unauthorized_client", _) => {
            wrong("client_id", "The provider does not let this client use the authorization code flow.")
        }
        _ => Ok(()),
    }
}

/// What the provider knows of somebody, as JSON.
///
/// # Errors
/// Unavailable.
pub(super) async fn information(
    state: &State,
    provider: &OpenidProvider,
    endpoint: &str,
    token: &Secret<String>,
) -> Result<Bytes> {
    let answer =
        fetch(state, endpoint, Some(token)).await.map_err(|cause| unreachable(provider).because(cause))?;
    if answer.status.is_success() {
        Ok(answer.body)
    } else {
        Err(unreachable(provider).because(format!("userinfo: status {}", answer.status)))
    }
}

async fn ask(state: &State, exchange: &Exchange<'_>) -> Result<Answer> {
    state.outbound.send(token_request(exchange)?, ANSWER).await
}

fn token_request(exchange: &Exchange<'_>) -> Result<Request<Bytes>> {
    let Exchange { provider, description, secret, redirect_uri, code, verifier } = *exchange;
    let mut request = Request::post(&description.token_endpoint)
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, "Pomarium");
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_verifier", verifier);
    match (secret, description.client_authentication) {
        (None, _) => {
            form.append_pair("client_id", &provider.client_id);
        }
        (Some(secret), ClientAuthentication::Post) => {
            form.append_pair("client_id", &provider.client_id).append_pair("client_secret", secret.expose());
        }
        (Some(secret), ClientAuthentication::Basic) => {
            // Both are encoded like a form's fields before: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1>.
            let part =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<Vec<_>>().concat();
            let both = format!("{}:{}", part(&provider.client_id), part(secret.expose()));
            let mut value = http::HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both)))
                .map_err(Error::internal)?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
    }
    request.body(Bytes::from(form.finish())).map_err(Error::internal)
}

/// What a provider says instead of giving tokens.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    error: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for the log")]
    error_description: Option<String>,
}

impl Said {
    fn read(answer: &Answer) -> Self {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}
