//! How long somebody stays signed in, and the code that is mailed to sign in.

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use crate::domain::contact::EmailAddress;
use crate::domain::openid::OpenidProvider;
use crate::domain::token::hash;
use crate::id::TenantId;
use crate::secret::{Secret, is_same};
use crate::time::Timestamp;

/// A session ends this many seconds after its last page.
pub const IDLE: i64 = 2 * 3_600;
/// A session ends this many seconds after it began, whatever happens.
pub const ABSOLUTE: i64 = 12 * 3_600;
/// Pages within this many seconds are noted once: a page costs no write then.
pub const NOTED_EVERY: i64 = 300;
/// A code works for this many seconds.
pub const CODE_LIFE: i64 = 600;
/// So often may a code be entered.
pub const CODE_TRIES: u32 = 5;
/// So many codes are mailed to an address in an hour.
pub const CODES_AN_HOUR: u32 = 6;

/// An organization's identity provider, which says who is who there and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// The tenant, for which alone the session counts.
    pub tenant: TenantId,
    /// The provider; when the tenant has another one, the session does not count any more.
    pub issuer: String,
}

/// A browser in which somebody signed in. The store knows it by the hash of the secret in its cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who.
    pub address: EmailAddress,
    /// Who vouched for the address; none where a code proved the address itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched_by: Option<Voucher>,
    /// Since when.
    pub created_at: Timestamp,
    /// The last page, to within [`NOTED_EVERY`].
    pub seen_at: Timestamp,
    /// When it ends at the latest, in unix seconds.
    pub expires_at: i64,
    /// The tenants whose audit log says that this session entered.
    #[serde(default)]
    pub entered: Vec<TenantId>,
    /// What support was allowed and the audit logs say that this session made use of.
    #[serde(default)]
    pub supported: Vec<String>,
}

impl Session {
    /// A session that begins now.
    pub fn begin(address: EmailAddress, vouched_by: Option<Voucher>, now: Timestamp) -> Self {
        let expires_at = now.as_second() + ABSOLUTE;
        Self {
            address,
            vouched_by,
            created_at: now,
            seen_at: now,
            expires_at,
            entered: Vec::new(),
            supported: Vec::new(),
        }
    }

    /// Whether it is over: too old, unused for too long, or from before its owner signed out everywhere.
    pub fn is_over(&self, now: Timestamp, signed_out_at: Option<Timestamp>) -> bool {
        now.as_second() >= self.expires_at
            || now.as_second() - self.seen_at.as_second() >= IDLE
            || signed_out_at.is_some_and(|end| self.created_at <= end)
    }

    /// Whether it opens a tenant of its own whose members sign in by this provider.
    pub fn opens(&self, provider: Option<&OpenidProvider>) -> bool {
        match (&self.vouched_by, provider) {
            (Some(voucher), Some(provider)) => voucher.issuer == provider.issuer,
            (Some(_), None) => false,
            (None, Some(provider)) => !provider.required,
            (None, None) => true,
        }
    }

    /// Whether this page is to be noted.
    pub fn is_worth_noting(&self, now: Timestamp) -> bool {
        now.as_second() - self.seen_at.as_second() >= NOTED_EVERY
    }
}

/// What every form of a session carries, so that no other site can send one: made of the cookie's secret, which other
/// sites cannot read.
pub fn form_token(session: &Secret<String>) -> String {
    hex::encode(sha256(format!("form:{}", session.expose()).as_bytes()))
}

/// Whether `given` is the session's form token, compared in constant time.
pub fn is_form_token(session: &Secret<String>, given: &str) -> bool {
    is_same(form_token(session), given)
}

/// A code on its way to somebody who wants to sign in, kept by the hash of the asking browser's secret: a code that is
/// read out to somebody else works in no other browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Who was mailed.
    pub address: EmailAddress,
    /// The hash of the browser's secret and the code.
    pub code_hash: String,
    /// How often a code was entered.
    pub tries: u32,
    /// Until when it works, in unix seconds.
    pub expires_at: i64,
}

impl SignIn {
    /// Whether `code` is the one that was mailed, compared in constant time. Spaces do not count: people copy them.
    pub fn admits(&self, browser: &Secret<String>, code: &str) -> bool {
        is_same(code_hash(browser, code), &self.code_hash)
    }
}

/// What is stored in place of a code.
pub fn code_hash(browser: &Secret<String>, code: &str) -> String {
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    hash(&Secret::new(format!("{}:{digits}", browser.expose())))
}

/// A code of eight digits from eight random bytes, in two groups.
pub fn code_of(random: [u8; 8]) -> String {
    // 2^64 is so much more than 10^8 that no code is noticeably likelier than another.
    let number = u64::from_be_bytes(random) % 100_000_000;
    format!("{:04} {:04}", number / 10_000, number % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    fn session() -> Session {
        Session::begin("jo@school.example".parse().unwrap(), None, from_unix(1_000))
    }

    #[test]
    fn a_session_ends_by_age_by_silence_and_by_its_owner() {
        let fresh = session();
        assert!(!fresh.is_over(from_unix(1_000 + IDLE - 1), None));
        assert!(fresh.is_over(from_unix(1_000 + IDLE), None));
        let busy = Session { seen_at: from_unix(1_000 + ABSOLUTE - 1), ..session() };
        assert!(!busy.is_over(from_unix(1_000 + ABSOLUTE - 1), None));
        assert!(busy.is_over(from_unix(1_000 + ABSOLUTE), None));
        assert!(fresh.is_over(from_unix(1_001), Some(from_unix(1_000))));
        assert!(!fresh.is_over(from_unix(1_001), Some(from_unix(999))));
        assert!(!fresh.is_worth_noting(from_unix(1_299)) && fresh.is_worth_noting(from_unix(1_300)));
    }

    #[test]
    fn who_must_sign_in_by_the_provider_needs_its_word() {
        let provider = |issuer: &str, required| OpenidProvider {
            issuer: issuer.into(),
            client_id: "c".into(),
            secret: None,
            required,
            changed_at: from_unix(0),
            revision: [1; 10].into(),
        };
        let voucher = Voucher { tenant: [2; 10].into(), issuer: "https://a.example".into() };
        let vouched = Session { vouched_by: Some(voucher), ..session() };
        for (provider, mailed, by_provider) in [
            (None, true, false),
            (Some(provider("https://a.example", false)), true, true),
            (Some(provider("https://a.example", true)), false, true),
            (Some(provider("https://b.example", false)), true, false),
            (Some(provider("https://b.example", true)), false, false),
        ] {
            assert_eq!(session().opens(provider.as_ref()), mailed);
            assert_eq!(vouched.opens(provider.as_ref()), by_provider);
        }
    }

    #[test]
    fn a_form_belongs_to_its_session() {
        let secret = Secret::new("a".to_owned());
        assert!(is_form_token(&secret, &form_token(&secret)));
        for wrong in ["", "0", &form_token(&Secret::new("b".to_owned()))] {
            assert!(!is_form_token(&secret, wrong));
        }
    }

    #[test]
    fn a_code_works_in_the_browser_that_asked_with_or_without_its_space() {
        let browser = Secret::new("here".to_owned());
        let code = code_of([0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(code, "0000 0258");
        let sign_in = SignIn {
            address: "jo@school.example".parse().unwrap(),
            code_hash: code_hash(&browser, &code),
            tries: 0,
            expires_at: 0,
        };
        assert!(sign_in.admits(&browser, "00000258") && sign_in.admits(&browser, " 0000 0258 "));
        assert!(!sign_in.admits(&browser, "00000259"));
        assert!(!sign_in.admits(&Secret::new("there".to_owned()), &code));
    }
}
