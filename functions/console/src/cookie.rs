//! The cookies: who is signed in, which browser asked for a code, and which one went to an organization's provider.

use axum::http::{HeaderMap, HeaderValue, header};
use shared::error::{Error, Result};
use shared::secret::Secret;
use shared::state::State;

/// Holds the secret of a session.
pub(crate) const SESSION: &str = "session";
/// Holds the secret of a browser that asked for a code.
pub(crate) const ASKED: &str = "asked";

/// Holds the secret of a browser that went to an organization's provider. It comes back by a link from there, which only
/// cookies that are `SameSite=Lax` survive.
pub(crate) const AWAY: &str = "away";

/// The name in the browser. With TLS it carries the prefix by which browsers refuse one that another host, or a page
/// without TLS, tries to set (<https://datatracker.ietf.org/doc/draft-ietf-httpbis-rfc6265bis/>, section 4.1.3).
fn full_name(state: &State, name: &str) -> String {
    if state.config.base_url.starts_with("https://") { format!("__Host-{name}") } else { name.to_owned() }
}

/// What the browser sent.
pub(crate) fn read(state: &State, headers: &HeaderMap, name: &str) -> Option<Secret<String>> {
    let wanted = full_name(state, name);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| Secret::new(value.to_owned()))
}

/// Gives the browser a cookie that no script reads and no other site's form brings along. It ends with the browser;
/// the server ends what it stands for.
pub(crate) fn set(state: &State, headers: &mut HeaderMap, name: &str, value: &Secret<String>) -> Result<()> {
    write(state, headers, name, value.expose(), "")
}

/// Takes a cookie back.
pub(crate) fn clear(state: &State, headers: &mut HeaderMap, name: &str) -> Result<()> {
    write(state, headers, name, "", "; Max-Age=0")
}

fn write(state: &State, headers: &mut HeaderMap, name: &str, value: &str, more: &str) -> Result<()> {
    let secure = if state.config.base_url.starts_with("https://") { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}", full_name(state, name));
    let mut value = HeaderValue::try_from(text).map_err(Error::internal)?;
    value.set_sensitive(true);
    headers.append(header::SET_COOKIE, value);
    Ok(())
}
