//! What somebody typed into a form that is shown again, so that nobody types it again.

use std::str::FromStr;

use shared::error::{Error, Result};

use crate::fields::Fields;

/// The form, and why it was not taken.
#[derive(Default)]
pub(crate) struct Typed {
    /// Why, if it was refused.
    pub(crate) error: Option<Error>,
    form: &'static str,
    fields: Fields,
}

impl Typed {
    /// What was typed into the form of this name.
    pub(crate) fn into(form: &'static str, fields: Fields, error: Error) -> Self {
        Self { error: Some(error), form, fields }
    }

    /// What stands in the form of this name, which was good and is shown again.
    pub(crate) fn kept(form: &'static str, fields: Fields) -> Self {
        Self { error: None, form, fields }
    }

    /// Whether it was this form.
    pub(crate) fn is(&self, form: &str) -> bool {
        self.form == form
    }

    /// A field's text: as it was typed, or as usual.
    pub(crate) fn text(&self, form: &str, name: &str, usual: &str) -> String {
        if self.is(form) { self.fields.text(name) } else { usual.to_owned() }
    }

    /// Whether a box is ticked: as it was left, or as usual.
    pub(crate) fn ticked(&self, form: &str, name: &str, usual: bool) -> bool {
        if self.is(form) { self.fields.ticked(name) } else { usual }
    }
}

/// A text that may be left out.
pub(crate) fn optional(fields: &Fields, name: &str) -> Option<String> {
    Some(fields.text(name)).filter(|text| !text.is_empty())
}

/// A number that may be left out.
///
/// # Errors
/// Malformed, naming the field, when something else was typed.
pub(crate) fn number<N: FromStr>(fields: &Fields, name: &str) -> Result<Option<N>> {
    optional(fields, name).map(|typed| parsed(&typed, name)).transpose()
}

/// A number that must be there.
///
/// # Errors
/// As [`number`].
pub(crate) fn needed<N: FromStr>(fields: &Fields, name: &str) -> Result<N> {
    parsed(&fields.text(name), name)
}

fn parsed<N: FromStr>(typed: &str, name: &str) -> Result<N> {
    typed.parse().map_err(|_| no_number(typed, name))
}

/// What was typed is no number, or none that can be meant.
pub(crate) fn no_number(typed: &str, name: &str) -> Error {
    Error::malformed("typed-number", format!("{typed:?} is not a number."))
        .at(name.to_owned())
        .next("Type digits only.")
}
