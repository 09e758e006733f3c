//! Text that a terminal can be trusted with.

/// Columns that `text` takes. Wide and combining characters are rare in what we show
/// (names, ids), so a character counts as one.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

/// `text` without control characters: what users name things must not move the cursor of
/// an admin who lists them.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c }).collect()
}

/// Marks that reorder what is shown, which can make one name look like another.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_reordering_characters_are_shown_as_unknown() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}c"), "a\u{fffd}[2Jb\u{fffd}c");
    }
}
