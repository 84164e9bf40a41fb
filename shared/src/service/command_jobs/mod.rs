//! Commands to many devices: accepted at once, then done a page at a time by messages that carry nothing but the job's name.
//! Where it stands is in the store, so that any page may be repeated, lost or done by two processes.

mod installed;
mod page;
mod preview;
mod show;
mod start;
mod stop;
mod targets;
mod withdraw;

pub use page::do_page;
pub use preview::{Preview, preview_command};
pub use show::{job, job_targets};
pub use start::{NewJob, NewTargets, start_job};
pub use stop::stop_job;
pub use withdraw::withdraw_job;

pub(super) use start::hint;
