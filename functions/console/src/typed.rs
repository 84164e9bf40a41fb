//! What somebody typed into a form that is shown again, so that nobody types it again.

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
pub(crate) fn number<N: std::str::FromStr>(fields: &Fields, name: &str) -> Result<Option<N>> {
    let Some(typed) = optional(fields, name) else { return Ok(None) };
    let number = typed.parse().map_err(|_| {
        Error::malformed("typed-number", format!("{typed:?} is not a number."))
            .at(name.to_owned())
            .next("Type digits only.")
    })?;
    Ok(Some(number))
}
