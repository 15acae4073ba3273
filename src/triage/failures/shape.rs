//! The shape of a text: what is left when ids, hosts and numbers are taken out, so that two that say the same are the same.

use crate::model::region;
use core::net::Ipv6Addr;

/// Shapes are cut after so many letters.
const LONGEST: usize = 200;
/// A number of so many digits after a letter belongs to a name: `s3`, `m5`, `ec2`, `x86`.
const OF_A_NAME: usize = 2;

/// `error: s3://in/clip-4699.mov: 404` becomes `error: s3://in/clip-#.mov: #`.
pub fn shape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        if let Some(length) =
            long_address(rest).filter(|_| !out.ends_with(|last: char| last == ':' || is_of_word(last)))
        {
            out.push_str("<host>");
            rest = &rest[length..];
            continue;
        }
        let end = rest.find(|letter: char| !is_of_word(letter)).unwrap_or(rest.len());
        if end == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        push_word(&mut out, &rest[..end]);
        rest = &rest[end..];
    }
    let joined = join_numbers(&out);
    let cut: String = joined.chars().take(LONGEST).collect();
    cut.trim_end().to_owned()
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '.' | '_')
}

fn push_word(out: &mut String, word: &str) {
    // A sentence ends with a dot that is none of a name.
    let name = word.trim_end_matches('.');
    let dots = &word[name.len()..];
    // A part of a path is no host, unless it is what a URL begins with.
    let is_in_path = out.ends_with(['/', '\\']) && !out.ends_with("//");
    if is_id(name) {
        out.push_str("<id>");
    } else if is_machine(name) || !is_in_path && is_name_of_host(name) {
        out.push_str("<host>");
    } else if is_region(name) {
        out.push_str(name);
    } else {
        let mut part = String::new();
        for letter in name.chars() {
            if letter.is_alphanumeric() {
                part.push(letter);
            } else {
                push_part(out, &std::mem::take(&mut part));
                out.push(letter);
            }
        }
        push_part(out, &part);
    }
    out.push_str(dots);
}

/// A part of a word without signs.
fn push_part(out: &mut String, part: &str) {
    let Some(first) = part.chars().next() else { return };
    if first.is_ascii_digit() && !is_hex(part, 8) {
        out.push('#');
        return;
    }
    if is_hex(part, 8) {
        out.push_str("<id>");
        return;
    }
    let mut letters = part.chars().peekable();
    let mut digits = String::new();
    while let Some(letter) = letters.next() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            if letters.peek().is_some_and(char::is_ascii_digit) {
                continue;
            }
            let run = std::mem::take(&mut digits);
            out.push_str(if run.len() > OF_A_NAME { "#" } else { &run });
        } else {
            out.push(letter);
        }
    }
}

/// Hexadecimal, with letters and digits, of at least so many.
fn is_hex(part: &str, least: usize) -> bool {
    part.len() >= least
        && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        && part.bytes().any(|byte| byte.is_ascii_digit())
        && part.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// A UUID.
fn is_id(word: &str) -> bool {
    let blocks: Vec<&str> = word.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    blocks.len() == lengths.len()
        && blocks
            .iter()
            .zip(lengths)
            .all(|(block, length)| block.len() == length && block.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An instance, an address, or what EC2 names after one.
fn is_machine(word: &str) -> bool {
    let instance = word.strip_prefix("i-").is_some_and(|id| is_hex(id, 8) || id.len() >= 8 && is_digits(id));
    let numbers = || word.split('.').filter(|part| is_digits(part) && part.parse::<u8>().is_ok()).count();
    let address = word.split('.').count() == 4 && numbers() == 4;
    let named = word.strip_prefix("ip-").is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    instance || address || named
}

/// Whether it ends as names of hosts do that nobody else has, and names one: `.local` is a directory.
fn is_name_of_host(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let name = [".internal", ".amazonaws.com", ".local"].iter().find_map(|end| word.strip_suffix(end));
    name.is_some_and(|name| name.split('.').all(|label| label.starts_with(|first: char| first.is_ascii_alphanumeric())))
}

/// `eu-west-1`, which is no number of anything. Jobs are called `eu-render-1`.
fn is_region(word: &str) -> bool {
    let side = word.rsplit('-').nth(1).unwrap_or_default();
    region::partition(word).is_some()
        && ["north", "south", "east", "west", "central"].iter().any(|at| side.contains(at))
}

/// How long an address of IPv6 is that the text begins with.
fn long_address(text: &str) -> Option<usize> {
    let end =
        text.find(|letter: char| !letter.is_ascii_hexdigit() && !matches!(letter, ':' | '.')).unwrap_or(text.len());
    let follows = text[end..].chars().next();
    let address = text[..end].trim_end_matches(['.', ':']);
    // `::` alone parts names, and so it does between words.
    let is_one = address.parse::<Ipv6Addr>().is_ok()
        && address.contains(|letter: char| letter.is_ascii_digit())
        && !follows.is_some_and(is_of_word);
    is_one.then_some(address.len())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Numbers that stand together, as in a date, a time, a version or a fraction, are one.
fn join_numbers(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        out.push(letters[at]);
        at += 1;
        if letters[at - 1] != '#' {
            continue;
        }
        while at + 1 < letters.len() && matches!(letters[at], '.' | ':' | '-' | '/' | ',') && letters[at + 1] == '#' {
            at += 2;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_hosts_and_numbers_are_taken_out_and_names_stay() {
        let cases = [
            ("error: s3://in/clip-4699.mov: 404", "error: s3://in/clip-#.mov: #"),
            ("Host EC2 (instance i-0dead000000000d1) terminated.", "Host EC2 (instance <host>) terminated."),
            ("2026-11-24T03:12:43.120Z KeyError: 'day_17'", "# KeyError: 'day_#'"),
            ("connect to ip-10-0-3-7.ec2.internal:5432 timed out after 30s", "connect to <host>:# timed out after #"),
            ("dial tcp 10.0.3.7:443: i/o timeout", "dial tcp <host>:#: i/o timeout"),
            ("job 3f2f4472-0000-4000-8000-00003f2f4472 is gone", "job <id> is gone"),
            ("sha256:9f86d081884c7d65 not found", "sha#:<id> not found"),
            ("used 512MiB of 256 MiB on m5.large", "used # of # MiB on m5.large"),
            ("映画-4694: nicht gefunden", "映画-#: nicht gefunden"),
            ("   ", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn parts_of_paths_are_no_hosts_and_hosts_are_found_wherever_they_stand() {
        let cases = [
            // Paths.
            ("/home/me/.local/bin/x: not found", "/home/me/.local/bin/x: not found"),
            ("~/.local/share", "~/.local/share"),
            ("ls .local", "ls .local"),
            ("/srv/app.local/run", "/srv/app.local/run"),
            (r"C:\data\app.local", r"C:\data\app.local"),
            ("src/render.internal/mod", "src/render.internal/mod"),
            ("cannot read .env.local", "cannot read .env.local"),
            ("/opt/python3.12/lib", "/opt/python3.#/lib"),
            // Names of hosts.
            ("no route to db.prod.internal", "no route to <host>"),
            ("no route to DB.Prod.Internal.", "no route to <host>."),
            ("me@printer.local: refused", "me@<host>: refused"),
            ("kafka.batch.svc.cluster.local:9092", "<host>:#"),
            ("sqs.eu-west-1.amazonaws.com/queue", "<host>/queue"),
            ("//files.local/share", "//<host>/share"),
            ("ip-10-0-3-7.eu-west-1.compute.internal", "<host>"),
            // URLs.
            ("GET https://api.internal:8443/v1/x.local/7 failed", "GET https://<host>:#/v1/x.local/# failed"),
            ("https://bucket.s3.amazonaws.com/a.mov", "https://<host>/a.mov"),
            ("https://example.com/a.mov", "https://example.com/a.mov"),
            // Names in AWS.
            ("arn:aws:batch:eu-west-1:123456789012:job-queue/nightly", "arn:aws:batch:eu-west-1:#:job-queue/nightly"),
            ("arn:aws:ec2:us-gov-west-1:1:instance/i-0dead000000000d1", "arn:aws:ec2:us-gov-west-1:#:instance/<host>"),
            ("eu-render-1 and eu-render-2", "eu-render-# and eu-render-#"),
            // Addresses.
            ("10.0.3.7 is away", "<host> is away"),
            ("http://10.0.3.7/x", "http://<host>/x"),
            ("dial tcp [fe80::1ff:fe23:4567:890a]:443", "dial tcp [<host>]:#"),
            ("from ::1 to 2001:db8::7.", "from <host> to <host>."),
            ("core::mem::take and dead::beef", "core::mem::take and dead::beef"),
            // Versions and times.
            ("needs 1.2.3, has 1.2", "needs #, has #"),
            ("build 1.2.3.400", "build #"),
            ("at 03:12:43", "at #"),
            ("at 03:12:43.120", "at #"),
            // Names of files.
            ("foo.py", "foo.py"),
            ("foo.py:12: error", "foo.py:#: error"),
            ("main.rs:12:7", "main.rs:#"),
            ("panicked at src/main.rs:12", "panicked at src/main.rs:#"),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), expected, "{text}");
            assert_eq!(shape(expected), expected, "the shape of {text}");
        }
    }

    #[test]
    fn a_shape_is_its_own_shape_and_has_an_end() {
        for text in ["a 12 b", "i-0dead000000000d1 x", &"7 word ".repeat(200)] {
            let once = shape(text);
            assert_eq!(shape(&once), once);
            assert!(once.chars().count() <= LONGEST);
        }
    }
}
