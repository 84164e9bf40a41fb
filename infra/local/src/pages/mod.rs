//! What a person on this machine sees and calls beside the product: the start page and everything under `/_local`.

mod clock;
mod devices;
mod end;
mod functions;
pub(crate) mod layout;
mod mails;
mod start;
mod submitted;

use std::net::IpAddr;
use std::path::PathBuf;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use shared::error::Error;
use shared::http::Problem;
use shared::state::AppState;

use crate::aws::{End, Mailbox, Queues};
use crate::portal::{self, Portal};
use crate::runner::{Devices, MovableClock};

/// What the pages show and change.
#[derive(Clone)]
pub(crate) struct Local {
    pub(crate) state: AppState,
    pub(crate) clock: MovableClock,
    pub(crate) queues: Queues,
    pub(crate) mailbox: Mailbox,
    pub(crate) devices: Devices,
    pub(crate) portal: Portal,
    pub(crate) end: End,
    /// Where the data is, unless it ends with the process.
    pub(crate) directory: Option<PathBuf>,
}

/// The pages and calls.
pub(crate) fn router(local: Local) -> Router {
    let portal = portal::router(local.portal.clone());
    Router::new()
        .route("/", get(start::show))
        .route("/_local/clock", get(clock::show).post(clock::change))
        .route("/_local/run/{function}", post(functions::run))
        .route("/_local/mails", get(mails::list))
        .route("/_local/mails/{id}", get(mails::show))
        .route("/_local/devices", get(devices::list).post(devices::start))
        .route("/_local/devices/{udid}/{action}", post(devices::act))
        .route("/_local/end", post(end::order))
        .with_state(local)
        .nest("/_local/portal", portal)
        .layer(from_fn(from_here_only))
}

/// Nothing here asks who calls, so another site's page in the same browser must not be able to: neither by a request of
/// its own nor by a name of its own for this address.
async fn from_here_only(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = text(headers, header::HOST).unwrap_or_default();
    let origin = text(headers, header::ORIGIN);
    let own_page = origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    if own_page && is_this_machine(host) {
        return next.run(request).await;
    }
    let refused = Error::forbidden("local-foreign-page", "A page of another site may not call this.")
        .next("Open this machine's own pages under http://127.0.0.1 or http://localhost, or call without a browser.");
    Problem(refused).into_response()
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether the caller is a browser that wants a page, rather than a program.
fn wants_page(headers: &HeaderMap) -> bool {
    text(headers, header::ACCEPT).is_some_and(|accept| accept.contains("text/html"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
