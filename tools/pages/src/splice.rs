//! Sets the part of a hand-written file that stands between two marker lines.

use ds01_fault::Fault;

/// `text` with `part` between the lines that contain `begin` and `end`.
pub fn splice(name: &str, text: &str, begin: &str, end: &str, part: &str) -> Result<String, Fault> {
    let missing = |marker: &str| Fault::failed(format!("{name}: no line `{marker}`"));
    let (before, rest) = text.split_once(begin).ok_or_else(|| missing(begin))?;
    let (_, after) = rest.split_once(end).ok_or_else(|| missing(end))?;
    Ok(format!("{before}{begin}\n{part}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::splice;

    #[test]
    fn only_the_part_between_the_markers_changes() {
        let new = splice("f", "a\n<!x>\nold\n<!y>\nb\n", "<!x>", "<!y>", "new\n").unwrap();
        assert_eq!(new, "a\n<!x>\nnew\n<!y>\nb\n");
        assert!(splice("f", "a\n<!x>\n", "<!x>", "<!y>", "").is_err());
    }
}
