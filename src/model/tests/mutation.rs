//! Texts that are almost right, for the tests of whatever reads them.
//!
//! A test that `fuzz!` makes tries a few hundred inputs, or for a second; with `BATCHDECK_FUZZ_SECONDS` it goes on for so long. Their names
//! say `almost_right` or `any_text`, by which `tests/long.sh mutations` finds them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use std::io::Write as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// So many inputs are tried before one looks at the clock again, from random numbers of their own,
const ROUND: u32 = 64;
/// and at most so often, or for so long, where nobody asks for more.
const ROUNDS: usize = 4;
const A_MOMENT: Duration = Duration::from_secs(1);

/// A single input that takes so long hangs.
const LONGEST: Duration = Duration::from_mins(1);

/// So much more memory than in its first round may a process have held at once in the end.
const GROWTH_MIB: u64 = 64;

/// Property tests as `proptest!` has them, for as long as is asked for, without a hang or growth.
macro_rules! fuzz {
    ($($(#[$meta:meta])* fn $name:ident($($input:pat in $inputs:expr),+ $(,)?) $body:block)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            $crate::model::mutation::hold(&($($inputs,)+), |($($input,)+)| {
                $body
                Ok(())
            });
        }
    )*};
}
pub(crate) use fuzz;

/// Holds a property against inputs, in rounds.
pub(crate) fn hold<S: Strategy>(inputs: &S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let (began, asked) = (Instant::now(), Duration::from_secs(asked_for("BATCHDECK_FUZZ_SECONDS")));
    let (tried, watched) = sync_channel(1);
    std::thread::spawn(move || end_where_one_hangs(&watched));
    let mut first = None;
    for round in 1.. {
        let mut runner = TestRunner::new(Config { cases: ROUND, failure_persistence: None, ..Config::default() });
        let held = runner.run(inputs, |input| {
            // Whoever does not listen any more has ended the process.
            let _ = tried.send(format!("{input:?}"));
            property(input)
        });
        if let Err(failure) = held {
            panic!("{failure}");
        }
        let most = most_memory_mib();
        let before = *first.get_or_insert(most);
        // Else other tests may have grown in the same process.
        assert!(asked.is_zero() || most <= before + GROWTH_MIB, "it has grown from {before} to {most} MiB");
        let passed = began.elapsed();
        if passed >= asked && (round >= ROUNDS || passed >= A_MOMENT) {
            return;
        }
    }
}

fn asked_for(name: &str) -> u64 {
    std::env::var(name).map_or(0, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn end_where_one_hangs(watched: &Receiver<String>) {
    let mut last = String::new();
    loop {
        match watched.recv_timeout(LONGEST) {
            Ok(input) => last = input,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                // Not to the output of the test, of which nothing is seen when the process ends.
                let _ = writeln!(std::io::stderr(), "it hangs on {last}");
                std::process::exit(101);
            }
        }
    }
}

/// The most memory that this process has held at once.
fn most_memory_mib() -> u64 {
    let status = procfs::process::Process::myself().and_then(|process| process.status()).expect("our own status");
    status.vmhwm.expect("a process has memory") / 1024
}

#[derive(Debug, Clone)]
enum Change {
    Put(Index, u8),
    Insert(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    // What a syntax is made of breaks more than other bytes do.
    let byte =
        prop_oneof![any::<u8>(), proptest::sample::select(b"{}[]()\"'\\,:=;#*?/-.%&<> \t\r\n0\0\x1b\xff".to_vec())];
    prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Change::Repeat(at, length)),
        any::<Index>().prop_map(Change::Cut),
    ]
}

/// The bytes of `text`, changed in one to five places.
pub fn mutants(text: &[u8]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let text = text.to_vec();
    vec(change(), 1..6).prop_map(move |changes| changes.iter().fold(text.clone(), mutate))
}

/// The same as text; what is no UTF-8 is replaced.
pub fn mutated_text(text: &str) -> impl Strategy<Value = String> + use<> {
    mutants(text.as_bytes()).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn mutate(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    let end = |at: usize, length: usize, bytes: &[u8]| (at + length).min(bytes.len());
    if bytes.is_empty() {
        return bytes;
    }
    match change {
        Change::Put(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Change::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
        Change::Remove(at, length) => {
            let at = at.index(bytes.len());
            bytes.drain(at..end(at, *length, &bytes));
        }
        Change::Repeat(at, length) => {
            let at = at.index(bytes.len());
            let again = bytes[at..end(at, *length, &bytes)].to_vec();
            bytes.splice(at..at, again);
        }
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
    }
    bytes
}
