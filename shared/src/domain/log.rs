//! Reading a log: which of its entries, and in which month.

use crate::error::{Error, Result};
use crate::time::Timestamp;

/// Which entries of a month are wanted. What is left out is not asked for.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Who, as the entry writes it.
    pub actor: Option<String>,
    /// What, as the entry writes it.
    pub action: Option<String>,
    /// The device, or the channel of it, as the entry writes it.
    pub enrollment: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// Checks that a text is a month, `YYYY-MM`.
///
/// # Errors
/// Malformed when it is not.
pub fn month(text: String) -> Result<String> {
    let first = format!("{text}-01T00:00:00Z").parse::<Timestamp>();
    if text.len() == 7 && first.is_ok() {
        Ok(text)
    } else {
        Err(Error::malformed("audit-month", format!("{text:?} is not a month."))
            .at("month")
            .next("Write it like 2026-11."))
    }
}
