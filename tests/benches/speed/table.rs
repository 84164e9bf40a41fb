//! What was measured, against what was aimed at; for people, and for programs.

use std::path::Path;

use serde_json::{Map, Value, json};

/// What a value must be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// Not more.
    AtMost(f64),
    /// Not less.
    AtLeast(f64),
    /// It is shown only.
    None,
}

impl Target {
    fn word(self) -> String {
        match self {
            Self::AtMost(limit) => format!("<= {}", number(limit)),
            Self::AtLeast(limit) => format!(">= {}", number(limit)),
            Self::None => String::new(),
        }
    }

    fn verdict(self, value: Option<f64>) -> &'static str {
        match (self, value) {
            (Self::None, _) => "",
            (Self::AtMost(_) | Self::AtLeast(_), None) => "not measured",
            (Self::AtMost(limit), Some(value)) if value <= limit => "met",
            (Self::AtLeast(limit), Some(value)) if value >= limit => "met",
            (Self::AtMost(_) | Self::AtLeast(_), Some(_)) => "MISSED",
        }
    }
}

/// The rows, in the order in which they were measured.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, &'static str, Option<f64>, Target)>,
    summary: Map<String, Value>,
}

/// The keys of `summary.json` that have one value each. What was not measured is null there.
const KEYS: [&str; 11] = [
    "idle_cpu_ms",
    "token_update_cpu_ms",
    "idle_c16_rps",
    "idle_c16_cpu_s_per_1000",
    "cold_ready_ms",
    "cold_first_answer_ms",
    "cold_rss_mb",
    "binary_mb_max",
    "push_per_s",
    "scep_issue_ms",
    "growth_exponent_max",
];

impl Table {
    /// A row.
    pub(crate) fn row(&mut self, name: &str, unit: &'static str, value: Option<f64>, target: Target) {
        println!("    {name}: {} {unit}", value.map_or_else(|| "not measured".to_owned(), number));
        self.rows.push((name.to_owned(), unit, value, target));
    }

    /// A row that goes into the summary, too: the value of `runs` runs.
    pub(crate) fn key(
        &mut self,
        key: &'static str,
        (name, unit): (&str, &'static str),
        value: Option<f64>,
        runs: u64,
        target: Target,
    ) {
        assert!(KEYS.contains(&key), "{key} is in the list");
        self.row(name, unit, value, target);
        self.summary.insert(key.to_owned(), json!({"value": value, "runs": runs}));
    }

    /// How many calls of DynamoDB a kind of request makes.
    pub(crate) fn calls(&mut self, kind: &str, calls: usize, runs: u64) {
        self.row(&format!("DynamoDB calls: {kind}"), "", Some(calls as f64), Target::None);
        let kinds = self.summary.entry("dynamodb_calls").or_insert_with(|| json!({}));
        kinds[kind] = json!({"value": calls, "runs": runs});
    }

    /// Prints the rows.
    pub(crate) fn print(&self) {
        let widest = self.rows.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
        println!("\n{:<widest$}  {:>12} {:<9}  {:<10}  verdict", "what", "value", "", "target");
        for (name, unit, value, target) in &self.rows {
            let shown = value.map_or_else(|| "-".to_owned(), number);
            let (aim, verdict) = (target.word(), target.verdict(*value));
            println!("{name:<widest$}  {shown:>12} {unit:<9}  {aim:<10}  {verdict}");
        }
    }

    /// Writes the summary.
    pub(crate) fn write(&self, file: &Path) {
        let mut summary = self.summary.clone();
        for key in KEYS {
            summary.entry(key).or_insert_with(|| json!({"value": null, "runs": 0}));
        }
        summary.entry("dynamodb_calls").or_insert_with(|| json!({}));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, serde_json::to_string_pretty(&summary).unwrap() + "\n").unwrap();
        println!("\nThe summary is in {}", file.display());
    }
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        small if small < 1.0 => format!("{value:.4}"),
        small if small < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}
