//! Three times as many requests at once as there are places: the rest is refused, and the memory has an end.

use std::collections::BTreeMap;

use reqwest::Client;
use tokio::task::JoinSet;

use super::{Process, school};

/// Requests at work and waiting: `infra/local/src/runner/load.rs`.
const PLACES: usize = 64 + 256;
/// How much more memory the process may have taken after many rounds than after the first, in kilobytes.
const MORE: usize = 32 * 1_024;

/// The most memory that the process ever had, in kilobytes.
fn peak(server: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Sends so many requests at once; the answers by their status.
async fn round(client: &Client, url: &str, token: &str, requests: usize) -> BTreeMap<u16, usize> {
    let mut under_way = JoinSet::new();
    for _ in 0..requests {
        let request = client.get(url).bearer_auth(token);
        under_way.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let mut answers = BTreeMap::new();
    for status in under_way.join_all().await {
        *answers.entry(status).or_default() += 1;
    }
    answers
}

#[tokio::test]
async fn three_times_too_much_is_refused_and_takes_no_more_memory() {
    let directory = tempfile::tempdir().unwrap();
    let server = Process::start(directory.path(), "127.0.0.1:0");
    let (path, token, _) = school(&server).await;
    let client = Client::new();
    let url = format!("{}{path}/enrollments", server.base);
    let (mut first, mut refused) = (0, 0);
    for number in 0..6 {
        let answers = round(&client, &url, &token, 3 * PLACES).await;
        assert!(answers.keys().all(|status| [200, 503].contains(status)), "{answers:?}");
        assert!(answers.get(&200).is_some_and(|served| *served >= 64), "{answers:?}");
        refused += answers.get(&503).copied().unwrap_or_default();
        if number == 0 {
            first = peak(&server);
        }
    }
    assert!(refused > PLACES, "only {refused} were refused");
    let after = peak(&server);
    assert!(after < first + MORE, "{first} kB after the first round, {after} kB after the last");
    assert_eq!(round(&client, &url, &token, 20).await, BTreeMap::from([(200, 20)]), "it goes on");
}
