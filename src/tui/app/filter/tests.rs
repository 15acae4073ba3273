//! What filters let through, what they light up, and what they say of what they cannot read.

use super::*;
use crate::model::Millis;
use std::borrow::Cow;

const HOUR: Millis = 3_600_000;

/// A failed job of the queue `high` that ended an hour ago.
fn failed(field: Field) -> Value<'static> {
    match field {
        Field::Status => Value::Words(vec!["FAILED", "failed"]),
        Field::Name => Value::text("resize-4711"),
        Field::Queue => Value::text("high"),
        Field::Definition => Value::Revision("resize:14"),
        Field::Id => Value::text("3f2a88bb"),
        Field::Exit => Value::Number(137),
        Field::Since | Field::For => Value::Span(HOUR),
        Field::Reason => Value::Text(Cow::Borrowed("OutOfMemoryError: Container killed")),
        _ => Value::Nothing,
    }
}

fn passes(filter: &str) -> bool {
    let filter = Filter::parse(filter, Field::JOBS).unwrap_or_else(|error| panic!("{filter}: {error}"));
    filter.passes(&Row { texts: &["resize-4711", "resize:14", "high"], field: &failed })
}

#[test]
fn each_kind_of_word_lets_through_what_it_says() {
    let cases = [
        ("rsz", true),
        ("RSZ47", true),
        ("zsr", false),
        ("'rsz", false),
        ("'size-47", true),
        ("'RESIZE", true),
        ("\"size-47\"", true),
        ("\"size 47\"", false),
        ("/^resize-\\d+$", true),
        ("/^size", false),
        ("/\"a b\"", false),
        ("!rsz", false),
        ("!xyz", true),
        ("!'size-47", false),
        ("!/^size", true),
        ("rsz high", true),
        ("rsz !high", false),
        ("rsz low", false),
        ("status=failed", true),
        ("status=FAILED", true),
        ("status=fail", true),
        ("state=failed", true),
        ("status=running,failed", true),
        ("status=running", false),
        ("status!=failed", false),
        ("!status=failed", false),
        ("!status!=failed", true),
        ("queue=high", true),
        ("queue=hi", false),
        ("queue=hi*", true),
        ("queue=main,high", true),
        ("que=high", true),
        ("definition=resize", true),
        ("definition=resize:14", true),
        ("definition=resize:1", false),
        ("def=res*", true),
        ("name=resize-4711", true),
        ("name=resize", false),
        ("id=3F2A", true),
        ("id=2a", false),
        ("exit=137", true),
        ("exit=1,137", true),
        ("exit=1", false),
        ("exit!=0", true),
        ("exit>128", true),
        ("exit<128", false),
        ("since=2h", true),
        ("since=30m", false),
        ("since<1h", false),
        ("for>30m", true),
        ("for>2h", false),
        ("reason~OutOf", true),
        ("reason!~OutOf", false),
        ("reason=outofmemory*", true),
        ("share=a", false),
        ("share!=a", true),
        ("status=failed queue=high exit=137 since=2h definition=resize:14", true),
    ];
    for (filter, expected) in cases {
        assert_eq!(passes(filter), expected, "{filter}");
    }
}

#[test]
fn in_a_sentence_a_word_stands_as_it_is_written_or_not_at_all() {
    let passes = |filter: &str| {
        let filter = Filter::parse(filter, Field::AUDIT).expect("a filter");
        filter.passes(&Row { texts: &["OutOfMemoryError: Container killed due to memory usage"], field: &failed })
    };
    assert!(passes("memory usage") && passes("OUTOF"));
    assert!(!passes("etl") && !passes("omu"));
}

#[test]
fn a_filter_of_which_nothing_but_a_sign_is_typed_lets_all_through() {
    for nothing in ["  ", "!", "'", "/", "\"", "!/", "status=", "!queue=", "exit>", "reason~"] {
        let filter = Filter::parse(nothing, Field::JOBS).unwrap_or_else(|error| panic!("{nothing}: {error}"));
        assert!(filter.is_empty(), "{nothing}");
    }
}

#[test]
fn what_cannot_be_read_says_what_is_wrong_and_where() {
    let cases = [
        ("/a(b", 2, "unclosed group"),
        ("x /\\d+[", 6, "unclosed character class"),
        ("name~*", 5, "repetition operator missing expression"),
        ("/\"a (\"", 4, "unclosed group"),
        ("quue=main", 0, "`quue` is no field of this list; the nearest is `queue`"),
        ("a exit=many", 7, "`exit` takes a number, not `many`"),
        ("status=fialed", 7, "`fialed` is no state; the nearest is `failed`"),
        ("since=soon", 6, "write 90s, 20m, 2h or 3d"),
        ("for=2h", 4, "as for>20m"),
        ("queue>main", 6, "`queue` takes = and ~"),
        ("!exit=x", 6, "takes a number"),
        ("世界 exit=x", 8, "takes a number"),
    ];
    for (filter, at, what) in cases {
        let error = Filter::parse(filter, Field::JOBS).expect_err(filter);
        assert_eq!(error.at, at, "{filter}: {error}");
        assert!(error.to_string().contains(what), "{filter}: {error}");
    }
    let error = Filter::parse("exit=1", Field::QUEUES).expect_err("queues have none");
    assert!(error.to_string().contains("there are name, status, priority"), "{error}");
}

#[test]
fn the_letters_that_let_a_row_through_are_known() {
    let cases = [
        ("rsz", "resize-4711", vec![0, 2, 4]),
        ("'size", "resize-4711", vec![2, 3, 4, 5]),
        ("/\\d+", "resize-4711", vec![7, 8, 9, 10]),
        ("'界", "世界-1", vec![1]),
        ("'x", "e\u{301}x", vec![1]),
        ("!rsz", "resize-4711", vec![]),
        ("queue=high", "high", vec![]),
        ("'47 /11", "resize-4711", vec![7, 8, 9, 10]),
        ("etl", "an Error to Look at", vec![]),
        ("look", "an Error to Look at", vec![12, 13, 14, 15]),
    ];
    for (filter, text, expected) in cases {
        let filter = Filter::parse(filter, Field::JOBS).expect("a filter");
        assert_eq!(filter.letters(text), expected, "{filter:?} in {text}");
    }
}

#[test]
fn what_a_backend_can_answer_is_told_apart() {
    use JobStatus::{Failed, Runnable, Running, Starting};
    let of = |text| Filter::parse(text, Field::JOBS).expect("a filter");
    assert_eq!(of("status=failed").statuses(), Some(vec![Failed]));
    assert_eq!(of("status=running,failed").statuses(), Some(vec![Starting, Running, Failed]));
    assert_eq!(of("status=waiting status=runnable").statuses(), Some(vec![Runnable]));
    assert_eq!(of("status=stopping").statuses(), None);
    assert_eq!(of("status!=failed").statuses(), None);
    assert_eq!(of("queue=main name=etl*").only(Field::Name), Some("etl*"));
    assert_eq!(of("queue=main,high").only(Field::Queue), None);
    assert_eq!(of("!queue=main").only(Field::Queue), None);
    assert!(of("since=2h").is_timed() && of("!for>1m").is_timed() && !of("exit=1").is_timed());
}

crate::model::mutation::fuzz! {
    fn a_filter_that_is_almost_right_is_read_or_refused_and_lights_up_whole_letters(
        text in crate::model::mutation::mutated_text("status=failed -name=\"a b\" exit>=137 since<1h /re(s|z)/ word"),
    ) {
        const TEXTS: [&str; 3] = ["resize-4711 größer", "resize:14", "high"];
        let _ = Filter::parse(&text, Field::JOBS);
        let filter = Filter::of(&text, Field::JOBS);
        let _ = filter.passes(&Row { texts: &TEXTS, field: &failed });
        for text in TEXTS {
            proptest::prop_assert!(filter.letters(text).iter().all(|at| *at < text.chars().count()), "{}", text);
        }
    }
}
