//! Bounds an XML property list before it is decoded.
//!
//! The decoder has no limit of its own (5,000 levels overflow its stack) and drops CDATA sections and unknown entities
//! without a word. This scan reads tags only. Wherever it could see a tag's end elsewhere than the decoder does
//! (quoted `>` or `<`), it refuses: no real property list holds such a thing.

use crate::error::{Error, Result};

/// Elements inside elements, the `plist` element included.
const MAX_DEPTH: usize = 64;
/// Four times what a Mac with 2,000 applications reports.
const MAX_ELEMENTS: usize = 262_144;

/// XML's own entities, and the beginning of a character's number.
const ENTITIES: [&[u8]; 6] = [b"amp;", b"lt;", b"gt;", b"quot;", b"apos;", b"#"];

/// Refuses an XML property list that is nested too deep, too large, or holds what the decoder would drop.
///
/// # Errors
/// Malformed: `plist-syntax`, `plist-too-deep`, `plist-too-large`, `plist-entity`, `plist-cdata`.
pub(super) fn check(document: &str) -> Result<()> {
    let (mut depth, mut elements) = (0_usize, 0_usize);
    let mut rest = document.as_bytes();
    while let Some(markup) = next_markup(rest)? {
        rest = match markup {
            [b'!', b'-', b'-', comment @ ..] => skip(comment, b"-->")?,
            [b'!', b'[', ..] => return Err(cdata()),
            [b'!', declaration @ ..] => document_type(declaration)?,
            [b'?', instruction @ ..] => skip(instruction, b"?>")?,
            [b'/', ..] => {
                depth = depth.checked_sub(1).ok_or_else(broken)?;
                tag(markup)?.1
            }
            _ => {
                let (tag, after) = tag(markup)?;
                elements += 1;
                within_bounds(depth + 1, elements)?;
                depth += usize::from(!tag.ends_with(b"/"));
                after
            }
        };
    }
    if depth == 0 && elements > 0 { Ok(()) } else { Err(broken()) }
}

fn within_bounds(depth: usize, elements: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::malformed("plist-too-deep", "The property list is nested too deep."));
    }
    if elements > MAX_ELEMENTS {
        return Err(Error::malformed(
            "plist-too-large",
            "The property list has more elements than any real message.",
        ));
    }
    Ok(())
}

/// Passes over text to what follows the next `<`, if there is one.
fn next_markup(mut text: &[u8]) -> Result<Option<&[u8]>> {
    while let Some(stop) = text.iter().position(|byte| matches!(byte, b'<' | b'&')) {
        match text.get(stop..) {
            Some([b'&', reference @ ..]) if ENTITIES.iter().any(|known| reference.starts_with(known)) => {
                text = reference;
            }
            Some([b'<', markup @ ..]) => return Ok(Some(markup)),
            _ => return Err(entity()),
        }
    }
    Ok(None)
}

/// Splits a tag from what follows it, where its first `>` is its end beyond doubt: outside any quotation, and with no
/// other tag begun before it.
fn tag(markup: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut quotation = None;
    for (place, byte) in markup.iter().enumerate() {
        match (byte, quotation) {
            (b'>', None) => return markup.split_at_checked(place).ok_or_else(broken),
            (b'<', _) | (b'>', Some(_)) => break,
            (b'"' | b'\'', None) => quotation = Some(byte),
            (byte, Some(opened)) if byte == opened => quotation = None,
            _ => {}
        }
    }
    Err(broken())
}

/// Skips `<!DOCTYPE ...>`, which must define nothing.
fn document_type(declaration: &[u8]) -> Result<&[u8]> {
    if !declaration.starts_with(b"DOCTYPE") {
        return Err(broken());
    }
    if declaration.iter().take_while(|byte| **byte != b'>').any(|byte| *byte == b'[') {
        return Err(entity());
    }
    Ok(tag(declaration)?.1)
}

/// Skips a comment or an instruction. Some readers let the opening's own characters close it (`<!-->`, `<!--->`,
/// `<?>`): refused.
fn skip<'a>(inside: &'a [u8], closing: &[u8]) -> Result<&'a [u8]> {
    if inside.starts_with(b">") || inside.starts_with(b"->") {
        return Err(broken());
    }
    let end = inside.windows(closing.len()).position(|bytes| bytes == closing).ok_or_else(broken)?;
    inside.get(end + closing.len()..).ok_or_else(broken)
}

fn broken() -> Error {
    Error::malformed("plist-syntax", "The body is not a complete XML property list.")
}

fn entity() -> Error {
    Error::malformed("plist-entity", "The property list defines or uses entities of its own. It may not.")
        .next("Write the text itself, with &amp;, &lt; and &gt; where needed.")
}

fn cdata() -> Error {
    Error::malformed("plist-cdata", "The property list has a CDATA section, whose text would be lost.")
        .next("Write the text itself, with &amp;, &lt; and &gt; where needed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(document: &str) -> &'static str {
        check(document).map_or_else(|error| error.code(), |()| "ok")
    }

    #[test]
    fn an_ordinary_document_passes_with_its_prologue_and_comments() {
        let document = r#"<?xml version="1.0"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><!-- a > b --><dict><key>A&amp;B</key><string>it&#39;s</string><key>C</key><array/></dict></plist>
"#;
        assert_eq!(code(document), "ok");
    }

    #[test]
    fn sixty_four_levels_pass_and_more_do_not() {
        let nested = |levels: usize| format!("{}{}", "<array>".repeat(levels), "</array>".repeat(levels));
        assert_eq!(code(&nested(64)), "ok");
        assert_eq!(code(&nested(65)), "plist-too-deep");
        assert_eq!(code(&nested(100_000)), "plist-too-deep");
        assert_eq!(code(&format!("{}<array/>", "<array>".repeat(64))), "plist-too-deep");
    }

    #[test]
    fn depth_cannot_be_hidden_from_the_scan() {
        // Read carelessly, each of these closes what it opened.
        for trick in [
            "<array><!-- </array> -->",
            "<array><!--><array>--></array>",
            "<array><!---><array>--></array>",
            "<array><!-></array>",
            "<array><!doctype a></array>",
            "<array><?x </array> ?>",
            "<array><?><array>?></array>",
            "<array a='>'></array>",
            "<array a=\"'\" '></array>'>",
            "<array <array>></array>",
            "</array><array>",
        ] {
            assert_eq!(code(trick), "plist-syntax", "{trick}");
        }
    }

    #[test]
    fn what_the_decoder_would_drop_is_refused() {
        assert_eq!(code("<string><![CDATA[lost]]></string>"), "plist-cdata");
        assert_eq!(code("<string>&lost;</string>"), "plist-entity");
        assert_eq!(code("<string>a & b</string>"), "plist-entity");
        assert_eq!(code("<!DOCTYPE plist [<!ENTITY a 'b'>]><plist>&a;</plist>"), "plist-entity");
    }

    #[test]
    fn too_many_elements_are_refused() {
        let many = "<true/>".repeat(MAX_ELEMENTS);
        assert_eq!(code(&many), "ok");
        assert_eq!(code(&format!("<array>{many}</array>")), "plist-too-large");
    }

    #[test]
    fn a_document_cut_anywhere_is_incomplete() {
        let whole = "<plist><dict><key>k</key></dict></plist>";
        for end in 0..whole.len() {
            assert_eq!(code(&whole[..end]), "plist-syntax", "cut at {end}");
        }
    }
}
