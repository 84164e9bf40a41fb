//! What the product does: one use case per file.

pub mod activate_push_certificate;
pub mod authenticate_caller;
pub mod authenticate_device;
pub mod cancel_push_request;
pub mod check_in;
pub mod create_enrollment_link;
pub mod create_identity_authority;
pub mod create_tenant;
pub mod create_token;
pub mod enqueue_command;
pub mod enrollment_profile;
pub mod install_vendor_certificate;
pub mod issue_identity;
pub mod next_command;
pub mod notify_expiry;
pub mod request_push_certificate;
pub mod review_push_request;
mod sealed;
mod secret_path;
pub mod show_command;
pub mod stage_push_certificate;
pub mod update_tenant;
pub mod vendor_certificate;
pub mod wake_devices;
