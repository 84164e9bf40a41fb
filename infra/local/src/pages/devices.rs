//! Simulated devices: started by a link, watched, put to sleep and taken away.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;
use shared::error::Error;

use super::clock::shown;
use super::submitted::{Submitted, reply};
use super::{Local, layout, wants_page};
use crate::runner::{Action, Condition, NewDevice, Shown};

const PAGE: &str = "/_local/devices";

pub(super) async fn list(State(local): State<Local>, headers: HeaderMap) -> Response {
    let devices = local.devices.list();
    if wants_page(&headers) {
        return layout::answer(layout::page("Devices", PAGE, &page(&devices)));
    }
    axum::Json(json!({ "devices": devices })).into_response()
}

pub(super) async fn start(State(local): State<Local>, submitted: Submitted<NewDevice>) -> Response {
    reply(submitted.from_form, PAGE, local.devices.start(submitted.value).await)
}

pub(super) async fn act(
    State(local): State<Local>,
    Path((udid, action)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let action = match action.as_str() {
        "sleep" => Ok(Action::Sleep),
        "wake" => Ok(Action::Wake),
        "check-out" => Ok(Action::CheckOut),
        _ => Err(Error::not_found("action").next("Actions: sleep, wake, check-out.")),
    };
    let done = match action {
        Ok(action) => local.devices.act(&udid, action).await,
        Err(error) => Err(error),
    };
    reply(wants_page(&headers), PAGE, done)
}

fn page(devices: &[Shown]) -> Markup {
    html! {
        h1 { "Simulated devices" }
        p {
            "Each has a real key and speaks the real protocol: it opens the link, gets its identity through SCEP, checks in, "
            "and answers commands when a push wakes it."
        }
        form method="post" action=(PAGE) {
            label { "Enrollment link" input type="text" name="enroll" required placeholder="http://…/enroll/…"; }
            label { "Name (optional)" input type="text" name="name"; }
            label { "UDID, to enroll a device of before again (optional)" input type="text" name="udid"; }
            button { "Enroll a device" }
        }
        @if devices.is_empty() {
            p { "No device is running." }
        }
        ul.cards { @for device in devices { (card(device)) } }
        p.quiet {
            "Devices end when the server stops. Their enrollments stay, but nobody answers for them until you enroll them again "
            "with a new link and the same UDID."
        }
    }
}

fn card(device: &Shown) -> Markup {
    let (state, actions): (_, &[(&str, &str)]) = match device.state {
        Condition::Awake => {
            ("awake", &[("sleep", "Sleep"), ("wake", "Look in now"), ("check-out", "Check out")])
        }
        Condition::Asleep => ("asleep", &[("wake", "Wake"), ("check-out", "Check out")]),
        Condition::CheckedOut => ("checked out", &[]),
    };
    html! {
        li {
            strong { (device.name) } " · " (state)
            p.quiet { "UDID " code { (device.udid) } " · serial " code { (device.serial) } }
            div.row {
                @for (action, name) in actions {
                    form method="post" action={ (PAGE) "/" (device.udid) "/" (action) } {
                        button.plain { (name) }
                    }
                }
            }
            ul.plain {
                @for doing in &device.lately { li { span.quiet { (shown(doing.at)) } " " (doing.what) } }
            }
        }
    }
}
