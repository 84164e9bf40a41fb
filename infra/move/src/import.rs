//! An archive becomes a tenant of this installation.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::sha::Sha256;
use shared::domain::audit::AuditAction;
use shared::error::{Error, Result};
use shared::id::TenantId;
use shared::scope::{Operator, Scope};
use shared::secret::Secret;
use shared::store::{ITEMS_AT_ONCE, ImportBegun, StoredItem, Table};

use crate::archive::Reader;
use crate::attributes;
use crate::places::{Places, rights};
use crate::record::{Record, Tally};
use crate::seal::{Passphrase, damaged};

/// The most bytes that go with one transaction: DynamoDB takes 4 MB.
const BYTES_AT_ONCE: usize = 3_000_000;

/// What an archive holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whose it is.
    pub tenant: TenantId,
    /// What the tenant is called.
    pub name: String,
    /// How much there is.
    pub tally: Tally,
    topics: Vec<String>,
}

/// Reads an archive to its end, and changes nothing.
///
/// # Errors
/// Malformed `archive-not-read`, `archive-damaged`, `archive-form`, `archive-newer`; Forbidden `archive-passphrase-wrong`.
pub fn look(file: &Path, passphrase: &Passphrase) -> Result<Plan> {
    let (mut archive, tenant) = Reader::open(open(file)?, passphrase)?;
    let (scope, _) = rights(&tenant, "import");
    let (mut name, mut topics) = (None, Vec::new());
    while let Some(record) = archive.next()? {
        match record {
            Record::Item { table, item, .. } => {
                let found = stored(table, &item)?;
                if !found.is_of(&scope) {
                    return Err(damaged("something in it is not the tenant's"));
                }
                if !found.is_readable() {
                    return Err(Error::malformed(
                        "archive-newer",
                        "The archive holds records in a form that this release does not know.",
                    )
                    .at("FILE")
                    .next(
                        "Nothing was changed. Bring this installation to the release of the other one first.",
                    ));
                }
                topics.extend(found.claimed_topic().map(str::to_owned));
                if found.is_tenant(&scope) {
                    name = Some(found.text("name").to_owned());
                }
            }
            Record::Secret { value, .. } => drop(decode(&value)?),
            Record::Object { content, .. } => drop(decode(&content)?),
            Record::Head { .. } | Record::End(_) => return Err(damaged("it begins or ends twice")),
        }
    }
    let name = name.ok_or_else(|| damaged("the tenant itself is missing"))?;
    Ok(Plan { tenant, name, tally: archive.tally().clone(), topics })
}

/// Makes the tenant of an archive a tenant of this installation, and says from time to time how much is done. It is reached by
/// nobody before all is there. An import that died goes on when it is begun again with the same file.
///
/// # Errors
/// As [`look`]; Conflict `tenant-exists`, `import-begun`, `import-overtaken` or `archive-topic-taken`; Unavailable when AWS does not
/// answer.
pub async fn import(
    places: &Places,
    file: &Path,
    passphrase: &Passphrase,
    progress: impl FnMut(&Tally),
) -> Result<Plan> {
    let plan = look(file, passphrase)?;
    let (scope, operator) = rights(&plan.tenant, "import");
    for topic in &plan.topics {
        // Two tenants with one topic would silence each other's devices.
        if places.store.topic_is_anothers(&scope, topic).await? {
            let message = format!("Another tenant of this installation has the push topic {topic}.");
            return Err(Error::conflict("archive-topic-taken", message).next(
                "Nothing was changed. Delete that tenant's push certificates first, if they are not in use.",
            ));
        }
    }
    let import = Import { places, scope, operator, digest: digest(file)? };
    let opened = import.begin().await?;
    let doors = import.fill(file, passphrase, opened == 0, progress).await?;
    import.open(doors, opened).await?;
    Ok(plan)
}

struct Import<'a> {
    places: &'a Places,
    scope: Scope,
    operator: Operator,
    digest: String,
}

impl Import<'_> {
    async fn begin(&self) -> Result<u64> {
        match self.places.store.begin_import(&self.scope, &self.digest).await? {
            ImportBegun::Here(opened) => Ok(opened),
            ImportBegun::TenantExists => {
                Err(Error::conflict("tenant-exists", "This tenant is here already.").next(
                    "Nothing was changed. If an import of it was cut off at its very end, it is complete: look at the tenant.",
                ))
            }
            ImportBegun::AnotherArchive => {
                Err(Error::conflict("import-begun", "An import of this tenant from another file has begun.")
                    .at("FILE")
                    .next("Nothing was changed. Go on with that file."))
            }
        }
    }

    /// Writes all but the doors, unless that was done before, and returns those.
    async fn fill(
        &self,
        file: &Path,
        passphrase: &Passphrase,
        writes: bool,
        mut progress: impl FnMut(&Tally),
    ) -> Result<Vec<StoredItem>> {
        let (mut archive, tenant) = Reader::open(open(file)?, passphrase)?;
        let (mut doors, mut waiting, mut size) = (Vec::new(), Vec::new(), 0);
        while let Some(record) = archive.next()? {
            match record {
                Record::Item { table, item, .. } => {
                    let found = stored(table, &item)?;
                    if found.is_door(&self.scope) {
                        doors.push(found);
                    } else if writes {
                        if waiting.len() == ITEMS_AT_ONCE || size + archive.size() > BYTES_AT_ONCE {
                            self.flush(&mut waiting).await?;
                            size = 0;
                            progress(archive.tally());
                        }
                        size += archive.size();
                        waiting.push(found);
                    }
                }
                Record::Secret { name, value } if writes => {
                    let value = Secret::new(decode(&value)?);
                    self.places.secrets.put(&format!("{tenant}/{name}"), &value).await?;
                }
                Record::Object { key, content } if writes => {
                    self.places.results.put(&format!("{tenant}/{key}"), decode(&content)?).await?;
                }
                Record::Secret { .. } | Record::Object { .. } | Record::Head { .. } | Record::End(_) => {}
            }
        }
        self.flush(&mut waiting).await?;
        Ok(doors)
    }

    async fn flush(&self, waiting: &mut Vec<StoredItem>) -> Result<()> {
        let some = std::mem::take(waiting);
        if some.is_empty() || self.places.store.fill_import(&self.scope, &self.digest, &some).await? {
            return Ok(());
        }
        Err(overtaken())
    }

    /// Opens the doors, the tenant itself last. Nearly always one transaction holds them all.
    async fn open(&self, mut doors: Vec<StoredItem>, opened: u64) -> Result<()> {
        doors.sort_by_key(|door| (door.is_tenant(&self.scope), door.item.contains_key("kind")));
        let (store, mut step) = (&self.places.store, 0);
        let mut rest = doors.as_slice();
        while rest.len() > ITEMS_AT_ONCE {
            let (some, others) = rest.split_at(ITEMS_AT_ONCE);
            if step >= opened && !store.open_doors(&self.scope, &self.digest, step, some).await? {
                return Err(overtaken());
            }
            (rest, step) = (others, step + 1);
        }
        let audit = self.places.audit(&self.scope, AuditAction::TenantImported);
        let audit = audit.with("archive", &self.digest);
        let operators = self.places.audit(&self.operator, AuditAction::TenantImported);
        let operators = operators.with("tenant", self.scope.tenant()).with("archive", &self.digest);
        let noted = (&self.operator, &operators);
        if store.finish_import(&self.scope, (&self.digest, step), rest, &audit, noted).await? {
            return Ok(());
        }
        Err(overtaken())
    }
}

fn overtaken() -> Error {
    Error::conflict("import-overtaken", "Another process imports this tenant, and has come further.")
        .next("Wait until it is done, and look at the tenant.")
}

fn stored(table: Table, item: &serde_json::Value) -> Result<StoredItem> {
    let item = attributes::from_json(item).ok_or_else(|| damaged("an item of it cannot be read"))?;
    Ok(StoredItem { table, item })
}

fn open(file: &Path) -> Result<File> {
    File::open(file).map_err(|error| {
        let message = format!("{} cannot be read: {error}.", file.display());
        Error::malformed("archive-not-read", message).at("FILE").next("Name the file that export wrote.")
    })
}

/// Which file it is, so that an import goes on with the one it began with.
fn digest(file: &Path) -> Result<String> {
    let mut file = open(file)?;
    let mut sha = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece).map_err(Error::internal)? {
            0 => return Ok(hex::encode(sha.finish())),
            read => sha.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

fn decode(text: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| damaged("a line of it cannot be decoded"))
}
