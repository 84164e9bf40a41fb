//! Devices: the list, and each device with what is known of it, what waits for it, and what can be asked of it.

mod forms;
pub(crate) mod inventory;
pub(crate) mod list;
pub(crate) mod orders;
pub(crate) mod page;
pub(crate) mod queue;
mod timeline;
pub(crate) mod words;

use shared::domain::enrollment::Enrollment;
use shared::error::{Error, Result};
use shared::id::EnrollmentId;
use shared::time::{SignedDuration, Timestamp};
use url::form_urlencoded;

use crate::look::Look;

/// A text as a part of a path.
pub(crate) fn part(text: &str) -> String {
    // In forms a space is a plus, which in paths is a plus.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A device's page, or one below it.
pub(crate) fn place(look: &Look, id: &EnrollmentId, rest: &str) -> String {
    let separator = if rest.is_empty() || rest.starts_with('?') { "" } else { "/" };
    look.path(&format!("devices/{}{separator}{rest}", part(&id.to_string())))
}

/// An enrollment of the tenant's, by the part of a path.
pub(crate) async fn find(look: &Look, id: &str) -> Result<Enrollment> {
    let id: EnrollmentId = id.parse().map_err(|_| Error::not_found("device"))?;
    look.state.store.enrollment(&look.scope, &id).await?.ok_or_else(|| Error::not_found("device"))
}

/// What people call a device: its name, else its serial number, else its identifier.
pub(crate) fn name(device: &Enrollment) -> String {
    let facts = &device.facts;
    let known = [&facts.device_name, &facts.serial_number];
    let known = known.into_iter().flatten().map(|text| text.trim()).find(|text| !text.is_empty());
    known.map_or_else(|| device.id.to_string(), ToOwned::to_owned)
}

/// How often a part of a page is refreshed about which something last happened `since`: a device that sleeps for days is not
/// asked after every two seconds by each browser that was left open.
pub(crate) fn refreshed(since: Timestamp, now: Timestamp) -> &'static str {
    if now.duration_since(since) < SignedDuration::from_mins(10) { "every 2s" } else { "every 60s" }
}

#[cfg(test)]
mod tests {
    use shared::time::from_unix;

    use super::{part, refreshed};

    #[test]
    fn a_page_that_was_left_open_asks_seldom() {
        assert_eq!(refreshed(from_unix(0), from_unix(599)), "every 2s");
        assert_eq!(refreshed(from_unix(0), from_unix(600)), "every 60s");
    }

    #[test]
    fn a_users_channel_is_a_part_of_a_path() {
        assert_eq!(part("D-1:jo x+y/z"), "D-1%3Ajo%20x%2By%2Fz");
    }
}
