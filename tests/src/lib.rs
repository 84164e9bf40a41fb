//! What the integration tests and the demo share: the whole server in one process, and its people as values.

pub mod actors;
pub mod app;
pub mod browser;
pub mod logs;
pub mod openid;
pub mod story;

pub use actors::{Answer, Api, Tenant};
pub use app::TestApp;
pub use browser::{Browser, Page};
pub use openid::OpenidProvider;
