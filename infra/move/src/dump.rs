//! Tables of another server, as files: JSON, a row in a line, or CSV.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use shared::error::{Error, Result};

/// The columns of a row that are not NULL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row(BTreeMap<String, String>);

/// The tables of nanomdm that matter here, as its schemas for MySQL and PostgreSQL have them.
#[derive(Clone, Debug)]
pub struct Dump {
    pub(crate) devices: Vec<Row>,
    pub(crate) users: Vec<Row>,
    pub(crate) enrollments: Vec<Row>,
    pub(crate) push_certificates: Vec<Row>,
    pub(crate) associations: Vec<Row>,
}

impl Dump {
    /// Reads a folder of files that are called as the tables are, with or without `nano_` before it, and end in `.jsonl`, `.json`
    /// or `.csv`.
    ///
    /// # Errors
    /// Malformed `dump-not-read`, naming the file.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            devices: table(folder, "devices")?,
            users: table(folder, "users")?,
            enrollments: table(folder, "enrollments")?,
            push_certificates: table(folder, "push_certs")?,
            associations: table(folder, "cert_auth_associations")?,
        })
    }
}

impl Row {
    /// A column; none where it is NULL.
    pub(crate) fn get(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    /// A column that is never NULL.
    pub(crate) fn required(&self, column: &str) -> Result<&str> {
        self.get(column).ok_or_else(|| row_error(&format!("the column {column} is missing")))
    }

    /// Whether a column is true, as either database writes it.
    pub(crate) fn is(&self, column: &str) -> bool {
        matches!(self.get(column), Some("1" | "t" | "true" | "TRUE"))
    }

    /// A column of bytes: `\x...` or `0x...` in hex, else base 64, before which MySQL's JSON puts the type.
    pub(crate) fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>> {
        let Some(text) = self.get(column) else { return Ok(None) };
        let hex = text.strip_prefix("\\x").or_else(|| text.strip_prefix("0x"));
        let plain = text.strip_prefix("base64:type").and_then(|rest| rest.split_once(':'));
        let base64: String = plain.map_or(text, |(_, rest)| rest).split_whitespace().collect();
        let bytes = match hex {
            Some(hex) => hex::decode(hex).ok(),
            None => STANDARD.decode(base64).ok(),
        };
        bytes.map(Some).ok_or_else(|| row_error(&format!("the column {column} is neither hex nor base 64")))
    }
}

pub(crate) fn row_error(what: &str) -> Error {
    Error::malformed("dump-row", format!("A row cannot be used: {what}."))
        .at("DUMP")
        .next("Dump the table again with all its columns, as docs/MOVE.md shows.")
}

fn table(folder: &Path, name: &str) -> Result<Vec<Row>> {
    for file in [name.to_owned(), format!("nano_{name}")] {
        for (ending, read) in [("jsonl", json as fn(&str) -> Option<_>), ("json", json), ("csv", csv)] {
            let path = folder.join(format!("{file}.{ending}"));
            if path.exists() {
                let text = std::fs::read_to_string(&path).ok();
                let rows = text.and_then(|text| read(&text));
                return rows.ok_or_else(|| not_read(&format!("{} is no table", path.display())));
            }
        }
    }
    Err(not_read(&format!("{} has no file of the table {name}", folder.display())))
}

fn not_read(what: &str) -> Error {
    Error::malformed("dump-not-read", format!("The dump cannot be read: {what}."))
        .at("DUMP")
        .next("Dump the five tables as docs/MOVE.md shows; one without rows is an empty file.")
}

fn json(text: &str) -> Option<Vec<Row>> {
    let rows: Vec<Map<String, Value>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).ok()?
    } else {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| serde_json::from_str(line).ok()).collect::<Option<_>>()?
    };
    let cell = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(other.to_string())
        }
    };
    let row = |row: Map<String, Value>| {
        Row(row.into_iter().filter_map(|(column, value)| Some((column, cell(value)?))).collect())
    };
    Some(rows.into_iter().map(row).collect())
}

fn csv(text: &str) -> Option<Vec<Row>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().ok()?.clone();
    let is_null = |cell: &str| ["", "\\N", "NULL"].contains(&cell);
    let row = |record: csv::StringRecord| {
        let cells = columns.iter().zip(&record).filter(|(_, cell)| !is_null(cell));
        Row(cells.map(|(column, cell)| (column.to_owned(), cell.to_owned())).collect())
    };
    reader.records().map(|record| record.ok().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &str)]) -> Result<Dump> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Dump::read(folder.path())
    }

    #[test]
    fn rows_are_read_from_json_and_from_csv() {
        let dump = written(&[
            ("nano_devices.jsonl", "{\"id\": \"D-1\", \"unlock_token\": null}\n\n{\"id\": \"D-2\"}\n"),
            ("users.json", "[]"),
            ("enrollments.csv", "id,enabled,type\nD-1,t,Device\nD-2,0,\\N\n\"a\"\"b\",\"1\",\"x\ny\"\n"),
            ("push_certs.csv", ""),
            ("cert_auth_associations.json", "[{\"id\": 7, \"enabled\": true}]"),
        ])
        .unwrap();
        assert_eq!(dump.devices.len(), 2);
        assert_eq!((dump.devices[0].get("id"), dump.devices[0].get("unlock_token")), (Some("D-1"), None));
        let enabled: Vec<_> = dump.enrollments.iter().map(|row| row.is("enabled")).collect();
        assert_eq!(enabled, [true, false, true]);
        assert_eq!((dump.enrollments[1].get("type"), dump.enrollments[2].get("type")), (None, Some("x\ny")));
        assert_eq!(dump.enrollments[2].required("id").unwrap(), "a\"b");
        assert!(dump.users.is_empty() && dump.push_certificates.is_empty());
        assert_eq!(dump.associations[0].get("id"), Some("7"));
        assert!(dump.associations[0].is("enabled"));
    }

    #[test]
    fn a_table_that_is_missing_or_unreadable_is_named() {
        let refused = written(&[]).unwrap_err();
        assert_eq!((refused.code(), refused.field()), ("dump-not-read", Some("DUMP")));
        assert!(refused.to_string().contains("table devices"), "{refused}");
        let refused = written(&[("devices.jsonl", "id: 1")]).unwrap_err();
        assert!(refused.to_string().contains("devices.jsonl is no table"), "{refused}");
    }

    #[test]
    fn bytes_come_in_four_ways() {
        for text in ["\\x0001ff", "0x0001ff", "AAH/", "base64:type252:AA\nH/"] {
            let row = Row([("token".to_owned(), text.to_owned())].into());
            assert_eq!(row.bytes("token").unwrap(), Some(vec![0, 1, 255]), "{text}");
        }
        let row = Row([("token".to_owned(), "?".to_owned())].into());
        assert_eq!(row.bytes("token").unwrap_err().code(), "dump-row");
        assert_eq!(row.bytes("other").unwrap(), None);
        assert!(row.required("other").unwrap_err().to_string().contains("the column other is missing"));
    }
}
