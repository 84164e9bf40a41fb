//! What the forms of a device's page send.

use axum::extract::Path;
use axum::response::Response;
use serde_json::{Map, Value, json};
use shared::domain::command::{CommandBatch, usual_priority};
use shared::domain::dismissal::Reason;
use shared::domain::enrollment::Enrollment;
use shared::domain::rights::Right;
use shared::error::{Error, Kind, Result};
use shared::protocol::command::Command;
use shared::protocol::inventory::Section;
use shared::service::enqueue_command::{NewCommand, enqueue_command};
use shared::service::renew_identity::want_renewal;
use shared::service::retire_device::retire_device;
use shared::service::revoke_identity::revoke_identity;
use shared::service::unenroll_device::unenroll_device;
use shared::service::unlock_access::unlock_access;

use super::page::{self, Typed};
use super::{find, name, place};
use crate::fields::Fields;
use crate::layout;
use crate::look::{Act, HelpAct, Look};
use crate::refusal::Refusal;

/// What a device is asked for at once.
const ABOUT: [Section; 5] =
    [Section::Security, Section::Apps, Section::Profiles, Section::Certificates, Section::Device];

/// A command, and whether a Mac gets a random PIN with it.
type Order = (Value, bool);

/// Sends what a form asks for.
pub(crate) async fn send(
    Path((_, id, what)): Path<(String, String, String)>,
    HelpAct(Act { look, fields }): HelpAct,
) -> Result<Response, Refusal> {
    if what == "erase" {
        look.check(Right::Manage)?;
    }
    let device = find(&look, &id).await?;
    match send_all(&look, &device, &what, &fields).await {
        Ok(batch) if batch.awaits_approval() => {
            Ok(layout::done(&look.path(&format!("commands/{}", batch.uuid)), "approval-asked"))
        }
        Ok(batch) => {
            Ok(layout::done(&place(&look, &device.id, &format!("?command={}", batch.uuid)), "command-sent"))
        }
        Err(error) => refused(&look, &device, format!("send/{what}"), fields, error).await,
    }
}

async fn refused(
    look: &Look,
    device: &Enrollment,
    form: String,
    fields: Fields,
    error: Error,
) -> Result<Response, Refusal> {
    if matches!(error.kind(), Kind::Malformed | Kind::Conflict) {
        page::answer(look, device, &Typed { form, fields, error: Some(error) }).await
    } else {
        Err(error.into())
    }
}

async fn send_all(look: &Look, device: &Enrollment, what: &str, fields: &Fields) -> Result<CommandBatch> {
    let mut last = Err(Error::not_found("action"));
    for (command, random_pin) in orders(device, what, fields)? {
        let new = NewCommand {
            command: Command::from_json(&command)?,
            targets: vec![device.id.clone()],
            priority: usual_priority(),
            uuid: None,
            expires_in: None,
            random_pin,
        };
        last = Ok(enqueue_command(&look.state, &look.scope, new).await?.batch);
    }
    last
}

fn orders(device: &Enrollment, what: &str, fields: &Fields) -> Result<Vec<Order>> {
    let plain = |name: &str| Ok(vec![(json!({"RequestType": name}), false)]);
    let message = [("Message", "message"), ("PhoneNumber", "phone"), ("Footnote", "footnote")];
    match what {
        "ask" => {
            let about = fields.text("about");
            let one = Section::ALL.into_iter().find(|section| section.name() == about);
            let all = one.map_or_else(|| ABOUT.to_vec(), |one| vec![one]);
            Ok(all.into_iter().map(|section| (json!({"RequestType": section.query()}), false)).collect())
        }
        "lock" => {
            let (pin, random) = pin(device, fields);
            Ok(vec![(with(&message[..2], fields, "DeviceLock", pin), random)])
        }
        "clear-passcode" => plain("ClearPasscode"),
        "restart" => plain("RestartDevice"),
        "shut-down" => plain("ShutDownDevice"),
        "lost-mode" => Ok(vec![(with(&message, fields, "EnableLostMode", None), false)]),
        "lost-mode-off" => plain("DisableLostMode"),
        "locate" => plain("DeviceLocation"),
        "sound" => plain("PlayLostModeSound"),
        "erase" => {
            confirmed(device, fields)?;
            let (pin, random) = pin(device, fields);
            Ok(vec![(with(&[], fields, "EraseDevice", pin), random)])
        }
        _ => Ok(Vec::new()),
    }
}

/// A Mac's PIN as it was typed; otherwise it gets a random one. Other devices get none.
fn pin(device: &Enrollment, fields: &Fields) -> (Option<String>, bool) {
    let pin = Some(fields.text("pin")).filter(|pin| !pin.is_empty());
    let random = pin.is_none() && device.facts.is_mac();
    (pin, random)
}

/// A command with what was typed of these keys.
fn with(keys: &[(&str, &str)], fields: &Fields, name: &str, pin: Option<String>) -> Value {
    let typed = keys.iter().map(|(key, field)| ((*key).to_owned(), fields.text(field)));
    let mut command: Map<String, Value> =
        typed.filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key, text.into())).collect();
    command.insert("RequestType".to_owned(), name.into());
    if let Some(pin) = pin {
        command.insert("PIN".to_owned(), pin.into());
    }
    command.into()
}

/// Whether somebody typed the name of the device that they mean.
fn confirmed(device: &Enrollment, fields: &Fields) -> Result<()> {
    let name = name(device);
    if fields.text("confirm") == name {
        return Ok(());
    }
    Err(Error::malformed("typed-device-name", format!("This device is called {name:?}."))
        .at("confirm")
        .next("Type this name exactly, if it is the device that you mean."))
}

/// Does what a form asks for to the enrollment itself.
pub(crate) async fn act(
    Path((_, id, what)): Path<(String, String, String)>,
    HelpAct(Act { look, fields }): HelpAct,
) -> Result<Response, Refusal> {
    if what != "unlock" {
        look.check(Right::Manage)?;
    }
    let device = find(&look, &id).await?;
    match change(&look, &device, &what, &fields).await {
        Ok(said) => Ok(layout::done(&place(&look, &device.id, ""), said)),
        Err(error) => refused(&look, &device, format!("do/{what}"), fields, error).await,
    }
}

async fn change(look: &Look, device: &Enrollment, what: &str, fields: &Fields) -> Result<&'static str> {
    let (state, scope, id) = (&look.state, &look.scope, &device.id);
    match what {
        "renew" => want_renewal(state, scope, id).await.map(|_| "identity-renewal"),
        "unlock" => unlock_access(state, scope, id).await.map(|_| "access-unlocked"),
        "revoke" => {
            confirmed(device, fields)?;
            revoke_identity(state, scope, id).await.map(|_| "identity-revoked")
        }
        "retire" => {
            confirmed(device, fields)?;
            retire_device(state, scope, id).await.map(|_| "device-retired")
        }
        "unenroll" => {
            confirmed(device, fields)?;
            let reason = Reason::new(&fields.text("reason"))?;
            unenroll_device(state, scope, id, reason).await.map(|_| "device-unenrolled")
        }
        _ => Err(Error::not_found("action")),
    }
}
