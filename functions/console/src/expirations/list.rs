//! One credential after the other, the earliest end first: a tenant's, or the operator's.

use maud::{Markup, html};
use shared::domain::credential::CredentialState;
use shared::domain::expiry_words::advice;
use shared::service::authenticate_visitor::Visitor;
use shared::service::list_expirations::Expiration;
use shared::time::{Timestamp, days_until};

use crate::fields::Fields;
use crate::home::days;
use crate::layout;

/// For how many days mails can be put off.
const CHOICES: [i64; 4] = [1, 3, 7, 14];

/// Somebody who puts mails off.
#[derive(Default)]
pub(crate) struct Snoozing {
    /// The mails about this.
    pub(crate) credential: String,
    /// For so many days.
    pub(crate) days: String,
    /// In whose name.
    pub(crate) by: String,
}

impl Snoozing {
    /// What the form says.
    pub(crate) fn read(fields: &Fields) -> Self {
        Self { credential: fields.text("credential"), days: fields.text("days"), by: fields.text("by") }
    }
}

/// The list. `form` is who may put mails off, and where to.
pub(crate) fn expirations(
    ending: &[Expiration],
    now: Timestamp,
    form: Option<(&Visitor, &str)>,
    typed: &Snoozing,
) -> Markup {
    html! { @for one in ending { (entry(one, now, form, typed)) } }
}

/// What it is, with its name where it needs one to be told from others.
pub(crate) fn title(one: &Expiration) -> String {
    let thing = advice(&one.credential, &one.page).thing;
    let mut letters = thing.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn entry(one: &Expiration, now: Timestamp, form: Option<(&Visitor, &str)>, typed: &Snoozing) -> Markup {
    let credential = &one.credential;
    let words = advice(credential, &one.page);
    let (class, state) = match credential.state(now) {
        CredentialState::Ok => ("good", "In order"),
        CredentialState::Soon => ("warn", "Ends soon"),
        CredentialState::Expired => ("bad", "Ended"),
    };
    let is_due = credential.state(now) != CredentialState::Ok;
    html! {
        article {
            h2 { (title(one)) }
            p {
                span.badge.good[class == "good"].warn[class == "warn"].bad[class == "bad"] { (state) }
                " It " (days(days_until(now, credential.not_after))) ": " (layout::moment(credential.not_after))
            }
            p { (words.consequence) }
            details open[is_due] {
                summary { "What to do" }
                ol { @for step in &words.steps { li { (step) } } }
                @if let Some(warning) = words.warning { p.note.warn { (warning) } }
                dl.facts { @for (label, value) in &credential.details { dt { (label) } dd { code { (value) } } } }
                p { a href=(one.page) { "Go there" } }
            }
            @if let Some(snooze) = &one.snooze {
                p.quiet { "Its mails are put off until " (layout::moment(snooze.until)) " by " (snooze.by) "." }
            }
            @if let Some((visitor, path)) = form.filter(|_| is_due) {
                (snoozing(visitor, path, &credential.id(), typed))
            }
        }
    }
}

fn snoozing(visitor: &Visitor, path: &str, credential: &str, typed: &Snoozing) -> Markup {
    let typed = Some(typed).filter(|typed| typed.credential == credential);
    html! {
        details open[typed.is_some()] {
            summary { "Put its mails off" }
            p { "Somebody is at it, and needs no reminder every day? A renewal ends this by itself." }
            form.plain method="post" action=(path) {
                (layout::token(visitor))
                input type="hidden" name="credential" value=(credential);
                label { "For"
                    select name="days" {
                        @for days in CHOICES {
                            option value=(days) selected[typed.is_some_and(|typed| typed.days == days.to_string())] {
                                (days) @if days == 1 { " day" } @else { " days" }
                            }
                        }
                    }
                }
                label { "Who answers for it"
                    input name="by" required maxlength="100" autocomplete="name" value=(typed.map_or("", |typed| typed.by.as_str()));
                    small { "A person's name. It stands here and in the audit log." }
                }
                button type="submit" class="secondary" { "Put off" }
            }
        }
    }
}
