//! A tenant out of a dump of nanomdm (<https://github.com/micromdm/nanomdm>): its devices keep their identities.
//!
//! What the devices themselves said there stands in the dump. It is said once more, to the services that hear devices here,
//! in an installation of its own: so nothing about enrollments has to be known here.

use std::collections::{BTreeMap, BTreeSet};

use openssl::x509::X509;
use plist::{Dictionary, Value};
use shared::domain::contact::EmailAddress;
use shared::error::{Error, Kind, Result};
use shared::id::{Fingerprint, TenantId};
use shared::protocol::body;
use shared::protocol::message::DeviceMessage;
use shared::scope::Operator;
use shared::secret::Secret;
use shared::service::activate_push_certificate::{Confirmation, OverrideReason, activate_push_certificate};
use shared::service::authenticate_device::{Signer, recognize};
use shared::service::check_in::check_in;
use shared::service::create_identity_authority::trust_identity_authority;
use shared::service::create_tenant::create_tenant;
use shared::service::stage_push_certificate::{UploadFiles, stage_push_certificate};
use shared::state::State;

use crate::dump::{Dump, Row, row_error};
use crate::places::rights;

/// What the dump does not say.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// What the tenant is called.
    pub name: String,
    /// Who is told before something ends.
    pub contacts: Vec<EmailAddress>,
    /// Who issued the devices' identities, in PEM.
    pub authorities: String,
    /// Which push topic, where there are several.
    pub topic: Option<String>,
}

/// What became of it.
#[derive(Debug)]
pub struct Adopted {
    /// The new tenant.
    pub tenant: TenantId,
    /// Its first token.
    pub token: Secret<String>,
    /// How many enrollments it has.
    pub enrollments: u64,
    /// Those that it could not take over, and why.
    pub left_out: Vec<(String, String)>,
}

/// Makes a tenant of a dump.
///
/// # Errors
/// Malformed `dump-topic` and `dump-row`; as the calls by which certificates and authorities come to a tenant.
pub async fn adopt(state: &State, dump: &Dump, newcomer: &Newcomer) -> Result<Adopted> {
    let pushes = push_certificate(dump, newcomer.topic.as_deref())?;
    let topic = pushes.required("topic")?;
    let operator = Operator::system("import");
    let contacts = newcomer.contacts.clone();
    let (tenant, token) = create_tenant(state, &operator, &newcomer.name, contacts, false).await?;
    let (scope, _) = rights(&tenant.id, "import");
    for authority in X509::stack_from_pem(newcomer.authorities.as_bytes()).unwrap_or_default() {
        let pem = authority.to_pem().map_err(Error::internal)?;
        trust_identity_authority(state, &scope, &String::from_utf8_lossy(&pem)).await?;
    }
    let files = UploadFiles {
        certificate: pushes.required("cert_pem")?.into(),
        key: Some(pushes.required("key_pem")?.into()),
        password: None,
    };
    stage_push_certificate(state, &scope, &files).await?;
    // It serves devices already, whatever comes of the question to Apple from here.
    let reason = OverrideReason::parse("It was in use on the server that it comes from.")?;
    let confirmation = Confirmation { override_check: Some(reason), ..Confirmation::default() };
    activate_push_certificate(state, &scope, &confirmation).await?;

    let mut adoption = Adoption::new(state, dump, &tenant.id);
    let (mut enrollments, mut left_out) = (0, Vec::new());
    let is_user = |row: &&Row| row.get("user_id").is_some();
    let (users, devices): (Vec<_>, Vec<_>) = dump.enrollments.iter().partition(is_user);
    for row in devices.into_iter().chain(users) {
        let id = row.required("id")?.to_owned();
        let done = if !row.is("enabled") {
            Err(left("it is not enrolled any more"))
        } else if row.get("topic") != Some(topic) {
            Err(left("it listens on another push topic"))
        } else if row.get("user_id").is_some() {
            adoption.user(row).await
        } else {
            adoption.device(row).await
        };
        match done {
            Ok(()) => enrollments += 1,
            Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Internal) => return Err(error),
            Err(error) => left_out.push((id, error.to_string())),
        }
    }
    Ok(Adopted { tenant: tenant.id, token, enrollments, left_out })
}

/// The push certificate of the topic, which must be the only one where none was chosen.
fn push_certificate<'a>(dump: &'a Dump, wanted: Option<&str>) -> Result<&'a Row> {
    let topics: BTreeSet<_> = dump.push_certificates.iter().filter_map(|row| row.get("topic")).collect();
    let mut fitting =
        dump.push_certificates.iter().filter(|row| wanted.is_none() || row.get("topic") == wanted);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        _ => {
            let message = format!(
                "The dump has not exactly one push certificate for this tenant. Its topics: {}.",
                topics.into_iter().collect::<Vec<_>>().join(", ")
            );
            Err(Error::malformed("dump-topic", message)
                .at("TOPIC")
                .next("Say which with TOPIC=..., and make an archive for each: a topic is one tenant's."))
        }
    }
}

fn left(why: &str) -> Error {
    Error::malformed("dump-row", why.to_owned())
}

struct Adoption<'a> {
    state: &'a State,
    tenant: &'a TenantId,
    devices: BTreeMap<&'a str, &'a Row>,
    users: BTreeMap<&'a str, &'a Row>,
    /// The hashes of the certificates by which each device may speak.
    bound: BTreeMap<&'a str, Vec<&'a str>>,
    /// Of the devices that were taken over.
    signers: BTreeMap<String, Signer>,
}

impl<'a> Adoption<'a> {
    fn new(state: &'a State, dump: &'a Dump, tenant: &'a TenantId) -> Self {
        fn by_id(rows: &[Row]) -> BTreeMap<&str, &Row> {
            rows.iter().filter_map(|row| Some((row.get("id")?, row))).collect()
        }
        let mut bound: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &dump.associations {
            if let Some((id, hash)) = row.get("id").zip(row.get("sha256")) {
                bound.entry(id).or_default().push(hash);
            }
        }
        let (devices, users) = (by_id(&dump.devices), by_id(&dump.users));
        Self { state, tenant, devices, users, bound, signers: BTreeMap::new() }
    }

    async fn device(&mut self, row: &Row) -> Result<()> {
        let id = row.required("id")?;
        let device = self.devices.get(id).copied().ok_or_else(|| left("its device is not in the dump"))?;
        let pem = device.get("identity_cert");
        let pem = pem.ok_or_else(|| left("its identity certificate is not in the dump"))?;
        let certificate = X509::from_pem(pem.as_bytes());
        let certificate = certificate.map_err(|_| left("its identity certificate cannot be read"))?;
        let fingerprint = Fingerprint::of(&certificate.to_der().map_err(Error::internal)?).to_string();
        let bound = self.bound.get(id).map(Vec::as_slice).unwrap_or_default();
        if !bound.is_empty() && !bound.iter().any(|hash| hash.eq_ignore_ascii_case(&fingerprint)) {
            return Err(left("it speaks with another identity than the one in the dump"));
        }
        let signer = recognize(self.state, self.tenant.clone(), certificate, false).await?;
        let begun = said(device.required("authenticate")?)?;
        self.say(&signer, id, begun.clone()).await?;
        let mut update = match device.get("token_update") {
            Some(update) => said(update)?,
            None => introduction(&begun),
        };
        if let Some(unlock) = device.bytes("unlock_token")? {
            update.insert("UnlockToken".into(), Value::Data(unlock));
        }
        self.say(&signer, id, with_push(update, row)?).await?;
        if let Some(token) = device.bytes("bootstrap_token_b64")? {
            let mut deposit = introduction(&begun);
            deposit.insert("MessageType".into(), "SetBootstrapToken".into());
            deposit.insert("BootstrapToken".into(), Value::Data(token));
            self.say(&signer, id, deposit).await?;
        }
        self.signers.insert(id.to_owned(), signer);
        Ok(())
    }

    async fn user(&self, row: &Row) -> Result<()> {
        let (id, device) = (row.required("id")?, row.required("device_id")?);
        let signer = self.signers.get(device).ok_or_else(|| left("its device was left out"))?;
        let update = self.users.get(id).and_then(|user| user.get("token_update"));
        let update = update.ok_or_else(|| left("what its user's channel said is not in the dump"))?;
        self.say(signer, id, with_push(said(update)?, row)?).await
    }

    /// Says a message as the device did.
    async fn say(&self, signer: &Signer, id: &str, message: Dictionary) -> Result<()> {
        let message = DeviceMessage::parse(&body::to_xml(&message.into())?)?;
        let DeviceMessage::CheckIn(message) = message else {
            return Err(row_error("a message is no check-in"));
        };
        if String::from(message.enrollment.clone()) != id {
            return Err(left("what it said is another enrollment's"));
        }
        check_in(self.state, signer, message).await.map(drop)
    }
}

/// A message as it stands in the dump.
fn said(text: &str) -> Result<Dictionary> {
    let message = body::parse(text.as_bytes())?;
    message.into_dictionary().ok_or_else(|| row_error("a message is no dictionary"))
}

/// Who speaks in a message.
fn introduction(message: &Dictionary) -> Dictionary {
    let who = ["UDID", "EnrollmentID", "UserID", "EnrollmentUserID", "UserShortName", "UserLongName"];
    let keys = who.into_iter().filter_map(|key| Some((key.to_owned(), message.get(key)?.clone())));
    keys.collect()
}

/// A TokenUpdate, with the push address that is in use.
fn with_push(mut update: Dictionary, row: &Row) -> Result<Dictionary> {
    let token = hex::decode(row.required("token_hex")?).map_err(|_| row_error("token_hex is not hex"))?;
    update.insert("MessageType".into(), "TokenUpdate".into());
    update.insert("Topic".into(), row.required("topic")?.into());
    update.insert("PushMagic".into(), row.required("push_magic")?.into());
    update.insert("Token".into(), Value::Data(token));
    Ok(update)
}
