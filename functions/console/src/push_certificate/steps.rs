//! The numbered steps, with the current one in bold.

use maud::{Markup, html};

/// A step on the way to an active certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) enum Step {
    Request,
    Portal,
    Upload,
    Review,
    Activate,
}

/// All steps; those before the current one are over.
pub(super) fn list(current: Option<Step>) -> Markup {
    let steps = [
        (
            Step::Request,
            "Request",
            "We make a request that Apple accepts, from your organization's name and address.",
        ),
        (Step::Portal, "Apple's portal", "You give the request to Apple and get a certificate for it."),
        (Step::Upload, "Upload", "You bring the certificate here."),
        (Step::Review, "Review", "You see what it is, before it changes anything."),
        (Step::Activate, "Activate", "It is tried with Apple, and used from then on."),
    ];
    html! {
        ol.steps {
            @for (step, name, what) in steps {
                li.over[current.is_some_and(|current| step < current)]
                    aria-current=[(current == Some(step)).then_some("step")] { (name) p.quiet { (what) } }
            }
        }
    }
}
