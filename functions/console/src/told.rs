//! What a device told, as it told it: names and values, lists as tables.

use maud::{Markup, html};
use serde_json::{Map, Value};

/// Columns of a table, at most.
const COLUMNS: usize = 5;
/// What says most of a thing, first.
const FIRST: [&str; 12] = [
    "Name",
    "CommonName",
    "PayloadDisplayName",
    "Identifier",
    "PayloadIdentifier",
    "ShortVersion",
    "Version",
    "PayloadOrganization",
    "IsIdentity",
    "BundleSize",
    "UUID",
    "ExpiryDate",
];

/// A value of any shape.
pub(crate) fn told(value: &Value) -> Markup {
    match value {
        Value::Null => html! { "—" },
        Value::Bool(true) => html! { "Yes" },
        Value::Bool(false) => html! { "No" },
        Value::Number(number) => html! { (number) },
        Value::String(text) => html! { (text) },
        Value::Object(fields) => html! {
            dl.facts { @for (name, value) in fields { dt { (name) } dd { (told(value)) } } }
        },
        Value::Array(values) => list(values, values.len()),
    }
}

/// The first `most` of a list.
pub(crate) fn list(values: &[Value], most: usize) -> Markup {
    let rows: Option<Vec<&Map<String, Value>>> = values.iter().take(most).map(Value::as_object).collect();
    match rows {
        Some(rows) if !rows.is_empty() => table(&rows),
        _ => html! { ul { @for value in values.iter().take(most) { li { (told(value)) } } } },
    }
}

fn table(rows: &[&Map<String, Value>]) -> Markup {
    let present = |name: &&str| rows.iter().any(|row| row.contains_key(*name));
    let mut columns: Vec<&str> = FIRST.iter().copied().filter(present).collect();
    for name in rows.iter().flat_map(|row| row.keys()) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    columns.truncate(COLUMNS);
    html! {
        div.scroll tabindex="0" { table {
            thead { tr { @for name in &columns { th { (name) } } } }
            tbody {
                @for row in rows {
                    tr { @for name in &columns { td { @if let Some(value) = row.get(*name) { (told(value)) } } } }
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::told;

    #[test]
    fn a_list_of_things_is_a_table_that_begins_with_their_names() {
        let apps = json!([{"BundleSize": 7, "Name": "Maps"}, {"Name": "<b>"}]);
        let shown = told(&apps).into_string();
        assert!(shown.contains("<th>Name</th><th>BundleSize</th>"), "{shown}");
        assert!(shown.contains("<td>Maps</td><td>7</td>") && shown.contains("&lt;b&gt;"), "{shown}");
    }
}
