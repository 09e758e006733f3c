//! Links every command against the static half of libgcc.
//!
//! Rust asks the linker for `libgcc_s`, which only unwinding needs; loading that library
//! takes a tenth of a millisecond at every start, a tenth of what a command here costs
//! (`docs/measured.md`). A linker script of its name, found first, stands for the archive
//! that GCC brings along for `-static-libgcc`. libc stays shared: the name service needs it.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let gnu = std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from).filter(|_| gnu) else {
        return;
    };
    // Without the script the library is loaded as ever.
    if std::fs::write(out.join("libgcc_s.so"), "INPUT ( -lgcc_eh )\n").is_ok() {
        println!("cargo::rustc-link-search=native={}", out.display());
    }
}
