//! A log as people see it: searched, filtered, in levels and colours, at three sizes.

use crate::config::theme::{Role, Theme};
use crate::model::LogEvent;
use crate::tui::screens::recorded_world;
use crate::tui::stage::{Stage, lines};
use crate::tui::theme::{Depth, Styles};
use ratatui::style::{Color, Modifier, Style};

const SIZES: [(u16, u16); 3] = [(60, 20), (80, 24), (200, 60)];

/// The recorded world, in which `resize-4711` has written these lines, the last one just now.
fn stage(size: (u16, u16), written: &[String], keys: &str) -> Stage {
    let mut world = recorded_world();
    let now = world.now;
    let stream = world.logs.get_mut("resize/default/t4711").expect("recorded");
    let count = i64::try_from(written.len()).expect("few");
    let event = |(at, line): (usize, &String)| LogEvent {
        timestamp: now - (count - i64::try_from(at).expect("few")) * 1_000,
        message: line.clone(),
        ..LogEvent::default()
    };
    *stream = written.iter().enumerate().map(event).collect();
    let mut stage = Stage::new(world, size, Theme::default());
    stage.press("/ \"resize-4711\" Enter l").expect("keys");
    stage.press(keys).expect("keys");
    stage
}

fn frames(count: usize) -> Vec<String> {
    let line = |at: usize| match at % 500 {
        77 => format!("WARN slow read of frame {at}"),
        123 => format!("ERROR frame {at} is torn"),
        _ => format!("frame {at}/2400  41 fps"),
    };
    (0..count).map(line).collect()
}

fn mixed() -> Vec<String> {
    let text = "starting\n\
        {\"level\":\"info\",\"msg\":\"taking 3 clips\",\"queue\":\"high\",\"clips\":[1,2,3]}\n\
        2026-11-24 03:12:40 DEBUG cache is cold\n\
        2026-11-24 03:12:41 WARN slow read from s3://in/clip-4711.mov\n\
        2026-11-24 03:12:42 ERROR root: clip-4711 cannot be read\n\
        Traceback (most recent call last):\n\
        \x20 File \"resize.py\", line 41, in read\n\
        KeyError: 'clip-4711'\n\
        {\"severity\":\"ERROR\",\"message\":\"gave up\",\"attempts\":3,\"ts\":1764}\n\
        \u{1b}[32mdone\u{1b}[0m with \u{1b}[1;31m1 failure\u{1b}[0m";
    text.lines().map(str::to_owned).collect()
}

/// Where a text stands on the screen, and in which style.
fn style_of(stage: &Stage, text: &str) -> Style {
    let buffer = stage.draw();
    for (y, line) in lines(&buffer).iter().enumerate() {
        if let Some(at) = line.find(text) {
            let x = u16::try_from(crate::tui::format::width(&line[..at])).expect("a column");
            return buffer[(x, u16::try_from(y).expect("a line"))].style();
        }
    }
    panic!("`{text}` is not on the screen:\n{}", stage.text());
}

#[test]
fn a_search_shows_the_hit_with_what_stands_around_and_its_number() {
    for (columns, rows) in SIZES {
        let stage = stage((columns, rows), &frames(30_000), "/ \"torn\" Enter N N");
        insta::assert_snapshot!(format!("log_search@{columns}x{rows}"), stage.text());
    }
}

#[test]
fn a_long_name_leaves_room_for_which_log_it_is_and_whether_it_goes_on() {
    let long = "nightly-".repeat(15);
    let mut world = recorded_world();
    let jobs = world.jobs.iter_mut().filter(|job| job.job_name == "resize-4711");
    jobs.for_each(|job| job.job_name.clone_from(&long));
    for (columns, rows) in SIZES {
        let mut stage = Stage::new(world.clone(), (columns, rows), Theme::default());
        stage.press("/ \"nightly-nightly\" Enter").expect("keys");
        let text = stage.text();
        let title = text.lines().find(|line| line.contains("4 Log")).expect("a title");
        assert!(title.contains("· attempt 1") && title.contains("following ▼"), "{text}");
    }
}

#[test]
fn a_filter_shows_its_lines_alone() {
    for (columns, rows) in SIZES {
        let stage = stage((columns, rows), &frames(30_000), "& \"!/fps$\" Enter");
        insta::assert_snapshot!(format!("log_kept@{columns}x{rows}"), stage.text());
    }
    let nothing = stage((80, 24), &frames(300), "& \"nowhere\" Enter");
    insta::assert_snapshot!("log_kept_nothing@80x24", nothing.text());
}

#[test]
fn levels_json_and_traces_are_told_apart() {
    for (columns, rows) in SIZES {
        insta::assert_snapshot!(format!("log_mixed@{columns}x{rows}"), stage((columns, rows), &mixed(), "").text());
    }
    insta::assert_snapshot!("log_mixed_as_it_is@80x24", stage((80, 24), &mixed(), "J w t t").text());
}

#[test]
fn lines_have_the_colour_of_their_level_or_that_in_which_they_were_printed() {
    let styles = Styles::new(&Theme::default(), Depth::True);
    let plain = stage((80, 24), &mixed(), "");
    for (text, role) in [
        ("2026-11-24 03:12:41", Role::Attention),
        ("2026-11-24 03:12:42", Role::Failed),
        ("Traceback", Role::Failed),
        ("KeyError", Role::Failed),
        ("2026-11-24 03:12:40", Role::Dim),
        ("ERROR gave up", Role::Failed),
        ("attempts=", Role::Dim),
        ("done with", Role::Text),
    ] {
        assert_eq!(style_of(&plain, text).fg, styles.of(role).fg, "{text}");
    }
    let printed = stage((80, 24), &mixed(), "C");
    assert_eq!(style_of(&printed, "done with").fg, Some(Color::Indexed(2)));
    let failure = style_of(&printed, "1 failure");
    assert_eq!((failure.fg, failure.add_modifier.contains(Modifier::BOLD)), (Some(Color::Indexed(1)), true));
    assert_eq!(style_of(&printed, " with ").fg, styles.of(Role::Text).fg);
}

#[test]
fn a_hit_stands_out_in_its_line_and_the_line_among_the_others() {
    let styles = Styles::new(&Theme::default(), Depth::True);
    let stage = stage((80, 24), &frames(1_000), "/ \"23 is\" Enter");
    let hit = style_of(&stage, "23 is torn");
    assert!(hit.add_modifier.contains(Modifier::REVERSED) && hit.fg == styles.of(Role::Match).fg, "{hit:?}");
    assert_eq!(style_of(&stage, "ERROR frame 623").bg, styles.of(Role::Selected).bg);
    assert_ne!(style_of(&stage, "frame 624/").bg, styles.of(Role::Selected).bg);
}

#[test]
fn errors_are_gone_to_with_one_key() {
    let mut stage = stage((80, 24), &frames(3_000), "e");
    assert!(stage.text().contains("level:error 6 of 6"), "{}", stage.text());
    stage.press("E").expect("keys");
    assert!(stage.text().contains("level:error 5 of 6") && stage.text().contains("ERROR frame 2123"));
    stage.press("e e").expect("keys");
    assert!(stage.text().contains("goes on from the first line"), "{}", stage.text());
}

#[test]
fn only_the_last_minute_is_shown_and_all_again() {
    let mut stage = stage((80, 24), &frames(3_000), "1");
    assert!(stage.text().contains("last 1m"), "{}", stage.text());
    assert_eq!(stage.app.log.window.len(), 60);
    stage.press("2").expect("keys");
    assert_eq!(stage.app.log.window.len(), 300);
    stage.press("0").expect("keys");
    assert_eq!(stage.app.log.window.len(), 1_000);
    stage.press("1").expect("keys");
    stage.pass(3_600_000);
    stage.press("1").expect("keys");
    assert!(stage.text().contains("no line in the last 1m"), "{}", stage.text());
}

#[test]
fn a_torn_expression_is_told_while_it_is_typed_and_one_of_before_is_had_again() {
    let mut stage = stage((80, 24), &frames(300), "/ \"/to(rn\"");
    assert!(stage.text().contains("✖ `to(rn` is no regular expression"), "{}", stage.text());
    stage.press("Enter").expect("keys");
    assert!(stage.text().contains("/ /to(rn"), "it stays to be mended");
    stage.press("ctrl-u \"torn\" Enter / up").expect("keys");
    assert!(stage.text().lines().any(|line| line.starts_with(" / torn")), "{}", stage.text());
    stage.press("Esc Esc").expect("keys");
    assert!(stage.app.log.search.is_none() && stage.app.views.len() == 2, "the first Esc ends the search alone");
}

/// The recorded world, in which a job of three attempts and an array have logs.
fn merged(size: (u16, u16), keys: &str) -> Stage {
    use crate::model::{ArrayProperties, JobDetail, JobExtra, JobId, JobStatus, JobSummary, StatusCounts};
    let mut world = recorded_world();
    let now = world.now;
    let mut line = |stream: &str, ago: i64, text: &str| {
        let event = LogEvent { timestamp: now - ago, message: text.to_owned(), ..LogEvent::default() };
        world.logs.entry(stream.to_owned()).or_default().push(event);
    };
    for step in 0..40 {
        for child in 0..3 {
            let text = if step == 7 && child == 1 { "ERROR child 1 is out of luck" } else { "step done" };
            line(&format!("big/{child}"), 400_000 - step * 9_000 - child * 1_000, &format!("{text} {step}"));
        }
    }
    let mut counts = StatusCounts::default();
    counts.add(JobStatus::Running, 4);
    let array = |size, index, counts| ArrayProperties { size, index, status_summary: counts, ..Default::default() };
    let parent = JobSummary {
        job_id: JobId::from("big"),
        job_name: "big".into(),
        status: JobStatus::Pending,
        created_at: now - 500_000,
        array_properties: Some(array(Some(4), None, Some(counts))),
        ..JobSummary::default()
    };
    world.jobs.push(parent);
    for child in 0..4_u32 {
        let stream = (child < 3).then(|| format!("big/{child}"));
        world.jobs.push(JobSummary {
            job_id: JobId::from(format!("big:{child}").as_str()),
            job_name: "big".into(),
            status: if child < 3 { JobStatus::Running } else { JobStatus::Runnable },
            created_at: now - 500_000,
            started_at: (child < 3).then_some(now - 450_000),
            array_properties: Some(array(None, Some(child), None)),
            extra: Some(Box::new(JobExtra { attempt: 1, log_stream_name: stream, ..JobExtra::default() })),
            ..JobSummary::default()
        });
    }
    let id = world.jobs.iter().find(|job| job.job_name == "resize-4711").expect("recorded").job_id.clone();
    let attempts = serde_json::json!([
        { "container": { "logStreamName": "big/0" } }, { "container": { "logStreamName": "big/1" } },
    ]);
    world.details.retain(|detail| detail.job_id != id);
    world.details.push(JobDetail {
        job_id: id,
        job_name: "resize-4711".into(),
        status: JobStatus::Running,
        created_at: now - 500_000,
        attempts: serde_json::from_value(attempts).expect("attempts"),
        container: serde_json::from_value(serde_json::json!({ "logStreamName": "big/2" })).expect("a container"),
        ..JobDetail::default()
    });
    let mut stage = Stage::new(world, size, Theme::default());
    stage.press(keys).expect("keys");
    stage
}

#[test]
fn the_logs_of_all_children_are_read_as_one_by_time() {
    for (columns, rows) in SIZES {
        let stage = merged((columns, rows), "left / \"big\" Enter Enter M");
        insta::assert_snapshot!(format!("log_children@{columns}x{rows}"), stage.text());
    }
    let mut stage = merged((80, 24), "left / \"big\" Enter Enter M");
    let times: Vec<i64> = stage.app.log.window.lines().map(|line| line.at).collect();
    assert!(times.is_sorted() && times.len() == 120, "{}", times.len());
    stage.press("e").expect("keys");
    assert!(
        stage.text().contains("level:error 1 of 1") && stage.text().contains("1 ERROR child 1"),
        "{}",
        stage.text()
    );
    let style = style_of(&stage, "1 ERROR child 1");
    assert_ne!(style.fg, style_of(&stage, "2 step done").fg, "children are told apart");
    stage.press("Esc g").expect("keys");
    assert!(stage.text().contains("step done 0"), "{}", stage.text());
    stage.press("M").expect("keys");
    assert!(stage.app.log.merge.is_none() && !stage.text().contains("as one"), "{}", stage.text());
}

#[test]
fn the_logs_of_all_attempts_and_of_marked_jobs_are_read_as_one() {
    let stage = merged((80, 24), "/ \"resize-4711\" Enter M");
    assert!(stage.text().contains("3 attempts as one") && stage.text().contains("attempt 3 step"), "{}", stage.text());
    let stage = merged((120, 40), "Space Space M");
    assert!(stage.text().contains("2 jobs as one") && stage.text().contains("2 jobs ·"), "{}", stage.text());
}

#[test]
fn when_lines_and_errors_were_written_is_seen_above_them() {
    for (columns, rows) in SIZES {
        let stage = stage((columns, rows), &frames(3_000), "h");
        insta::assert_snapshot!(format!("log_histogram@{columns}x{rows}"), stage.text());
    }
}

#[test]
fn marked_lines_are_come_back_to_from_anywhere() {
    let mut stage = stage((80, 24), &frames(20_000), "'");
    assert!(stage.text().contains("no line of this log is marked"), "{}", stage.text());
    stage.press("/ \"frame 12123 \" Enter m g m").expect("keys");
    assert!(stage.text().contains("◆frame 0/") && stage.text().contains("2 marks"), "{}", stage.text());
    stage.press("'").expect("keys");
    assert!(stage.text().contains("◆ERROR frame 12123"), "{}", stage.text());
    stage.press("G '").expect("keys");
    assert!(stage.text().contains("◆frame 0/"), "{}", stage.text());
    stage.press("m").expect("keys");
    assert!(!stage.text().contains("◆frame 0/") && stage.app.log.marks.len() == 1, "{}", stage.text());
}

#[test]
fn a_log_is_saved_under_the_name_of_its_job_or_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.log");
    let mut stage = stage((80, 24), &frames(12_000), "o");
    assert!(stage.text().contains(" save to resize-4711-"), "{}", stage.text());
    stage.press(&format!("ctrl-u \"{}\" Enter", path.display())).expect("keys");
    assert!(stage.text().contains("✔ saved 12,000 lines to "), "{}", stage.text());
    assert!(std::fs::read_to_string(&path).expect("it is there").starts_with("frame 0/2400"));
    stage.press(&format!("o ctrl-u \"{}\" Enter", path.display())).expect("keys");
    assert!(stage.text().contains("is there already; give another name"), "{}", stage.text());
}
