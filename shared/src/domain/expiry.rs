//! When to mail about something that expires, and to whom.

use crate::domain::contact::{Disabled, EmailAddress};
use crate::time::{Timestamp, days_until};

/// The first day of mails, counted before the end.
pub const FIRST_DAY: i64 = 30;
/// The last day of mails, counted after the end.
pub const LAST_DAY: i64 = 14;
/// From so many days before the end on, contacts hear of it who never confirmed their address.
const EVERYBODY: i64 = 7;

/// How near an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Days left; 0 is the last day.
    Expires(i64),
    /// Whole days since the end; 0 is the first day without.
    Expired(i64),
}

/// The notice due at `now` for something that ends at `not_after`, if one is.
pub fn due(now: Timestamp, not_after: Timestamp) -> Option<Notice> {
    match days_until(now, not_after) {
        days @ 0..=FIRST_DAY => Some(Notice::Expires(days)),
        days if days < 0 && -days <= LAST_DAY => Some(Notice::Expired(-days - 1)),
        _ => None,
    }
}

/// Somebody who is to hear of what expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Where mails go.
    pub address: EmailAddress,
    /// Whether its owner confirmed it.
    pub verified: bool,
    /// Why no mail goes there, if so.
    pub disabled: Option<Disabled>,
}

/// Who gets a notice: whoever confirmed their address. Where nobody did, and in the last week, everybody does: a
/// mail too many is a smaller harm than a certificate that ends unnoticed. A disabled address never gets one.
pub fn told(recipients: &[Recipient], notice: Notice) -> Vec<&EmailAddress> {
    let urgent = match notice {
        Notice::Expires(days) => days <= EVERYBODY,
        Notice::Expired(_) => true,
    };
    reached(recipients, urgent)
}

/// Who gets a mail: whoever confirmed their address; everybody, where nobody did or it is urgent. A disabled address never
/// gets one.
pub fn reached(recipients: &[Recipient], urgent: bool) -> Vec<&EmailAddress> {
    let recipients: Vec<_> = recipients.iter().filter(|recipient| recipient.disabled.is_none()).collect();
    let everybody = urgent || !recipients.iter().any(|recipient| recipient.verified);
    recipients
        .into_iter()
        .filter(|recipient| everybody || recipient.verified)
        .map(|recipient| &recipient.address)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY, from_unix};

    const END: i64 = 365 * DAY;

    #[test]
    fn mails_come_from_thirty_days_before_to_fourteen_days_after() {
        let due_at = |seconds: i64| due(from_unix(END - seconds), from_unix(END));
        assert_eq!(due_at(31 * DAY), None);
        assert_eq!(due_at(30 * DAY), Some(Notice::Expires(30)));
        assert_eq!(due_at(DAY), Some(Notice::Expires(1)));
        assert_eq!(due_at(1), Some(Notice::Expires(0)));
        assert_eq!(due_at(-1), Some(Notice::Expired(0)));
        assert_eq!(due_at(-14 * DAY), Some(Notice::Expired(13)));
        assert_eq!(due_at(-14 * DAY - 1), None);
    }

    #[test]
    fn an_unconfirmed_address_hears_when_nobody_else_does_and_in_the_last_week() {
        let contact = |address: &str, verified| Recipient {
            address: address.parse().unwrap(),
            verified,
            disabled: None,
        };
        let count = |verified: [bool; 2], notice| {
            let [one, other] = verified;
            told(&[contact("a@s.example", one), contact("b@s.example", other)], notice).len()
        };
        assert_eq!(count([false, false], Notice::Expires(30)), 2);
        assert_eq!(count([true, false], Notice::Expires(30)), 1);
        assert_eq!(count([true, false], Notice::Expires(8)), 1);
        assert_eq!(count([true, false], Notice::Expires(7)), 2);
        assert_eq!(count([true, false], Notice::Expired(0)), 2);
    }
}
