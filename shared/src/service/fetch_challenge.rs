//! The challenge in a profile that sends a device to a SCEP server of the tenant's own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, header};

use super::secret_path;
use crate::domain::external_scep::ChallengeSource;
use crate::error::{Error, Kind, Result};
use crate::id::TenantId;
use crate::port::outbound::Answer;
use crate::protocol::challenge_page::ChallengePage;
use crate::secret::Secret;
use crate::state::State;

/// How much of an answer is read, in bytes: NDES's page has some 3 KB, twice that in UTF-16.
const PAGE: usize = 64 * 1_024;

/// The challenge for the next profile.
///
/// # Errors
/// Unavailable (`external-challenge`) when the tenant's server gives none: it says why. Nothing of ours is used up.
pub(super) async fn challenge(
    state: &State,
    tenant: &TenantId,
    source: &ChallengeSource,
) -> Result<Secret<String>> {
    let kept = state.secrets.required(&secret_path::scep_secret(tenant, source.secret())).await?;
    let secret = Secret::new(String::from_utf8(kept.expose().clone()).map_err(Error::internal)?);
    match source {
        ChallengeSource::Static { .. } => Ok(secret),
        ChallengeSource::Fetched { url, user, .. } => fetch(state, url, user, &secret).await,
    }
}

/// Asks NDES's page for administrators for a challenge.
///
/// # Errors
/// As [`challenge`].
pub(super) async fn fetch(
    state: &State,
    url: &str,
    user: &str,
    password: &Secret<String>,
) -> Result<Secret<String>> {
    let credentials = Secret::new(STANDARD.encode(format!("{user}:{}", password.expose())));
    let request = Request::get(url)
        .header(header::AUTHORIZATION, format!("Basic {}", credentials.expose()))
        .header(header::ACCEPT, "text/html")
        .header(header::USER_AGENT, "Pomarium")
        .body(Bytes::new())
        .map_err(Error::internal)?;
    let answer = match state.outbound.send(request, PAGE).await {
        Ok(answer) => answer,
        Err(error) if error.kind() == Kind::Internal => return Err(error),
        Err(error) => {
            let why = "cannot be reached";
            return Err(failed(why, "See that the whole internet reaches it, by https.").because(error));
        }
    };
    read(&answer)
}

fn read(answer: &Answer) -> Result<Secret<String>> {
    match answer.status.as_u16() {
        200 => {}
        401 => return Err(unauthorized(answer)),
        403 => return Err(not_permitted()),
        other => {
            let why = format!("answers with status {other}");
            return Err(failed(&why, "See that the URL is that of the page with the challenge."));
        }
    }
    match ChallengePage::read(&answer.body) {
        ChallengePage::Challenge(challenge) => Ok(challenge),
        ChallengePage::Full => Err(failed(
            "has given out as many challenges as it may: its password cache is full",
            "Wait until some are used or, after an hour, end; or raise PasswordMax in NDES's registry.",
        )),
        ChallengePage::NotPermitted => Err(not_permitted()),
        ChallengePage::Other => Err(failed(
            "shows a page without a challenge",
            "See that the URL is that of certsrv/mscep_admin.",
        )),
    }
}

fn unauthorized(answer: &Answer) -> Error {
    let ways = answer.headers.get_all(header::WWW_AUTHENTICATE).iter();
    let mut ways = ways.filter_map(|way| way.to_str().ok()).map(str::to_ascii_lowercase).peekable();
    if ways.peek().is_some() && !ways.any(|way| way.starts_with("basic")) {
        let next = "Switch on Basic Authentication for mscep_admin in IIS. Windows Authentication (NTLM, Negotiate) is not spoken.";
        return failed("does not take a user and a password by HTTP Basic", next);
    }
    failed("refuses the user or the password", "Correct them in the enrollment settings.")
}

fn not_permitted() -> Error {
    failed(
        "says that the user may not enroll",
        "Give the user the right to enroll on NDES's certificate templates, and on mscep_admin.",
    )
}

fn failed(why: &str, next: &'static str) -> Error {
    let message = format!("The organization's certificate service {why}.");
    Error::new(Kind::Unavailable, "external-challenge", message).next(next)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn answer(status: u16, ways: &[&'static str], body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        for way in ways {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(way));
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body, cut: false }
    }

    #[test]
    fn each_failure_says_why_and_what_to_do() {
        for (answer, why, next) in [
            (answer(401, &["Negotiate", "NTLM"], ""), "by HTTP Basic", "NTLM, Negotiate"),
            (answer(401, &["NTLM", "Basic realm=\"x\""], ""), "user or the password", "Correct them"),
            (answer(401, &[], ""), "user or the password", "Correct them"),
            (answer(403, &[], ""), "may not enroll", "right to enroll"),
            (answer(404, &[], ""), "status 404", "the URL"),
            (answer(302, &[], ""), "status 302", "the URL"),
            (answer(200, &[], "<p>Hello"), "without a challenge", "mscep_admin"),
            (answer(200, &[], "The password cache is full."), "cache is full", "PasswordMax"),
            (answer(200, &[], "You do not have sufficient permission"), "may not enroll", "right to enroll"),
        ] {
            let error = read(&answer).unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "external-challenge"));
            assert!(error.to_string().contains(why), "{error}");
            assert!(error.next_step().unwrap().contains(next), "{error}");
        }
        let page = answer(200, &[], "The enrollment challenge password is: <B> ABCD1234 </B>");
        assert_eq!(read(&page).unwrap().expose(), "ABCD1234");
    }
}
