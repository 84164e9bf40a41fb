//! What became of a push: Apple's answer sorted by what has to happen next.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::time::Timestamp;

/// What became of a push. `reason` is Apple's word where there is one, otherwise ours; it is safe to log and to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Apple took it. Not proof that the device woke: a wrong PushMagic is also accepted.
    Accepted {
        /// Apple's name for this push.
        apns_id: Option<String>,
    },
    /// This token will never work again; only a new TokenUpdate helps.
    DeviceGone {
        /// Apple's reason.
        reason: String,
        /// Since when Apple knows, if it says so.
        since: Option<Timestamp>,
    },
    /// The push certificate does not work: stop its whole topic and tell the tenant.
    CertificateRefused {
        /// Apple's reason, or the TLS alert.
        reason: String,
    },
    /// Nothing is wrong with the push; send it again later.
    Retry {
        /// Not sooner than this, if known.
        after: Option<Duration>,
        /// What happened.
        reason: String,
    },
    /// A fault of ours: sending it again would fail again.
    Rejected {
        /// The HTTP status; 0 if it could not even be sent.
        status: u16,
        /// Apple's reason.
        reason: String,
    },
}

/// The reasons for which Apple closes a whole connection because of the certificate; the longer one first.
const CERTIFICATE_REASONS: [&str; 2] = ["BadCertificateEnvironment", "BadCertificate"];

#[derive(Default, Deserialize)]
struct ErrorBody {
    reason: Option<String>,
    /// Milliseconds since 1970.
    timestamp: Option<i64>,
}

/// Sorts an answer by its status first and its reason second, so that a reason Apple invents tomorrow is no problem.
/// <https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns>
pub(super) fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Outcome {
    if status == StatusCode::OK {
        let apns_id = headers.get("apns-id").and_then(|id| id.to_str().ok());
        return Outcome::Accepted { apns_id: apns_id.map(str::to_owned) };
    }
    let error: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let reason = error.reason.filter(|reason| is_a_word(reason)).unwrap_or_else(|| format!("HTTP {status}"));
    let after = retry_after(headers);
    match (status.as_u16(), reason.as_str()) {
        (410, _) | (400, "BadDeviceToken" | "DeviceTokenNotForTopic") => {
            let since = error.timestamp.and_then(|time| Timestamp::from_millisecond(time).ok());
            Outcome::DeviceGone { reason, since }
        }
        (403, _) | (400, "BadTopic" | "TopicDisallowed") => Outcome::CertificateRefused { reason },
        (429 | 500..=599, _) | (400, "IdleTimeout") => Outcome::Retry { after, reason },
        (status, _) => Outcome::Rejected { status, reason },
    }
}

/// The reason for which Apple closed the connection, if it was our certificate.
///
/// A GOAWAY carries Apple's JSON as its debug data, and the library shows that data only inside the error's text.
pub(super) fn refusal_in(text: &str) -> Option<String> {
    CERTIFICATE_REASONS.iter().find(|reason| text.contains(*reason)).map(|reason| (*reason).to_owned())
}

/// The `Retry-After` header in its form of seconds; Apple does not send dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u32 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(u64::from(seconds)))
}

/// Keeps text from outside that goes into logs and pages to one short word.
fn is_a_word(reason: &str) -> bool {
    (1..=64).contains(&reason.len()) && reason.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    fn answer(status: u16, body: &str) -> Outcome {
        classify(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn an_accepted_push_keeps_apples_name_for_it() {
        let mut headers = HeaderMap::new();
        headers.insert("apns-id", "eabeae54-14a8-11e5-b60b-1697f925ec7b".parse().unwrap());
        assert_eq!(
            classify(StatusCode::OK, &headers, b""),
            Outcome::Accepted { apns_id: Some("eabeae54-14a8-11e5-b60b-1697f925ec7b".to_owned()) }
        );
    }

    #[test]
    fn a_device_is_gone_by_410_or_by_its_token() {
        let since = Some(from_unix(1_508_249_865));
        let body = r#"{"reason":"Unregistered","timestamp":1508249865000}"#;
        assert_eq!(answer(410, body), Outcome::DeviceGone { reason: "Unregistered".to_owned(), since });
        for (status, reason) in
            [(410, "ExpiredToken"), (400, "BadDeviceToken"), (400, "DeviceTokenNotForTopic")]
        {
            let gone = Outcome::DeviceGone { reason: reason.to_owned(), since: None };
            assert_eq!(answer(status, &format!(r#"{{"reason":"{reason}"}}"#)), gone);
        }
    }

    #[test]
    fn a_refused_certificate_stops_the_topic() {
        for (status, reason) in [
            (403, "BadCertificate"),
            (403, "BadCertificateEnvironment"),
            (403, "Forbidden"),
            (403, "SomethingNew"),
            (400, "BadTopic"),
            (400, "TopicDisallowed"),
        ] {
            let refused = Outcome::CertificateRefused { reason: reason.to_owned() };
            assert_eq!(answer(status, &format!(r#"{{"reason":"{reason}"}}"#)), refused);
        }
    }

    #[test]
    fn busy_servers_are_tried_again_and_may_say_when() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "30".parse().unwrap());
        let body = br#"{"reason":"TooManyRequests"}"#;
        assert_eq!(
            classify(StatusCode::TOO_MANY_REQUESTS, &headers, body),
            Outcome::Retry { after: Some(Duration::from_secs(30)), reason: "TooManyRequests".to_owned() }
        );
        for (status, reason) in [(500, "InternalServerError"), (503, "Shutdown"), (400, "IdleTimeout")] {
            let retry = Outcome::Retry { after: None, reason: reason.to_owned() };
            assert_eq!(answer(status, &format!(r#"{{"reason":"{reason}"}}"#)), retry);
        }
    }

    #[test]
    fn our_own_faults_are_not_sent_again() {
        for (status, reason) in [(400, "BadExpirationDate"), (404, "BadPath"), (413, "PayloadTooLarge")] {
            let rejected = Outcome::Rejected { status, reason: reason.to_owned() };
            assert_eq!(answer(status, &format!(r#"{{"reason":"{reason}"}}"#)), rejected);
        }
    }

    #[test]
    fn the_status_alone_suffices_when_the_body_makes_no_sense() {
        for body in ["", "<html>", "[]", r#"{"reason":7}"#, r#"{"reason":"two\nlines"}"#, r#"{"reason":""}"#]
        {
            let reason = "HTTP 403 Forbidden".to_owned();
            assert_eq!(answer(403, body), Outcome::CertificateRefused { reason }, "{body}");
        }
    }

    #[test]
    fn a_goaway_names_the_certificate_in_its_debug_data() {
        let text =
            r#"connection error received: not a result of an error (b"{\"reason\":\"BadCertificate\"}")"#;
        assert_eq!(refusal_in(text).as_deref(), Some("BadCertificate"));
        assert_eq!(refusal_in("connection reset by peer"), None);
    }
}
