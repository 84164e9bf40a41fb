//! An organization's own way to sign in: its OpenID provider (<https://openid.net/specs/openid-connect-core-1_0.html>).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::sha::sha256;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, Kind, Result};
use crate::id::KeyId;
use crate::pki::jws::KeySet;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest client identifier and the longest secret, in characters.
const LONGEST_TEXT: usize = 1_000;

/// The provider by which a tenant's members sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenidProvider {
    /// Its name for itself, which it writes into all that it says.
    pub issuer: String,
    /// Its name for this server.
    pub client_id: String,
    /// Names the secret by which this server proves itself to it, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<KeyId>,
    /// Whether mailed codes no longer open the tenant.
    pub required: bool,
    /// Since when it is so.
    pub changed_at: Timestamp,
    /// Names this form of the setting: each change gives it another one.
    pub revision: KeyId,
}

impl OpenidProvider {
    /// How people are told of it: the issuer's host.
    pub fn name(&self) -> String {
        host_of(&self.issuer)
    }
}

/// The host of an issuer, for people.
pub fn host_of(issuer: &str) -> String {
    let host = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| issuer.to_owned())
}

/// Where a provider describes itself (<https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>).
///
/// # Errors
/// Malformed (`openid-issuer`) when the issuer has a query: then there is no such place.
pub fn description_url(issuer: &str) -> Result<String> {
    if issuer.contains(['?', '#']) {
        return Err(wrong_issuer("An issuer has neither a query nor a fragment."));
    }
    Ok(format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
}

/// What a provider says of itself, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Where people's browsers go.
    pub authorization_endpoint: String,
    /// Where codes become tokens.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where more is to be had of who signed in.
    pub userinfo_endpoint: Option<String>,
    /// How this server proves itself, if it has a secret.
    pub client_authentication: ClientAuthentication,
    /// Whether its answers name the issuer (<https://www.rfc-editor.org/rfc/rfc9207>).
    pub names_itself: bool,
}

/// A provider as it was when it was last looked at.
#[derive(Clone, Debug)]
pub struct KnownProvider {
    /// What it says of itself.
    pub description: Description,
    /// What it signs with.
    pub keys: KeySet,
    /// When that was.
    pub read_at: Timestamp,
}

/// How a secret is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// In a header.
    Basic,
    /// Among the form's fields.
    Post,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    userinfo_endpoint: Option<String>,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Description {
    /// Reads what the provider says of itself, and checks that it is the one that was asked for and can do what is needed.
    ///
    /// # Errors
    /// Malformed: `openid-issuer` for another issuer, else `openid-provider`; it says what is missing.
    pub fn read(document: &[u8], issuer: &str) -> Result<Self> {
        let document: Document = serde_json::from_slice(document).map_err(|cause| {
            wrong_issuer(
                "What stands at /.well-known/openid-configuration below it describes no OpenID provider.",
            )
            .because(cause)
        })?;
        if document.issuer != issuer {
            return Err(wrong_issuer(format!(
                "The provider calls itself {:?}, not {issuer:?}.",
                document.issuer
            ))
            .next("Type the issuer exactly as the provider writes it, with or without a slash at the end."));
        }
        let offers = |list: &Option<Vec<String>>, wanted: &[&str]| {
            list.as_ref().is_none_or(|list| list.iter().any(|each| wanted.contains(&each.as_str())))
        };
        if !offers(&document.response_types_supported, &["code"]) {
            return Err(unfit("The provider does not offer the authorization code flow."));
        }
        if !offers(&document.code_challenge_methods_supported, &["S256"]) {
            return Err(unfit("The provider does not offer PKCE with S256."));
        }
        if !offers(&document.id_token_signing_alg_values_supported, &["RS256", "ES256"]) {
            return Err(unfit("The provider signs neither with RS256 nor with ES256."));
        }
        let needed = |endpoint: Option<String>, name: &str| {
            endpoint.ok_or_else(|| unfit(format!("The provider names no {name}.")))
        };
        // Without a list it is Basic: OpenID Connect Discovery, section 3.
        let basic = offers(&document.token_endpoint_auth_methods_supported, &["client_secret_basic"]);
        Ok(Self {
            authorization_endpoint: needed(document.authorization_endpoint, "authorization_endpoint")?,
            token_endpoint: needed(document.token_endpoint, "token_endpoint")?,
            jwks_uri: needed(document.jwks_uri, "jwks_uri")?,
            userinfo_endpoint: document.userinfo_endpoint,
            client_authentication: if basic {
                ClientAuthentication::Basic
            } else {
                ClientAuthentication::Post
            },
            names_itself: document.authorization_response_iss_parameter_supported,
        })
    }
}

/// The refusal of an issuer.
pub fn wrong_issuer(message: impl Into<String>) -> Error {
    Error::malformed("openid-issuer", message)
        .at("issuer")
        .next("Copy the issuer from the provider's pages; it begins with https://.")
}

/// The refusal of a provider that cannot do what is needed.
pub fn unfit(message: impl Into<String>) -> Error {
    Error::malformed("openid-provider", message)
        .at("issuer")
        .next("Change that at the provider, or take another one.")
}

/// Checks a client identifier or a secret: not empty, not too long, on one line.
///
/// # Errors
/// Malformed (`openid-client`), naming the field.
pub fn check_text(field: &'static str, text: &str) -> Result<()> {
    let length = text.chars().count();
    if (1..=LONGEST_TEXT).contains(&length) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::malformed("openid-client", format!("It has 1 to {LONGEST_TEXT} characters, on one line."))
        .at(field)
        .next("Copy it from the provider's pages, where this server is registered."))
}

/// For how many seconds somebody who began to sign in may take.
pub const ATTEMPT_LIFE: i64 = 600;

/// Somebody is on the way to the provider and back, kept by the hash of what the provider is to send along (`state`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenidAttempt {
    /// The hash of the browser's own secret: nobody else can end what it began.
    pub browser: String,
    /// The setting by which it began: one that was changed meanwhile does not end it.
    pub revision: KeyId,
    /// What the provider is to repeat in what it signs.
    pub nonce: String,
    /// What proves to the provider that who brings the code is who asked (<https://www.rfc-editor.org/rfc/rfc7636>).
    pub verifier: String,
    /// The page to go to.
    pub next: String,
    /// Until when, in unix seconds.
    pub expires_at: i64,
}

/// Where a browser is sent.
pub fn authorization_url(
    description: &Description,
    provider: &OpenidProvider,
    redirect_uri: &str,
    state: &Secret<String>,
    attempt: &OpenidAttempt,
) -> Result<String> {
    let mut url = Url::parse(&description.authorization_endpoint).map_err(Error::internal)?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", "openid email")
        .append_pair("state", state.expose())
        .append_pair("nonce", &attempt.nonce)
        .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(sha256(attempt.verifier.as_bytes())))
        .append_pair("code_challenge_method", "S256");
    Ok(url.into())
}

/// What a provider says instead of letting somebody in, in words of this server: what stands in an address, anybody can
/// have written.
pub fn refusal(provider: &OpenidProvider, code: &str) -> Error {
    let name = provider.name();
    match code {
        "access_denied" => {
            Error::forbidden("openid-denied", format!("{name} did not let you in, or you cancelled."))
                .next("Try again, or ask your organization whether you may use it.")
        }
        "temporarily_unavailable" | "server_error" => unreachable(provider),
        _ => Error::forbidden("openid-denied", format!("{name} refused the request of this server."))
            .next("Tell an administrator of your organization: its log, and this server's, say why."),
    }
}

/// The provider does not answer, or not as it should.
pub fn unreachable(provider: &OpenidProvider) -> Error {
    let message = format!("{} does not answer as it should.", provider.name());
    Error::new(Kind::Unavailable, "openid-unavailable", message)
        .next("Try again in a minute. If it stays so, tell an administrator of your organization.")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::time::from_unix;

    const ISSUER: &str = "https://login.example.com/realms/school";

    fn provider() -> OpenidProvider {
        OpenidProvider {
            issuer: ISSUER.into(),
            client_id: "pomarium & co".into(),
            secret: None,
            required: false,
            changed_at: from_unix(0),
            revision: KeyId::from([1; 10]),
        }
    }

    fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://login.example.com/auth?kc=1",
            "token_endpoint": "https://login.example.com/token",
            "jwks_uri": "https://login.example.com/keys",
        })
    }

    fn read(document: &Value) -> Result<Description> {
        Description::read(document.to_string().as_bytes(), ISSUER)
    }

    #[test]
    fn a_provider_that_is_silent_about_the_rest_will_do() {
        let short = read(&document()).unwrap();
        assert_eq!((short.client_authentication, short.names_itself), (ClientAuthentication::Basic, false));
        let mut long = document();
        long["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt", "client_secret_post"]);
        long["code_challenge_methods_supported"] = json!(["plain", "S256"]);
        long["id_token_signing_alg_values_supported"] = json!(["PS256", "ES256"]);
        long["response_types_supported"] = json!(["code", "code id_token"]);
        long["authorization_response_iss_parameter_supported"] = json!(true);
        let long = read(&long).unwrap();
        assert_eq!((long.client_authentication, long.names_itself), (ClientAuthentication::Post, true));
    }

    #[test]
    fn an_unfit_provider_is_told_from_a_wrong_issuer() {
        for (name, value, code, words) in [
            ("issuer", json!("https://login.example.com/realms/school/"), "openid-issuer", "calls itself"),
            ("issuer", json!(7), "openid-issuer", "describes no OpenID provider"),
            ("response_types_supported", json!(["id_token"]), "openid-provider", "code flow"),
            ("code_challenge_methods_supported", json!(["plain"]), "openid-provider", "PKCE"),
            ("id_token_signing_alg_values_supported", json!(["HS256"]), "openid-provider", "RS256"),
            ("authorization_endpoint", Value::Null, "openid-provider", "names no authorization_endpoint"),
            ("token_endpoint", Value::Null, "openid-provider", "names no token_endpoint"),
            ("jwks_uri", Value::Null, "openid-provider", "names no jwks_uri"),
        ] {
            let mut document = document();
            document[name] = value;
            let error = read(&document).unwrap_err();
            assert_eq!((error.code(), error.field()), (code, Some("issuer")), "{name}");
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(Description::read(b"<html>", ISSUER).unwrap_err().to_string().contains("no OpenID provider"));
    }

    #[test]
    fn the_description_stands_below_the_issuer() {
        let place = "https://login.example.com/a/.well-known/openid-configuration";
        for issuer in ["https://login.example.com/a", "https://login.example.com/a/"] {
            assert_eq!(description_url(issuer).unwrap(), place);
        }
        let error = description_url("https://login.example.com/?a=b").unwrap_err();
        assert!(error.to_string().contains("neither a query"), "{error}");
        assert_eq!(
            (provider().name().as_str(), host_of("nonsense")),
            ("login.example.com", "nonsense".into())
        );
    }

    #[test]
    fn a_browser_takes_the_challenge_along_and_not_the_verifier() {
        // The verifier and the challenge of RFC 7636, appendix B.
        let attempt = OpenidAttempt {
            browser: "b".into(),
            revision: KeyId::from([1; 10]),
            nonce: "n".into(),
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
            next: "/console".into(),
            expires_at: 0,
        };
        let description = read(&document()).unwrap();
        let back = "https://mdm.example/console/t/sign-in/openid";
        let url =
            authorization_url(&description, &provider(), back, &Secret::new("s".into()), &attempt).unwrap();
        assert_eq!(
            url,
            "https://login.example.com/auth?kc=1&response_type=code&client_id=pomarium+%26+co\
             &redirect_uri=https%3A%2F%2Fmdm.example%2Fconsole%2Ft%2Fsign-in%2Fopenid&scope=openid+email&state=s&nonce=n\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        );
    }

    #[test]
    fn what_the_provider_refuses_is_said_in_own_words() {
        for (code, expected, words) in [
            ("access_denied", "openid-denied", "you cancelled"),
            ("server_error", "openid-unavailable", "does not answer as it should"),
            ("<b>call 0900", "openid-denied", "refused the request of this server"),
        ] {
            let error = refusal(&provider(), code);
            assert_eq!(error.code(), expected);
            assert!(error.to_string().contains(words) && !error.to_string().contains("0900"), "{error}");
        }
    }

    #[test]
    fn texts_are_on_one_line() {
        assert!(check_text("client_id", "0oa1x.apps.example").is_ok());
        for bad in ["", "a\nb", &"x".repeat(1_001)] {
            let error = check_text("client_secret", bad).unwrap_err();
            assert_eq!((error.code(), error.field()), ("openid-client", Some("client_secret")));
            assert_eq!(error.to_string(), "It has 1 to 1000 characters, on one line.");
        }
    }
}
