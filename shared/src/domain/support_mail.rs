//! The mail by which an operator asks a tenant's administrators to let support in.

use super::letter::{Letter, Words};

/// Asks for access to `name`: who asks, why, and the page where it is allowed.
pub fn support_mail(name: &str, who: &str, reason: &str, page: &str) -> Words {
    Letter {
        subject: format!("Support asks to look into {name}"),
        opening: format!(
            "{who} runs the server that {name} uses, and asks to look into its console. The reason:\n{reason}"
        ),
        steps: vec![
            format!("Open {page}"),
            "Choose for how long, and whether support may only look or also change things.".to_owned(),
        ],
        closing: vec![
            "Support sees nothing before you allow it. You can end it at any time, and the audit log names all that support does."
                .to_owned(),
            "If you do not want it, do nothing.".to_owned(),
        ],
    }
    .words(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_who_asks_why_and_where_to_answer() {
        let words =
            support_mail("<Sons>", "ola@vendor.example", "Pushes fail & we look", "https://mdm.example/x");
        assert_eq!(words.subject, "Support asks to look into <Sons>");
        for part in ["ola@vendor.example", "Pushes fail & we look", "1. Open https://mdm.example/x"] {
            assert!(words.text.contains(part), "{}", words.text);
        }
        assert!(!words.html.contains("<Sons>") && words.html.contains("Pushes fail &amp; we look"));
    }
}
