//! docs/ERRORS.md lists every error code of the code, with the statuses it comes with, and no other.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{read, rust_files};

/// How an error is made: the words before its code, and the status of the API and of the devices' routes.
const MAKERS: [(&str, u16, u16); 16] = [
    ("Error::malformed(", 400, 400),
    ("Error::too_large(", 413, 400),
    ("Error::new(Kind::WrongMethod,", 405, 400),
    ("Error::unauthenticated(", 401, 400),
    ("Error::forbidden(", 403, 400),
    ("Error::conflict(", 409, 503),
    ("Error::rate_limited(", 429, 503),
    ("Error::new(Kind::Malformed,", 400, 400),
    ("Error::new(Kind::NotFound,", 404, 400),
    ("Error::new(Kind::Conflict,", 409, 503),
    ("Error::new(Kind::Unavailable,", 503, 503),
    ("Self::new(Kind::NotFound,", 404, 400),
    ("Self::new(Kind::Unavailable,", 503, 503),
    ("Self::new(Kind::Internal,", 500, 500),
    // Of pki::push_certificate and pki::scep::request: malformed, with a code of the caller's.
    ("refuse(", 400, 400),
    ("refused(", 400, 400),
];

/// Codes in the code, with the statuses they come with.
fn made() -> BTreeMap<String, BTreeSet<(u16, u16)>> {
    let mut found: BTreeMap<String, BTreeSet<(u16, u16)>> = BTreeMap::new();
    let files = rust_files(&["shared/src", "functions", "infra/move/src"]).into_iter();
    for (path, text) in files.filter(|(path, _)| !path.ends_with("tests.rs") && !path.contains("/tests/")) {
        // Here `refuse` takes a field, not a code.
        if path == "shared/src/pki/field.rs" {
            found.entry("subject".to_owned()).or_default().insert((400, 400));
            assert!(text.contains("Error::malformed(\"subject\""), "{path} changed");
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for (maker, api, device) in MAKERS {
            for rest in code.split(maker).skip(1) {
                let argument = rest.trim_start();
                if let Some((name, _)) = argument.strip_prefix('"').and_then(|rest| rest.split_once('"'))
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                {
                    found.entry(name.to_owned()).or_default().insert((api, device));
                }
            }
        }
    }
    found
}

/// Codes in the document: their section, and their statuses where the section has a column for them.
fn described() -> BTreeMap<String, (String, BTreeSet<u16>)> {
    let mut found = BTreeMap::new();
    let mut section = String::new();
    for line in read("docs/ERRORS.md").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.to_owned();
        }
        let Some(row) = line.strip_prefix("| `") else { continue };
        let (code, rest) = row.split_once("` |").expect("a row begins with its code");
        let second = rest.split('|').next().unwrap();
        let statuses = second.split(',').filter_map(|status| status.trim().parse().ok()).collect();
        assert!(rest.trim().len() > 20, "{code} is not explained");
        assert!(
            found.insert(code.to_owned(), (section.clone(), statuses)).is_none(),
            "{code} stands there twice"
        );
    }
    found
}

#[test]
fn every_code_is_described_and_every_described_code_exists() {
    let made: BTreeSet<String> = made().into_keys().collect();
    let described: BTreeSet<String> = described().into_keys().collect();
    assert!(made.len() > 100, "only {} codes were found: is the search broken?", made.len());
    assert_eq!(
        made.difference(&described).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in docs/ERRORS.md"
    );
    assert_eq!(described.difference(&made).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the code");
}

#[test]
fn every_status_is_the_one_that_is_answered() {
    let made = made();
    for (code, (section, statuses)) in described() {
        let kinds = &made[&code];
        let answered: BTreeSet<u16> = match section.as_str() {
            "SCEP refusals" | "Only at start, and in the simulated device" | "Moving a tenant" => continue,
            "Devices" => kinds.iter().map(|(_, device)| *device).collect(),
            _ => kinds.iter().map(|(api, _)| *api).collect(),
        };
        assert_eq!(statuses, answered, "{code}");
    }
}
