//! The one file of an archive that the daemon makes of one path.

const BLOCK: usize = 512;

/// The content of the first regular file; nothing where there is none or it is cut short.
pub fn first_file(archive: &[u8]) -> Option<Vec<u8>> {
    let mut rest = archive;
    while let Some((head, after)) = rest.split_at_checked(BLOCK) {
        if head.iter().all(|byte| *byte == 0) {
            return None;
        }
        let size = octal(head.get(124..136)?)?;
        let padded = size.checked_next_multiple_of(BLOCK)?;
        // Before a file there may be notes about it, in entries of their own.
        if matches!(head[156], b'0' | 0) {
            return after.get(..size).map(<[u8]>::to_vec);
        }
        rest = after.get(padded..)?;
    }
    None
}

fn octal(field: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(field).ok()?;
    usize::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}
