//! PEM, read with patience: files pass through mail, editors and key chains before they are uploaded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One PEM block: its label and its whole text with both boundary lines.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    pub(crate) text: &'a str,
    body: &'a str,
}

impl Block<'_> {
    /// The decoded content; `None` when it is not base64 (an old encrypted key has header lines in front).
    pub(crate) fn der(&self) -> Option<Vec<u8>> {
        decode_base64(self.body)
    }

    /// Whether the label says that a private key is inside, plain or encrypted.
    pub(crate) fn is_private_key(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }
}

/// All complete blocks of a text, in order; whatever stands between them (bag attributes) is skipped.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(block) = next_block(rest) {
        rest = block.1;
        found.push(block.0);
    }
    found
}

fn next_block(text: &str) -> Option<(Block<'_>, &str)> {
    let (_, from) = text.split_at(text.find("-----BEGIN ")?);
    let (label, after_label) = from.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let end = format!("-----END {label}-----");
    let (body, after) = after_label.split_once(&end)?;
    let (text, _) = from.split_at(from.len() - after.len());
    Some((Block { label, text, body }, after))
}

/// Base64 with any white space inside.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let compact = text.split_ascii_whitespace().collect::<String>();
    STANDARD.decode(compact).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_between_other_text() {
        let text = "Bag Attributes\r\n-----BEGIN A-----\r\n AQI=\r\n-----END A-----\r\n\
                    junk\n-----BEGIN RSA PRIVATE KEY-----\nAw==\n-----END RSA PRIVATE KEY-----";
        let blocks = blocks(text);
        let labels = blocks.iter().map(|block| block.label).collect::<Vec<_>>();
        assert_eq!(labels, ["A", "RSA PRIVATE KEY"]);
        assert_eq!(blocks[0].der().unwrap(), [1, 2]);
        assert!(blocks[1].is_private_key() && blocks[1].text.ends_with("KEY-----"));
    }

    #[test]
    fn a_block_without_its_end_is_none() {
        for text in ["-----BEGIN A-----\nAQI=", "-----BEGIN ", "-----BEGIN A-----\n-----END B-----"] {
            assert!(blocks(text).is_empty());
        }
    }
}
