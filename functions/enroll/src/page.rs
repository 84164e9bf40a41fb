//! The page that a person sees who opens a link: two steps, in the words of the device. It needs no JavaScript and loads
//! nothing.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "
:root { color-scheme: light dark; --text: #1d1d1f; --soft: #5c5c61; --back: #f5f5f7; --card: #ffffff; --go: #0066cc }
@media (prefers-color-scheme: dark) {
  :root { --text: #f2f2f5; --soft: #a5a5ad; --back: #101012; --card: #1e1e21; --go: #0a74e0 }
}
* { box-sizing: border-box }
body { font: 17px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 auto;
  padding: 2rem 1rem; max-width: 34rem }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem }
h2 { font-size: 1.1rem; margin: 0 0 .5rem }
p, ol { margin: .4rem 0 }
.soft { color: var(--soft) }
section { background: var(--card); border-radius: 14px; padding: 1.1rem 1.2rem; margin: 1rem 0 }
a.go { display: block; text-align: center; background: var(--go); color: #ffffff; text-decoration: none;
  font-weight: 600; border-radius: 10px; padding: .8rem; margin: .9rem 0 .3rem }
a.go:focus-visible { outline: 3px solid var(--text); outline-offset: 2px }
ol { padding-left: 1.3rem }
details { margin: .6rem 0 }
summary { cursor: pointer; font-weight: 600; padding: .3rem 0 }
";

/// What a browser may do with the page: show it with its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a person may hold in their hands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Platform {
    IPhone,
    IPad,
    Mac,
}

impl Platform {
    const ALL: [Self; 3] = [Self::IPhone, Self::IPad, Self::Mac];

    /// Those that the browser may run on, as far as it says: an iPad says that it is a Mac.
    fn possible(user_agent: &str) -> &'static [Self] {
        if user_agent.contains("iPhone") {
            &[Self::IPhone]
        } else if user_agent.contains("iPad") {
            &[Self::IPad]
        } else if user_agent.contains("Macintosh") {
            &[Self::IPad, Self::Mac]
        } else {
            &Self::ALL
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::IPhone => "iPhone",
            Self::IPad => "iPad",
            Self::Mac => "Mac",
        }
    }

    fn article(self) -> &'static str {
        match self {
            Self::IPhone | Self::IPad => "an",
            Self::Mac => "a",
        }
    }

    /// Where a downloaded profile waits, and what to tap.
    fn steps(self) -> [&'static str; 3] {
        match self {
            Self::IPhone | Self::IPad => [
                "Open the Settings app.",
                "Tap “Profile Downloaded” near the top. If it is not there: General, then VPN & Device Management.",
                "Tap Install, enter your passcode, and confirm.",
            ],
            Self::Mac => [
                "Open System Settings.",
                "Choose General, then Device Management. Double-click the downloaded profile.",
                "Click Install or Enroll, and enter your password.",
            ],
        }
    }
}

/// The page of a link that is good. `profile` is the profile's address.
pub(crate) fn invitation(organization: &str, name: Option<&str>, profile: &str, user_agent: &str) -> Markup {
    let present = Platform::possible(user_agent);
    page(
        &format!("Set up this device for {organization}"),
        &html! {
            h1 { "Set up this device for " (organization) }
            @if let Some(name) = name { p { "Hello " (name) "." } }
            p.soft { (organization) " will manage the device, which shows what that allows before you confirm. Open this page on the device itself, in Safari." }
            section {
                h2 { "1. Download the profile" }
                p { "Safari asks whether to allow the download: choose Allow." }
                a.go href=(profile) { "Download the profile" }
            }
            section {
                h2 { "2. Install it" }
                p.soft { "Within a few minutes: a device forgets a profile that is not installed." }
                @for platform in Platform::ALL {
                    details open[present.contains(&platform)] {
                        summary { "On " (platform.article()) " " (platform.name()) }
                        ol { @for step in platform.steps() { li { (step) } } }
                    }
                }
            }
        },
    )
}

/// The page of a link that is not good.
pub(crate) fn refusal(message: &str, next: &str) -> Markup {
    page(
        "This link does not work",
        &html! {
            h1 { "This link does not work" }
            section { p { (message) } p { (next) } }
        },
    )
}

/// The page of a link that is good, and cannot be served just now. `next` is for who can do something about it.
pub(crate) fn not_now(message: &str, next: Option<&str>) -> Markup {
    page(
        "This does not work just now",
        &html! {
            h1 { "This does not work just now" }
            section {
                p { (message) }
                p { "Your link is still good: try again in a few minutes. If it goes on, show this page to your administrator." }
                @if let Some(next) = next { p.soft { (next) } }
            }
        },
    )
}

fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (content) } }
        }
    }
}

/// A page as an answer.
pub(crate) fn answer(status: StatusCode, page: &Markup) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::VARY, "accept"),
    ];
    (status, headers, page.0.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of a page that stands open.
    fn open(user_agent: &str) -> Vec<&'static str> {
        let page = invitation("Green School", None, "t/profile", user_agent).0;
        let is_open = |platform: &Platform| {
            let summary = format!("<details open><summary>On {} {}", platform.article(), platform.name());
            page.contains(&summary)
        };
        Platform::ALL.into_iter().filter(is_open).map(Platform::name).collect()
    }

    #[test]
    fn the_device_at_hand_is_explained_first() {
        assert_eq!(open("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"), ["iPhone"]);
        assert_eq!(open("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X)"), ["iPad"]);
        assert_eq!(open("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"), ["iPad", "Mac"]);
        assert_eq!(open("Mozilla/5.0 (X11; Linux x86_64)"), ["iPhone", "iPad", "Mac"]);
    }

    #[test]
    fn names_are_escaped() {
        let page = invitation("<b>", Some("<i>"), "t/profile", "").0;
        assert!(!page.contains("<b>") && !page.contains("<i>"));
    }
}
