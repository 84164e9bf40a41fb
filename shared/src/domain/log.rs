//! Reading a log: which of its entries, in which month, and in which order.

use crate::error::{Error, Result};
use crate::id::AuditId;
use crate::time::{Timestamp, from_millis};

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

impl LogFilter {
    /// The same, and nothing before a moment.
    #[must_use]
    pub fn not_before(self, first: Timestamp) -> Self {
        Self { from: self.from.max(Some(first)), ..self }
    }
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

/// Where a moment's entries begin in a log.
pub fn moment(at: Timestamp) -> String {
    format!("{:014}", at.as_millisecond())
}

/// Where an entry stands in its log.
pub fn place(at: Timestamp, id: &AuditId) -> String {
    format!("{}#{id}", moment(at))
}

/// The moment of a place; the beginning of time where it is none.
pub fn moment_of(place: &str) -> Timestamp {
    let millis = place.split('#').next().and_then(|millis| millis.parse().ok());
    from_millis(millis.unwrap_or_default())
}

/// The month of a moment in UTC, `YYYY-MM`.
pub fn month_of(at: Timestamp) -> String {
    at.strftime("%Y-%m").to_string()
}

/// The months from one moment to another, both included.
pub fn months(from: Timestamp, until: Timestamp) -> Vec<String> {
    let mut months = vec![month_of(from)];
    let last = month_of(until);
    while let Some(month) = months.last().filter(|month| **month < last) {
        let (year, number) = month.split_once('-').unwrap_or((month, "12"));
        let (year, number): (u32, u32) = (year.parse().unwrap_or(9999), number.parse().unwrap_or(12));
        months.push(if number < 12 {
            format!("{year:04}-{:02}", number + 1)
        } else {
            format!("{:04}-01", year + 1)
        });
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_time_and_know_their_moment() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let id: AuditId = "aaaaaaaaaaaaaaaa".parse().unwrap();
        let (early, late) = (at("2001-01-01T00:00:00.5Z"), at("2026-11-21T00:00:00Z"));
        assert!(place(early, &id) < moment(late) && moment(early) < place(early, &id));
        assert_eq!((moment_of(&place(early, &id)), moment_of("")), (early, from_millis(0)));
    }

    #[test]
    fn months_go_over_the_end_of_a_year() {
        let months = |from: &str, until: &str| super::months(from.parse().unwrap(), until.parse().unwrap());
        assert_eq!(
            months("2026-11-30T23:59:59Z", "2027-02-01T00:00:00Z"),
            ["2026-11", "2026-12", "2027-01", "2027-02"]
        );
        assert_eq!(months("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"), ["2026-11"]);
    }
}
