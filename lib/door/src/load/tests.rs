use super::*;
use crate::who::Role;
use proptest::prelude::*;

fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0u8; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    block[156] = kind;
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(BLOCK), 0);
    block
}

/// A name in the place where only ustar has one.
fn gnu(prefix: &str, content: &[u8]) -> Vec<u8> {
    let mut file = entry(".", b'0', content);
    file[257..265].copy_from_slice(b"ustar  \0");
    file[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
    file[148..156].fill(b' ');
    let sum: u32 = file[..BLOCK].iter().map(|b| u32::from(*b)).sum();
    file[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    file
}

/// What is sent on of an archive that comes in steps.
fn passed(all: &[u8], step: usize) -> Result<Vec<u8>, &'static str> {
    let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
    let mut archive = ImageArchive::default();
    let mut out = Vec::new();
    for part in all.chunks(step) {
        out.extend(archive.pass(part, &alice, &Words::default()).map_err(|denial| denial.code)?);
    }
    Ok(out)
}

fn whole(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut all = entries.concat();
    all.extend([0u8; 2 * BLOCK]);
    all
}

fn judge(entries: &[Vec<u8>], step: usize) -> Result<(), &'static str> {
    passed(&whole(entries), step).map(drop)
}

/// The files of an archive without extensions.
fn files(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() && bytes[0] != 0 {
        let (block, rest) = bytes.split_at(BLOCK);
        assert!(is_plain_tar(block));
        let size = usize::try_from(number(&block[124..136]).unwrap()).unwrap();
        found.push((own_name(block).unwrap(), rest[..size].to_vec()));
        bytes = &rest[size.next_multiple_of(BLOCK)..];
    }
    assert!(bytes.len() >= 2 * BLOCK && bytes.iter().all(|byte| *byte == 0));
    found
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

const OWN: &[u8] = br#"[{"Config":"x","RepoTags":["ds01-alice/x:1"],"Layers":[]}]"#;
const SHARED: &[u8] = br#"[{"RepoTags":["ds01-alice/x:1","pytorch/pytorch:latest"]}]"#;
const RENAMED: &[u8] = br#"[{"RepoTags":["ds01-alice/x:1","ds01-alice/pytorch/pytorch:latest"]}]"#;
const FOREIGN: &[u8] = br#"[{"RepoTags":["ds01-alice/x:1","ds01-bob/x:1"]}]"#;

#[test]
fn every_name_in_an_archive_becomes_ones_own() {
    let layer = entry("abc/layer.tar", b'0', &[7; 1500]);
    let shared = entry("manifest.json", b'0', SHARED);
    let tail = entry("zz", b'0', b"");
    for step in [1, 511, 512, 513, 100_000] {
        let plain = whole(&[layer.clone(), shared.clone(), tail.clone()]);
        for archive in [gzip(&plain), [gzip(&plain[..700]), gzip(&plain[700..])].concat(), plain] {
            let out = files(&passed(&archive, step).unwrap());
            assert_eq!(out[0], ("abc/layer.tar".into(), vec![7; 1500]));
            assert_eq!(out[1], ("manifest.json".into(), RENAMED.to_vec()), "{step}");
            assert_eq!(out[2], ("zz".into(), vec![]));
        }
        assert_eq!(
            judge(&[layer.clone(), entry("manifest.json", b'0', FOREIGN)], step),
            Err("image.name_space")
        );
    }
    let untagged = br#"[{"RepoTags":null}]"#;
    assert_eq!(judge(&[entry("manifest.json", b'0', untagged)], 99), Ok(()));
    assert_eq!(files(&passed(&whole(&[entry("manifest.json", b'0', OWN)]), 99).unwrap())[0].1, OWN);
}

#[test]
fn whatever_gives_a_name_is_found() {
    let renamed = |entries: &[Vec<u8>]| files(&passed(&whole(entries), 700).unwrap());
    let pax = b"22 path=manifest.json\n";
    for (entries, file, content) in [
        (vec![entry("./manifest.json", b'0', SHARED)], "manifest.json", RENAMED),
        (vec![entry("x", b'x', pax), entry("other", b'0', SHARED)], "manifest.json", RENAMED),
        (vec![entry("x", b'L', b"manifest.json\0"), entry("other", b'0', SHARED)], "manifest.json", RENAMED),
        (vec![entry("x", b'x', b"8 path=\n"), entry("manifest.json", b'0', SHARED)], "manifest.json", RENAMED),
        (vec![entry("manifest.json", b'0', br#"[{"repoTags":["bb"]}]"#)], "manifest.json", br#"[{"repoTags":["ds01-alice/bb"]}]"#),
        (vec![entry("repositories", b'0', br#"{"bb":{"latest":"x"}}"#)], "repositories", br#"{"ds01-alice/bb":{"latest":"x"}}"#),
        (vec![entry("index.json", b'0', br#"{"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/library/bb:1","org.opencontainers.image.ref.name":"1"}}]}"#)],
            "index.json", br#"{"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/ds01-alice/bb:1","org.opencontainers.image.ref.name":"1"}}]}"#),
    ] {
        assert_eq!(renamed(&entries), [(file.to_owned(), content.to_vec())]);
    }
    // An extension goes with its list of names, and not to the next file.
    let next = [entry("x", b'x', pax), entry("other", b'0', SHARED), entry("next", b'0', b"y")];
    assert_eq!(renamed(&next)[1], ("next".to_owned(), b"y".to_vec()));
    // An extension of another file stays with it.
    let long = entry("x", b'L', b"layer.tar\0");
    let out = passed(&whole(&[long.clone(), entry("other", b'0', b"x")]), 700).unwrap();
    assert_eq!(&out[..2 * BLOCK], &long[..]);
    // Each of two is made one's own.
    let both = [entry("manifest.json", b'0', OWN), entry("manifest.json", b'0', SHARED)];
    assert_eq!(renamed(&both)[1].1, RENAMED);
}

#[test]
fn nothing_behind_the_end_is_sent_on() {
    let mut all = whole(&[entry("manifest.json", b'0', OWN)]);
    all.extend(entry("manifest.json", b'0', FOREIGN));
    assert_eq!(files(&passed(&all, 700).unwrap()).len(), 1);
    // A size that an extension gives holds for what is read, and is gone with it.
    let sized = [entry("x", b'x', b"11 size=58\n"), entry("manifest.json", b'0', OWN)];
    assert_eq!(OWN.len(), 58);
    assert_eq!(files(&passed(&whole(&sized), 700).unwrap())[0].1, OWN);
    // A gzip bomb's answer is bounded by what is given at a time.
    let bomb = gzip(&[entry("layer.tar", b'0', &vec![0; 40 << 20])].concat());
    let alice = Who { uid: 1001, gid: 1001, user: "alice".into(), role: Role::Ordinary };
    let mut archive = ImageArchive::default();
    let mut most = 0;
    assert_eq!(archive.piece(), AT_A_TIME);
    for part in bomb.chunks(AT_A_TIME) {
        assert_eq!(archive.piece(), AT_A_TIME);
        most = most.max(archive.pass(part, &alice, &Words::default()).unwrap().len());
    }
    assert!(most <= 17 << 20, "{most}");
}

#[test]
fn no_other_way_to_give_a_name_passes() {
    let pax = b"22 path=manifest.json\n";
    for (bad, code) in [
        (vec![entry("./manifest.json", b'0', FOREIGN)], "image.name_space"),
        (vec![entry("manifest.json", b'0', br#"[{"repoTags":["ds01-bob/x"]}]"#)], "image.name_space"),
        (vec![entry("manifest.json", b'0', br#"[{"RepoTags":["Not A Name"]}]"#)], "image.name"),
        (vec![entry("manifest.json", b'0', b"{")], "json.malformed"),
        (vec![entry("manifest.json", b'0', OWN), entry("manifest.json", b'0', FOREIGN)], "image.name_space"),
        (vec![entry("repositories", b'0', br#"{"ds01-bob/bb":{"latest":"x"}}"#)], "image.name_space"),
        (vec![entry("index.json", b'0', br#"{"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/ds01-bob/bb:1"}}]}"#)], "image.name_space"),
        (vec![entry("x", b'x', pax), entry("other", b'0', FOREIGN)], "image.name_space"),
        (vec![entry("x", b'L', b"manifest.json\0"), entry("other", b'0', FOREIGN)], "image.name_space"),
        (vec![entry("x", b'x', b"8 path=\n"), entry("manifest.json", b'0', FOREIGN)], "image.name_space"),
        (vec![entry("x", b'x', pax), entry("x", b'L', b"y\0")], "image.archive"),
        // Go forgets the first extension, and with it the harmless name.
        (vec![entry("x", b'x', b"10 path=y\n"), entry("x", b'x', b"8 mod=1\n"), entry("manifest.json", b'0', FOREIGN)], "image.archive"),
        (vec![entry("x", b'L', b"y\0"), entry("x", b'L', b"y\0")], "image.archive"),
        // The size is the file's: by it, the name of the extension would hide a file.
        (vec![entry("x", b'x', b"13 size=1024\n"), entry("x", b'L', b"z\0"), entry("z", b'0', &[0; 1024]), entry("manifest.json", b'0', FOREIGN)], "image.name_space"),
        (vec![gnu("manifest.json", FOREIGN)], "image.archive"),
        (vec![entry("a/", 0, FOREIGN)], "image.archive"),
        (vec![entry("manifest.json", b'2', b"")], "image.archive"),
        (vec![entry("a", b'2', b""), entry("a/manifest.json", b'0', OWN)], "image.archive"),
        (vec![entry("a/../manifest.json", b'0', OWN)], "image.archive"),
        (vec![entry("x", b'g', pax)], "image.archive"),
        (vec![entry("x", b'S', b"")], "image.archive"),
        (vec![vec![0x1f; BLOCK]], "image.archive"),
    ] {
        assert_eq!(judge(&bad, 700), Err(code), "{:?}", String::from_utf8_lossy(&bad[0][..40]));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), step in 1..600usize) {
        let _ = judge(&[bytes], step);
    }
    #[test]
    fn no_extension_panics(bytes in "[0-9 =a-z\n]{0,60}") {
        let _ = judge(&[entry("x", b'x', bytes.as_bytes())], 512);
    }
}
