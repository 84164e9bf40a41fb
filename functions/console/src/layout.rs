//! The frame of all pages, and the pieces that many of them use. No page loads anything from elsewhere.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};
use shared::domain::explanation::{self, Explanation};
use shared::domain::support::person;
use shared::domain::token::Owner;
use shared::error::Error;
use shared::service::authenticate_visitor::Visitor;
use shared::time::Timestamp;

use crate::assets::{HTMX, PICO, SCRIPT, STYLE};
use crate::first::role_name;
use crate::look::{FORM_TOKEN, Look, OperatorLook};
use crate::next_steps::next_step;
use crate::said;

/// What a browser may do with a page: only what this server serves.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// htmx must neither write styles into the page nor run text as code.
const HTMX_SETTINGS: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true}"#;

/// The parts of a tenant's console, in the order of the menu.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Home,
    PushCertificate,
    Expirations,
    Enrollment,
    Devices,
    Commands,
    Silence,
    Settings,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Home,
        Self::PushCertificate,
        Self::Expirations,
        Self::Enrollment,
        Self::Devices,
        Self::Commands,
        Self::Silence,
        Self::Settings,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::PushCertificate => "Push certificate",
            Self::Expirations => "Expirations",
            Self::Enrollment => "Enrollment",
            Self::Devices => "Devices",
            Self::Commands => "Commands",
            Self::Silence => "Silent devices",
            Self::Settings => "Settings",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Home => "",
            Self::PushCertificate => "push-certificate",
            Self::Expirations => "expirations",
            Self::Enrollment => "enrollment",
            Self::Devices => "devices",
            Self::Commands => "commands",
            Self::Silence => "silence",
            Self::Settings => "settings",
        }
    }
}

/// A page as an answer that nobody keeps.
pub(crate) fn answer(status: StatusCode, page: Markup) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, page.into_string()).into_response()
}

/// A page of a tenant.
pub(crate) fn page(look: &Look, part: Part, title: &str, content: &Markup) -> Response {
    answer(StatusCode::OK, tenants(look, part, title, content))
}

/// A page of a tenant that shows why a form was not taken.
pub(crate) fn page_with(
    look: &Look,
    part: Part,
    title: &str,
    error: Option<&Error>,
    content: &Markup,
) -> Response {
    let (status, content) = with(error, Some(&look.path("")), content);
    answer(status, tenants(look, part, title, &content))
}

/// A page's content under what went wrong, and its status; `home` is the tenant's first page, if it is a tenant's.
pub(crate) fn with(error: Option<&Error>, home: Option<&str>, content: &Markup) -> (StatusCode, Markup) {
    let status = error.map_or(StatusCode::OK, |error| shared::http::status(error.kind()));
    (status, html! { @if let Some(error) = error { (trouble_at(error, home)) } (content) })
}

fn tenants(look: &Look, part: Part, title: &str, content: &Markup) -> Markup {
    let menu = html! {
        ul {
            @for entry in Part::ALL {
                li { a href=(look.path(entry.path())) aria-current=[(entry == part).then_some("page")] { (entry.name()) } }
            }
        }
    };
    let said = look.query.get("said").and_then(|key| said::text(key));
    let content = html! { (support(look)) (content) };
    framed(
        &format!("{title} · {}", look.tenant.name),
        &look.tenant.name,
        &menu,
        &look.visitor,
        said,
        &content,
    )
}

/// A page of the operator; `place` is its path in the menu.
pub(crate) fn operators(look: &OperatorLook, place: &str, title: &str, content: &Markup) -> Response {
    operators_with(look, place, title, None, content)
}

/// A page of the operator that shows why a form was not taken.
pub(crate) fn operators_with(
    look: &OperatorLook,
    place: &str,
    title: &str,
    error: Option<&Error>,
    content: &Markup,
) -> Response {
    let pages = [
        ("/console/operator", "Tenants"),
        ("/console/operator/vendor-certificates", "Vendor certificates"),
        ("/console/operator/signing-certificate", "Signing certificate"),
        ("/console/operator/health", "System health"),
        ("/console/operator/dead-letters", "Dead letters"),
        ("/console/operator/operators", "Operators"),
        ("/console/operator/audit-log", "Audit log"),
    ];
    let menu = html! {
        ul {
            @for (path, name) in pages {
                li { a href=(path) aria-current=[(path == place).then_some("page")] { (name) } }
            }
        }
    };
    let said = look.signed.query.get("said").and_then(|key| said::text(key));
    let title = format!("{title} · Operator");
    let (status, content) = with(error, None, content);
    answer(status, framed(&title, "This server", &menu, &look.signed.visitor, said, &content))
}

fn framed(
    title: &str,
    whose: &str,
    menu: &Markup,
    visitor: &Visitor,
    said: Option<&str>,
    content: &Markup,
) -> Markup {
    let several = visitor.memberships().len() > 1;
    document(
        title,
        &html! {
            a.skip href="#content" { "Skip to the content" }
            div.frame {
                div.side {
                    strong { (whose) }
                    nav aria-label="Main" { (menu) }
                    div.who {
                        div { (visitor.address()) }
                        @if several { div { a href="/console" { "All organizations" } } }
                        div { a href="/console/sessions" { "Your session" } }
                        form method="post" action="/console/sign-out" { (token(visitor)) button.secondary { "Sign out" } }
                    }
                }
                main #content {
                    @if let Some(said) = said { div.note.good role="status" { p { (said) } } }
                    (content)
                }
            }
        },
    )
}

/// A page without a menu, as before anybody signed in.
pub(crate) fn alone(title: &str, content: &Markup) -> Markup {
    document(title, &html! { main.alone #content { (content) } })
}

/// A page by itself that leads on to `url` by itself.
pub(crate) fn passing(title: &str, url: &str, content: &Markup) -> Markup {
    let on = html! { meta http-equiv="refresh" content=(format!("0;url={url}")); };
    document_with(title, &on, &html! { main.alone #content { (content) } })
}

fn document(title: &str, body: &Markup) -> Markup {
    document_with(title, &html! {}, body)
}

fn document_with(title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="htmx-config" content=(HTMX_SETTINGS);
                (head)
                title { (title) " · Pomarium" }
                link rel="stylesheet" href=(PICO.address());
                link rel="stylesheet" href=(STYLE.address());
                link rel="icon" href="data:,";
                script src=(HTMX.address()) defer {}
                script src=(SCRIPT.address()) defer {}
            }
            body { (body) }
        }
    }
}

/// What a form of this session carries.
pub(crate) fn token(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(visitor.form_token()); }
}

/// What went wrong, and the next step.
pub(crate) fn trouble(error: &Error) -> Markup {
    trouble_at(error, None)
}

fn trouble_at(error: &Error, home: Option<&str>) -> Markup {
    html! {
        div.note.bad role="alert" {
            p { strong { (error.to_string()) } }
            (next_step(error, home))
        }
    }
}

/// A moment: in UTC, and as the reader's own time where there is JavaScript.
pub(crate) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at.to_string()) { (at.strftime("%Y-%m-%d %H:%M UTC")) } }
}

/// Why a command stands where it stands.
pub(crate) fn explained(explanation: &Explanation) -> Markup {
    html! {
        @for part in &explanation.parts {
            @match part { explanation::Part::Words(words) => (words), explanation::Part::Moment(at) => (moment(*at)) }
        }
    }
}

/// After a form was taken: the page that shows what became of it, and one sentence about it.
pub(crate) fn done(page: &str, said: &str) -> Response {
    let separator = if page.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{page}{separator}said={said}")).into_response()
}

/// The first page of what somebody is a member of.
pub(crate) fn home_of(owner: &Owner) -> String {
    match owner {
        Owner::Operator => "/console/operator".to_owned(),
        Owner::Tenant(tenant) => format!("/console/{tenant}"),
    }
}

/// Says on each page of a tenant that support may look in, or that it does.
fn support(look: &Look) -> Markup {
    let Some(access) = look.tenant.open_support(look.state.clock.now()) else { return html! {} };
    html! {
        div.note.warn #support {
            @if look.is_support {
                p { "You are in " strong { (look.tenant.name) } " as support (" (role_name(access.level)) "), until " (moment(access.until)) "; "
                    a href={ "/console/operator/tenants/" (look.tenant.id) } { "leave" } "." }
                @if let Some(note) = &access.note { p { (note) } }
            } @else {
                p { "Support may look in until " (moment(access.until)) " (" (person(&access.allowed_by)) " allowed it). "
                    a href=(look.path("settings/support-access")) { "End it" } }
            }
        }
    }
}
