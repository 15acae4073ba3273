//! Journals that an engine finds at its start.

use super::host::Host;
use crate::daemon::journal::Journal;
use crate::daemon::{DaemonError, JournalError};
use std::fs;

/// What a start refuses it leaves as it was, and says which file it is about.
async fn refused(host: &mut Host) -> JournalError {
    let path = host.directory().journal();
    let before = fs::read(&path).expect("reads");
    let error = host.try_start().await.expect_err("refuses");
    assert_eq!(fs::read(&path).expect("reads"), before);
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert!(error.to_string().contains("Nothing was changed"), "{error}");
    match error {
        DaemonError::Journal(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_event_that_this_program_does_not_know_is_refused_and_not_skipped() {
    let mut host = Host::idle();
    let mut journal = Journal::open(&host.directory().journal()).expect("opens");
    journal.append([(1, r#"{"event":"from-the-future"}"#)]).expect("appends");
    drop(journal);
    assert!(matches!(refused(&mut host).await, JournalError::Damaged { .. }));
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let mut host = Host::idle();
    fs::write(host.directory().journal(), "not a database").expect("written");
    assert!(matches!(refused(&mut host).await, JournalError::Foreign { .. }));
    fs::remove_file(host.directory().journal()).expect("removed");
    host.start().await;
}
