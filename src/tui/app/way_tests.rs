//! Finding one's way: filters, the palette, going back, bookmarks, copies.

use super::list::{Scope, Sort, StateSet};
use super::{App, Popup, View};
use crate::backend::scripted::World;
use crate::config::kept::{Kept, Stop};
use crate::config::theme::Theme;
use crate::model::{JobId, JobStatus, JobSummary, Millis};
use crate::tui::action::Place;
use crate::tui::requests::{Ask, Program, Request};
use crate::tui::screens::recorded_world;
use crate::tui::stage::Stage;

fn stage_of(world: World, keys: &str) -> Stage {
    let mut stage = Stage::new(world, (120, 40), Theme::default());
    stage.press(keys).expect("keys");
    stage
}

fn stage(keys: &str) -> Stage {
    stage_of(recorded_world(), keys)
}

/// The names of the jobs that are listed.
fn listed(app: &App) -> Vec<String> {
    let rows = app.overview.jobs.rows(&app.store);
    rows.ids.iter().filter_map(|id| app.store.job(id)).map(|job| job.job_name.clone()).collect()
}

/// What a key asks of the outside.
fn asked(stage: &mut Stage, key: &str) -> Vec<Ask> {
    let now = stage.app.now;
    let chords = crate::tui::keymap::parse_sequence(key).expect("keys");
    let requests: Vec<Request> = chords.into_iter().flat_map(|chord| stage.app.key(chord, now)).collect();
    requests.into_iter().map(|request| request.ask).collect()
}

fn notice(stage: &Stage) -> String {
    stage.app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

#[test]
fn a_filter_of_fields_lists_the_states_that_it_asks_for_whatever_was_listed() {
    let stage = stage("/ \"status=failed\" Enter");
    let jobs = &stage.app.overview.jobs;
    assert_eq!((jobs.states, jobs.listed_states()), (StateSet::Running, StateSet::Failed));
    let rows = jobs.rows(&stage.app.store);
    assert!(!rows.ids.is_empty());
    assert!(rows.ids.iter().all(|id| stage.app.store.jobs[id].status == JobStatus::Failed));
    assert!(stage.text().contains("exit"), "the columns are those of failed jobs:\n{}", stage.text());
}

#[test]
fn a_filter_that_cannot_be_read_leaves_the_list_as_it_was_and_says_where_it_is_wrong() {
    let mut stage = stage("s s s s / \"'resize-4\" \" /(\"");
    assert!(listed(&stage.app).iter().all(|name| name.contains("resize-4")), "{:?}", listed(&stage.app));
    assert!(stage.text().contains("✖ letter 12: unclosed group"), "{}", stage.text());
    stage.press("Enter").expect("keys");
    assert_eq!(stage.app.place(), Place::Filter, "it stays to be mended");
    stage.press("backspace backspace Enter").expect("keys");
    assert_eq!(stage.app.overview.jobs.list.filter, "'resize-4 ");
}

#[test]
fn what_is_as_it_is_written_stands_before_what_matches_loosely_and_is_marked_alone() {
    let mut stage = stage("left / \"e-469\" Enter o");
    let names = listed(&stage.app);
    let close = names.iter().filter(|name| name.contains("e-469")).count();
    assert!(close > 1 && names[..close].iter().all(|name| name.contains("e-469")), "{names:?}");
    stage.press("/ ctrl-u \"e469\" Enter *").expect("keys");
    assert!(!listed(&stage.app).is_empty() && stage.app.overview.jobs.marked.is_empty());
    stage.press("/ ctrl-u \"e-469\" Enter *").expect("keys");
    assert_eq!(stage.app.overview.jobs.marked.len(), close);
}

#[test]
fn tab_completes_fields_and_their_values() {
    let stage = stage("/ \"que\" Tab \"hi\" Tab");
    let Some(Popup::Filter(input)) = stage.app.popups.last() else { panic!("the filter is typed") };
    assert_eq!(input.value(), "queue=high");
    assert_eq!(stage.app.overview.jobs.list.filter, "queue=high", "and takes effect");
}

/// A world of which the console fetches a part: the last page that it reads on its own ends before what is sought.
fn large_world() -> World {
    let mut world = recorded_world();
    let old: Vec<JobSummary> = (0..1_600)
        .map(|number| JobSummary {
            job_id: JobId(format!("00000000-0000-0000-0000-{number:012}")),
            job_name: if number == 3 { "needle".to_owned() } else { format!("hay-{number}") },
            status: JobStatus::Failed,
            created_at: Millis::from(number),
            stopped_at: Some(Millis::from(number)),
            ..Default::default()
        })
        .collect();
    world.jobs.extend(old);
    world
}

#[test]
fn what_was_not_fetched_is_looked_for_and_the_pane_says_what_was_searched() {
    let mut stage = stage_of(large_world(), "/ \"status=failed 'needle\"");
    assert_eq!(listed(&stage.app), Vec::<String>::new(), "it is not among what was fetched");
    assert!(stage.text().contains("Enter looks at the rest"), "{}", stage.text());
    stage.press("Enter").expect("keys");
    assert_eq!(listed(&stage.app), ["needle"]);
    let text = stage.text();
    assert!(text.contains("searched 1,6") && text.contains("failed in all queues"), "{text}");
    assert!(!text.contains("1+"), "nothing is left to look at:\n{text}");
}

#[test]
fn a_line_of_jobs_sets_queue_states_and_order_and_filters_by_the_rest() {
    let stage = stage(": \"jobs queue=high status=failed sort=-name exit=1\" Enter");
    let jobs = &stage.app.overview.jobs;
    assert_eq!(jobs.scope, Scope::Queue("high".into()));
    assert_eq!((jobs.states, jobs.sort, jobs.reversed), (StateSet::Failed, Some(Sort::Name), true));
    assert_eq!(jobs.list.filter, "exit=1");
    assert_eq!(stage.app.kept.history, ["jobs queue=high status=failed sort=-name exit=1"]);
}

#[test]
fn a_line_that_is_wrong_says_why_and_stays_to_be_mended() {
    let cases = [
        ("jobs exit=many", "`exit` takes a number"),
        ("jobs sort=xyz", "`sort` takes turn, age"),
        ("queue hgih", "there is no queue `hgih`; the nearest is `high`"),
        ("job xyzzy", "no job `xyzzy` among those that were fetched"),
        ("theme midnigth", "the nearest is `midnight`"),
        ("view nowhere", "no view is saved as `nowhere`"),
        ("xyzzy", "`xyzzy` is no command here"),
        ("export x.pdf", "`.pdf` is not written"),
    ];
    for (line, expected) in cases {
        let stage = stage(&format!(": \"{line}\" Enter"));
        let Some(Popup::Palette(palette)) = stage.app.popups.last() else { panic!("{line}: it stays") };
        let error = palette.error.clone().unwrap_or_default();
        assert!(error.contains(expected), "{line}: {error}");
        assert_eq!(palette.input.value(), line);
        assert!(stage.app.kept.history.is_empty(), "{line}");
    }
}

#[test]
fn tab_completes_lines_and_what_was_run_is_offered_again() {
    let mut stage = stage(": \"jobs qu\" Tab \"hi\" Tab");
    let Some(Popup::Palette(palette)) = stage.app.popups.last() else { panic!("the palette") };
    assert_eq!(palette.input.value(), "jobs queue=high");
    stage.press("Enter : Enter").expect("keys");
    assert_eq!(stage.app.overview.jobs.scope, Scope::Queue("high".into()));
    assert_eq!(stage.app.kept.history, ["jobs queue=high"]);
}

#[test]
fn an_action_that_must_be_told_of_what_asks_for_it() {
    let stage = stage(": \"queue\" Enter");
    let Some(Popup::Palette(palette)) = stage.app.popups.last() else { panic!("it asks") };
    assert_eq!(palette.input.value(), "queue ");
    let names: Vec<&str> = palette.items().map(|item| item.name.as_str()).collect();
    assert!(names.contains(&"queue high"), "{names:?}");
}

#[test]
fn the_view_before_is_one_key_away_and_one_can_go_back_and_forward() {
    let mut stage = stage("j Enter");
    let job = stage.app.whereabouts();
    stage.press("S").expect("keys");
    let schedules = stage.app.whereabouts();
    assert_ne!(job, schedules);
    stage.press("-").expect("keys");
    assert_eq!(stage.app.whereabouts(), job);
    stage.press("-").expect("keys");
    assert_eq!(stage.app.whereabouts(), schedules);
    stage.press("alt-left alt-left").expect("keys");
    assert_eq!(stage.app.views.len(), 1, "{:?}", stage.app.whereabouts());
    stage.press("alt-right").expect("keys");
    assert_eq!(stage.app.whereabouts(), job);
    stage.press("alt-right alt-right alt-right").expect("keys");
    assert!(notice(&stage).contains("no view after"), "{}", notice(&stage));
}

#[test]
fn going_back_keeps_filter_order_and_cursor() {
    let mut stage = stage("3 / \"e\" Enter o j j");
    let (line, cursor) = (stage.app.trail(), stage.app.overview.jobs.list.cursor.key().map(str::to_owned));
    stage.press("S Enter Esc -").expect("keys");
    stage.press("-").expect("keys");
    assert_eq!(stage.app.views.len(), 2, "in the schedules again");
    stage.press("-").expect("keys");
    assert_eq!(stage.app.trail(), line);
    assert_eq!(stage.app.overview.jobs.list.cursor.key().map(str::to_owned), cursor);
}

#[test]
fn every_view_has_a_line_that_leads_back_to_it() {
    for keys in [
        "3 s s",
        "1 / \"high\" Enter",
        "2",
        "j Enter",
        "j j j Enter",
        "j l",
        "2 j Enter",
        "S",
        "D / \"e\" Enter",
        "D Enter",
        "A",
        "j w",
        "1 w",
        "2 w",
    ] {
        let mut stage = stage(keys);
        let (trail, views) = (stage.app.trail(), stage.app.views.len());
        stage.press("v o").expect("keys");
        stage.app.go(&trail);
        stage.rest();
        assert_eq!(stage.app.trail(), trail, "{keys}");
        assert_eq!(stage.app.views.len(), views, "{keys}");
    }
}

#[test]
fn a_console_goes_back_where_the_last_one_was() {
    let mut before = stage("3 s s j j Enter");
    let trail = before.app.trail();
    before.press("q").expect("keys");
    let kept = Kept { left: [("local".to_owned(), trail.clone())].into(), ..Kept::default() };
    let mut stage = Stage::new(recorded_world(), (120, 40), Theme::default());
    let context = stage.app.setting.context.clone();
    stage.app.kept = Kept { left: [(context, trail.clone())].into(), ..kept };
    stage.app.resume();
    stage.rest();
    assert_eq!(stage.app.trail(), trail);
}

#[test]
fn a_job_that_turns_out_to_be_an_array_is_shown_as_one() {
    let mut stage = stage("");
    let array = stage.app.store.jobs.values().find(|job| job.is_array_parent()).expect("an array").job_id.clone();
    let row = stage.app.store.jobs.remove(&array).expect("its row");
    stage
        .app
        .go(&[Stop { line: "jobs running".into(), cursor: None }, Stop { line: format!("job {array}"), cursor: None }]);
    assert!(matches!(stage.app.view(), View::Job { .. }));
    stage.app.store.put_page(vec![row]);
    stage.rest();
    assert!(matches!(stage.app.view(), View::Array { .. }));
}

#[test]
fn views_are_saved_shown_and_forgotten_by_name() {
    let mut stage = stage("s s / \"exit=1\" Enter : \"save bad nights\" Enter");
    assert_eq!(stage.app.kept.views["bad nights"], "jobs failed exit=1");
    stage.press("/ ctrl-u Enter left left : \"view bad nights\" Enter").expect("keys");
    let jobs = &stage.app.overview.jobs;
    assert_eq!((jobs.states, jobs.list.filter.as_str()), (StateSet::Failed, "exit=1"));
    stage.press(": \"forget bad nights\" Enter").expect("keys");
    assert!(stage.app.kept.views.is_empty());
}

#[test]
fn a_bookmark_leads_back_and_is_taken_away_where_it_was_set() {
    let mut stage = stage("B");
    assert!(notice(&stage).contains("no bookmarks yet"));
    stage.press("j Enter b S").expect("keys");
    stage.press("B Enter").expect("keys");
    assert!(matches!(stage.app.view(), View::Job { .. }));
    stage.press("b").expect("keys");
    assert!(stage.app.kept.bookmarks.is_empty());
}

#[test]
fn what_is_under_the_cursor_is_copied_by_its_id_or_name() {
    let mut stage = stage("3");
    let id = stage.app.selected_job().expect("a job").to_string();
    assert!(asked(&mut stage, "y").contains(&Ask::Copy(id)));
    let mut stage = self::stage("1 j");
    assert!(asked(&mut stage, "y").contains(&Ask::Copy("default".into())));
    let mut stage = self::stage("1 j Y \"ARN\"");
    let [Ask::Copy(arn)] = &asked(&mut stage, "Enter")[..] else { panic!("a copy") };
    assert!(arn.ends_with("job-queue/default"), "{arn}");
}

#[test]
fn what_is_under_the_cursor_is_described_and_handed_over() {
    let stage = stage("3 d");
    assert!(stage.text().contains("\"jobId\""), "{}", stage.text());
    let mut stage = self::stage("1 j v");
    let [Ask::Hand { program: Program::Pager, name, text }] = &asked(&mut stage, "v")[..] else { panic!("handed") };
    assert_eq!(name, "default.json");
    assert!(text.contains("\"jobQueueName\": \"default\""));
}

#[test]
fn rows_are_written_by_what_the_files_name_ends_in() {
    let mut stage = stage("1 : \"export q.csv\"");
    let save = asked(&mut stage, "Enter").into_iter().find(|ask| matches!(ask, Ask::Save { .. }));
    let Some(Ask::Save { path, over: false, text: Some(text) }) = save else { panic!("{save:?}") };
    assert_eq!(path.to_str(), Some("q.csv"));
    assert_eq!(text.lines().count(), stage.app.store.queues.len() + 1);
    let mut stage = self::stage("3 : \"export now.txt !\"");
    let save = asked(&mut stage, "Enter").into_iter().find(|ask| matches!(ask, Ask::Save { .. }));
    assert!(matches!(save, Some(Ask::Save { over: true, text: None, .. })), "the screen as it is: {save:?}");
    let stage = self::stage("W");
    let Some(Popup::Palette(palette)) = stage.app.popups.last() else { panic!("a name to change") };
    assert!(palette.input.value().starts_with("export batchdeck-jobs-2"), "{}", palette.input.value());
}

#[test]
fn a_name_that_is_proposed_gives_way_to_one_that_is_typed_and_can_be_changed_as_well() {
    let proposed = |keys: &str| match stage(keys).app.popups.last() {
        Some(Popup::Palette(palette)) => palette.input.value().to_owned(),
        Some(Popup::Prompt(prompt)) => prompt.input.value().to_owned(),
        other => panic!("{other:?}"),
    };
    let whole = proposed("W");
    assert!(whole.starts_with("export batchdeck-jobs-") && whole.contains(".txt"), "{whole}");
    for (keys, expected) in [
        ("W \"q.csv\"", "export q.csv".to_owned()),
        ("W backspace", "export ".to_owned()),
        ("W backspace \"a\"", "export a".to_owned()),
        ("W left backspace", whole.replace("txt", "tt")),
        ("W end backspace", whole.replace(".txt", ".tx")),
        ("W ctrl-u \"q\"", "q".to_owned()),
        ("l o \"mine\"", "mine".to_owned()),
        ("l o end \".1\"", proposed("l o") + ".1"),
    ] {
        assert_eq!(proposed(keys), expected, "{keys}");
    }
}

#[test]
fn in_a_log_the_line_or_the_marked_lines_are_copied() {
    let mut stage = Stage::new(recorded_world(), (80, 24), Theme::default());
    stage.press("/ \"resize-4711\" Enter l g").expect("keys");
    let first = stage.app.log.window.lines().next().expect("lines").text.clone();
    assert_eq!(asked(&mut stage, "y"), [Ask::Copy(first.clone())]);
    stage.press("m / \"WARN\" Enter m").expect("keys");
    let marked = stage.app.log.marked_lines().join("\n");
    assert!(marked.starts_with(&first) && marked.lines().count() == 2, "{marked}");
    assert_eq!(asked(&mut stage, "y"), [Ask::Copy(marked)]);
    stage.press("Y").expect("keys");
    let text = stage.text();
    assert!(
        text.contains("the marked lines") && text.contains("the line ") && text.contains("lines that are held"),
        "{text}"
    );
}
