//! The organization's settings, one page each.

pub(crate) mod members;
