//! What to do about an error, in the words of these pages: the error itself says it to callers of the API.

use maud::{Markup, html};
use shared::error::Error;

/// An error's code, the page that helps (below the tenant's own, if there is one), and the words.
const STEPS: &[(&str, Option<&str>, &str)] = &[
    ("approval-own", Some("commands"), "Ask a colleague to approve it: they find it under Commands."),
    ("command-random-pin", None, "Leave out either the PIN or the box for a random one."),
    (
        "command-targets",
        None,
        "Choose devices, a group, what must fit, or all devices. Send a long list in parts, or make a group of it.",
    ),
    (
        "deletion-not-confirmed",
        None,
        "To delete all the same, type the name of your organization and the number of devices that stop answering.",
    ),
    ("group-members", None, "Add or take out 1 to 500 devices at once."),
    (
        "identity-authority-exists",
        Some("enrollment"),
        "Use it. To put a new one in its place, choose that; devices move over at their renewal.",
    ),
    (
        "identity-authority-issues",
        Some("enrollment"),
        "Make another one in its place first, or choose other enrollment settings.",
    ),
    ("job-over", None, "Take it back where it waits."),
    (
        "live-check-failed",
        None,
        "To activate it all the same, give a reason. Devices cannot be woken with a certificate that Apple refuses.",
    ),
    ("mdm-not-configured", Some("enrollment"), "Make your identity authority first: one click."),
    ("member-role", None, "Choose a role of the list."),
    (
        "mutual-tls-external-scep",
        Some("enrollment/settings"),
        "Let devices sign their messages, or choose another way to an identity.",
    ),
    (
        "mutual-tls-unavailable",
        Some("enrollment/settings"),
        "Let devices sign their messages, or choose an authority and a server where they can show their identity.",
    ),
    ("operator-only", None, "Ask the operator of this server."),
    ("page-mark", None, "Begin again at the first page."),
    (
        "phases-need-scep",
        Some("enrollment/settings"),
        "Let devices ask for their identities by SCEP, or enroll them directly.",
    ),
    (
        "pinning-without-certificate",
        Some("enrollment/settings"),
        "Give the certificate that devices are to trust, or trust no particular one.",
    ),
    (
        "push-key-not-kept",
        Some("push-certificate"),
        "Upload the private key, and its password if it has one, together with the certificate.",
    ),
    (
        "push-request-pending",
        Some("push-certificate"),
        "Upload the certificate for it, or give the request up: its certificate would not fit another one.",
    ),
    (
        "removal-never",
        Some("enrollment/settings"),
        "Let people remove it, or remove it with a password. Only Apple's automated enrollment can forbid removal.",
    ),
    (
        "replacement-not-confirmed",
        Some("push-certificate"),
        "To keep these devices, choose Renew for the present row in Apple's portal instead. To go on all the same, type how many they are.",
    ),
    (
        "retirement-not-confirmed",
        None,
        "Wait until they have renewed, or ask them to. To retire it all the same, type how many they are.",
    ),
    ("support-level", None, "Choose one of the list."),
    (
        "support-nobody",
        None,
        "Tell your contacts there to make somebody an administrator of the console, with the token they were given.",
    ),
    ("token-role", None, "Choose a role of the list."),
    (
        "vendor-certificate-missing",
        None,
        "The operator of this server installs it, under Vendor certificates.",
    ),
    ("viewer-may-only-read", None, "Ask an administrator of your organization."),
];

/// What goes with a request or an answer of the API, and means nothing to people at a browser.
const OF_THE_API: [&str; 11] = [
    "GET ",
    "POST ",
    "PUT ",
    "PATCH ",
    "DELETE ",
    "/v1",
    ".../",
    "end \"",
    "Authorization",
    "openapi",
    "docs/",
];

/// The next step, with a way to the page where it is done, if the error's owner knows one.
pub(crate) fn next_step(error: &Error, home: Option<&str>) -> Markup {
    let known = STEPS.iter().find(|(code, ..)| *code == error.code());
    let own = error.next_step().filter(|step| !is_of_the_api(step));
    html! {
        @match (known, home) {
            (Some((_, Some(page), words)), Some(home)) => p { (words) " " a href={ (home) "/" (page) } { "Go there" } },
            (Some((.., words)), _) => p { (words) },
            (None, _) => @if let Some(step) = own { p { (step) } },
        }
    }
}

/// Whether a step is for callers of the API.
fn is_of_the_api(step: &str) -> bool {
    OF_THE_API.iter().any(|words| step.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: Error, home: Option<&str>) -> String {
        next_step(&error, home).into_string()
    }

    #[test]
    fn no_step_of_the_table_is_for_callers_of_the_api_and_none_stands_twice() {
        for (index, (code, _, words)) in STEPS.iter().enumerate() {
            assert!(!is_of_the_api(words) && !words.contains('`'), "{code}: {words}");
            assert!(STEPS[..index].iter().all(|(earlier, ..)| earlier < code), "{code} is out of order");
        }
    }

    #[test]
    fn a_step_leads_to_its_page_and_what_the_api_says_is_never_shown() {
        let own = || Error::forbidden("approval-own", "No.").next("Use a token of their own.");
        let home = "/console/aaaa";
        assert!(shown(own(), Some(home)).contains("href=\"/console/aaaa/commands\""));
        assert_eq!(shown(own(), None), "<p>Ask a colleague to approve it: they find it under Commands.</p>");
        assert_eq!(shown(Error::not_found("x").next("Make it with PUT .../x."), Some(home)), "");
        assert_eq!(shown(Error::not_found("x").next("Make it."), Some(home)), "<p>Make it.</p>");
        assert_eq!(shown(Error::not_found("x"), None), "");
    }
}
