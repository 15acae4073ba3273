use super::*;
use std::fs::{self, OpenOptions};
use std::io::Write;
use tempfile::TempDir;

const STREAM: &str = "resize/default/0a1b";

struct Logs {
    root: TempDir,
}

impl Logs {
    fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a directory") }
    }

    /// Ten lines at 1000, 1001, …: `line 0`, `line 1`, ….
    fn with_ten() -> Self {
        let logs = Self::new();
        (0..10).for_each(|number| logs.write(&format!("{} line {number}\n", 1000 + number)));
        logs
    }

    fn write(&self, text: &str) {
        let path = self.root.path().join(format!("{STREAM}.log"));
        fs::create_dir_all(path.parent().expect("has one")).expect("made");
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("written");
    }

    fn page(&self, request: GetLogEvents) -> Result<LogPage, LogError> {
        read_page(self.root.path(), &GetLogEvents { log_stream_name: STREAM.into(), ..request })
    }
}

fn numbers(page: &LogPage) -> Vec<u32> {
    page.events.iter().map(|event| event.message.trim_start_matches("line ").parse().expect("a number")).collect()
}

#[test]
fn a_page_is_the_last_one_unless_the_head_is_asked_for() {
    let logs = Logs::with_ten();
    let head = Some(true);
    let cases = [
        (GetLogEvents { limit: Some(3), ..Default::default() }, vec![7, 8, 9]),
        (GetLogEvents { limit: Some(3), start_from_head: head, ..Default::default() }, vec![0, 1, 2]),
        (GetLogEvents { start_from_head: head, ..Default::default() }, (0..10).collect()),
        (GetLogEvents { start_time: Some(1008), ..Default::default() }, vec![8, 9]),
        (GetLogEvents { end_time: Some(1002), start_from_head: head, ..Default::default() }, vec![0, 1]),
        (GetLogEvents { end_time: Some(1002), limit: Some(1), ..Default::default() }, vec![1]),
        (
            GetLogEvents { start_time: Some(1004), end_time: Some(1006), start_from_head: head, ..Default::default() },
            vec![4, 5],
        ),
        (GetLogEvents { start_time: Some(5000), start_from_head: head, ..Default::default() }, vec![]),
    ];
    for (request, expected) in cases {
        assert_eq!(numbers(&logs.page(request.clone()).expect("a page")), expected, "{request:?}");
    }
}

#[test]
fn tokens_walk_forward_to_the_end_and_the_last_one_yields_what_comes_later() {
    let logs = Logs::with_ten();
    let mut token = None;
    let mut seen = Vec::new();
    loop {
        let request = GetLogEvents {
            limit: Some(4),
            start_from_head: Some(true),
            next_token: token.clone(),
            ..Default::default()
        };
        let page = logs.page(request).expect("a page");
        if Some(&page.next_forward_token) == token.as_ref() {
            assert!(page.events.is_empty());
            break;
        }
        seen.extend(numbers(&page));
        token = Some(page.next_forward_token);
    }
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
    logs.write("1010 line 10\n1011 line 1");
    let page = logs.page(GetLogEvents { next_token: token.clone(), ..Default::default() }).expect("a page");
    assert_eq!(numbers(&page), [10], "a line without its end is not an event yet");
    logs.write("1\n");
    let page = logs.page(GetLogEvents { next_token: Some(page.next_forward_token), ..Default::default() });
    assert_eq!(numbers(&page.expect("a page")), [11]);
}

#[test]
fn tokens_walk_back_to_the_first_line() {
    let logs = Logs::with_ten();
    let mut page = logs.page(GetLogEvents { limit: Some(4), ..Default::default() }).expect("a page");
    let mut seen = Vec::new();
    while !page.events.is_empty() {
        seen.push(numbers(&page));
        let back = Some(page.next_backward_token);
        page = logs.page(GetLogEvents { limit: Some(4), next_token: back, ..Default::default() }).expect("a page");
    }
    assert_eq!(seen, [vec![6, 7, 8, 9], vec![2, 3, 4, 5], vec![0, 1]]);
}

#[test]
fn a_page_holds_a_megabyte_at_most_and_none_is_lost_between_pages() {
    let logs = Logs::new();
    let long = "x".repeat(60_000);
    (0..100).for_each(|number| logs.write(&format!("{number} {long}\n")));
    for head in [true, false] {
        let mut page = logs.page(GetLogEvents { start_from_head: Some(head), ..Default::default() }).expect("a page");
        let mut seen = Vec::new();
        while !page.events.is_empty() {
            let bytes: usize = page.events.iter().map(|event| event.message.len() + EVENT_OVERHEAD).sum();
            assert!(bytes <= MOST_BYTES, "{bytes}");
            seen.extend(page.events.iter().map(|event| event.timestamp));
            let token = if head { page.next_forward_token } else { page.next_backward_token };
            page = logs.page(GetLogEvents { next_token: Some(token), ..Default::default() }).expect("a page");
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>(), "from the head: {head}");
    }
}

#[test]
fn what_is_no_token_and_no_limit_is_refused() {
    let logs = Logs::with_ten();
    for token in ["", "f", "f/", "f/x", "x/0", "f/1", "f/99999", "b/-1", "f/0/0"] {
        let refusal = logs.page(GetLogEvents { next_token: Some(token.into()), ..Default::default() });
        assert!(matches!(refusal, Err(LogError::Invalid(_))), "{token}");
    }
    for limit in [0, 10_001] {
        let refusal = logs.page(GetLogEvents { limit: Some(limit), ..Default::default() });
        assert!(matches!(refusal, Err(LogError::Invalid(_))), "{limit}");
    }
}

#[test]
fn a_stream_name_never_leads_out_of_the_logs() {
    let root = tempfile::tempdir().expect("a directory");
    let logs = root.path().join("logs");
    fs::create_dir(&logs).expect("made");
    fs::write(root.path().join("secret.log"), "1 secret\n").expect("written");
    let long = "x".repeat(513);
    for name in [
        "",
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        ".",
        "..",
        "a/..",
        "a//b",
        "a/",
        "./a",
        "a:b",
        "a*",
        "a\0b",
        &long,
    ] {
        let request = GetLogEvents { log_stream_name: name.into(), ..Default::default() };
        assert!(matches!(read_page(&logs, &request), Err(LogError::Invalid(_))), "{name:?}");
    }
    let request = GetLogEvents { log_stream_name: "a/default/b".into(), ..Default::default() };
    assert!(matches!(read_page(&logs, &request), Err(LogError::NotFound(_))));
}

#[test]
fn bytes_that_are_no_text_and_lines_without_a_time_are_shown() {
    let logs = Logs::new();
    logs.write("1 \u{1b}[31mred\n");
    logs.write("no time\n2\n3 \n");
    let page = logs.page(GetLogEvents { start_from_head: Some(true), ..Default::default() }).expect("a page");
    let seen: Vec<_> = page.events.iter().map(|event| (event.timestamp, event.message.as_str())).collect();
    assert_eq!(seen, [(1, "\u{1b}[31mred"), (0, "no time"), (2, ""), (3, "")]);
}

#[test]
fn what_is_forgotten_is_gone_and_nothing_else() {
    let home = tempfile::tempdir().expect("a directory");
    let directory = DataDirectory::new(home.path()).expect("short");
    directory.prepare().expect("made");
    for task in ["0a1b", "other"] {
        let log = directory.logs().join(format!("resize/default/{task}.log"));
        fs::create_dir_all(log.parent().expect("has one")).expect("made");
        fs::write(log, "1 line\n").expect("written");
        fs::create_dir(directory.work().join(task)).expect("made");
        fs::write(directory.usage().join(task), "1 0.00 0.0\n").expect("written");
    }
    let streams = [STREAM.to_owned(), "../../etc/passwd".to_owned(), "not/default/there".to_owned()];
    forget(&directory, &streams);
    for (task, is_there) in [("0a1b", false), ("other", true)] {
        let log = directory.logs().join(format!("resize/default/{task}.log"));
        for path in [log, directory.work().join(task), directory.usage().join(task)] {
            assert_eq!(path.exists(), is_there, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_follower_waits_for_a_stream_that_is_not_there_and_sees_each_line_as_it_comes() {
    let logs = Logs::new();
    let watch = LogWatch::new().expect("inotify");
    let mut follow = Follow::new(watch, logs.root.path(), STREAM, None).expect("a sound name");
    let (says, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let follower = tokio::spawn(async move {
        loop {
            for event in follow.next().await.expect("reads") {
                if says.send(event.message).is_err() {
                    return;
                }
            }
        }
    });
    // Another stream in the same directory is none of its business.
    fs::create_dir_all(logs.root.path().join("resize")).expect("made");
    for number in 0..200 {
        logs.write(&format!("{number} line {number}\n"));
        if number % 3 == 0 {
            assert_eq!(heard.recv().await, Some(format!("line {number}")));
        } else {
            logs.write(&format!("{number} half"));
            logs.write(" a line\n");
            assert_eq!(heard.recv().await, Some(format!("line {number}")));
            assert_eq!(heard.recv().await.as_deref(), Some("half a line"));
        }
    }
    follower.abort();
}

#[tokio::test]
async fn two_followers_of_one_stream_each_see_all_of_it_from_their_own_place() {
    let logs = Logs::with_ten();
    let watch = LogWatch::new().expect("inotify");
    let from = logs.page(GetLogEvents { limit: Some(4), start_from_head: Some(true), ..Default::default() });
    let from = from.expect("a page").next_forward_token;
    let mut first = Follow::new(watch.clone(), logs.root.path(), STREAM, None).expect("sound");
    let mut second = Follow::new(watch, logs.root.path(), STREAM, Some(&from)).expect("sound");
    assert_eq!(first.next().await.expect("reads").len(), 10);
    assert_eq!(second.next().await.expect("reads").len(), 6);
    logs.write("2000 more\n");
    assert_eq!(first.next().await.expect("reads")[0].message, "more");
    drop(first);
    assert_eq!(second.next().await.expect("reads")[0].message, "more");
    logs.write("2001 and more\n");
    assert_eq!(second.next().await.expect("reads")[0].message, "and more");
}
