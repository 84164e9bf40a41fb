//! API tokens: shown once, stored as a hash.

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use crate::id::{TenantId, TokenId};
use crate::scope::Role;
use crate::secret::{Secret, is_same};
use crate::time::Timestamp;

/// Marks our tokens for people and for secret scanners.
const PREFIX: &str = "pom";
/// Stands in the owner's place of a token that belongs to the operator.
const OPERATOR: &str = "operator";

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Whoever runs the server.
    Operator,
    /// A tenant.
    Tenant(TenantId),
}

/// What the store keeps of a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiToken {
    /// The public half.
    pub id: TokenId,
    /// What it is for, in its creator's words.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the secret half, in hex. The secret has 256 random bits, so a slow hash would add nothing.
    pub hash: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it stops working, if it was made for a limited time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// Whether `secret` is this token's, compared in constant time.
    pub fn admits(&self, secret: &Secret<String>) -> bool {
        is_same(hash(secret), &self.hash)
    }
}

/// A token as its bearer presents it.
#[derive(Clone, Debug)]
pub struct BearerToken {
    /// Whose it is.
    pub owner: Owner,
    /// The public half.
    pub id: TokenId,
    /// The secret half.
    pub secret: Secret<String>,
}

impl BearerToken {
    /// The text shown once to the person who created it: `pom_<owner>_<id>_<secret>`.
    pub fn reveal(&self) -> Secret<String> {
        let owner = match &self.owner {
            Owner::Operator => OPERATOR,
            Owner::Tenant(tenant) => tenant.as_str(),
        };
        Secret::new(format!("{PREFIX}_{owner}_{}_{}", self.id, self.secret.expose()))
    }

    /// Reads a token's text; `None` when it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        // The secret comes last because base64url may itself contain the separator.
        let mut parts = text.splitn(4, '_');
        if parts.next()? != PREFIX {
            return None;
        }
        let owner = match parts.next()? {
            OPERATOR => Owner::Operator,
            tenant => Owner::Tenant(tenant.parse().ok()?),
        };
        let id = parts.next()?.parse().ok()?;
        let secret = Secret::new(parts.next()?.to_owned());
        Some(Self { owner, id, secret })
    }
}

/// What is stored in place of a secret half.
pub fn hash(secret: &Secret<String>) -> String {
    hex::encode(sha256(secret.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text() {
        let token = BearerToken {
            owner: Owner::Tenant(TenantId::from([1; 10])),
            id: TokenId::from([2; 10]),
            secret: Secret::new("a_b-c".into()),
        };
        let read = BearerToken::parse(token.reveal().expose()).unwrap();
        assert_eq!((read.owner, read.id), (token.owner, token.id));
        assert_eq!(read.secret.expose(), "a_b-c");
    }

    #[test]
    fn what_is_not_ours_is_nothing() {
        for text in ["", "pom", "pom_operator", "ghp_operator_aaaaaaaaaaaaaaaa_x", "pom_x_aaaaaaaaaaaaaaaa_x"]
        {
            assert!(BearerToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn only_the_right_secret_is_admitted() {
        let right = Secret::new("right".to_owned());
        let token = ApiToken {
            id: TokenId::from([2; 10]),
            name: "ci".into(),
            role: Role::Viewer,
            hash: hash(&right),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Some(crate::time::from_unix(60)),
        };
        assert!(token.admits(&right));
        assert!(!token.admits(&Secret::new("wrong".into())));
        assert!(!token.is_expired(crate::time::from_unix(59)));
        assert!(token.is_expired(crate::time::from_unix(60)));
    }
}
