//! Processor time: what a request costs, however busy the machine is with other things.

use rustix::time::{ClockId, clock_gettime};

/// What all threads of this process have run, in nanoseconds.
pub(crate) fn spent() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// What another process has run, in seconds, by what the kernel says of its threads that live and of those that ended.
pub(crate) fn spent_by(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = |field: usize| fields.split_whitespace().nth(field)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / rustix::param::clock_ticks_per_second() as f64)
}

/// A line of `/proc/<process>/status` in kilobytes, such as `VmRSS`, as megabytes.
pub(crate) fn megabytes(process: u32, line: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    Some(found.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// What a piece of work costs: the median of some samples, each of as many turns as take a tenth of a second.
///
/// The median, because on a busy machine some samples come out too high and none too low.
pub(crate) fn cost(samples: u64, mut work: impl FnMut()) -> f64 {
    let mut turns = 1_u32;
    while sample(turns, &mut work) * f64::from(turns) < 25e6 {
        turns *= 2;
    }
    let mut found: Vec<f64> = (0..samples).map(|_| sample(turns * 4, &mut work)).collect();
    found.sort_by(f64::total_cmp);
    found[found.len() / 2] / 1e6
}

/// Nanoseconds a turn.
fn sample(turns: u32, work: &mut impl FnMut()) -> f64 {
    let before = spent();
    (0..turns).for_each(|_| work());
    (spent() - before) / f64::from(turns)
}
