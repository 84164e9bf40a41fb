//! What waited for devices that enrolled anew, or left, is written down as dropped: only then can it end.

use super::send;
use crate::domain::sweep::{DroppedCommands, Sweep};
use crate::error::Result;
use crate::scope::Scope;
use crate::service::retention::commands_kept;
use crate::state::State;

/// Devices of one page.
const PAGE: i32 = 500;
/// Transactions for one device; what is left is the next sweep's.
const ROUNDS: usize = 20;

/// Asks for a look at every device that may have some. Costs a query where there is none.
pub(super) async fn begin(state: &State) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        let (devices, next) = state.store.devices_with_dropped(after.as_deref(), PAGE).await?;
        let pages = devices.into_iter();
        let pages = pages.map(|(tenant, device)| Sweep::Dropped(DroppedCommands { tenant, device }));
        send(state, &pages.collect::<Vec<_>>(), 0).await?;
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Does one device.
pub(super) async fn look(state: &State, wanted: &DroppedCommands) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a note in the store says that it is to be done")]
    let scope = Scope::system(wanted.tenant.clone(), "sweep");
    let kept = commands_kept(state, &scope).await?;
    for _ in 0..ROUNDS {
        if state.store.drop_earlier(&scope, &wanted.device, kept, state.clock.now()).await? {
            return Ok(());
        }
    }
    Ok(())
}
