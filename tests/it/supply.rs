//! What is made of the program for those who install it: a package, completions, a manual, a unit of systemd.

use crate::support::House;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_batchdeck");

/// What a tool says; `None` where it is not there.
#[expect(clippy::print_stderr, reason = "a test that cannot be run says so")]
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program).args(arguments).output();
    if output.is_err() {
        eprintln!("NOT TESTED: there is no `{program}`");
    }
    output.ok()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_package_is_made_by_one_command_and_what_comes_out_of_it_runs() {
    if run("dpkg-deb", &["--version"]).is_none() {
        return;
    }
    let house = House::new();
    let small = house.path().join("batchdeck");
    let stripped = run("strip", &["-o", &small.display().to_string(), PROGRAM]).expect("strip comes with the linker");
    assert!(stripped.status.success(), "{}", said(&stripped));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/deb.sh");
    let made = Command::new("bash")
        .arg(script)
        .arg(&small)
        .env("CARGO_TARGET_DIR", house.path())
        // What is packed is the same, and quicker.
        .env("DPKG_DEB_COMPRESSOR_TYPE", "none")
        .output()
        .expect("bash runs");
    assert!(made.status.success(), "{}", said(&made));
    let debian = house.path().join("debian");
    let package = fs::read_dir(&debian)
        .expect("it is there")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .expect("a package");
    let package = package.display().to_string();

    let fields = run("dpkg-deb", &["--field", &package]).map(|output| said(&output)).unwrap_or_default();
    assert!(fields.contains(concat!("Version: ", env!("CARGO_PKG_VERSION"), "\n")), "{fields}");
    assert!(fields.contains("Package: batchdeck\n") && fields.contains("Depends: libc6 (>= "), "{fields}");
    let listed = run("dpkg-deb", &["--contents", &package]).map(|output| said(&output)).unwrap_or_default();
    for line in listed.lines() {
        let (permissions, owner) = line.split_at(10);
        assert!(owner.trim_start().starts_with("root/root"), "{line}");
        assert!(permissions.as_bytes()[5] != b'w' && permissions.as_bytes()[8] != b'w', "{line}");
    }
    let root = house.path().join("root");
    let unpacked = run("dpkg-deb", &["-x", &package, &root.display().to_string()]).expect("it runs");
    assert!(unpacked.status.success(), "{}", said(&unpacked));
    for part in [
        "usr/share/bash-completion/completions/batchdeck",
        "usr/share/fish/vendor_completions.d/batchdeck.fish",
        "usr/share/zsh/vendor-completions/_batchdeck",
        "usr/share/man/man1/batchdeck.1.gz",
        "usr/share/man/man1/batchdeck-submit.1.gz",
        "usr/share/doc/batchdeck/copyright",
        "usr/share/doc/batchdeck/config.example.toml",
    ] {
        let size = fs::metadata(root.join(part)).map_or(0, |about| about.len());
        assert!(size > 100, "{part} is not in the package:\n{listed}");
    }
    let program = root.join("usr/bin/batchdeck");
    assert_eq!(fs::metadata(&program).expect("there").permissions().mode() & 0o777, 0o755);
    let version = run(&program.display().to_string(), &["--version"]).expect("it runs");
    assert!(said(&version).starts_with(concat!("batchdeck ", env!("CARGO_PKG_VERSION"))), "{}", said(&version));
}

#[test]
fn completions_are_scripts_that_their_shells_read() {
    let house = House::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = house.path().join(shell);
        fs::write(&script, house.ok(&["completions", shell])).expect("written");
        if let Some(read) = run(shell, &[check, &script.display().to_string()]) {
            assert!(read.status.success() && read.stderr.is_empty(), "{shell}: {}", said(&read));
        }
    }
    // bash offers the verbs.
    let script = house.path().join("bash").display().to_string();
    let asks = format!(
        ". {script}; COMP_WORDS=(batchdeck que); COMP_CWORD=1; _batchdeck batchdeck que; echo ${{COMPREPLY[*]}}"
    );
    let offered = run("bash", &["-c", &asks]).map(|output| said(&output)).unwrap_or_default();
    assert_eq!(offered.trim(), "queues");
}

/// What systemd thinks of the unit, and man of the manual, where they are there.
#[test]
fn the_unit_and_the_manual_are_what_systemd_and_man_read() {
    let house = House::new();
    let unit = house.path().join("batchdeck.service");
    fs::write(&unit, house.ok(&["engine", "unit"])).expect("written");
    if let Ok(verified) = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--user"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", house.path())
        .output()
    {
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success() && !said.contains("batchdeck.service:"), "{said}");
    }
    let pages = house.path().join("man");
    house.ok(&["man", &pages.display().to_string()]);
    let count = fs::read_dir(&pages).expect("pages").count();
    assert!(count > 30, "{count} pages");
    for entry in fs::read_dir(&pages).expect("pages").flatten() {
        let text = fs::read_to_string(entry.path()).expect("reads");
        assert!(text.contains(".TH ") && text.contains(".SH NAME"), "{}", entry.path().display());
        if let Ok(read) =
            Command::new("man").args(["--warnings", "-l"]).arg(entry.path()).env("MANPAGER", "cat").output()
        {
            let said = String::from_utf8_lossy(&read.stderr).into_owned();
            // A long word in a narrow line is no fault of the page.
            let faults: Vec<&str> = said.lines().filter(|line| !line.contains("cannot adjust line")).collect();
            assert!(faults.is_empty(), "{}: {faults:?}", entry.path().display());
        }
    }
    let version = house.ok(&["--version"]);
    assert!(version.starts_with(concat!("batchdeck ", env!("CARGO_PKG_VERSION"))), "{version}");
}

/// Whether a licence in SPDX's words can be taken with what is allowed. `WITH` an exception allows more.
fn may_be_taken(words: &mut std::iter::Peekable<std::vec::IntoIter<String>>, allowed: &[&str]) -> bool {
    let mut any = false;
    loop {
        let mut all = true;
        loop {
            all &= match words.next().as_deref() {
                Some("(") => {
                    let within = may_be_taken(words, allowed);
                    assert_eq!(words.next().as_deref(), Some(")"));
                    within
                }
                Some(name) => allowed.contains(&name),
                None => false,
            };
            if words.next_if(|word| word == "WITH").is_some() {
                words.next();
            }
            if words.next_if(|word| word == "AND").is_none() {
                break;
            }
        }
        any |= all;
        if words.next_if(|word| word == "OR" || word == "/").is_none() {
            return any;
        }
    }
}

fn is_allowed(licence: &str, allowed: &[&str]) -> bool {
    let spaced = licence.replace('(', " ( ").replace(')', " ) ").replace('/', " / ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    let mut words = words.into_iter().peekable();
    may_be_taken(&mut words, allowed) && words.next().is_none()
}

/// The rules of `deny.toml`, held here as well where there is no `cargo deny`.
#[test]
fn all_that_the_program_is_made_of_has_a_licence_that_is_allowed_and_comes_from_the_registry() {
    let rules = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).expect("it is there");
    let rules: toml::Table = rules.parse().expect("TOML");
    let allowed: Vec<&str> =
        rules["licenses"]["allow"].as_array().expect("a list").iter().filter_map(toml::Value::as_str).collect();
    assert!(is_allowed("MIT AND (Apache-2.0 OR GPL-3.0)", &["MIT", "Apache-2.0"]));
    assert!(!is_allowed("MIT AND GPL-3.0", &["MIT"]) && !is_allowed("", &["MIT"]));
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let told = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.status.success() && told.lines().count() > 200, "{}", said(&tree));
    for line in told.lines() {
        let parts: Vec<&str> = line.trim_end_matches(" (*)").split('|').collect();
        let [package, licence] = parts[..] else { panic!("{line}") };
        assert!(is_allowed(licence.trim(), &allowed), "{package} is under {licence}");
    }
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).expect("it is there");
    for source in lock.lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(source, "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
    }
}
