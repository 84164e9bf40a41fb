//! The mail with the code to sign in.

use super::letter::{Letter, Words};

/// Brings the code to somebody who wants to sign in at `page`.
pub fn sign_in_mail(code: &str, page: &str) -> Words {
    Letter {
        subject: format!("Your code to sign in: {code}"),
        opening: "Enter this code where you asked for it. It works there alone, once, for ten minutes:"
            .to_owned(),
        steps: Vec::new(),
        closing: vec![
            code.to_owned(),
            format!("You asked at {page}"),
            "If it was not you, do nothing, and give the code to nobody: we never ask for it.".to_owned(),
        ],
    }
    .words(page)
}

/// Tells a new member of a tenant, or an operator of this server, where to sign in.
pub fn welcome_mail(name: &str, page: &str) -> Words {
    Letter {
        subject: format!("You may now sign in for {name}"),
        opening: format!("An administrator of {name} gave you access to its Apple device management."),
        steps: vec![
            format!("Open {page}"),
            "Enter this address. A code is sent to it; there is no password.".to_owned(),
        ],
        closing: Vec::new(),
    }
    .words(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_mails_say_what_to_do() {
        let words = sign_in_mail("0000 0258", "https://mdm.example/console");
        assert_eq!(words.subject, "Your code to sign in: 0000 0258");
        assert!(
            words.text.contains("\n\n0000 0258\n\n") && words.text.contains("https://mdm.example/console")
        );
        let words = welcome_mail("<Sons>", "https://mdm.example/console");
        assert!(words.text.contains("1. Open https://mdm.example/console"));
        assert!(!words.html.contains("<Sons>"));
    }
}
