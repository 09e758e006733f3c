//! A Dockerfile as far as it names images: `FROM`, `COPY --from=`, and the preset of an
//! argument that holds one. Only plain names are seen; what is put together from variables
//! is the daemon's to read.

use crate::build::names_an_image;

/// The text with images told as `full` gives them; where it gives none they stay.
pub fn rewritten(text: &str, full: &dyn Fn(&str) -> Option<String>) -> String {
    let escape = escape(text);
    let mut out = String::with_capacity(text.len());
    let mut stages: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let says = !trimmed.is_empty() && !trimmed.starts_with('#');
        let found = if inside || !says { None } else { image_of(line, &mut stages) };
        match found.and_then(|(at, name)| Some((at, name, full(name)?))) {
            Some((at, name, full)) => {
                out.push_str(&line[..at]);
                out.push_str(&full);
                out.push_str(&line[at + name.len()..]);
            }
            None => out.push_str(line),
        }
        // Comments and empty lines do not end an instruction that goes on.
        if says {
            inside = trimmed.ends_with(escape);
        }
    }
    out
}

/// The sign that lets an instruction go on in the next line.
fn escape(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let chosen = directives.filter_map(|line| line.split_once('=')).find_map(|(key, value)| {
        key.trim().eq_ignore_ascii_case("escape").then(|| value.trim().chars().next())
    });
    chosen.flatten().unwrap_or('\\')
}

/// The image that an instruction names and where it stands, and the stage it begins.
fn image_of<'a>(line: &'a str, stages: &mut Vec<String>) -> Option<(usize, &'a str)> {
    let at = |word: &str| word.as_ptr() as usize - line.as_ptr() as usize;
    let mut words = line.split_whitespace();
    let instruction = words.next()?.to_ascii_uppercase();
    let name = match instruction.as_str() {
        "FROM" => {
            let name = words.find(|word| !word.starts_with("--"))?;
            let earlier = stages.clone();
            if words.next().is_some_and(|word| word.eq_ignore_ascii_case("AS")) {
                stages.extend(words.next().map(str::to_ascii_lowercase));
            }
            Some(name).filter(|name| !earlier.contains(&name.to_ascii_lowercase()))?
        }
        "COPY" => {
            let flags = words.take_while(|word| word.starts_with("--"));
            let name = flags.filter_map(|word| word.strip_prefix("--from=")).next()?;
            let stage = name.bytes().all(|byte| byte.is_ascii_digit())
                || stages.contains(&name.to_ascii_lowercase());
            Some(name).filter(|_| !stage)?
        }
        "ARG" => {
            let (key, value) = words.next()?.split_once('=')?;
            Some(value).filter(|_| names_an_image(key))?
        }
        _ => return None,
    };
    (!name.contains(['$', '"', '\'']) && name != "scratch").then(|| (at(name), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn own(name: &str) -> Option<String> {
        ["base", "base:1", "org/x", "tools"].contains(&name).then(|| format!("ds01-alice/{name}"))
    }

    #[test]
    fn images_are_told_in_full() {
        for (text, full) in [
            ("FROM base\n", "FROM ds01-alice/base\n"),
            (
                "from --platform=linux/amd64 org/x as y",
                "from --platform=linux/amd64 ds01-alice/org/x as y",
            ),
            ("FROM base:1\r\nRUN x\r\n", "FROM ds01-alice/base:1\r\nRUN x\r\n"),
            (
                "# escape=`\nFROM base\nRUN x `\nFROM base",
                "# escape=`\nFROM ds01-alice/base\nRUN x `\nFROM base",
            ),
            (
                "ARG BASE_IMAGE=base\nFROM $BASE_IMAGE",
                "ARG BASE_IMAGE=ds01-alice/base\nFROM $BASE_IMAGE",
            ),
            (
                "FROM y\nCOPY --chown=1 --from=tools /a /b",
                "FROM y\nCOPY --chown=1 --from=ds01-alice/tools /a /b",
            ),
            // A stage goes before an image of its name, but only once it has begun.
            ("FROM base AS base\nFROM base\n", "FROM ds01-alice/base AS base\nFROM base\n"),
            (
                "FROM x AS Tools\nCOPY --from=tools a b\n",
                "FROM x AS Tools\nCOPY --from=tools a b\n",
            ),
        ] {
            assert_eq!(rewritten(text, &own), full);
        }
        for same in [
            "FROM python:3.13",
            "FROM scratch",
            "FROM ${base}",
            "FROM",
            "",
            "ARG NAME=base",
            "ARG base",
            "# FROM base",
            "RUN select * \\\n # a comment\n\nFROM base",
            "COPY --from=0 a b",
            "COPY base b",
            "RUN FROM base",
            "LABEL a=b FROM base",
        ] {
            assert_eq!(rewritten(same, &own), same);
        }
    }

    proptest! {
        #[test]
        fn nothing_else_changes(text in "((FROM|COPY|ARG|#|RUN| |AS|--from=|base|x|\\\\|=|\n|é){0,30})") {
            prop_assert_eq!(&rewritten(&text, &|_| None), &text);
            let changed = rewritten(&text, &own);
            prop_assert_eq!(changed.replace("ds01-alice/", ""), text);
        }
    }
}
