//! The process ends at each of a call's writes in turn, before and after it took effect.

use serde_json::json;

use super::{Process, order, school, try_post, written};

#[tokio::test]
async fn wherever_it_ends_whoever_repeats_the_call_gets_it_done_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(directory.path(), "127.0.0.1:0");
    let address = server.base.trim_start_matches("http://").to_owned();
    let (path, token, udid) = school(&server).await;
    let subject = json!({ "common_name": "Green School", "organization": "Green School",
        "email": "it@green-school.example", "country": "DE" });
    let request = json!({ "subject": subject, "replace": true });
    let (mut number, mut ends) = (0, [0, 0]);
    for takes_effect in [false, true] {
        for (kind, place) in ["commands", "push-certificate/request"].into_iter().enumerate() {
            for writes_before in 0.. {
                number += 1;
                let (uuid, order) = order(&udid, number);
                let body = if kind == 0 { &order } else { &request };
                let end = json!({ "writes_before": writes_before, "takes_effect": takes_effect });
                server.post("/_local/end", "", end).await;
                let url = format!("{}{path}/{place}", server.base);
                let answered = try_post(&url, &token, body).await;
                // What comes after the answer may meet the end as well.
                drop(server);
                server = Process::start(directory.path(), &address);
                let at = format!("{place}, after {writes_before} writes, effect: {takes_effect}");
                if answered.is_none() {
                    ends[kind] += 1;
                    let again = try_post(&url, &token, body).await;
                    assert!(again.is_some_and(|status| status < 300), "{at}: {again:?}");
                }
                if kind == 0 {
                    let shown = server.get(&format!("{path}/commands/{uuid}"), &token).await;
                    assert_eq!(shown["targets"].as_array().map(Vec::len), Some(1), "{at}");
                    assert_eq!(written(&server, &path, &token, &uuid).await, 1, "{at}");
                } else {
                    let file = server.get(&format!("{path}/push-certificate/request/file"), &token).await;
                    assert!(file.as_str().is_some_and(|file| !file.is_empty()), "{at}");
                }
                if let Some(status) = answered {
                    assert_eq!(status, 201, "{at}");
                    break;
                }
            }
        }
    }
    assert!(ends.iter().all(|ends| *ends >= 4), "it ended too seldom to be true: {ends:?}");
}
