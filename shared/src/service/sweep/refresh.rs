//! Devices are asked again what they told of themselves.

use std::collections::{BTreeMap, HashSet};

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::devices::usable_topics;
use crate::domain::applicability::doubts;
use crate::domain::enrollment::Enrollment;
use crate::domain::refresh::{RefreshRule, question_uuid};
use crate::error::{Kind, Result};
use crate::id::EnrollmentId;
use crate::protocol::command::Command;
use crate::protocol::inventory::Section;
use crate::scope::Scope;
use crate::service::queue_on_target::{Order, queue_on_target};
use crate::state::State;

/// Devices that are asked at a time.
const CONCURRENT: usize = 10;
/// Questions go after what an administrator sends.
const LATER: u8 = 1;

/// Asks those devices of a page whose time has come, and returns which. One that will probably not answer a question is not
/// asked it; nor is one that no push certificate reaches.
pub(super) async fn ask(
    state: &State,
    scope: &Scope,
    rule: &RefreshRule,
    found: &[Enrollment],
) -> Result<HashSet<EnrollmentId>> {
    let now = state.clock.now();
    let questions = questions(rule)?;
    let mut due = Vec::new();
    for device in found {
        let mut sections = rule.due(device, now);
        sections.retain(|section| questions.get(section).is_some_and(|ask| doubts(ask, device).is_empty()));
        if !sections.is_empty() {
            due.push((device.clone(), sections));
        }
    }
    let usable = usable_topics(state, scope, &due).await?;
    due.retain(|(device, _)| device.push.as_ref().is_some_and(|push| usable.get(&push.topic) == Some(&true)));
    let mut asked = HashSet::new();
    let questions = &questions;
    let mut outcomes = stream::iter(due)
        .map(|(device, sections)| async move {
            let outcome = ask_one(state, scope, questions, device.clone(), sections).await;
            (device.id, outcome)
        })
        .buffer_unordered(CONCURRENT);
    while let Some((id, outcome)) = outcomes.next().await {
        match outcome {
            Ok(()) => drop(asked.insert(id)),
            // It enrolled anew a moment ago: the next sweep looks at it again.
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(asked)
}

fn questions(rule: &RefreshRule) -> Result<BTreeMap<Section, Command>> {
    let sections = rule.questions.keys();
    sections
        .map(|section| Ok((*section, Command::from_json(&json!({"RequestType": section.query()}))?)))
        .collect()
}

/// One question after the other: each is noted on the device in the transaction that queues it.
async fn ask_one(
    state: &State,
    scope: &Scope,
    questions: &BTreeMap<Section, Command>,
    mut device: Enrollment,
    sections: Vec<Section>,
) -> Result<()> {
    let now = state.clock.now();
    for section in sections {
        let Some(command) = questions.get(&section) else { continue };
        let uuid = question_uuid(&device, section);
        let mut asked: BTreeMap<Section, _> = device.asked.clone();
        asked.insert(section, now);
        let order = Order {
            uuid,
            command: command.clone(),
            random_pin: false,
            priority: LATER,
            created_at: now,
            // It waits until the device comes back: nothing else is asked meanwhile.
            not_after: None,
            asked: Some(asked.clone()),
        };
        queue_on_target(state, scope, &device, &order).await?;
        device.asked = asked;
    }
    Ok(())
}
