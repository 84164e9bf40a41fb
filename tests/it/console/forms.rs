//! Every form of a tenant's console, as the routes say, and who may send it.

use std::collections::BTreeSet;

use pomarium_tests::{Browser, Tenant};

use crate::repository::rust_files;

/// What stands in a path for what a form is about: nothing that is there.
const NAMES: [(&str, &str); 7] = [
    ("{device}", "D-0"),
    ("{command}", "00000000-0000-4000-8000-000000000000"),
    ("{group}", "aaaaaaaaaaaaaaaa"),
    ("{link}", "aaaaaaaaaaaaaaaa"),
    ("{webhook}", "aaaaaaaaaaaaaaaa"),
    ("{token}", "none"),
    ("{section}", "device"),
];

/// What some paths end in, by their beginning.
const ACTS: [(&str, &[&str]); 3] = [
    (
        "/devices/{device}/send/",
        &[
            "ask",
            "lock",
            "clear-passcode",
            "restart",
            "lost-mode",
            "lost-mode-off",
            "locate",
            "erase",
            "shut-down",
            "sound",
        ],
    ),
    ("/devices/{device}/do/", &["renew", "unlock", "revoke", "retire", "unenroll"]),
    ("/commands/{command}/{what}", &["approve", "refuse", "stop", "cancel"]),
];

/// What people send before they have signed in.
const BEFORE: &str = "/sign-in";

/// Every form of somebody who signed in, by its path under the tenant's own.
pub(super) fn all() -> BTreeSet<String> {
    let code: String = rust_files(&["functions/console/src"]).into_iter().map(|(_, text)| text).collect();
    let routes = code.split(".route(").skip(1).filter_map(|route| {
        let (path, rest) = route.trim_start().strip_prefix("\"/console/{tenant}")?.split_once('"')?;
        let handlers = rest.split(".merge(").next()?.split("\n}").next()?;
        (handlers.contains("post(") && path != BEFORE).then(|| path.to_owned())
    });
    let mut found = BTreeSet::new();
    for path in routes {
        match ACTS.iter().find(|(begin, _)| path.starts_with(begin) && path.ends_with("{what}")) {
            Some((_, acts)) => found.extend(acts.iter().map(|act| path.replace("{what}", act))),
            None => {
                assert!(!path.contains("{what}"), "say in ACTS what {path} can be");
                found.insert(path);
            }
        }
    }
    assert!(found.len() > 60, "only {} forms were found: is the search broken?", found.len());
    found
}

/// The forms that are refused as forbidden when this browser sends them empty, by their error.
pub(super) async fn refused(browser: &mut Browser, tenant: &Tenant, why: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for form in all() {
        let path = NAMES.iter().fold(form.clone(), |path, (name, value)| path.replace(name, value));
        let answer = browser.submit(&format!("/console/{}{path}", tenant.id), &[]).await;
        match answer.status {
            403 => {
                answer.says(why);
                found.insert(form);
            }
            status => assert!((200..500).contains(&status), "{form}: {status}: {}", answer.text),
        }
    }
    found
}
