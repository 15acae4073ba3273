//! Screens as people see them, in letters.

use crate::backend::scripted::{Can, World};
use crate::config::keys::KeyBindings;
use crate::config::theme::Theme;
use crate::model::{InstanceState, JobDependency, JobDetail, JobExtra, JobId, JobStatus, JobSummary, StatusCounts};
use crate::tui::keymap::Keymap;
use crate::tui::stage::Stage;
use std::path::Path;

/// The recorded world of the tests and the pictures.
pub(crate) fn world() -> World {
    World::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/world.json")).expect("the recorded world")
}

pub(super) const SMALL: (u16, u16) = (80, 24);
pub(super) const LARGE: (u16, u16) = (200, 60);

pub(super) fn stage(size: (u16, u16), keys: &str) -> Stage {
    let mut stage = Stage::new(world(), size, Theme::default());
    stage.press(keys).expect("keys");
    stage
}

/// Takes a snapshot of each screen at both sizes.
fn check(name: &str, keys: &str) {
    check_in(&world(), name, keys);
}

/// The same of another world.
pub(super) fn check_in(world: &World, name: &str, keys: &str) {
    for (size, label) in [(SMALL, "80x24"), (LARGE, "200x60")] {
        let mut stage = Stage::new(world.clone(), size, Theme::default());
        stage.press(keys).expect("keys");
        insta::assert_snapshot!(format!("{name}@{label}"), stage.text());
    }
}

fn check_small(name: &str, keys: &str) {
    insta::assert_snapshot!(format!("{name}@80x24"), stage(SMALL, keys).text());
}

#[test]
fn the_overview_shows_four_panes_at_once() {
    check("overview", "j");
}

#[test]
fn each_set_of_states_has_the_columns_that_matter_for_it() {
    check("waiting", "s j j j");
    check("failed", "s s");
    check_small("succeeded", "s s s");
    check_small("all", "left g");
}

#[test]
fn a_pane_fills_the_screen() {
    check_small("zoomed_queues", "1 z");
    check_small("zoomed_log", "j 4 z");
}

#[test]
fn each_pane_grows_and_shrinks_and_none_goes_away() {
    let heights = |stage: &Stage| {
        stage.draw();
        let of = |pane: crate::tui::app::Pane| {
            let spots = stage.app.spots.borrow();
            let spot = spots.iter().find(|spot| spot.what == crate::tui::spots::What::Pane(pane));
            spot.map_or(0, |spot| spot.area.height)
        };
        crate::tui::app::Pane::EACH.map(of)
    };
    for size in [SMALL, LARGE] {
        let before = heights(&stage(size, ""));
        for (at, key) in ["1", "2", "3", "4"].into_iter().enumerate() {
            let grown = heights(&stage(size, &format!("{key} +")));
            assert_eq!(grown[at], before[at] + 2, "{key} at {size:?}: {grown:?}");
            let shrunk = heights(&stage(size, &format!("{key} + _")));
            assert_eq!(shrunk, before, "{key} at {size:?}");
            for way in ["+", "_"] {
                let far = heights(&stage(size, &format!("{key}{}", format!(" {way}").repeat(60))));
                assert!(far.iter().all(|height| *height >= 4), "{key} {way} at {size:?}: {far:?}");
                // As far as it goes, and back by one step.
                let back = if way == "+" { "_" } else { "+" };
                let one = heights(&stage(size, &format!("{key}{} {back}", format!(" {way}").repeat(60))));
                assert_ne!(one, far, "{key} {way} at {size:?}");
            }
        }
    }
}

#[test]
fn a_filter_shows_what_it_hides() {
    check_small("filtered", "/ \"RESIZE 47\" Enter");
    check_small("filtered_to_nothing", "/ \"nothing like it\"");
}

#[test]
fn a_job_shows_its_fields_attempts_and_log() {
    check("job_running", "j Enter");
    check("job_failed", "s s Enter");
    check_small("job_failed_scrolled", "s s Enter G");
    check_small("log_of_an_earlier_attempt", "s s l [");
}

#[test]
fn an_array_shows_its_children_and_their_states() {
    check("array", "j j j Enter");
    check_small("array_failed", "j j j Enter s s");
    check_small("array_rerun", "j j j Enter R");
    insta::assert_snapshot!("array@60x20", stage((60, 20), "j j j Enter").text());
}

#[test]
fn other_screens() {
    check("instances", "2 j Enter");
    check("schedules", "S");
    check("definitions", "D");
    check_small("definition", "D G Enter");
    check("audit", "A");
    check_small("audit_entry", "A Enter");
}

const NARROW: (u16, u16) = (60, 20);

/// As [`check`], and at a small size too.
fn check_three(name: &str, keys: &str) {
    check(name, keys);
    insta::assert_snapshot!(format!("{name}@60x20"), stage(NARROW, keys).text());
}

#[test]
fn failures_are_groups_that_open_to_their_jobs_and_are_run_again() {
    check_three("failures", "E");
    check_small("failures_of_a_week", "E s");
    check_small("failures_of_15_minutes", "E [ [");
    check_small("failures_filtered", "E / \"etl\" Enter");
    check("failures_group", "E Enter");
    check_small("failures_rerun", "E R");
}

#[test]
fn where_nothing_failed_and_nothing_ended_that_is_said() {
    let empty = World { now: world().now, ..World::default() };
    let mut stage = Stage::new(empty, SMALL, Theme::default());
    stage.press("E").expect("keys");
    assert!(stage.text().contains("✔ nothing failed in the last 24 h; s looks further back"), "{}", stage.text());
    stage.press("P").expect("keys");
    insta::assert_snapshot!("pulse_empty@80x24", stage.text());
}

#[test]
fn on_aws_the_pulse_is_of_what_is_listed_and_says_what_it_does_not_know() {
    let mut world = world();
    world.can = Can { pushes_changes: false, instances: false, audit: false, costs: false, ..Can::default() };
    world.environments.iter_mut().for_each(|environment| environment.capacity = None);
    let mut stage = Stage::new(world, SMALL, Theme::default());
    stage.press("P").expect("keys");
    insta::assert_snapshot!("pulse_aws@80x24", stage.text());
}

#[test]
fn dependencies_are_trees_with_the_root_blocker_named() {
    check_three("tree", "s / \"pack-9\" Enter t");
    check_small("tree_of_one_that_waits_for_none", "j t");
    check_small("tree_root_blocker", "s / \"publish-9\" Enter t b");
}

#[test]
fn the_pulse_shows_what_ended_waits_costs_and_changed() {
    check_three("pulse", "P");
}

#[test]
fn why_shows_causes_evidence_and_steps_and_when_it_moves() {
    check("why_stuck", "s / \"render-88\" Enter w");
    check("why_failed", "s s w");
    check("why_healthy", "j w");
    check_small("why_waits_for_another", "s / \"publish-9\" Enter w");
    check_small("why_queue", "1 G w");
    check_small("why_environment", "2 g w");
    insta::assert_snapshot!("why_stuck@40x10", stage((40, 10), "s / \"render-88\" Enter w j").text());
}

#[test]
fn no_line_of_the_help_is_cut_where_there_is_little_room() {
    for (columns, keys) in [(80, "?"), (80, "j l ?"), (80, "2 ?"), (80, "S ?"), (60, "?")] {
        let text = stage((columns, 200), keys).text();
        let help = text.lines().skip_while(|line| !line.contains("Keys in")).take_while(|line| !line.contains('└'));
        let cut: Vec<&str> = help.filter(|line| line.contains("… │") || line.contains("…│")).collect();
        assert!(cut.is_empty(), "{cut:#?}");
    }
}

#[test]
fn help_lists_the_keys_of_the_place() {
    check("help_jobs", "?");
    check_small("help_schedules", "S ?");
}

#[test]
fn forms_say_what_they_will_do() {
    check("submit", "n");
    check_small("submit_wrong", "n tab tab \"-bad\" tab tab tab tab \"1\"");
    check_small("submit_again", "j c");
    check("stop_one", "j x \"wrong input bucket\"");
    check_small("stop_several", "s s s s * x");
    check_small("priority_of_a_job", "s p");
    check_small("priority_of_a_queue", "1 j p");
    check_small("disable_queue", "1 j e");
    check_small("disable_environment", "2 j e");
    check_small("interrupt", "2 j Enter x tab \"a drill\"");
}

#[test]
fn what_stopping_an_array_means_is_read_whole_on_a_small_screen() {
    let mut world = world();
    let array = world.jobs.iter_mut().find(|job| job.is_array_parent()).expect("an array");
    let of_many = StatusCounts([(JobStatus::Running, 1_234), (JobStatus::Runnable, 8_765)].into());
    array.array_properties.as_mut().expect("an array").status_summary = Some(of_many);
    let mut stage = Stage::new(world, SMALL, Theme::default());
    stage.press("left / \"'render-frames\" Enter x").expect("keys");
    assert!(stage.text().contains("terminate: 1,234 running, 8,765 waiting │"), "{}", stage.text());
}

#[test]
fn the_title_of_help_names_the_key_that_closes_it() {
    let mut stage = Stage::new(world(), SMALL, Theme::default());
    let own = KeyBindings([("back".to_owned(), vec!["ctrl-g".to_owned()])].into());
    stage.app.keymap = Keymap::new(&own).expect("a keymap");
    stage.press("?").expect("keys");
    assert!(stage.text().contains("Keys in jobs · ctrl-g closes"), "{}", stage.text());
    stage.press("ctrl-g").expect("keys");
    assert!(!stage.text().contains("Keys in jobs"), "{}", stage.text());
}

#[test]
fn a_field_that_is_wrong_and_has_the_keys_shows_both() {
    let mut stage = Stage::new(world(), SMALL, Theme::default());
    stage.press("n tab tab \"-bad\"").expect("keys");
    assert!(stage.text().contains("│ ▸✖Name"), "{}", stage.text());
    stage.press("tab").expect("keys");
    assert!(stage.text().contains("│ ✖ Name"), "{}", stage.text());
}

#[test]
fn a_form_on_few_lines_says_how_much_of_it_is_not_shown_and_can_be_scrolled_to_all_of_it() {
    for (name, keys) in [
        ("few_submit", "n"),
        ("few_submit_last_field", "n backtab backtab backtab"),
        ("few_submit_scrolled", "n pagedown pagedown"),
        ("few_stop", "s s s s * x"),
        ("few_schedule", "S n \"nightly\" tab \"cron(30 2 ? * MON-FRI *)\" tab ctrl-u \"Europe/Zurich\""),
    ] {
        for size in [NARROW, SMALL] {
            insta::assert_snapshot!(format!("{name}@{}x{}", size.0, size.1), stage(size, keys).text());
        }
    }
    // Each line is seen on some page, and a key that is typed comes back to its field.
    let mut form = stage(NARROW, "n");
    let mut seen = form.text();
    for _ in 0..4 {
        form.press("pagedown").expect("keys");
        seen += &form.text();
    }
    for line in ["Queue", "Timeout", "Fits", "Costs", "Same by hand", "Calls"] {
        assert!(seen.contains(line), "{line} is nowhere in\n{seen}");
    }
    assert!(!form.text().contains("Queue"), "{}", form.text());
    form.press("tab").expect("keys");
    assert!(form.text().contains("▸ Definition"), "{}", form.text());
}

#[test]
fn the_schedule_editor_shows_the_times_to_come_or_what_is_wrong() {
    check("schedule_new", "S n \"nightly\" tab \"cron(30 2 ? * MON-FRI *)\" tab ctrl-u \"Europe/Zurich\"");
    check_small("schedule_wrong", "S n \"nightly\" tab \"cron(30 2 * * * *)\"");
    check_small("schedule_empty", "S n");
    check_small("schedule_edit", "S j Enter");
    check_small("schedule_pause", "S j p");
    check_small("schedule_delete", "S j x");
}

#[test]
fn the_palette_finds_actions_and_things() {
    check_small("palette", ":");
    check_small("palette_found", ": \"them day\"");
    check_small("pending_key", "v");
}

#[test]
fn a_fresh_machine_says_what_to_press() {
    let empty = World { now: world().now, ..World::default() };
    let mut stage = Stage::new(empty, SMALL, Theme::default());
    insta::assert_snapshot!("empty@80x24", stage.text());
    stage.press("i").expect("keys");
    insta::assert_snapshot!("empty_begin@80x24", stage.text());
}

#[test]
fn what_the_backend_cannot_do_is_not_offered() {
    let mut world = world();
    world.can = Can {
        reprioritise_job: false,
        hold: false,
        instances: false,
        schedules: false,
        audit: false,
        costs: false,
        pushes_changes: false,
    };
    for queue in &mut world.queues {
        queue.job_counts_partial = true;
    }
    for environment in &mut world.environments {
        environment.capacity = None;
    }
    for job in &mut world.jobs {
        job.extra = None;
    }
    let mut stage = Stage::new(world, SMALL, Theme::default());
    stage.press("s").expect("keys");
    insta::assert_snapshot!("aws_waiting@80x24", stage.text());
    stage.press("p").expect("keys");
    insta::assert_snapshot!("aws_ways@80x24", stage.text());
}

#[test]
fn what_replacing_a_waiting_job_comes_to_is_shown_before() {
    let mut world = world();
    world.can.reprioritise_job = false;
    let root = world
        .jobs
        .iter()
        .find(|job| job.status == JobStatus::Runnable && !job.has_parts() && job.job_id.part().is_none());
    let root = root.expect("one waits").clone();
    let next = JobDetail {
        job_id: "77777777-0000-4000-8000-000000000001".into(),
        job_name: "publish".into(),
        job_queue: "arn:aws:batch:us-east-1:123456789012:job-queue/default".into(),
        status: JobStatus::Pending,
        depends_on: vec![JobDependency { job_id: Some(root.job_id.clone()), kind: None }],
        ..Default::default()
    };
    world.jobs.push(JobSummary {
        job_id: next.job_id.clone(),
        job_name: next.job_name.clone(),
        status: next.status,
        ..Default::default()
    });
    world.details.push(next);
    let mut stage = Stage::new(world, SMALL, Theme::default());
    let requests = stage.app.take_line(&format!("job {}", root.job_id), stage.app.now);
    assert!(stage.app.notice.is_none(), "{requests:?}");
    stage.press("p Enter").expect("keys");
    insta::assert_snapshot!("replace@80x24", stage.text());
    // What happens to those behind it, and what is wrong.
    stage.press("\"default\" tab tab tab \"fail\" tab \"customer waits\"").expect("keys");
    insta::assert_snapshot!("replace_alone@80x24", stage.text());
}

#[test]
fn small_screens_show_less_and_tiny_ones_say_so() {
    insta::assert_snapshot!("overview@60x20", stage((60, 20), "").text());
    insta::assert_snapshot!("overview@40x10", stage((40, 10), "").text());
    insta::assert_snapshot!("job@40x10", stage((40, 10), "j Enter").text());
    insta::assert_snapshot!("submit@40x10", stage((40, 10), "n tab tab tab tab").text());
    insta::assert_snapshot!("overview@30x5", stage((30, 5), "").text());
}

#[test]
fn the_record_tells_who_did_what_to_what_and_what_came_of_it_on_a_small_screen() {
    let text = stage(SMALL, "A").text();
    for part in ["mira@ops-1", "ReprioritiseJob", "urgent-fix", "priority 0 -> 500", "customer waits, OPS-311"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(stage(SMALL, "A j").text().contains("night shift ends"), "the reason is that of the selected entry");
}

#[test]
fn what_a_job_prints_cannot_reach_the_terminal_as_a_control_sequence() {
    let stage = stage(SMALL, "j");
    assert!(stage.backend.world().logs["resize/default/t4711"].iter().any(|line| line.message.contains('\u{1b}')));
    let buffer = stage.draw();
    assert!(buffer.content().iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
    assert!(stage.text().contains("frame 1637/2400  40 fps"));
}

#[test]
fn nothing_moves_when_a_number_grows() {
    let before = stage(SMALL, "");
    let mut world = world();
    for queue in &mut world.queues {
        if let Some(counts) = &mut queue.job_counts {
            counts.add(JobStatus::Runnable, 123_000);
        }
    }
    let after = Stage::new(world, SMALL, Theme::default());
    let columns = |text: &str| -> Vec<usize> {
        text.lines().nth(2).expect("a row").match_indices('●').map(|(at, _)| at).collect()
    };
    assert_eq!(columns(&before.text()), columns(&after.text()));
}

/// A stage with `count` more failed jobs in the queue `high`.
fn crowded(size: (u16, u16), count: usize, keys: &str) -> Stage {
    let mut world = world();
    world.jobs.extend((0..count).map(|number| JobSummary {
        job_id: JobId(format!("f{number}")),
        job_name: format!("fails-{number}"),
        status: JobStatus::Failed,
        extra: Some(Box::new(JobExtra { job_queue: "high".into(), ..Default::default() })),
        ..Default::default()
    }));
    let mut stage = Stage::new(world, size, Theme::default());
    stage.press(keys).expect("keys");
    stage
}

#[test]
fn the_title_of_the_jobs_keeps_place_and_order_however_large_the_counts() {
    let cases = [
        ((80, 24), "o", ["[run 4] wait 8 fail 1,0", " of 4 ", "age ↑"]),
        ((80, 24), "o O", ["[run 4] wait 8 fail 1,0", " of 4 ", "age ↓"]),
        ((80, 24), "1 Enter s s o", ["3 Jobs in high · ", "[fail 996+] all 1,000+", "996 of 996+ · age ↑"]),
        ((80, 24), "s s Space Space Space o", ["[fail 1,0", " 3 marked · ", "age ↑"]),
        ((60, 20), "s s o g", ["[fail 1,0", "1 of 1,0", "age ↑"]),
        ((80, 24), "s s o / \"'fails-1\" Enter g", ["/'fails-1", " 1 of 1", "age ↑"]),
    ];
    for (size, keys, expected) in cases {
        let text = crowded(size, 1_000, keys).text();
        let title = text.lines().find(|line| line.contains("3 Jobs")).expect("a title").to_owned();
        for part in expected {
            assert!(title.contains(part), "{keys}: `{part}` in {title}");
        }
    }
}

#[test]
fn the_header_says_what_it_counts() {
    assert!(stage(SMALL, "").text().lines().next().is_some_and(|line| line.contains("all queues: ")));
    assert!(stage(LARGE, "").text().lines().next().is_some_and(|line| line.contains("all queues, children counted: ")));
}

#[test]
fn rows_that_do_not_fit_are_counted_in_the_frame() {
    let text = stage((60, 20), "left").text();
    assert!(text.lines().any(|line| line.starts_with('└') && line.contains(" ↓")), "{text}");
    let text = stage((60, 20), "left G").text();
    assert!(text.lines().any(|line| line.starts_with('└') && line.contains(" ↑")), "{text}");
    assert!(stage((60, 20), "").text().contains("└─ 2 environments "), "the pane that is not shown is named");
    assert!(stage((60, 20), "2").text().contains("└─ 1 queues "));
}

#[test]
fn an_instance_that_boots_or_has_its_notice_counts_down() {
    let mut world = world();
    let now = world.now;
    let environment = world.environments.iter_mut().find(|found| found.compute_environment_name == "local");
    let environment = environment.expect("is there");
    environment.tags.insert("batchdeck:boot-seconds".into(), "90".into());
    environment.tags.insert("batchdeck:overcommit".into(), "true".into());
    let capacity = environment.capacity.as_mut().expect("ours");
    let [first, second] = capacity.instances.as_mut_slice() else { panic!("two") };
    (first.state, first.interrupted_at) = (InstanceState::Draining, Some(now + 100_000));
    (second.state, second.ready_at) = (InstanceState::Pending, Some(now + 42_000));
    let mut stage = Stage::new(world, SMALL, Theme::default());
    stage.press("2 j Enter").expect("keys");
    insta::assert_snapshot!("instances_counting_down@80x24", stage.text());
    assert!(stage.app.next_wake() <= stage.app.now + 1_000, "it is drawn each second");
    stage.press("Enter").expect("keys");
    insta::assert_snapshot!("instance_with_its_notice@80x24", stage.text());
    stage.pass(101_000);
    assert!(!stage.text().contains("ends "), "what is over is not counted down: {}", stage.text());
}
