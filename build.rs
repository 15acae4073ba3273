//! Tells the program which commit it is of, for `--version`, and the linker that it is loaded at one address.
//!
//! Only a release build asks for the commit: it would otherwise be a reason to compile everything again.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=BATCHDECK_COMMIT");
    // A hundred thousand addresses would be put right at each start, for longer than a verb takes. Stack, heap and
    // libraries are at addresses that nobody knows all the same.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    let named = std::env::var("BATCHDECK_COMMIT").ok();
    let released = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let moves = ".git/logs/HEAD";
    if released && Path::new(moves).exists() {
        println!("cargo:rerun-if-changed={moves}");
    }
    let commit = named.or_else(|| if released { commit() } else { None });
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = commit.map_or_else(|| version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=BATCHDECK_VERSION={version}");
}

/// The short name and the day of the commit; `None` outside a checkout, as in a published crate.
fn commit() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    let told = Command::new("git").args(["log", "-1", "--format=%h %cs"]).output().ok()?;
    let text = String::from_utf8(told.stdout).ok()?;
    let text = text.trim();
    (told.status.success() && !text.is_empty()).then(|| text.to_owned())
}
