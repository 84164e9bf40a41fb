//! Devices as people name them: by the identifier or the serial number, typed, pasted or from a table.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::domain::enrollment::Enrollment;
use crate::error::{Error, Result};
use crate::id::EnrollmentId;
use crate::scope::Scope;
use crate::state::State;

/// Serial numbers that are looked up at the same time.
const AT_ONCE: usize = 16;
/// The most devices that are named in one go.
pub const MOST_NAMED: usize = 500;
/// What a table's first line may call the column that names devices; the first of these that it has.
const COLUMNS: [&str; 8] = [
    "serial number",
    "serial",
    "serialnumber",
    "serial_number",
    "udid",
    "identifier",
    "enrollment",
    "enrollment id",
];

/// The device of this name at once: by its whole identifier, however it stands, or by its whole serial number, which two may
/// share.
///
/// # Errors
/// Unavailable when the store does not answer.
pub async fn find_device(state: &State, scope: &Scope, name: &str) -> Result<Vec<Enrollment>> {
    let name = name.trim();
    for spelled in spellings(name) {
        if let Some(device) = state.store.enrollment(scope, &spelled).await? {
            return Ok(vec![device]);
        }
    }
    state.store.devices_with_serial(scope, name).await
}

/// The identifiers of the devices of these names. A serial number means the devices that are enrolled with it now.
///
/// # Errors
/// Malformed when there are none, or too many; NotFound, naming some, when there is no such device.
pub async fn find_devices(state: &State, scope: &Scope, names: &[String]) -> Result<BTreeSet<EnrollmentId>> {
    if !(1..=MOST_NAMED).contains(&names.len()) {
        let message = format!("These are {} devices; 1 to {MOST_NAMED} go at once.", names.len());
        return Err(Error::malformed("devices-named", message)
            .at("devices")
            .next("Type or paste them, one on each line, and split a longer list."));
    }
    let ids: BTreeSet<EnrollmentId> = names.iter().flat_map(|name| spellings(name)).collect();
    let ids: Vec<EnrollmentId> = ids.into_iter().collect();
    let known = state.store.enrollments(scope, &ids).await?;
    let mut found: BTreeSet<EnrollmentId> = known.into_iter().map(|device| device.id).collect();
    let is_known = |name: &&String| spellings(name).iter().any(|id| found.contains(id));
    let others: Vec<String> = names.iter().filter(|name| !is_known(name)).cloned().collect();
    let by_serial: Vec<(String, Vec<Enrollment>)> = stream::iter(others)
        .map(|name| async move {
            let devices = state.store.devices_with_serial(scope, &name).await?;
            Ok::<_, Error>((name, devices))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut unknown: Vec<String> = Vec::new();
    for (name, devices) in by_serial {
        let enrolled: Vec<EnrollmentId> =
            devices.into_iter().filter(|device| !device.is_over()).map(|device| device.id).collect();
        if enrolled.is_empty() {
            unknown.push(name);
        }
        found.extend(enrolled);
    }
    if unknown.is_empty() { Ok(found) } else { Err(unknown_devices(&unknown)) }
}

fn unknown_devices(names: &[String]) -> Error {
    let named: Vec<&str> = names.iter().map(String::as_str).take(10).collect();
    let more = names.len().saturating_sub(named.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Error::not_found(&format!("device: {}{rest}", named.join(", ")))
        .at("devices")
        .next("Correct or remove these lines. Nothing was changed.")
}

/// An identifier as it was typed, and with capitals, as Apple writes those of devices.
fn spellings(name: &str) -> Vec<EnrollmentId> {
    let mut ids: Vec<EnrollmentId> =
        [name.to_owned(), name.to_uppercase()].iter().filter_map(|text| text.parse().ok()).collect();
    ids.dedup();
    ids
}

/// The names in what was pasted: one on each line, or a column of a table with commas, semicolons or tabs. The column is
/// the one whose heading says so, else the first.
///
/// # Errors
/// Malformed when a line of the table cannot be read.
pub fn names_in(text: &str) -> Result<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let separator = [b'\t', b';', b','].into_iter().find(|byte| first.as_bytes().contains(byte));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(separator.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut names: Vec<String> = Vec::new();
    let mut column = 0;
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| {
            Error::malformed("devices-list", format!("The list cannot be read: {error}.")).at("devices")
        })?;
        if number == 0
            && let Some(headed) = heading(&record)
        {
            column = headed;
            continue;
        }
        let name = record.get(column).unwrap_or_default();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn heading(record: &csv::StringRecord) -> Option<usize> {
    let is = |cell: &str, heading: &str| cell.eq_ignore_ascii_case(heading);
    COLUMNS.iter().find_map(|heading| record.iter().position(|cell| is(cell, heading)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lines_or_the_column_that_says_so() {
        for (text, names) in [
            ("C02A\n  C02B \r\n\nC02A\n", vec!["C02A", "C02B"]),
            ("C02A,Jo's iPad\nC02B,Kim's iPad", vec!["C02A", "C02B"]),
            ("Name;Serial Number\n\"Jo; iPad\";C02A\nKim;C02B\n;", vec!["C02A", "C02B"]),
            ("\u{feff}UDID\tName\nD-1\tJo\nD-2", vec!["D-1", "D-2"]),
            ("serial\n", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(names_in(text).unwrap(), names, "{text:?}");
        }
    }

    #[test]
    fn an_identifier_may_be_typed_in_small_letters() {
        let ids: Vec<String> = spellings("00008110-abc").iter().map(ToString::to_string).collect();
        assert_eq!(ids, ["00008110-abc", "00008110-ABC"]);
        assert_eq!(spellings("D-1").len(), 1);
    }

    #[test]
    fn who_is_not_known_is_named_up_to_ten() {
        let names: Vec<String> = (0..12).map(|number| format!("C{number}")).collect();
        let error = unknown_devices(&names);
        assert!(error.to_string().ends_with("C8, C9 and 2 more."), "{error}");
    }
}
