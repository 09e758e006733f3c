//! Archives that are copied into a container. dockerd unpacks compressed ones with a
//! decompressor that it looks for inside the container and runs as root (CVE-2026-41567),
//! so only a plain tar passes.

/// The size of a tar header, and of what must be seen before anything is forwarded.
pub const BLOCK: usize = 512;

/// What Docker takes for a compressed archive by its first bytes.
const MAGIC: &[&[u8]] = &[
    b"BZh",
    &[0x1f, 0x8b, 0x08],
    &[0xfd, b'7', b'z', b'X', b'Z', 0x00],
    &[0x28, 0xb5, 0x2f, 0xfd],
];

/// Whether the first block is a tar header that nobody takes for something else.
pub fn is_plain_tar(first: &[u8]) -> bool {
    let Some(block) = first.get(..BLOCK) else { return first.is_empty() };
    // zstd's skippable frames.
    let skippable = (0x50..=0x5f).contains(&block[0]) && block[1..4] == [0x2a, 0x4d, 0x18];
    if skippable || MAGIC.iter().any(|magic| block.starts_with(magic)) {
        return false;
    }
    if block.iter().all(|byte| *byte == 0) {
        return true;
    }
    let field = std::str::from_utf8(&block[148..156]).unwrap_or_default();
    let digits = field.trim_matches(|c| c == ' ' || c == '\0');
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    u32::from_str_radix(digits, 8) == Ok(sum)
}

/// Octal digits, or a large number in binary.
pub fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(4);
        let zero = high[0] == 0x80 && high[1..].iter().all(|byte| *byte == 0);
        let number = u64::from_be_bytes(low.try_into().ok()?);
        return (zero && number < 1 << 50).then_some(number);
    }
    let digits = std::str::from_utf8(field).ok()?;
    let digits = digits.trim_matches(|c| c == ' ' || c == '\0');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The header with another size of its content.
pub fn sealed(header: &[u8], size: usize) -> Option<[u8; BLOCK]> {
    let mut block: [u8; BLOCK] = header.try_into().ok()?;
    let digits = format!("{size:011o}\0");
    block[124..136].copy_from_slice(digits.as_bytes().get(..12).filter(|_| digits.len() == 12)?);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tar_is_told_from_what_docker_would_decompress() {
        let mut block = [0u8; BLOCK];
        assert!(is_plain_tar(&block));
        block[..5].copy_from_slice(b"a.txt");
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(is_plain_tar(&block));
        block[0] = b'b';
        assert!(!is_plain_tar(&block));
        for magic in [
            &[0xfdu8, b'7', b'z', b'X', b'Z', 0][..],
            b"BZh9",
            &[0x1f, 0x8b, 8],
            &[0x51, 0x2a, 0x4d, 0x18],
        ] {
            let mut block = [0u8; BLOCK];
            block[..magic.len()].copy_from_slice(magic);
            let sum: u32 = block.iter().map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            assert!(!is_plain_tar(&block), "{magic:?}");
        }
        assert!(is_plain_tar(b"") && !is_plain_tar(b"short"));
    }
}
