use super::*;
use std::collections::BTreeMap;
use std::fs;
use tempfile::TempDir;

struct Place {
    directory: TempDir,
}

const HOME: &str = "us-east-1";

/// All of a journal, as text.
#[derive(Debug, Default, PartialEq, Eq)]
struct All {
    pieces: Vec<(String, String)>,
    /// Number, time, region, body.
    events: Vec<(u64, Millis, String, String)>,
    contents: Contents,
}

fn read(path: &Path) -> Result<All, JournalError> {
    let mut all = All::default();
    all.contents = Journal::read(path, HOME, &mut |entry| {
        match entry {
            Entry::Piece { region, body } => all.pieces.push((region.to_owned(), body.to_owned())),
            Entry::Event { seq, at, region, body } => all.events.push((seq, at, region.to_owned(), body.to_owned())),
        }
        Ok(())
    })?;
    Ok(all)
}

fn open(path: &Path) -> Journal {
    Journal::open(path, HOME).expect("opens")
}

fn contents(covered: Option<u64>, events: u64, last: Millis) -> Contents {
    Contents { covered, events, last, first_region: Some(HOME.to_owned()), grown: BTreeMap::new() }
}

fn event(seq: u64, at: Millis, body: &str) -> (u64, Millis, String, String) {
    (seq, at, HOME.to_owned(), format!("\"{body}\""))
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("journal.db")
    }

    /// A closed journal with `count` events.
    fn with_events(count: Millis) -> Self {
        let place = Self::new();
        let mut journal = open(&place.path());
        for number in 1..=count {
            journal.append(number, [(HOME, format!("\"event {number}\"").as_str())]).expect("appends");
        }
        place
    }

    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fs::read_dir(self.directory.path())
            .expect("lists")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (path.clone(), fs::read(&path).expect("reads")))
            .collect()
    }

    fn sql(&self, text: &str) {
        Connection::open(self.path()).and_then(|c| c.execute_batch(text)).expect("runs");
    }

    /// Refused, and every file in the directory is what it was.
    fn refused(&self) -> JournalError {
        let before = self.files();
        let refusal = read(&self.path()).expect_err("refused");
        assert_eq!(self.files(), before, "changed by: {refusal}");
        let words = refusal.to_string();
        assert!(words.contains(&self.path().display().to_string()), "{words}");
        refusal
    }
}

#[test]
fn what_was_appended_is_read_back_in_order() {
    let place = Place::with_events(3);
    let all = read(&place.path()).expect("reads");
    assert_eq!(all.events, [event(1, 1, "event 1"), event(2, 2, "event 2"), event(3, 3, "event 3")]);
    assert_eq!(all.contents, contents(None, 3, 3));
}

#[test]
fn a_missing_or_an_empty_file_is_a_new_journal() {
    let place = Place::new();
    assert_eq!(read(&place.path()).expect("reads"), All::default());
    fs::write(place.path(), "").expect("writes");
    assert_eq!(read(&place.path()).expect("reads"), All::default());
}

#[test]
fn a_snapshot_takes_the_place_of_its_events_once_it_is_complete_and_numbers_go_on() {
    let place = Place::with_events(3);
    let mut journal = open(&place.path());
    assert_eq!(journal.since_snapshot(), 3);
    let piece = |number, text| (number, format!("\"{text}\""));
    for (number, body) in [piece(0, "state"), piece(1, "more of it")] {
        journal.add_piece(3, HOME, number, &body).expect("written");
        assert_eq!(read(&place.path()).expect("reads").events.len(), 3, "it means nothing yet");
    }
    journal.append(9, [(HOME, "\"event 4\"")]).expect("appends");
    journal.cover(3, 5).expect("covered");
    assert_eq!(journal.since_snapshot(), 1);

    let expected = All {
        pieces: vec![(HOME.into(), "\"state\"".into()), (HOME.into(), "\"more of it\"".into())],
        events: vec![event(4, 9, "event 4")],
        contents: contents(Some(3), 1, 9),
    };
    assert_eq!(read(&place.path()).expect("reads"), expected, "before the old events are cleared away");
    assert!(!journal.clear(None).expect("cleared"));
    assert_eq!(read(&place.path()).expect("reads"), expected, "and after");
    let rows = |table: &str| -> u64 {
        let connection = Connection::open(place.path()).expect("opens");
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted")
    };
    assert_eq!((rows("event"), rows("piece")), (1, 2));

    // The next one, of which a kill leaves a half.
    journal.add_piece(4, HOME, 0, "\"half\"").expect("written");
    drop(journal);
    assert_eq!(read(&place.path()).expect("reads"), expected);
    let mut journal = open(&place.path());
    while journal.clear(None).expect("cleared") {}
    assert_eq!(rows("piece"), 2);
    journal.cover(4, 9).expect("covered");
    drop(journal);
    assert!(matches!(read(&place.path()), Err(JournalError::Damaged { .. })), "a snapshot without pieces");
}

#[test]
fn each_event_and_piece_is_of_its_region_and_what_knew_none_is_of_the_first() {
    let place = Place::with_events(1);
    let mut journal = open(&place.path());
    journal.append(2, [("eu-west-1", "\"a\""), (HOME, "\"b\""), ("eu-west-1", "\"c\"")]).expect("appends");
    drop(journal);
    let regions = |all: All| all.events.into_iter().map(|(_, _, region, _)| region).collect::<Vec<_>>();
    assert_eq!(regions(read(&place.path()).expect("reads")), [HOME, "eu-west-1", HOME, "eu-west-1"]);
    // Another region is configured now: the first one stays what it was.
    drop(Journal::open(&place.path(), "sa-east-1").expect("opens"));
    assert_eq!(read(&place.path()).expect("reads").contents.first_region.as_deref(), Some(HOME));
}

#[test]
fn a_gap_in_a_snapshots_pieces_is_refused_unchanged() {
    let place = Place::with_events(1);
    let mut journal = open(&place.path());
    for number in [0, 2] {
        journal.add_piece(1, HOME, number, "\"x\"").expect("written");
    }
    journal.cover(1, 1).expect("covered");
    drop(journal);
    assert!(matches!(place.refused(), JournalError::Damaged { .. }));
}

#[test]
fn a_grown_number_is_larger_after_every_start_even_when_the_clock_is_not() {
    let place = Place::new();
    let grow = |least| open(&place.path()).grow("feed", least, 100).expect("grows");
    assert_eq!(grow(1000), 1000);
    assert_eq!(grow(5000), 5000);
    assert_eq!(grow(10), 5100);
}

#[test]
fn a_newer_journal_is_refused_unchanged() {
    let place = Place::with_events(3);
    place.sql("PRAGMA user_version = 3");
    assert!(matches!(place.refused(), JournalError::Newer { found: 3, known: 2, .. }));
}

#[test]
fn a_file_of_something_else_is_refused_unchanged() {
    let place = Place::new();
    fs::write(place.path(), "dear diary, today nothing happened").expect("writes");
    assert!(matches!(place.refused(), JournalError::Foreign { .. }));
    fs::remove_file(place.path()).expect("removed");
    place.sql("CREATE TABLE recipe(name TEXT)");
    assert!(matches!(place.refused(), JournalError::Foreign { .. }));
}

#[test]
fn a_gap_in_the_numbers_is_refused_unchanged() {
    for hole in [1, 2] {
        let place = Place::with_events(3);
        place.sql(&format!("DELETE FROM event WHERE seq = {hole}"));
        assert!(matches!(place.refused(), JournalError::Damaged { .. }), "{hole}");
    }
}

#[test]
fn a_row_of_another_type_is_refused_unchanged() {
    let place = Place::with_events(3);
    place.sql("UPDATE event SET body = x'ff00' WHERE seq = 2");
    assert!(matches!(place.refused(), JournalError::Damaged { .. }));
}

#[test]
fn damaged_pages_are_refused_unchanged() {
    let place = Place::with_events(400);
    let whole = fs::read(place.path()).expect("reads");
    // Every page but the first, one after the other: its head overwritten, as by a stray write.
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..page * 4096 + 64].fill(0xa5);
        fs::write(place.path(), &bytes).expect("writes");
        let refusal = place.refused();
        assert!(matches!(refusal, JournalError::Damaged { .. }), "page {page}: {refusal}");
    }
    fs::write(place.path(), &whole[..whole.len() / 2]).expect("writes");
    assert!(matches!(place.refused(), JournalError::Damaged { .. }));
}

#[test]
fn a_write_that_was_torn_by_a_kill_leaves_all_that_was_acknowledged() {
    let place = Place::new();
    let mut journal = open(&place.path());
    for number in 1..=5 {
        journal.append(number, [(HOME, "\"acknowledged\"")]).expect("appends");
    }
    let log = beside(&place.path(), "-wal");
    let acknowledged = fs::metadata(&log).expect("is there").len();
    journal.append(6, [(HOME, "\"torn\"")]).expect("appends");

    // A kill, seen from the disk: the files as they are, with the last transaction cut off at any byte.
    let (main, whole) = (fs::read(place.path()).expect("reads"), fs::read(&log).expect("reads"));
    let cuts = (acknowledged..whole.len() as u64).step_by(509);
    for cut in cuts {
        let after = Place::new();
        fs::write(after.path(), &main).expect("writes");
        let cut_at = usize::try_from(cut).expect("small");
        fs::write(beside(&after.path(), "-wal"), &whole[..cut_at]).expect("writes");
        assert_eq!(read(&after.path()).expect("reads").events.len(), 5, "cut at {cut}");
        let mut reopened = open(&after.path());
        reopened.append(7, [(HOME, "\"next\"")]).expect("appends");
        drop(reopened);
        assert_eq!(read(&after.path()).expect("reads").events.len(), 6, "cut at {cut}");
    }
}

crate::model::mutation::fuzz! {
    fn a_journal_that_is_almost_right_is_read_or_refused_and_stays_as_it_is(at in proptest::prelude::any::<proptest::sample::Index>(),
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..600)) {
        let place = Place::new();
        let bodies: Vec<String> = (0..60).map(|number| format!("\"event {number}\"")).collect();
        open(&place.path()).append(1, bodies.iter().map(|body| (HOME, body.as_str()))).expect("appends");
        let mut journal = fs::read(place.path()).expect("reads");
        let at = at.index(journal.len());
        for (old, new) in journal[at..].iter_mut().zip(&bytes) {
            *old = *new;
        }
        fs::write(place.path(), &journal).expect("writes");
        let read = read(&place.path());
        assert!(fs::read(place.path()).expect("reads") == journal, "changed by reading: {read:?}");
        if let Ok(all) = read {
            let numbers = all.events.iter().map(|(seq, ..)| *seq);
            assert!(numbers.eq(1..=all.contents.events), "{all:?}");
        }
    }
}

#[test]
fn what_is_grown_is_told_by_reading_too_and_one_without_room_goes_on_where_it_is() {
    let place = Place::with_events(3);
    let found = read(&place.path()).expect("reads").contents;
    assert_eq!(found.would_grow("feed", 7, 10), 7);
    assert_eq!(open(&place.path()).grow("feed", 7, 10).expect("written"), 7);
    let found = read(&place.path()).expect("reads").contents;
    assert_eq!((found.would_grow("feed", 7, 10), found.would_grow("feed", 70, 10)), (17, 70));

    let mut without = Journal::without_room(&place.path(), &found);
    assert_eq!((without.last(), without.since_snapshot(), without.is_open()), (3, 3, false));
    assert!(matches!(without.append(9, [(HOME, "\"lost\"")]), Err(JournalError::Full { .. })));
    assert!(without.has_room() && open(&place.path()).last() == 3, "there is some here");
    let left = fs::read_dir(place.directory.path()).expect("a directory").flatten();
    assert!(!left.map(|entry| entry.file_name()).any(|name| name == "journal.db-room"), "what was tried out stays");
}
