//! A configuration profile as a download.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::enrollment_profile::ServedProfile;

/// What a call may ask of a profile.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProfileOptions {
    /// `1`: without signature, where the server's setting allows it.
    #[serde(default)]
    unsigned: Option<String>,
}

impl ProfileOptions {
    /// Whether the profile is asked for without its signature.
    pub fn unsigned(&self) -> bool {
        self.unsigned.as_deref() == Some("1")
    }
}

/// The answer that a device takes for a profile to install, and a browser for a file to keep. Nothing on the way may keep it.
pub fn profile_file(profile: ServedProfile) -> Response {
    let disposition = format!("attachment; filename=\"{}\"", profile.file_name);
    let headers = [
        (header::CONTENT_TYPE, "application/x-apple-aspen-config"),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, profile.bytes).into_response()
}
