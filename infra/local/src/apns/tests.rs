//! The sender and the simulator against each other, over real TLS.

mod refusals;
mod replays;
mod story;
mod world;
