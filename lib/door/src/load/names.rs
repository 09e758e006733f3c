//! The files of an archive that give names to images.

use crate::Denial;
use crate::json::{self, Value};
use crate::own::{Reference, own_space, written};
use crate::schema::fold;
use crate::who::{Who, Words};

/// The file with every name in it made the caller's own. Keys are found as Go finds them.
pub fn rewritten(file: &str, content: &[u8], who: &Who, words: &Words) -> Result<Vec<u8>, Denial> {
    let mut value = json::parse(content)?;
    let own = |name: &mut String| {
        *name = written(name, who, words).map_err(|denial| foreign(name, who, &denial))?;
        Ok(())
    };
    match file {
        "repositories" => {
            if let Value::Object(all) = &mut value {
                all.iter_mut().try_for_each(|(name, _)| own(name))?;
            }
        }
        "manifest.json" => texts_below(&mut value, "repotags", &own)?,
        _ => {
            // containerd's own store keeps names in full.
            let full = |name: &mut String| {
                let hub = name.contains('/') && Reference::cut(name).host.is_none();
                own(name)?;
                if hub && !name.starts_with("docker.io/") {
                    name.insert_str(0, "docker.io/");
                }
                Ok(())
            };
            texts_below(&mut value, "io.containerd.image.name", &full)?;
            // Mostly a tag alone, which names nothing without the other.
            texts_below(&mut value, "org.opencontainers.image.ref.name", &|name| {
                if name.contains('/') { full(name) } else { Ok(()) }
            })?;
        }
    }
    Ok(json::write(&value))
}

type Change<'a> = &'a dyn Fn(&mut String) -> Result<(), Denial>;

/// Every text below every member of this name, at any depth.
fn texts_below(value: &mut Value, key: &str, change: Change) -> Result<(), Denial> {
    match value {
        Value::List(list) => list.iter_mut().try_for_each(|item| texts_below(item, key, change)),
        Value::Object(object) => object.iter_mut().try_for_each(|(name, member)| {
            if fold(name) == key {
                texts(member, change)?;
            }
            texts_below(member, key, change)
        }),
        _ => Ok(()),
    }
}

fn texts(value: &mut Value, change: Change) -> Result<(), Denial> {
    match value {
        Value::Text(text) => change(text),
        Value::List(list) => list.iter_mut().try_for_each(|item| texts(item, change)),
        _ => Ok(()),
    }
}

fn foreign(name: &str, who: &Who, denial: &Denial) -> Denial {
    Denial::forbidden(
        denial.code,
        format!("the archive holds the image name `{}`, which is not yours", name.escape_debug()),
    )
    .why(denial.lines.why.clone())
    .todo(format!("save it under {}/NAME and load that", own_space(who)))
}
