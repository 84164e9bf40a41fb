//! What errors say to do next: what is meant for callers of the API has words of its own in the console.

use std::collections::BTreeSet;

use crate::repository::{read, rust_files};

/// Steps that no page can show, by their codes: what only a caller with a token, a body or a schedule meets.
const NEVER_IN_THE_CONSOLE: [&str; 4] = ["json-body", "token", "token-expired", "query"];
/// Steps that quote what people type or run.
const FOR_PEOPLE: [&str; 3] = ["certificate-request-unreadable", "openid-address", "typed-json"];
/// What the step says where the code does not tell errors apart: the console leaves it out by its words.
const HIDDEN: [&str; 1] = ["Make it with PUT .../push-certificate/ownership."];
/// How an error begins, before its code.
const MAKERS: [&str; 8] = [
    "Error::malformed(",
    "Error::too_large(",
    "Error::unauthenticated(",
    "Error::forbidden(",
    "Error::conflict(",
    "Error::rate_limited(",
    "Error::new(",
    "Error::not_found(",
];
/// What speaks of calls, tokens, fields of JSON and routes.
const OF_THE_API: [&str; 14] = [
    "GET ",
    "POST ",
    "PUT ",
    "PATCH ",
    "DELETE ",
    "/v1",
    ".../",
    "openapi",
    "docs/",
    " call",
    " token",
    " body",
    "\\\"",
    "Authorization",
];

/// The literals between the parentheses that `text` begins behind.
fn literals(text: &str) -> Vec<String> {
    let (mut depth, mut found) = (1, Vec::new());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '(' => depth += 1,
            ')' if depth == 1 => break,
            ')' => depth -= 1,
            '"' => {
                let mut literal = String::new();
                while let Some(next) = rest.next() {
                    match next {
                        '"' => break,
                        '\\' => literal.extend(['\\'].into_iter().chain(rest.next())),
                        _ => literal.push(next),
                    }
                }
                found.push(literal);
            }
            _ => {}
        }
    }
    found
}

/// The code of the error that was begun last.
fn code(before: &str) -> Option<String> {
    let begun = MAKERS.iter().filter_map(|maker| Some(before.rfind(maker)? + maker.len())).max()?;
    let quoted = before[begun..].split_once('"')?.1;
    quoted.split('"').next().map(str::to_owned)
}

#[test]
fn what_is_meant_for_callers_has_other_words_in_the_console() {
    let table = read("functions/console/src/next_steps.rs");
    let table = table.split("#[cfg(test)]").next().unwrap().to_owned();
    let (mut steps, mut wrong, mut used) = (0, Vec::new(), BTreeSet::new());
    for (path, text) in rust_files(&["shared/src", "functions/console/src"]) {
        if path.ends_with("next_steps.rs") || path.ends_with("tests.rs") || path.contains("/tests/") {
            continue;
        }
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for (at, _) in text.match_indices(".next(") {
            let step = literals(&text[at + ".next(".len()..]).join(" ");
            steps += usize::from(!step.is_empty());
            if !OF_THE_API.iter().any(|words| step.contains(words)) || HIDDEN.contains(&step.as_str()) {
                continue;
            }
            let code = code(&text[..at]).unwrap_or_default();
            let known = table.contains(&format!("\"{code}\","));
            let is_fine = [&NEVER_IN_THE_CONSOLE[..], &FOR_PEOPLE].concat().contains(&code.as_str());
            if !known && !is_fine {
                wrong.push(format!("{path}: {code}: {step}"));
            }
            used.insert(code);
        }
    }
    assert!(steps > 120, "only {steps} steps were found: is the search broken?");
    assert!(wrong.is_empty(), "say in functions/console/src/next_steps.rs what people do: {wrong:#?}");
    assert!(used.len() > 15, "only {used:?} speak of the API");
}
