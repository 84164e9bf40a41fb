//! Declarative management for a tenant without declarations: a device that asks is told that there are none.

use serde_json::json;

use super::Answer;
use crate::error::Result;
use crate::time::Timestamp;

/// The DeclarationsToken of the empty set. It changes if and only if the content does, and this never does.
const NONE: &str = "none";

/// Answers an `Endpoint`. `since` is when the set became what it is.
pub(super) fn answer(endpoint: &str, since: Timestamp) -> Result<Answer> {
    let since = since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Ok(match endpoint {
        "tokens" => json(&json!({"SyncTokens": {"DeclarationsToken": NONE, "Timestamp": since}})),
        "declaration-items" => json(&json!({
            "Declarations": {"Activations": [], "Configurations": [], "Assets": [], "Management": []},
            "DeclarationsToken": NONE,
        })),
        "status" => Answer::Done,
        _ => Answer::NoSuchDeclaration,
    })
}

fn json(value: &serde_json::Value) -> Answer {
    Answer::Json(value.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_set_is_answered_in_full() {
        let Answer::Json(tokens) = answer("tokens", Timestamp::UNIX_EPOCH).unwrap() else {
            panic!("no JSON")
        };
        let tokens: serde_json::Value = serde_json::from_slice(&tokens).unwrap();
        assert_eq!(tokens["SyncTokens"]["Timestamp"], "1970-01-01T00:00:00Z");
        assert!(matches!(answer("declaration-items", Timestamp::UNIX_EPOCH).unwrap(), Answer::Json(_)));
        assert_eq!(answer("status", Timestamp::UNIX_EPOCH).unwrap(), Answer::Done);
        let unknown = answer("declaration/activation/x", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(unknown, Answer::NoSuchDeclaration);
    }
}
