//! Versions in order: numbers as numbers, so that `2.10.0` is newer than `2.9.1`.

use std::cmp::Ordering;

/// The newer first.
pub(crate) fn newer(a: &str, b: &str) -> Ordering {
    // `1.0` and `1.00` are two texts; some order keeps lists stable.
    parts(b).cmp(&parts(a)).then_with(|| b.cmp(a))
}

/// In the order in which versions with it come.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// `2.0-rc1` comes before `2.0`.
    Early(&'a str),
    End,
    /// `1.8.0-nvidia` behind `1.8.0`.
    Word(&'a str),
    /// Without leading zeros: the longer is the greater, however long.
    Number(usize, &'a str),
}

fn word(word: &str) -> Part<'_> {
    match ["rc", "a", "alpha", "b", "beta", "dev", "pre"].contains(&word) {
        true => Part::Early(word),
        false => Part::Word(word),
    }
}

fn parts(version: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let digit = first.is_ascii_digit();
        let letter = first.is_alphabetic();
        let end = match digit || letter {
            true => rest
                .find(|c: char| c.is_ascii_digit() != digit || c.is_alphabetic() != letter)
                .unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (part, after) = rest.split_at(end);
        if digit {
            let number = part.trim_start_matches('0');
            parts.push(Part::Number(number.len(), number));
        } else if letter {
            parts.push(word(part));
        }
        rest = after;
    }
    parts.push(Part::End);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_numbers() {
        let mut all = ["2.9.1", "2.10.0", "1.8.0-nvidia", "2.10.0rc1", "1.8.0", "2.10.0.1", "10"];
        all.sort_by(|a, b| newer(a, b));
        assert_eq!(
            all,
            ["10", "2.10.0.1", "2.10.0", "2.10.0rc1", "2.9.1", "1.8.0-nvidia", "1.8.0"]
        );
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[0-9a-c.-]{0,6}", b in "[0-9a-c.-]{0,6}", c in "[0-9a-c.-]{0,6}") {
            prop_assert_eq!(newer(&a, &b), newer(&b, &a).reverse());
            prop_assert_eq!(newer(&a, &b) == Ordering::Equal, a == b);
            if newer(&a, &b).is_le() && newer(&b, &c).is_le() {
                prop_assert!(newer(&a, &c).is_le());
            }
        }
    }
}
