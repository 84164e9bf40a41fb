//! What the console says after something was done. Pages are told which sentence by its name in their address, so that
//! no stranger's link can put words into the console's mouth.

const SENTENCES: [(&str, &str); 3] = [
    ("saved", "Saved."),
    ("member-set", "Saved. Who is new was told by mail where to sign in."),
    ("member-removed", "This person cannot sign in any more."),
];

/// The sentence of this name.
pub(crate) fn text(key: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(name, _)| *name == key).map(|(_, sentence)| *sentence)
}
