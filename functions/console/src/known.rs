//! The devices that a page may look at in one go.

use shared::domain::glimpse::Glimpse;
use shared::error::Result;

use crate::look::Look;

/// So many enrollments are glimpsed at for one page at most.
pub(crate) const MOST: usize = 1_000;
/// Enrollments read at once.
const PAGE: i32 = 100;

/// Some of a tenant's devices.
pub(crate) struct Known {
    /// Devices, without their users' channels.
    pub(crate) devices: Vec<Glimpse>,
    /// Where to go on, when there are more.
    pub(crate) next: Option<String>,
}

/// The first devices after a mark.
pub(crate) async fn devices(look: &Look, after: Option<&str>) -> Result<Known> {
    let mut known = Known { devices: Vec::new(), next: after.map(str::to_owned) };
    for _ in 0..MOST / 100 {
        let (found, next) = look.state.store.list_glimpses(&look.scope, known.next.as_deref(), PAGE).await?;
        known.devices.extend(found.into_iter().filter(|device| device.id.user_id().is_none()));
        known.next = next;
        if known.next.is_none() {
            break;
        }
    }
    Ok(known)
}
