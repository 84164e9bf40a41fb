//! A device's inventory.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::withdraw_command::enrollment;
use crate::domain::command::StoredResult;
use crate::domain::enrollment::Enrollment;
use crate::domain::inventory::InventoryPart;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::protocol::inventory::Section;
use crate::protocol::{body, decode};
use crate::scope::Scope;
use crate::state::State;
use crate::time::Timestamp;

/// A section as it is shown.
#[derive(Clone, Debug)]
pub struct ShownSection {
    /// Which one.
    pub section: Section,
    /// When the device last told it; none for what it said when it enrolled.
    pub at: Option<Timestamp>,
    /// What it told, decoded. `None` where it is large and was not asked for by name, or is gone with its result.
    pub content: Option<Json>,
}

/// The sections that are known, in a fixed order. With `only`, that one as a whole, however large; otherwise a large one
/// comes with its time alone.
///
/// # Errors
/// NotFound when there is no such enrollment, or `only` was never told.
pub async fn show_inventory(
    state: &State,
    scope: &Scope,
    id: &EnrollmentId,
    only: Option<Section>,
) -> Result<Vec<ShownSection>> {
    let enrollment = enrollment(state, scope, id).await?;
    let mut parts = state.store.inventory(scope, id).await?;
    parts.retain(|part| only.is_none_or(|only| part.section == only));
    parts.sort_by_key(|part| part.told_at);
    let mut shown = BTreeMap::new();
    if only.is_none_or(|only| only == Section::Device) {
        let known =
            ShownSection { section: Section::Device, at: None, content: Some(enrolled_with(&enrollment)) };
        shown.insert(Section::Device, known);
    }
    for part in parts {
        let content = content(state, &part, only.is_some()).await?;
        add(&mut shown, &part, content);
    }
    if shown.is_empty() && only.is_some() {
        return Err(Error::not_found("section of the inventory"));
    }
    Ok(shown.into_values().collect())
}

/// Later answers replace earlier ones; those of DeviceInformation key by key, because each asked for other things.
fn add(shown: &mut BTreeMap<Section, ShownSection>, part: &InventoryPart, content: Option<Json>) {
    let former = shown.remove(&part.section).and_then(|former| former.content);
    let content = match (former, content) {
        (Some(Json::Object(mut known)), Some(Json::Object(told))) if part.section == Section::Device => {
            known.extend(told);
            Some(Json::Object(known))
        }
        (former, None) if part.section == Section::Device => former,
        (_, told) => told,
    };
    shown.insert(part.section, ShownSection { section: part.section, at: Some(part.told_at), content });
}

async fn content(state: &State, part: &InventoryPart, whole: bool) -> Result<Option<Json>> {
    let bytes = match &part.result {
        StoredResult::Inline(bytes) => bytes.to_vec(),
        StoredResult::Blob(_) if !whole => return Ok(None),
        StoredResult::Blob(key) => match state.results.get(key).await? {
            Some(bytes) => bytes,
            None => return Ok(None),
        },
    };
    let mut answer = decode::to_json(&body::parse(&bytes)?);
    Ok(Some(answer[part.section.key()].take()))
}

/// What the device said of itself when it enrolled and since, under the names of DeviceInformation.
fn enrolled_with(enrollment: &Enrollment) -> Json {
    let facts = &enrollment.facts;
    let texts = [
        ("DeviceName", &facts.device_name),
        ("Model", &facts.model),
        ("ModelName", &facts.model_name),
        ("ProductName", &facts.product_name),
        ("SerialNumber", &facts.serial_number),
        ("OSVersion", &facts.os_version),
        ("BuildVersion", &facts.build_version),
        ("IMEI", &facts.imei),
        ("MEID", &facts.meid),
    ];
    let mut known: Map<String, Json> = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Json::from(text.as_deref()?))))
        .collect();
    if let Some(supervised) = facts.supervised {
        known.insert("IsSupervised".to_owned(), supervised.into());
    }
    Json::Object(known)
}
