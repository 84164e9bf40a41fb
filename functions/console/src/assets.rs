//! The files that pages load: all are in the binary, named by their content, and compressed once.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use shared::domain::token::hash;
use shared::error::Error;
use shared::http::Problem;
use shared::secret::Secret;

/// A file as it is served.
pub(crate) struct Asset {
    name: String,
    kind: &'static str,
    plain: &'static [u8],
    small: Vec<u8>,
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, plain: &'static str) -> Self {
        let digest = hash(&Secret::new(plain.to_owned()));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail; if it did, the file is served as it is.
        let small = encoder.write_all(plain.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        let name = format!("{stem}-{}.{extension}", digest.get(..12).unwrap_or_default());
        Self { name, kind, plain: plain.as_bytes(), small }
    }

    /// Where pages find it.
    pub(crate) fn address(&self) -> String {
        format!("/console/assets/{}", self.name)
    }
}

/// The common look, by people who know how.
pub(crate) static PICO: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("pico", "css", "text/css", include_str!("../assets/pico.min.css")));
/// Our own additions to it.
pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "css", "text/css", include_str!("../assets/console.css")));
/// Parts of a page that renew themselves.
pub(crate) static HTMX: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("htmx", "js", "text/javascript", include_str!("../assets/htmx.min.js")));
/// Local times, and files that are dropped.
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "js", "text/javascript", include_str!("../assets/console.js")));

/// One of the files.
pub(crate) async fn show(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let all = [&*PICO, &*STYLE, &*HTMX, &*SCRIPT];
    let asset =
        all.into_iter().find(|asset| asset.name == name).ok_or_else(|| Problem(Error::not_found("page")))?;
    let packs = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    let common = [
        (header::CONTENT_TYPE, format!("{}; charset=utf-8", asset.kind)),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    Ok(if packs && !asset.small.is_empty() {
        (StatusCode::OK, common, [(header::CONTENT_ENCODING, "gzip")], asset.small.clone()).into_response()
    } else {
        (StatusCode::OK, common, asset.plain).into_response()
    })
}
