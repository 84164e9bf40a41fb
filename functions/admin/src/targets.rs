//! Whom a command is for, as a body says it.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use shared::domain::targets::Filter;
use shared::error::{Error, Result};
use shared::id::EnrollmentId;
use shared::service::command_jobs::NewTargets;
use utoipa::ToSchema;

/// One of these; a plain list of enrollments stands for the first.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// 1 to 10,000 enrollments.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    enrollments: Option<BTreeSet<EnrollmentId>>,
    /// The members of the group with this name.
    #[serde(default)]
    group: Option<String>,
    /// The enrolled devices that fit.
    #[serde(default)]
    filter: Option<Filter>,
    /// `true`: all enrolled devices.
    #[serde(default)]
    all: Option<bool>,
}

/// A list of enrollments, or a selection.
pub(crate) struct Targets(Selection);

impl Targets {
    /// What was chosen.
    ///
    /// # Errors
    /// Malformed unless it is exactly one.
    pub(crate) fn chosen(self) -> Result<NewTargets> {
        let Selection { enrollments, group, filter, all } = self.0;
        match (enrollments, group, filter, all) {
            (Some(ids), None, None, None) => Ok(NewTargets::Enrollments(ids)),
            (None, Some(name), None, None) => Ok(NewTargets::Group(name)),
            (None, None, Some(filter), None) => Ok(NewTargets::Filter(Box::new(filter))),
            (None, None, None, Some(true)) => Ok(NewTargets::All),
            (_, _, _, _) => Err(Error::malformed(
                "command-targets",
                "A command is for enrollments, for a group, for those that fit a filter, or for all: one of them.",
            )
            .at("targets")
            .next("Give a list, or one of \"enrollments\", \"group\", \"filter\" and \"all\": true.")),
        }
    }
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListOrSelection)
    }
}

struct ListOrSelection;

impl<'de> Visitor<'de> for ListOrSelection {
    type Value = Targets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of enrollments, or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Targets, A::Error> {
        let enrollments = Some(BTreeSet::deserialize(SeqAccessDeserializer::new(list))?);
        Ok(Targets(Selection { enrollments, ..Selection::default() }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Targets, A::Error> {
        Selection::deserialize(MapAccessDeserializer::new(map)).map(Targets)
    }
}
