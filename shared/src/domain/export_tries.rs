//! Tries of an export's password: five, then a pause.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// So many wrong passwords lock the export.
const MOST_TRIES: u32 = 5;
/// For so long, in seconds.
const LOCK_SECONDS: i64 = 900;

/// The tries of late for one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportTries {
    /// How many there were.
    pub tries: u32,
    /// When they are forgotten, in unix seconds: 15 minutes after the latest.
    pub expires_at: i64,
}

impl ExportTries {
    /// The tries with one more, which is counted before the password is looked at: whoever sends many at once gains
    /// nothing.
    ///
    /// # Errors
    /// `export-locked` when there were five.
    pub fn another(before: Option<Self>, now: Timestamp) -> Result<Self> {
        let second = now.as_second();
        let recent = before.filter(|before| before.expires_at > second);
        let tries = recent.map_or(0, |recent| recent.tries);
        if let Some(recent) = recent.filter(|recent| recent.tries >= MOST_TRIES) {
            let wait = u32::try_from(recent.expires_at - second).unwrap_or(u32::MAX);
            return Err(Error::rate_limited(
                "export-locked",
                "The export is locked: its password was entered wrong five times.",
                wait,
            )
            .next(format!("Try again in {} minutes.", wait.div_ceil(60))));
        }
        Ok(Self { tries: tries + 1, expires_at: second + LOCK_SECONDS })
    }

    /// How many are left.
    pub fn left(self) -> u32 {
        MOST_TRIES.saturating_sub(self.tries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::time::from_unix;

    #[test]
    fn the_sixth_try_waits_fifteen_minutes_after_the_fifth() {
        let mut tries = None;
        for second in 0..5 {
            tries = Some(ExportTries::another(tries, from_unix(second)).unwrap());
        }
        assert_eq!(tries.unwrap().left(), 0);
        let refused = ExportTries::another(tries, from_unix(4 + 60)).unwrap_err();
        assert_eq!(refused.code(), "export-locked");
        assert_eq!(refused.kind(), Kind::RateLimited { retry_after: 840 });
        assert!(refused.next_step().unwrap().contains("14 minutes"));
        let again = ExportTries::another(tries, from_unix(4 + 900)).unwrap();
        assert_eq!(again.left(), 4);
    }
}
