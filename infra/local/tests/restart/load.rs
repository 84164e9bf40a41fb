//! Three times as many requests at once as there are places: the rest is refused, and the memory has an end.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{Process, school};

/// Requests at work and waiting: `infra/local/src/runner/load.rs`.
const PLACES: usize = 64 + 256;
/// What each request says, in bytes.
const BODY: usize = 64 * 1_024;
/// How much more memory the process may have taken after many rounds than after the first, in kilobytes.
const MORE: usize = 32 * 1_024;

/// The most memory that the process ever had, in kilobytes.
fn peak(server: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A device's message that is nonsense. Its body comes when the others have had their answers: until then it keeps its place.
async fn ask(address: &str, path: &str, refused: Arc<Semaphore>, mut go: watch::Receiver<bool>) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {BODY}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let is_served = tokio::select! {
        ready = stream.readable() => { ready.unwrap(); false }
        told = go.wait_for(|go| *go) => told.is_ok(),
    };
    if is_served {
        stream.write_all(&vec![b'x'; BODY]).await.unwrap();
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    if !is_served {
        refused.add_permits(1);
    }
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

/// Sends three times as many requests at once as there are places; the answers by their status.
async fn round(address: &str, path: &str) -> BTreeMap<u16, usize> {
    let (refused, (go, wait)) = (Arc::new(Semaphore::new(0)), watch::channel(false));
    let mut under_way = JoinSet::new();
    for _ in 0..3 * PLACES {
        let (address, path) = (address.to_owned(), path.to_owned());
        let (refused, wait) = (Arc::clone(&refused), wait.clone());
        under_way.spawn(async move { ask(&address, &path, refused, wait).await });
    }
    let _all = refused.acquire_many(2 * PLACES as u32).await.unwrap();
    go.send_replace(true);
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
    let address = server.base.trim_start_matches("http://");
    let device = format!("/mdm/{}/command", path.rsplit('/').next().unwrap());
    let mut first = 0;
    for number in 0..6 {
        let answers = round(address, &device).await;
        assert_eq!(answers, BTreeMap::from([(400, PLACES), (503, 2 * PLACES)]));
        if number == 0 {
            first = peak(&server);
        }
    }
    let after = peak(&server);
    assert!(after < first + MORE, "{first} kB after the first round, {after} kB after the last");
    assert_eq!(server.get(&path, &token).await["name"], "Green School", "it goes on");
}
