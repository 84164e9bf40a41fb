//! Seals: a chain of hashes over a log, so that whoever keeps one of them can tell whether anything before it was removed or
//! altered since.

use openssl::sha::{Sha256, sha256};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::{SignedDuration, Timestamp};

/// Entries this young are not sealed yet. No function runs for longer than this, so that no entry can become visible behind a
/// seal.
const SETTLES: SignedDuration = SignedDuration::from_mins(16);
/// What a seal's hash begins with: another form of seals would have another name.
const FORM: &str = "pomarium-seal-1";

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    /// What people change.
    Audit,
    /// What becomes of devices.
    Events,
}

impl Log {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Audit, Self::Events];

    /// Its name in keys, hashes and exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Events => "events",
        }
    }
}

/// One seal over the entries of a stretch of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Counts a log's seals, from 1.
    pub number: u64,
    /// The first place that is sealed.
    pub from: String,
    /// The first place that is not.
    pub until: String,
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the seal before; empty for the first one.
    pub before: String,
    /// SHA-256 over all of this and the hashes of the entries, in hex.
    pub hash: String,
    /// When it was made.
    pub sealed_at: Timestamp,
}

impl Seal {
    /// Up to which moment entries are sealed now.
    pub fn horizon(now: Timestamp) -> Timestamp {
        now - SETTLES
    }

    /// The seal after `before` over `lines` of `owner`'s log, the entries from where that one ended (or from `from`) up to `until`.
    pub fn over(
        owner: &str,
        log: Log,
        before: Option<&Self>,
        (from, until): (String, String),
        lines: &[String],
        now: Timestamp,
    ) -> Self {
        let (number, hash_before) =
            before.map_or((1, String::new()), |before| (before.number + 1, before.hash.clone()));
        let mut hash = Sha256::new();
        let number_text = number.to_string();
        for part in [FORM, owner, log.name(), &number_text, &from, &until, &hash_before] {
            hash.update(part.as_bytes());
            hash.update(b"\n");
        }
        for line in lines {
            hash.update(hex::encode(sha256(line.as_bytes())).as_bytes());
            hash.update(b"\n");
        }
        Self {
            number,
            from,
            until,
            entries: u64::try_from(lines.len()).unwrap_or(u64::MAX),
            before: hash_before,
            hash: hex::encode(hash.finish()),
            sealed_at: now,
        }
    }
}

/// An entry as a line: what is hashed, and what is exported. The same entry always makes the same line.
///
/// # Errors
/// Internal when it cannot be written, which would be a fault.
pub fn line<T: Serialize>(entry: &T) -> Result<String> {
    serde_json::to_string(entry).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TenantId;
    use crate::time::from_unix;

    fn seal(before: Option<&Seal>, from: &str, lines: &[&str]) -> Seal {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let tenant = TenantId::from([0; 10]);
        Seal::over(tenant.as_str(), Log::Events, before, (from.into(), "9".into()), &lines, from_unix(0))
    }

    #[test]
    fn a_seal_depends_on_every_entry_their_order_and_the_seal_before() {
        let first = seal(None, "0", &["a", "b"]);
        assert_eq!((first.number, first.entries, first.before.as_str()), (1, 2, ""));
        // Computed apart from this code: the form is what others verify.
        assert_eq!(first.hash, "2a7de05b6b259ced5f2967fb2741cd848ca89c4af02ab97e2b5de0496dc89e60");
        for other in [
            seal(None, "0", &["b", "a"]),
            seal(None, "0", &["a"]),
            seal(None, "0", &["a", "b", "c"]),
            seal(None, "1", &["a", "b"]),
            seal(Some(&first), "0", &["a", "b"]),
        ] {
            assert_ne!(other.hash, first.hash);
        }
        let second = seal(Some(&first), "0", &["c"]);
        assert_eq!((second.number, &second.before), (2, &first.hash));
    }
}
