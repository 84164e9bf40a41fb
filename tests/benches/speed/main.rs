//! How fast it is. Run by `make bench`, or in part: `make bench ONLY=handlers`. `QUICK=1` runs each measurement less often.
//!
//! Processor time says more than time on the clock: it hardly depends on what else the machine does.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops there")]
#![allow(clippy::print_stdout, reason = "the table is what this is for")]

mod canned;
mod cold;
mod growth;
mod handlers;
mod machine;
mod processor;
mod push;
mod table;

use std::path::PathBuf;

use table::Table;

/// Fills its lines of the table; seldom, if it is to be quick.
type Measure = fn(&mut Table, bool);

fn main() {
    if let Ok(directory) = std::env::var(machine::SERVE) {
        machine::serve(&directory);
        return;
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    let quick = std::env::var("QUICK").is_ok_and(|value| !value.is_empty());
    // As a function logs, but nobody reads it.
    tracing_subscriber::fmt().json().with_env_filter("info").with_writer(std::io::sink).init();
    let parts: [(&str, Measure); 5] = [
        ("handlers", handlers::measure),
        ("machine", machine::measure),
        ("cold", cold::measure),
        ("push", push::measure),
        ("growth", growth::measure),
    ];
    let mut table = Table::default();
    for (name, measure) in parts {
        if only.is_empty() || only.split(',').any(|wanted| wanted == name) {
            println!("{name}");
            measure(&mut table, quick);
        }
    }
    table.print();
    if only.is_empty() {
        table.write(&target().join("bench/summary.json"));
    }
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    // target/release/deps/speed-...
    program.ancestors().nth(3).unwrap().to_owned()
}
