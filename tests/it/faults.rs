//! What breaks under the functions: they die in the middle of their work, and the clock is set back.

mod clock;
mod workers;
