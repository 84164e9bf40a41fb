//! The lines of an archive.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::id::TenantId;
use shared::store::Table;

/// One line: the head comes first, the end last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "line")]
pub(crate) enum Record {
    /// Whose archive it is.
    Head { tenant: TenantId },
    /// An item, in DynamoDB's own JSON.
    Item { table: Table, kind: String, item: Value },
    /// A secret of the tenant's by what follows the tenant in its name; in base 64.
    Secret { name: String, value: String },
    /// An object of the tenant's by what follows the tenant in its key; in base 64.
    Object { key: String, content: String },
    /// How much stood there.
    End(Tally),
}

/// How much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Items of the tables, by the word of their keys that says what they are.
    pub items: BTreeMap<String, u64>,
    /// Private keys, passwords and the like.
    pub secrets: u64,
    /// Large results.
    pub objects: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, record: &Record) {
        match record {
            Record::Item { kind, .. } => *self.items.entry(kind.clone()).or_default() += 1,
            Record::Secret { .. } => self.secrets += 1,
            Record::Object { .. } => self.objects += 1,
            Record::Head { .. } | Record::End(_) => {}
        }
    }

    /// All lines between the first and the last.
    pub fn lines(&self) -> u64 {
        self.items.values().sum::<u64>() + self.secrets + self.objects
    }
}

/// For people: what there is of each kind.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.items {
            writeln!(f, "  {count:>9} {kind}")?;
        }
        writeln!(f, "  {:>9} secrets", self.secrets)?;
        write!(f, "  {:>9} large results", self.objects)
    }
}
