//! Between OpenSSL's times and ours.

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;

use crate::time::{DAY, Timestamp, from_unix};

/// Our moment as a certificate writes it, to the second.
pub(crate) fn to_asn1(moment: Timestamp) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix(moment.as_second())
}

/// A certificate's moment as ours.
pub(crate) fn from_asn1(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    Ok(from_unix(i64::from(since.days) * DAY + i64::from(since.secs)))
}

/// The day of a moment (UTC), for messages.
pub(crate) fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_the_round_trip_on_both_sides_of_1970_and_2050() {
        for seconds in [-86_401, -1, 0, 1, 1_800_000_000, 2_600_000_000] {
            let moment = from_unix(seconds);
            assert_eq!(from_asn1(&to_asn1(moment).unwrap()).unwrap(), moment);
        }
    }
}
