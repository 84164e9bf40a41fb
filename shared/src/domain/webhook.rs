//! Webhooks: where a tenant wants to be told of events, and of which.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::{Event, EventKind};
use super::event_bus::EventBus;
use crate::error::{Error, Result};
use crate::id::{TenantId, WebhookId};
use crate::time::Timestamp;

/// Most webhooks of one tenant.
pub const MOST: usize = 10;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 200;
/// For how long a former secret may sign beside the present one, in hours.
const LONGEST_OVERLAP: u32 = 168;

/// One webhook, as its tenant set it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its identifier.
    pub id: WebhookId,
    /// Where events go, and how.
    #[serde(flatten)]
    pub target: Target,
    /// What it is for, in its owner's words.
    #[serde(default)]
    pub description: String,
    /// Which events; all of them where none is named.
    #[serde(default)]
    pub kinds: BTreeSet<EventKind>,
    /// Whether events are delivered.
    pub enabled: bool,
    /// Why it was switched off by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_off: Option<SwitchedOff>,
    /// Whether the tenant's contacts are still to be told that it was switched off by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untold: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes, so that of two at the same moment one wins.
    pub version: u64,
}

/// Where a webhook's events go, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// To a server, as signed calls.
    Server(Server),
    /// To an event bus.
    Bus {
        /// Which.
        event_bus: EventBus,
    },
}

/// A server that is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Where the calls go.
    pub url: String,
    /// What signs them, sealed.
    pub secret: Bytes,
    /// The secret before, while both sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_secret: Option<FormerSecret>,
}

impl Target {
    /// The server; none where events go to a bus.
    pub fn server(&self) -> Option<&Server> {
        match self {
            Self::Server(server) => Some(server),
            Self::Bus { .. } => None,
        }
    }

    /// The bus; none where events go to a server.
    pub fn bus(&self) -> Option<&EventBus> {
        match self {
            Self::Bus { event_bus } => Some(event_bus),
            Self::Server(_) => None,
        }
    }

    /// Where events go, in a word of the logs and a name.
    pub fn fact(&self) -> (&'static str, &str) {
        match self {
            Self::Server(server) => ("url", &server.url),
            Self::Bus { event_bus } => ("event_bus", event_bus.arn()),
        }
    }
}

/// When and why a webhook was switched off by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SwitchedOff {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Why.
    pub why: OffReason,
}

/// Why a webhook was switched off by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OffReason {
    /// Its server answered 410: nobody listens there any more.
    Gone,
    /// For a day nothing could be delivered.
    Failing,
}

impl OffReason {
    /// The reason as the log writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// A secret that signs beside its successor for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormerSecret {
    /// Sealed.
    pub secret: Bytes,
    /// Until when it signs.
    pub until: Timestamp,
}

impl Webhook {
    /// Whether turns have something to do for it.
    pub fn has_turns(&self) -> bool {
        self.enabled || self.untold
    }

    /// Whether it wants to be told of an event.
    pub fn wants(&self, kind: EventKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

impl Server {
    /// The secrets that sign now, sealed, the present one first.
    pub fn secrets(&self, now: Timestamp) -> Vec<&Bytes> {
        let former = self.former_secret.as_ref().filter(|former| now < former.until);
        [&self.secret].into_iter().chain(former.map(|former| &former.secret)).collect()
    }
}

/// Checks a description.
///
/// # Errors
/// Malformed when it is too long.
pub fn check_description(text: &str) -> Result<()> {
    if text.chars().count() <= LONGEST_DESCRIPTION {
        return Ok(());
    }
    Err(Error::malformed("webhook-description", "The description is longer than 200 characters.")
        .at("description")
        .next("Shorten it."))
}

/// Checks for how long a former secret is to sign.
///
/// # Errors
/// Malformed when it is more than a week.
pub fn check_overlap(hours: u32) -> Result<()> {
    if hours <= LONGEST_OVERLAP {
        return Ok(());
    }
    Err(Error::malformed("webhook-overlap", "A former secret signs for 168 hours (a week) at most.")
        .at("overlap_hours")
        .next("Give 0 to 168 hours."))
}

/// What a webhook is sent, in JSON. Its form is part of the API.
#[derive(Debug, Serialize)]
struct Envelope<'a> {
    id: &'a str,
    r#type: &'a str,
    timestamp: Timestamp,
    tenant: &'a TenantId,
    enrollment: Option<String>,
    actor: &'a str,
    sequence: &'a str,
    data: &'a BTreeMap<String, String>,
}

/// One thing that a webhook is told.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same for each attempt of one event.
    pub id: String,
    /// What happened.
    pub kind: &'static str,
    /// When.
    pub at: Timestamp,
    /// All of it: the body of a call, the detail on a bus.
    pub body: Bytes,
}

impl Message {
    /// The message that tells of an event.
    ///
    /// # Errors
    /// Internal when it cannot be written, which would be a fault.
    pub fn of(tenant: &TenantId, event: &Event) -> Result<Self> {
        let (enrollment, sequence) = (event.enrollment.as_ref().map(ToString::to_string), event.place());
        let (id, kind, at) = (event.id.to_string(), event.kind.name(), event.at);
        let body = envelope(&Envelope {
            id: &id,
            r#type: kind,
            timestamp: at,
            tenant,
            enrollment,
            actor: &event.actor,
            sequence: &sequence,
            data: &event.facts,
        })?;
        Ok(Self { id, kind, at, body })
    }

    /// A test, which tells of nothing.
    ///
    /// # Errors
    /// Internal when it cannot be written, which would be a fault.
    pub fn test(tenant: &TenantId, id: &str, at: Timestamp, actor: &str) -> Result<Self> {
        let kind = "test";
        let body = envelope(&Envelope {
            id,
            r#type: kind,
            timestamp: at,
            tenant,
            enrollment: None,
            actor,
            sequence: &super::log::moment(at),
            data: &BTreeMap::new(),
        })?;
        Ok(Self { id: id.to_owned(), kind, at, body })
    }
}

fn envelope(envelope: &Envelope<'_>) -> Result<Bytes> {
    serde_json::to_vec(envelope).map(Bytes::from).map_err(Error::internal)
}
