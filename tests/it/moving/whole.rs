//! No kind of record is forgotten: each that docs/DATA.md names moves, or stays for a reason.

use aws_sdk_dynamodb::types::AttributeValue;
use shared::scope::Scope;
use shared::store::{StoredItem, Table};

use crate::repository::read;

/// What does not move with a tenant, and why.
const STAYS: [(&str, &str); 12] = [
    ("OPERATOR", "the installation's own"),
    ("OPERATOR#AUDIT#x", "the installation's own"),
    ("OPERATOR#SEALS#audit", "the installation's own"),
    ("OPERATOR#VENDOR", "the installation's own"),
    ("OPERATOR#SIGNER", "the installation's own"),
    ("OPERATOR#MAIL#...", "the installation's own"),
    ("OPERATOR#SNOOZE", "the installation's own"),
    ("PERSON#x OUT", "a person's, not a tenant's"),
    ("PERSON#x CODES#x", "a person's, not a tenant's"),
    ("SESSION#x", "people sign in anew"),
    ("SIGNIN#x", "people sign in anew"),
    ("LIMIT#x#x", "counts begin anew"),
];

fn tenant() -> Scope {
    #[expect(clippy::disallowed_methods, reason = "nothing is stored")]
    Scope::system("aaaaaaaaaaaaaaaa".parse().unwrap(), "test")
}

/// `TENANT#<tenant>#LINK` with names in place of what stands in brackets.
fn example(form: &str) -> String {
    let mut example = form.replace("<tenant>", tenant().tenant().as_str());
    while let Some((before, rest)) = example.split_once('<') {
        let (_, after) = rest.split_once('>').unwrap();
        example = format!("{before}x{after}");
    }
    example
}

fn item(table: Table, pk: &str, sk: &str) -> StoredItem {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let mut item = StoredItem { table, item: [("pk".into(), text(pk)), ("sk".into(), text(sk))].into() };
    if pk.starts_with("TOPIC#") {
        item.item.insert("tenant".into(), text(tenant().tenant().as_str()));
    }
    item
}

/// Every partition and place of docs/DATA.md, with their table.
fn described() -> Vec<(Table, String, String)> {
    let (mut found, mut table, mut last) = (Vec::new(), None, Vec::new());
    for line in read("docs/DATA.md").lines() {
        match line {
            "## core" => table = Some(Table::Core),
            "## pki" => table = Some(Table::Pki),
            "## ephemeral" => table = Some(Table::Ephemeral),
            _ if line.starts_with("## ") => table = None,
            _ => {}
        }
        let (Some(table), Some(row)) = (table, line.strip_prefix("| ")) else { continue };
        let cells: Vec<_> = row.split(" | ").collect();
        if cells.len() != 4
            || cells[0].contains("(global)")
            || cells[0].contains("(local)")
            || cells[0] == "`pk`"
            || cells[0] == "---"
        {
            continue;
        }
        let forms = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        if cells[0] != "the same" {
            last = forms(cells[0]);
        }
        let owner = last[0].split("#SEALS").next().unwrap().to_owned();
        for pk in &last {
            // `...#SEALS#events` stands for what is before it.
            let pk =
                if let Some(rest) = pk.strip_prefix("...") { format!("{owner}{rest}") } else { pk.clone() };
            for sk in forms(cells[1]) {
                found.push((table, example(&pk), example(&sk)));
            }
        }
    }
    found
}

#[test]
fn every_kind_of_record_moves_or_stays_for_a_reason() {
    let described = described();
    assert!(described.len() > 60, "only {} kinds were found: is the search broken?", described.len());
    let mut stayed = std::collections::BTreeSet::new();
    for (table, pk, sk) in described {
        let reason = STAYS.iter().find(|(form, _)| *form == pk || *form == format!("{pk} {sk}"));
        let moves = item(table, &pk, &sk).is_of(&tenant());
        let also_operators = sk == "MEMBER#OPERATOR";
        assert!(moves != (reason.is_some() || also_operators), "{pk} {sk}: does it move or does it stay?");
        stayed.extend(reason.map(|(form, _)| *form));
    }
    let known: std::collections::BTreeSet<_> = STAYS.iter().map(|(form, _)| *form).collect();
    assert_eq!(stayed, known, "a reason is not needed any more");
}

#[test]
fn another_tenants_records_are_not_this_ones() {
    let own = tenant().tenant().to_string();
    for (pk, sk) in [
        (format!("TENANT#{own}x"), "TENANT".to_owned()),
        (format!("XTENANT#{own}"), "TENANT".to_owned()),
        ("PERSON#jo@green.example".to_owned(), format!("MEMBER#TENANT#{own}x")),
        ("OPERATOR".to_owned(), format!("MEMBER#TENANT#{own}")),
        (format!("SESSION#{own}"), "SESSION".to_owned()),
    ] {
        assert!(!item(Table::Core, &pk, &sk).is_of(&tenant()), "{pk} {sk}");
    }
}
