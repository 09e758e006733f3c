//! What the host itself says: where a path leads for somebody, and which ranges have routes.

use std::path::{Component, Path, PathBuf};

use ds01_door::{Denial, Who};
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

/// The ranges of the kernel's table of routes, which has them in hexadecimal, the last byte
/// first. The way to everywhere is no range in use.
pub fn routes(table: &str) -> Vec<String> {
    let number = |text: &str| {
        let number = u32::from_str_radix(text, 16).ok()?;
        // The bytes stand as they lie in memory.
        Some(u32::from_be_bytes(number.to_ne_bytes()))
    };
    let route = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (to, mask) = (number(fields.next()?)?, number(fields.nth(5)?)?);
        (mask != 0).then(|| format!("{}/{}", std::net::Ipv4Addr::from(to), mask.count_ones()))
    };
    table.lines().skip(1).filter_map(route).collect()
}

/// Follows every link of a path as the person would, on a thread of its own: a home may
/// lie on a server that root may not read, or that does not answer.
pub async fn follow(path: &str, who: &Who) -> Result<String, Denial> {
    let (path, uid, gid) = (path.to_owned(), who.uid, who.gid);
    let found = tokio::task::spawn_blocking(move || {
        let root = Uid::effective().is_root();
        if root {
            setfsgid(Gid::from_raw(gid));
            setfsuid(Uid::from_raw(uid));
        }
        let real = resolved(Path::new(&path));
        if root {
            setfsuid(Uid::from_raw(0));
            setfsgid(Gid::from_raw(0));
        }
        real.ok_or(path)
    });
    match found.await {
        Ok(Ok(real)) => Ok(real),
        Ok(Err(path)) => Err(Denial::forbidden(
            "create.bind",
            format!("{path} cannot be followed"),
        )
        .why("a link in it leads in a circle, or you may not look into a directory on the way")
        .todo("mount a path that you can list yourself")),
        Err(error) => Err(Denial::new(500, "door.facts", error.to_string())),
    }
}

/// The real path; what does not exist yet stands below what does.
fn resolved(path: &Path) -> Option<String> {
    let mut existing = path.to_owned();
    let mut rest: Vec<Component> = Vec::new();
    let mut parts: Vec<Component> = path.components().collect();
    loop {
        match std::fs::canonicalize(&existing) {
            Ok(real) => {
                let mut whole = real;
                for part in rest.iter().rev() {
                    whole.push(part);
                }
                return whole.to_str().map(str::to_owned);
            }
            // Only what is truly absent: a link to nowhere is there, and leads elsewhere.
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound
                    && std::fs::symlink_metadata(&existing).is_err() =>
            {
                rest.push(parts.pop()?);
                existing = parts.iter().collect::<PathBuf>();
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_routes_are_read() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n";
        assert_eq!(routes(table), ["192.0.2.0/24", "172.17.0.0/16"]);
        assert!(routes("").is_empty());
    }

    #[test]
    fn a_path_is_followed_as_far_as_it_exists() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("real")).unwrap();
        std::os::unix::fs::symlink("real", base.join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", base.join("dangling")).unwrap();
        std::os::unix::fs::symlink("circle", base.join("circle")).unwrap();
        let follow = |name: &str| resolved(&base.join(name));
        let real = |name: &str| Some(base.join(name).to_str().unwrap().to_owned());
        assert_eq!(follow("link/new/dir"), real("real/new/dir"));
        assert_eq!(follow("link"), real("real"));
        assert_eq!(follow("dangling"), None);
        assert_eq!(follow("dangling/x"), None);
        assert_eq!(follow("circle"), None);
    }
}
