//! Lists of invitations, as people bring them.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::invite::{Invitation, MOST_INVITATIONS};
use crate::domain::contact::EmailAddress;
use crate::domain::link_terms::{LinkHolder, LinkTerms};
use crate::error::{Error, Result};

/// The columns of a CSV file; the first is required.
pub const COLUMNS: [&str; 4] = ["email", "name", "group", "devices"];

/// A line of a CSV file; devices are separated by spaces.
#[derive(Deserialize)]
struct Line {
    email: String,
    name: Option<String>,
    group: Option<String>,
    devices: Option<String>,
}

/// Refuses a list without invitations, or with too many.
///
/// # Errors
/// Malformed, naming the most there may be.
pub fn check_number(invitations: &[Invitation]) -> Result<()> {
    if (1..=MOST_INVITATIONS).contains(&invitations.len()) {
        return Ok(());
    }
    let message = format!("One call sends 1 to {MOST_INVITATIONS} invitations.");
    Err(Error::malformed("invitation-count", message).at("invitations").next("Split a longer list."))
}

/// The invitations in a CSV file.
///
/// # Errors
/// Malformed, naming the line and the column.
pub fn invitations_of_csv(file: &[u8]) -> Result<Vec<Invitation>> {
    let unreadable = |message: String| {
        Error::malformed("invitation-csv", message)
            .next(format!("The first line names the columns: {}.", COLUMNS.join(",")))
    };
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header =
        reader.headers().map_err(|error| unreadable(format!("The CSV file cannot be read: {error}.")))?;
    if let Some(column) = header.iter().find(|column| !COLUMNS.contains(column)) {
        return Err(unreadable(format!("The CSV file has a column {column:?}, which means nothing here.")));
    }
    if !header.iter().any(|column| column == "email") {
        return Err(unreadable("The CSV file has no column \"email\".".to_owned()));
    }
    let mut invitations = Vec::new();
    // The first line has the names; the second, the first invitation.
    for (line, record) in (2..).zip(reader.deserialize::<Line>()) {
        let record = record.map_err(|error| unreadable(format!("Line {line} cannot be read: {error}.")))?;
        let at = format!("line {line}, ");
        let email: EmailAddress =
            record.email.parse().map_err(|error: Error| error.at(format!("{at}email")))?;
        let devices = record.devices.iter().flat_map(|devices| devices.split_whitespace()).map(str::to_owned);
        invitations.push(invitation(email, record.name, record.group, devices.collect(), &at)?);
    }
    Ok(invitations)
}

/// An invitation whose terms are good; `at` is where it stands.
///
/// # Errors
/// Malformed, naming the field after `at`.
pub fn invitation(
    email: EmailAddress,
    name: Option<String>,
    group: Option<String>,
    devices: BTreeSet<String>,
    at: &str,
) -> Result<Invitation> {
    let holder = LinkHolder { group, name, email: Some(email.clone()) };
    let terms = LinkTerms { holder, devices, ..LinkTerms::default() }.checked().map_err(|error| {
        let field = format!("{at}{}", error.field().unwrap_or_default());
        error.at(field)
    })?;
    Ok(Invitation { email, terms })
}
