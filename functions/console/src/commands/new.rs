//! A new command: filled in, reviewed with whom it would reach, sent.

use axum::response::Response;
use maud::{Markup, html};
use shared::domain::command::usual_priority;
use shared::error::{Error, Kind, Result};
use shared::id::CommandUuid;
use shared::protocol::command::Command;
use shared::protocol::command::schema::{self, CommandSchema};
use shared::service::command_jobs::{NewJob, preview_command, start_job};
use shared::service::enqueue_command::{NewCommand, command_from, enqueue_command, with_pins};

use super::{help, inputs, review, targets};
use crate::fields::Fields;
use crate::layout::{self, Part};
use crate::look::{Act, Look, SharedAct};
use crate::refusal::Refusal;

/// The type that stands for a property list.
pub(super) const RAW: &str = "raw";
/// Groups to choose from.
const GROUPS: i32 = 100;

/// The form of one type.
pub(crate) async fn show(look: Look) -> Result<Response, Refusal> {
    let fields = Fields::of(look.query.iter());
    form(&look, &fields, None).await
}

/// The form, its review, or what was sent.
pub(crate) async fn take(SharedAct(Act { look, fields }): SharedAct) -> Result<Response, Refusal> {
    let taken = match fields.text("then").as_str() {
        "edit" => return form(&look, &fields, None).await,
        "send" => send(&look, &fields).await,
        _ => preview(&look, &fields).await,
    };
    match taken {
        Ok(answer) => Ok(answer),
        Err(error) if matches!(error.kind(), Kind::Malformed | Kind::Conflict | Kind::NotFound) => {
            form(&look, &fields, Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The schema of a form's type; none for a property list.
fn kind(fields: &Fields) -> Result<Option<&'static CommandSchema>> {
    let name = fields.text("type");
    if name == RAW {
        return Ok(None);
    }
    schema::of(&name).map(Some).ok_or_else(|| Error::not_found("type of command"))
}

fn command(fields: &Fields) -> Result<Command> {
    match kind(fields)? {
        Some(schema) => Command::from_json(&inputs::command(schema, fields)?),
        None => command_from(None, Some(&fields.text("plist"))),
    }
}

async fn form(look: &Look, fields: &Fields, error: Option<&Error>) -> Result<Response, Refusal> {
    let kind = kind(fields)?;
    let (mut groups, _) = look.state.store.groups(&look.scope, None, GROUPS).await?;
    groups.retain(|group| group.deleted_at.is_none());
    let title = kind.map_or("Property list", |kind| kind.name);
    let content = html! {
        header { h1 { (title) } p { (kind.map_or("", |kind| help::purpose(kind.name))) } }
        @if let Some(kind) = kind { p.quiet { (help::takers(&kind.availability)) } }
        @if look.may_change() {
            form.plain method="post" action=(look.path("commands/new")) enctype="multipart/form-data" {
                (layout::token(&look.visitor))
                input type="hidden" name="type" value=(fields.text("type"));
                (what(kind, fields))
                (targets::page(&groups, fields))
                button type="submit" name="then" value="preview" { "See whom it reaches" }
                p.quiet { "Nothing is sent yet." }
            }
        }
    };
    Ok(layout::page_with(look, Part::Commands, title, error, &content))
}

fn what(kind: Option<&CommandSchema>, fields: &Fields) -> Markup {
    html! {
        @match kind {
            Some(kind) => (inputs::page(kind, fields)),
            None => label { "Apple's command as a property list: XML, or any form in base64"
                textarea name="plist" rows="12" spellcheck="false" { (fields.text("plist")) } },
        }
    }
}

async fn preview(look: &Look, fields: &Fields) -> Result<Response> {
    let command = command(fields)?;
    let judged = with_pins(&command, fields.ticked("random_pin"))?;
    let targets = targets::chosen_by(fields, look.state.clock.now())?;
    let preview = preview_command(&look.state, &look.scope, &judged, &targets).await?;
    Ok(review::page(look, fields, kind(fields)?, &command, &preview))
}

async fn send(look: &Look, fields: &Fields) -> Result<Response> {
    let command = command(fields)?;
    if review::wants_number(&command) {
        let (typed, hits) = (fields.text("confirm"), fields.text("hits"));
        if typed != hits {
            return Err(Error::malformed("typed-number", format!("{typed:?} is not the number of devices."))
                .at("confirm")
                .next("Look whom it reaches once more, and type the number that stands there."));
        }
    }
    let targets = targets::chosen_by(fields, look.state.clock.now())?;
    let uuid: Option<CommandUuid> = fields.text("uuid").parse().ok();
    let (priority, random_pin, expires_in) = (usual_priority(), fields.ticked("random_pin"), None);
    let (state, scope) = (&look.state, &look.scope);
    let (uuid, waits) = match targets.few() {
        Ok(targets) => {
            let new = NewCommand { command, targets, priority, uuid, expires_in, random_pin };
            let batch = enqueue_command(state, scope, new).await?.batch;
            let waits = batch.awaits_approval();
            (batch.uuid, waits)
        }
        Err(targets) => {
            let job =
                start_job(state, scope, NewJob { command, targets, priority, uuid, expires_in, random_pin })
                    .await?;
            (job.uuid, job.state == shared::domain::command_job::JobState::AwaitsApproval)
        }
    };
    let said = if waits { "approval-asked" } else { "commands-sent" };
    Ok(layout::done(&look.path(&format!("commands/{uuid}")), said))
}
