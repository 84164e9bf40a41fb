//! docs/openapi.json is what the code says, and what the server serves.

use std::collections::BTreeMap;
use std::{env, fs, path::Path};

use pomarium_local::runner::{PUBLIC_ROUTE, openapi};
use pomarium_tests::TestApp;
use serde_json::Value;

use crate::repository::{read, rust_files};

/// Set by `make openapi`, which rewrites the file.
const REWRITE: &str = "POMARIUM_WRITE_OPENAPI";

#[test]
fn the_file_is_what_the_routers_say() {
    let generated = format!("{}\n", openapi().to_pretty_json().unwrap());
    if env::var_os(REWRITE).is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json"), &generated).unwrap();
    }
    assert!(
        read("docs/openapi.json") == generated,
        "the API changed: run `make openapi` and look at the difference"
    );
}

#[tokio::test]
async fn anybody_may_read_it() {
    let app = TestApp::start().await;
    let served = app.stranger().get(PUBLIC_ROUTE).await.expect(200);
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.json, serde_json::from_str::<Value>(&read("docs/openapi.json")).unwrap());
}

#[test]
fn what_a_path_does_not_hold_is_no_part_of_it() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let place = if path.contains(&format!("{{{name}}}")) { "path" } else { "query" };
                assert_eq!(parameter["in"], place, "{method} {path}: {name}");
                count += 1;
            }
        }
    }
    assert!(count > 100, "only {count} parameters were found");
}

#[test]
fn every_call_says_what_it_does_and_what_it_needs() {
    let document = serde_json::to_value(openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, call) in item.as_object().unwrap() {
            assert!(
                call["summary"].as_str().is_some_and(|text| text.len() > 10),
                "{method} {path} has no summary"
            );
            assert!(call["tags"][0].is_string(), "{method} {path} has no tag");
            let needs_token = path.starts_with("/v1/") && path != PUBLIC_ROUTE;
            assert_eq!(call["security"][0]["token"].is_array(), needs_token, "{method} {path}");
        }
    }
}

#[test]
fn no_two_answers_share_a_name() {
    // Of two types with one name the description would hold one.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in rust_files(&["functions", "shared/src"]) {
        for rest in text.split("ToSchema)]").skip(1) {
            let is_type = |word: &str| word == "struct" || word == "enum";
            let is_said = |line: &&str| !line.trim_start().starts_with("//") && line.split(' ').any(is_type);
            let line = rest.lines().find(is_said).unwrap_or_default();
            let name = line.split(' ').skip_while(|word| !is_type(word)).nth(1).unwrap_or_default();
            let name = name.trim_end_matches(|letter: char| !letter.is_alphanumeric());
            assert!(!name.is_empty(), "{path} describes something without a name");
            let other = names.insert(name.to_owned(), path.clone());
            assert_eq!(other, None, "{path} has another type {name:?}");
        }
    }
    assert!(names.len() > 100, "only {} types were found", names.len());
}
