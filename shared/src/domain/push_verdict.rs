//! What an answer of Apple's push service says about the push certificate, in an administrator's words.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// What one push, or a batch of them, said about the certificate it was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Apple took the certificate and its topic; what became of the push itself is the device's matter.
    Good,
    /// Apple does not take the certificate or its topic, for this reason.
    Refused(String),
    /// Nothing was learned about the certificate, for this reason.
    Unclear(String),
}

impl Verdict {
    /// What two pushes of one certificate say together: a refusal outweighs a success, a success what is unclear.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Refused(_), _) | (Self::Good, Self::Good | Self::Unclear(_)) => self,
            (Self::Good | Self::Unclear(_), _) => other,
        }
    }

    /// The verdict in words.
    pub fn meaning(&self) -> String {
        match self {
            Self::Good => "Apple accepts this push certificate and its topic.".to_owned(),
            Self::Refused(reason) => refusal(reason),
            Self::Unclear(reason) => format!(
                "Apple's push service could not be asked ({reason}). That says nothing about the certificate: try \
                 again in a few minutes."
            ),
        }
    }
}

/// What a certificate's trial with Apple's push service showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveCheck {
    /// Whether Apple accepts the certificate and its topic.
    pub ok: bool,
    /// The result in words.
    pub meaning: String,
    /// When it was tried.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl LiveCheck {
    /// What a verdict of this moment means for the certificate.
    pub fn new(verdict: &Verdict, at: Timestamp) -> Self {
        Self { ok: *verdict == Verdict::Good, meaning: verdict.meaning(), at }
    }
}

/// Apple's reason in words, with the reason itself for whoever has to look it up.
/// <https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns>
fn refusal(reason: &str) -> String {
    let words = match reason {
        "BadCertificateEnvironment" => "the certificate is for another environment of Apple's push service",
        "BadTopic" | "TopicDisallowed" => "the certificate is not for this topic",
        "TLS alert: certificate revoked" => "the certificate was revoked in Apple's portal",
        "TLS alert: certificate expired" => "the certificate has expired",
        "TLS alert: unknown certificate authority" => "the certificate was not issued by Apple",
        _ => "the certificate is not, or no longer, a valid push certificate",
    };
    format!(
        "Apple refuses this push certificate: {words} ({reason}). Renew it in Apple's portal and upload the new one."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn only_a_good_verdict_passes_the_check() {
        let refused = Verdict::Refused("BadCertificate".into());
        let unclear = Verdict::Unclear("no answer in time".into());
        for (verdict, ok) in [(Verdict::Good, true), (refused, false), (unclear, false)] {
            assert_eq!(LiveCheck::new(&verdict, from_unix(7)).ok, ok);
        }
    }

    #[test]
    fn a_refusal_outweighs_a_success_and_a_success_what_is_unclear() {
        let refused = || Verdict::Refused("BadCertificate".into());
        let unclear = || Verdict::Unclear("no answer in time".into());
        for (one, other, both) in [
            (refused(), Verdict::Good, refused()),
            (unclear(), Verdict::Good, Verdict::Good),
            (unclear(), refused(), refused()),
        ] {
            assert_eq!(one.clone().and(other.clone()), both);
            assert_eq!(other.and(one), both);
        }
    }

    #[test]
    fn every_reason_is_told_in_words_and_by_name() {
        for (reason, words) in [
            ("BadCertificate", "no longer, a valid push certificate"),
            ("BadCertificateEnvironment", "another environment"),
            ("TopicDisallowed", "not for this topic"),
            ("TLS alert: certificate revoked", "was revoked"),
            ("TLS alert: certificate expired", "has expired"),
            ("TLS alert: unknown certificate authority", "not issued by Apple"),
        ] {
            let meaning = Verdict::Refused(reason.to_owned()).meaning();
            assert!(meaning.contains(words) && meaning.contains(reason), "{meaning}");
        }
        let unclear = Verdict::Unclear("TooManyRequests".to_owned()).meaning();
        assert!(unclear.contains("(TooManyRequests)") && unclear.contains("says nothing"), "{unclear}");
    }
}
