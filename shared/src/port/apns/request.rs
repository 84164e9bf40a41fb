//! A push as an HTTP request.

use std::fmt;

use a2::request::payload::PayloadLike;
use a2::{NotificationOptions, Priority, PushType};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde::Serialize;

use super::Push;

/// The payload that tells a device to poll its MDM server: `mdm` and nothing else, least of all `aps`.
#[derive(Serialize)]
struct WakeUp<'a> {
    mdm: &'a str,
    #[serde(skip)]
    device_token: String,
    #[serde(skip)]
    options: NotificationOptions<'a>,
}

/// The trait below wants `Debug`; token and magic stay out of it.
impl fmt::Debug for WakeUp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WakeUp")
    }
}

impl PayloadLike for WakeUp<'_> {
    fn get_device_token(&self) -> &str {
        &self.device_token
    }

    fn get_options(&self) -> &NotificationOptions<'_> {
        &self.options
    }
}

/// The request for one push. A push that cannot be written as one is refused with the reason, in words that hold
/// nothing of its content.
pub(super) fn build(host: &str, push: &Push) -> Result<Request<Full<Bytes>>, String> {
    let payload = WakeUp {
        mdm: push.magic.expose(),
        device_token: hex::encode(&push.token),
        options: NotificationOptions {
            apns_push_type: Some(PushType::Mdm),
            // Without an expiration Apple tries once and a sleeping device never hears of it; zero means the same.
            apns_expiration: Some(u64::try_from(push.expires_at.as_second()).unwrap_or(0)),
            apns_priority: Some(Priority::High),
            apns_topic: Some(&push.topic),
            ..NotificationOptions::default()
        },
    };
    let body = payload.to_json_string().map_err(|error| error.to_string())?;
    let mut request = Request::post(format!("https://{host}/3/device/{}", payload.get_device_token()));
    let options = payload.get_options();
    for (name, value) in [
        ("apns-push-type", options.apns_push_type.map(|kind| kind.to_string())),
        ("apns-expiration", options.apns_expiration.map(|seconds| seconds.to_string())),
        ("apns-priority", options.apns_priority.as_ref().map(ToString::to_string)),
        ("apns-topic", options.apns_topic.map(str::to_owned)),
    ] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    request.body(Full::from(body)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::secret::Secret;
    use crate::time::from_unix;

    fn push(topic: &str, magic: &str) -> Push {
        Push {
            token: vec![0xab, 0x00, 0xff],
            magic: Secret::new(magic.to_owned()),
            topic: topic.to_owned(),
            expires_at: from_unix(1_800_000_000),
        }
    }

    #[tokio::test]
    async fn a_push_is_what_apple_asks_for_and_no_more() {
        let request = build("api.push.apple.com", &push("com.apple.mgmt.External.a", "a\"b")).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://api.push.apple.com/3/device/ab00ff");
        let mut headers: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            [
                ("apns-expiration", "1800000000"),
                ("apns-priority", "10"),
                ("apns-push-type", "mdm"),
                ("apns-topic", "com.apple.mgmt.External.a"),
            ]
        );
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, br#"{"mdm":"a\"b"}"#.as_slice());
    }

    #[test]
    fn a_topic_cannot_smuggle_a_header() {
        let reason = build("api.push.apple.com", &push("a\r\napns-priority: 1", "magic")).unwrap_err();
        assert!(!reason.contains("magic") && !reason.contains("apns-priority"), "{reason}");
    }
}
