//! What a story leaves behind, without what chance decides: for the comparison of two plays.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use pomarium_local::aws::Counts;
use pomarium_tests::TestApp;

use super::trouble::Trouble;

/// Things by how often they are there.
pub(crate) type Kept = BTreeMap<String, usize>;

/// Everything in the tables and queues, all secrets, mails and pushes.
pub(crate) async fn kept(app: &TestApp, trouble: &Trouble) -> Kept {
    let mut found = Kept::new();
    let mut add = |thing: String| *found.entry(thing).or_default() += 1;
    let client = Client::new(&app.runner.aws.sdk_config());
    for table in ["core", "pki", "ephemeral"] {
        let mut pages = client.scan().table_name(table).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            match issued(&item) {
                Some((month, identities)) => (0..identities).for_each(|_| add(format!("identity {month}"))),
                None => add(format!("{table} {}", words(&AttributeValue::M(item), ""))),
            }
        }
    }
    for name in trouble.secrets() {
        let path = name.split_once('/').map_or(name.as_str(), |(_, path)| path);
        if app.runner.state.secrets.get(path).await.unwrap().is_some() {
            add(format!("secret {}", path.split('/').map(plain).collect::<Vec<_>>().join("/")));
        }
    }
    let queues = app.runner.aws.queues();
    for queue in queues.names().unwrap() {
        let Counts { visible, in_flight, delayed } = queues.counts(&queue).unwrap();
        let kind = if queue.ends_with("-dead-letter") { "dead letter in" } else { "hint in" };
        (0..visible + in_flight + delayed).for_each(|_| add(format!("{kind} {queue}")));
    }
    for sent in app.runner.aws.mailbox().list().unwrap() {
        // A code stands behind a colon.
        let subject = sent.mail.subject.split(':').next().unwrap_or_default();
        add(format!("mail to {} {}", sent.mail.to, plain(subject)));
    }
    for push in app.runner.apns.pushes() {
        add(format!("push, a trial: {}", push.is_trial()));
    }
    found
}

/// How many identities an item counts, and of which month: they are counted in several places, of which chance takes one.
fn issued(item: &HashMap<String, AttributeValue>) -> Option<(String, usize)> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let month = text("pk")?.ends_with("#IDENTITIES").then(|| text("sk")?.split('#').next())??;
    Some((month.to_owned(), item.get("issued")?.as_n().ok()?.parse().ok()?))
}

/// Of what there may be more when something was tried more than once, and why nobody minds.
const MAY_BE_MORE: [(&str, &str); 4] = [
    ("secret ", "no record names one that a request kept before it failed"),
    ("hint in ", "SQS itself delivers some twice: what is stored decides"),
    ("push, ", "a hint that came twice may wake a device twice, which Apple merges"),
    (r#""action": "dead-letters-"#, "each try is written down before it begins"),
];

/// What a request writes about mails that it sends beside what it does. A failure is told address by address, or seen in the
/// contact's state, and the request succeeds; whoever wants the mail asks for it again.
pub(crate) const ABOUT_MAILS: [&str; 4] =
    [r#""sk": "CONFIRM""#, r#""sk": "CONTACT#"#, "#MAIL#invitation.", r#"\\\"email\\\""#];

/// What is not the same in both, each with how often it is there in one and in the other; but for what contains one of `beside`.
pub(crate) fn differences(expected: &Kept, found: &Kept, beside: &[&str]) -> Vec<String> {
    let mut told = Vec::new();
    let all = expected.keys().chain(found.keys().filter(|thing| !expected.contains_key(*thing)));
    for thing in all.filter(|thing| beside.iter().all(|beside| !thing.contains(beside))) {
        let count = |kept: &Kept| kept.get(thing).copied().unwrap_or_default();
        let may_be_more = MAY_BE_MORE.iter().any(|(what, _)| thing.contains(what));
        if count(found) < count(expected) || count(found) > count(expected) && !may_be_more {
            told.push(format!("{} instead of {}: {thing}", count(found), count(expected)));
        }
    }
    told
}

/// What counts tries, or says how long something took and when it is tried again.
const OF_TRIES: [&str; 13] = [
    "counted",
    "entries",
    "latency_ms",
    "mailed",
    "next",
    "next_attempt_at",
    "not_now_session",
    "rests_until",
    "revision",
    "served",
    "session",
    "tries",
    "version",
];

/// A value without what is random in it, its attributes in order.
fn words(value: &AttributeValue, name: &str) -> String {
    match value {
        _ if OF_TRIES.contains(&name) => "*".to_owned(),
        AttributeValue::S(text) if text.contains("-----BEGIN") => "*".to_owned(),
        // One for each time that its link was opened.
        AttributeValue::S(text) if text.starts_with("CHALLENGE#") => "CHALLENGE#*".to_owned(),
        AttributeValue::S(text) => plain(text),
        AttributeValue::N(number) => number.clone(),
        AttributeValue::Bool(is) => is.to_string(),
        AttributeValue::Null(_) => "null".to_owned(),
        AttributeValue::L(list) => {
            let mut inner: Vec<_> = list.iter().map(|value| words(value, "")).collect();
            inner.sort();
            format!("{inner:?}")
        }
        AttributeValue::M(map) => {
            let inner: BTreeMap<_, _> =
                map.iter().map(|(name, value)| (plain(name), words(value, name))).collect();
            format!("{inner:?}")
        }
        AttributeValue::Ss(set) => {
            let mut inner: Vec<_> = set.iter().map(|text| plain(text)).collect();
            inner.sort();
            format!("{inner:?}")
        }
        // Keys, certificates and what is sealed.
        AttributeValue::B(_) | AttributeValue::Bs(_) | AttributeValue::Ns(_) | _ => "*".to_owned(),
    }
}

/// A text with `*` for each word that chance has made: an identifier, a hash, a token, a port.
fn plain(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_+/=%".contains(c);
    let mut found = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end =
            if is_part(first) { rest.find(|c| !is_part(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (word, after) = rest.split_at(end);
        found.push_str(if is_random(word) || is_port(word, &found) { "*" } else { word });
        rest = after;
    }
    found
}

fn is_random(word: &str) -> bool {
    let is_id = word.len() == 16 && word.bytes().all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7'));
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().filter(|c| test(c)).count() > 1;
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || has(u8::is_ascii_uppercase);
    is_id || word.len() > 18 && is_mixed
}

fn is_port(word: &str, before: &str) -> bool {
    before.ends_with("127.0.0.1:") && word.bytes().next().is_some_and(|c| c.is_ascii_digit())
}
