//! Static groups of enrollments. A group is its name: links, targets of commands and devices speak of it so.

use std::collections::BTreeSet;

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use super::link_terms::tidy;
use crate::error::{Error, Result};
use crate::id::GroupId;
use crate::time::Timestamp;

/// The most groups of one enrollment.
pub const MOST_GROUPS: usize = 50;

/// A group of a tenant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Made of the name.
    pub id: GroupId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is being deleted: it takes no more members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Group {
    /// A group of this name.
    ///
    /// # Errors
    /// Malformed `group-name`.
    pub fn create(name: &str, now: Timestamp) -> Result<Self> {
        let name = tidy(name).ok_or_else(|| {
            Error::malformed("group-name", "A group's name has 1 to 64 characters, on one line.").at("name")
        })?;
        Ok(Self { id: GroupId::named(name), name: name.to_owned(), created_at: now, deleted_at: None })
    }
}

impl GroupId {
    /// The group of this name: the name alone says which it is, so that a device joins the group in its link without a
    /// read.
    pub fn named(name: &str) -> Self {
        let mut start = [0; 10];
        for (place, byte) in start.iter_mut().zip(sha256(name.as_bytes())) {
            *place = byte;
        }
        Self::from(start)
    }
}

/// The groups of a device that joins one more; `None` when it is in that one already, or in as many as it may.
pub fn joined(groups: &BTreeSet<String>, name: &str) -> Option<BTreeSet<String>> {
    if groups.contains(name) || groups.len() >= MOST_GROUPS {
        return None;
    }
    let mut all = groups.clone();
    all.insert(name.to_owned());
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_tidied_and_makes_the_identifier() {
        let group = Group::create(" Year 7 ", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((group.name.as_str(), &group.id), ("Year 7", &GroupId::named("Year 7")));
        assert_ne!(GroupId::named("Year 7"), GroupId::named("Year 8"));
        for bad in ["", " ", "a\nb", &"x".repeat(65)] {
            let error = Group::create(bad, Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!((error.code(), error.field()), ("group-name", Some("name")), "{bad:?}");
        }
    }

    #[test]
    fn a_device_joins_a_group_once_and_not_without_end() {
        let groups = joined(&BTreeSet::new(), "Year 7").unwrap();
        assert_eq!(joined(&groups, "Year 7"), None);
        assert_eq!(joined(&groups, "Year 8").unwrap().len(), 2);
        let many: BTreeSet<String> = (0..MOST_GROUPS).map(|number| number.to_string()).collect();
        assert_eq!(joined(&many, "Year 7"), None);
    }
}
