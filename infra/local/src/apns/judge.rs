//! Judges a push as Apple's documentation says.
//! <https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns>

use http::request::Parts;
use openssl::asn1::Asn1Time;
use openssl::nid::Nid;
use openssl::x509::X509;
use serde::Deserialize;
use shared::time::{Timestamp, from_unix};

use super::devices::{Delivery, Devices, Undeliverable};

/// A push as it arrived, and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPush {
    /// Counts the simulator's connections from 1.
    pub connection: u64,
    /// The Subject UID of the client's certificate.
    pub certificate_topic: String,
    /// The header `apns-topic`.
    pub topic: String,
    /// The header `apns-push-type`.
    pub push_type: String,
    /// The header `apns-priority`.
    pub priority: String,
    /// The header `apns-expiration`, in unix seconds.
    pub expiration: Option<i64>,
    /// The token in the path, as written there.
    pub token: String,
    /// The PushMagic, if the body is exactly `{"mdm": …}`.
    pub magic: Option<String>,
    /// The status answered; `None` where the script withheld an answer.
    pub status: Option<u16>,
}

impl ReceivedPush {
    /// Whether it went to the token that no device has: a trial of its certificate.
    pub fn is_trial(&self) -> bool {
        self.token.bytes().all(|digit| digit == b'0')
    }
}

/// An answer: 200 without, otherwise with a reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: u16,
    pub(super) reason: Option<&'static str>,
    /// Since when the token is dead.
    pub(super) since: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    mdm: String,
}

impl ReceivedPush {
    /// Reads a request without judging it.
    pub(super) fn read(connection: u64, certificate: &X509, head: &Parts, body: &[u8]) -> Self {
        let text = |name: &str| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        Self {
            connection,
            certificate_topic: subject_uid(certificate),
            topic: text("apns-topic"),
            push_type: text("apns-push-type"),
            priority: text("apns-priority"),
            expiration: text("apns-expiration").parse().ok(),
            token: head.uri.path().strip_prefix("/3/device/").unwrap_or_default().to_owned(),
            magic: serde_json::from_slice::<Payload>(body).ok().map(|payload| payload.mdm),
            status: None,
        }
    }

    /// Delivers the push to its device, or says why not.
    pub(super) fn judge(&self, certificate: &X509, devices: &Devices, now: Timestamp) -> Verdict {
        let Some(magic) = &self.magic else { return refuse(400, "BadPayload") };
        if Asn1Time::from_unix(now.as_second()).is_ok_and(|now| *certificate.not_after() < now) {
            return refuse(403, "BadCertificate");
        }
        if self.token.is_empty() {
            return refuse(404, "BadPath");
        }
        if self.topic.is_empty() {
            return refuse(400, "MissingTopic");
        }
        if self.topic != self.certificate_topic {
            return refuse(400, "BadTopic");
        }
        if self.push_type != "mdm" {
            return refuse(400, "InvalidPushType");
        }
        if self.priority != "10" {
            return refuse(400, "BadPriority");
        }
        let (token, topic) = (self.token.as_str(), self.topic.as_str());
        let expires_at = self.expiration.map(from_unix);
        match devices.deliver(&Delivery { token, topic, magic, expires_at, now }) {
            Ok(()) => Verdict { status: 200, reason: None, since: None },
            Err(Undeliverable::Unknown) => refuse(400, "BadDeviceToken"),
            Err(Undeliverable::OtherTopic) => refuse(400, "DeviceTokenNotForTopic"),
            Err(Undeliverable::Gone(since)) => {
                Verdict { status: 410, reason: Some("Unregistered"), since: Some(since) }
            }
        }
    }
}

fn refuse(status: u16, reason: &'static str) -> Verdict {
    Verdict { status, reason: Some(reason), since: None }
}

fn subject_uid(certificate: &X509) -> String {
    let mut uids = certificate.subject_name().entries_by_nid(Nid::USERID);
    uids.next().and_then(|uid| uid.data().to_string().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::portal::fixture;

    /// The reason for which a good push is refused after this change.
    fn judged(change: impl FnOnce(&mut Request<&'static str>)) -> Option<&'static str> {
        let (portal, clock, vendor) = fixture::portal();
        let certificate = fixture::push_certificate(&portal, &vendor);
        let topic = subject_uid(&certificate);
        let devices = Devices::default();
        let _wake_ups = devices.register(&[0xaa], &topic, "magic");
        let mut request = Request::post("https://localhost/3/device/aa")
            .header("apns-topic", &topic)
            .header("apns-push-type", "mdm")
            .header("apns-priority", "10")
            .body(r#"{"mdm":"magic"}"#)
            .unwrap();
        change(&mut request);
        let (head, body) = request.into_parts();
        let push = ReceivedPush::read(1, &certificate, &head, body.as_bytes());
        push.judge(&certificate, &devices, clock.now()).reason
    }

    fn with_header(name: &'static str, value: &'static str) -> Option<&'static str> {
        judged(|request| {
            request.headers_mut().insert(name, value.parse().unwrap());
        })
    }

    #[test]
    fn a_push_that_breaks_apples_rules_is_refused_by_its_reason() {
        assert_eq!(judged(|_| {}), None);
        assert_eq!(with_header("apns-topic", ""), Some("MissingTopic"));
        assert_eq!(with_header("apns-topic", "com.apple.mgmt.External.other"), Some("BadTopic"));
        assert_eq!(with_header("apns-push-type", "alert"), Some("InvalidPushType"));
        assert_eq!(with_header("apns-priority", "11"), Some("BadPriority"));
        for body in ["", "{}", r#"{"aps":{},"mdm":"magic"}"#, r#"{"mdm":7}"#] {
            assert_eq!(judged(|request| *request.body_mut() = body), Some("BadPayload"), "{body}");
        }
        let path = |path: &'static str| judged(|request| *request.uri_mut() = path.parse().unwrap());
        assert_eq!(path("https://localhost/3/devices/aa"), Some("BadPath"));
        assert_eq!(path("https://localhost/3/device/AA"), Some("BadDeviceToken"));
    }
}
