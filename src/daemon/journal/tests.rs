use super::*;
use std::collections::BTreeMap;
use tempfile::TempDir;

struct Place {
    directory: TempDir,
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
        let mut journal = Journal::open(&place.path()).expect("opens");
        for number in 1..=count {
            journal.append([(number, format!("\"event {number}\"").as_str())]).expect("appends");
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
        let refusal = Journal::read(&self.path()).expect_err("refused");
        assert_eq!(self.files(), before, "changed by: {refusal}");
        let words = refusal.to_string();
        assert!(words.contains(&self.path().display().to_string()), "{words}");
        refusal
    }
}

#[test]
fn what_was_appended_is_read_back_in_order() {
    let place = Place::with_events(3);
    let contents = Journal::read(&place.path()).expect("reads");
    assert_eq!(contents.events.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(contents.events[1], Row { seq: 2, at: 2, body: "\"event 2\"".into() });
    assert_eq!(contents.snapshot, None);
}

#[test]
fn a_missing_or_an_empty_file_is_a_new_journal() {
    let place = Place::new();
    assert_eq!(Journal::read(&place.path()).expect("reads"), Contents::default());
    fs::write(place.path(), "").expect("writes");
    assert_eq!(Journal::read(&place.path()).expect("reads"), Contents::default());
}

#[test]
fn a_snapshot_takes_the_place_of_its_events_and_numbers_go_on() {
    let place = Place::with_events(3);
    let mut journal = Journal::open(&place.path()).expect("opens");
    assert_eq!(journal.since_snapshot(), 3);
    journal.snapshot("\"state\"").expect("written");
    assert_eq!(journal.since_snapshot(), 0);
    journal.append([(9, "\"event 4\"")]).expect("appends");
    drop(journal);
    let contents = Journal::read(&place.path()).expect("reads");
    assert_eq!(contents.snapshot, Some((3, "\"state\"".into())));
    assert_eq!(contents.events, [Row { seq: 4, at: 9, body: "\"event 4\"".into() }]);
}

#[test]
fn a_grown_number_is_larger_after_every_start_even_when_the_clock_is_not() {
    let place = Place::new();
    let grow = |least| Journal::open(&place.path()).expect("opens").grow("feed", least, 100).expect("grows");
    assert_eq!(grow(1000), 1000);
    assert_eq!(grow(5000), 5000);
    assert_eq!(grow(10), 5100);
}

#[test]
fn a_newer_journal_is_refused_unchanged() {
    let place = Place::with_events(3);
    place.sql("PRAGMA user_version = 2");
    assert!(matches!(place.refused(), JournalError::Newer { found: 2, known: 1, .. }));
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
    let mut journal = Journal::open(&place.path()).expect("opens");
    for number in 1..=5 {
        journal.append([(number, "\"acknowledged\"")]).expect("appends");
    }
    let log = beside(&place.path(), "-wal");
    let acknowledged = fs::metadata(&log).expect("is there").len();
    journal.append([(6, "\"torn\"")]).expect("appends");

    // A kill, seen from the disk: the files as they are, with the last transaction cut off at any byte.
    let (main, whole) = (fs::read(place.path()).expect("reads"), fs::read(&log).expect("reads"));
    let cuts = (acknowledged..whole.len() as u64).step_by(509);
    for cut in cuts {
        let after = Place::new();
        fs::write(after.path(), &main).expect("writes");
        let cut_at = usize::try_from(cut).expect("small");
        fs::write(beside(&after.path(), "-wal"), &whole[..cut_at]).expect("writes");
        let contents = Journal::read(&after.path()).expect("reads");
        assert_eq!(contents.events.len(), 5, "cut at {cut}");
        let mut reopened = Journal::open(&after.path()).expect("opens");
        reopened.append([(7, "\"next\"")]).expect("appends");
        drop(reopened);
        assert_eq!(Journal::read(&after.path()).expect("reads").events.len(), 6, "cut at {cut}");
    }
}
