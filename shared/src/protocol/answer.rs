//! Bodies of answers to check-ins. Where there is nothing to say, the body is empty.

use plist::{Dictionary, Value};

use super::body;
use crate::error::Result;
use crate::secret::Secret;

/// The answer to GetBootstrapToken: the token, or nothing when none was deposited.
///
/// # Errors
/// Internal when the document cannot be written.
pub fn bootstrap_token(token: Option<&Secret<Vec<u8>>>) -> Result<Vec<u8>> {
    let Some(token) = token else { return Ok(Vec::new()) };
    let mut answer = Dictionary::new();
    answer.insert("BootstrapToken".to_owned(), Value::Data(token.expose().clone()));
    body::to_xml(&answer.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposited_token_comes_back_and_a_missing_one_is_silence() {
        let token = Secret::new(vec![1, 2, 3]);
        let answer = body::parse(&bootstrap_token(Some(&token)).unwrap()).unwrap();
        let data = answer.as_dictionary().and_then(|answer| answer.get("BootstrapToken"));
        assert_eq!(data, Some(&Value::Data(vec![1, 2, 3])));
        assert!(bootstrap_token(None).unwrap().is_empty());
    }
}
