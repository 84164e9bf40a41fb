//! The template as it is, deployed: AWS's emulator runs the functions' binaries, each with its own role, behind API Gateway, queues
//! and schedules; and a device lives with them. `make test-stack` runs it; docs/DEPLOY.md says what it cannot show.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it, in its helpers as well")]

mod aws;
mod emulator;
mod stack;
mod story;
mod template;
