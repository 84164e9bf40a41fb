//! The edge: extractors, the two error maps, limits, and how a router becomes a Lambda function.

mod caller;
mod client_certificate;
mod device;
mod headers;
mod json;
mod path;
mod problem;
mod profile_file;
mod query;
mod serve;
mod unenroll;

pub use caller::{AdminScope, HelpScope, OperatorCaller, ViewerScope, origin};
pub use device::{device_message, failure as device_failure};
pub use json::{Body, FileOrJson, Json};
pub use path::path_part;
pub use problem::{Problem, ProblemDetails, retry_after, status};
pub use profile_file::{ProfileOptions, profile_file};
pub use query::Query;
pub use serve::{app, serve};

/// The largest body of an API call, in bytes.
pub const API_BODY: usize = 1024 * 1024;
/// The largest body of a device's message, in bytes: what fits a synchronous Lambda call.
pub const DEVICE_BODY: usize = 6 * 1024 * 1024;
/// The largest message of a device in an enrollment in phases, in bytes.
pub const PHASE_BODY: usize = 256 * 1024;
/// The largest SCEP message, in bytes.
pub const SCEP_BODY: usize = 2 * 1024 * 1024;
