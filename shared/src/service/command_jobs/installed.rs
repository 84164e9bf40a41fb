//! Filters by what is installed: the inventory of each device that fits otherwise is read as its page comes.

use futures_util::{StreamExt, TryStreamExt, stream};
use plist::Dictionary;

use crate::domain::command::StoredResult;
use crate::domain::enrollment::Enrollment;
use crate::domain::targets::Filter;
use crate::error::Result;
use crate::protocol::body;
use crate::protocol::inventory::Section;
use crate::scope::Scope;
use crate::state::State;

/// Devices whose inventory is read at a time: so many are in memory together, of 6 MB at most.
const CONCURRENT: usize = 10;

/// Those devices that fit what the filter says of apps and profiles, in their order.
pub(super) async fn fitting(
    state: &State,
    scope: &Scope,
    filter: &Filter,
    found: Vec<Enrollment>,
) -> Result<Vec<Enrollment>> {
    if !filter.reads_inventory() {
        return Ok(found);
    }
    let judged: Vec<Option<Enrollment>> = stream::iter(found)
        .map(|device| async move { Ok(fits(state, scope, filter, &device).await?.then_some(device)) })
        .buffered(CONCURRENT)
        .try_collect()
        .await?;
    Ok(judged.into_iter().flatten().collect())
}

async fn fits(state: &State, scope: &Scope, filter: &Filter, device: &Enrollment) -> Result<bool> {
    if let Some(profile) = &filter.profile
        && !profile.admits(&told(state, scope, device, Section::Profiles).await?)
    {
        return Ok(false);
    }
    match &filter.app {
        Some(app) => Ok(app.admits(&told(state, scope, device, Section::Apps).await?)),
        None => Ok(true),
    }
}

/// What a device last told of a section; nothing where it never did, or its large answer is gone.
async fn told(state: &State, scope: &Scope, device: &Enrollment, section: Section) -> Result<Dictionary> {
    let bytes = match state.store.inventory_section(scope, &device.id, section).await?.map(|part| part.result)
    {
        None => None,
        Some(StoredResult::Inline(bytes)) => Some(bytes.to_vec()),
        Some(StoredResult::Blob(key)) => state.results.get(&key).await?,
    };
    let answer = bytes.map(|bytes| body::parse(&bytes)).transpose()?;
    Ok(answer.and_then(plist::Value::into_dictionary).unwrap_or_default())
}
