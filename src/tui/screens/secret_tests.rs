//! No view, form, list, copy or file shows the value of what says that it is secret.

use super::view_tests::{VIEWS, full};
use crate::backend::Backend;
use crate::backend::scripted::{ScriptedBackend, World};
use crate::config::theme::Theme;
use crate::model::{JobId, KeyValuePair, SubmitJobRequest};
use crate::tui::requests::Ask;
use crate::tui::stage::Stage;
use futures::FutureExt;

const SECRET: &str = "hunter2";

fn variable() -> KeyValuePair {
    KeyValuePair { name: "API_TOKEN".into(), value: SECRET.into() }
}

/// A world in which each definition and each job has a secret among its variables and parameters.
fn secretive() -> World {
    let mut world = full();
    let ids: Vec<JobId> = world.jobs.iter().map(|job| job.job_id.clone()).collect();
    let backend = ScriptedBackend::new(world.clone());
    world.details = backend.describe_jobs(&ids).now_or_never().expect("at once").expect("known");
    let parameter = || ("password".to_owned(), SECRET.to_owned());
    for definition in &mut world.definitions {
        let container = definition.container_properties.get_or_insert_default();
        container.environment.extend([variable(), KeyValuePair { name: "MODE".into(), value: "fast".into() }]);
        definition.parameters.extend([parameter()]);
    }
    for detail in &mut world.details {
        detail.container.get_or_insert_default().environment.push(variable());
        detail.parameters.extend([parameter()]);
        let mut request = SubmitJobRequest::default();
        request.parameters.extend([parameter()]);
        request.container_overrides.get_or_insert_default().environment.push(variable());
        (request.job_name, request.job_queue) = (detail.job_name.clone(), detail.job_queue.clone());
        request.job_definition.clone_from(&detail.job_definition);
        detail.request = Some(Box::new(request));
    }
    world
}

fn stage(keys: &str) -> Stage {
    let mut stage = Stage::new(secretive(), (200, 60), Theme::default());
    stage.press(keys).expect("keys");
    stage
}

#[test]
fn no_view_shows_what_says_that_it_is_secret() {
    for (name, keys) in VIEWS {
        let text = stage(keys).text();
        assert!(!text.contains(SECRET), "{name}:\n{text}");
    }
    for keys in ["j Enter", "D G Enter"] {
        let text = stage(keys).text();
        assert!(text.contains("API_TOKEN") && text.contains("\u{2022}\u{2022}"), "{keys}:\n{text}");
    }
}

#[test]
fn no_form_shows_it_nor_the_line_that_does_the_same_nor_all_that_is_known_of_a_thing() {
    for keys in ["n", "j n", "j R", "j R tab tab", "s / \"render-88\" Enter c", "D G =", "3 d", "D d"] {
        let text = stage(keys).text();
        assert!(!text.contains(SECRET), "{keys}:\n{text}");
    }
    for keys in ["s / \"render-88\" Enter c", "3 d", "D d"] {
        let text = stage(keys).text();
        assert!(text.contains("API_TOKEN"), "{keys} has nothing to hide:\n{text}");
    }
}

#[test]
fn nothing_that_is_copied_or_written_has_it() {
    let mut stage = stage("D");
    let asked = |stage: &mut Stage, line: &str| {
        let now = stage.app.now;
        stage.app.take_line(line, now).into_iter().map(|request| request.ask).collect::<Vec<_>>()
    };
    for file in ["x.json", "x.csv"] {
        let written = asked(&mut stage, &format!("export {file}"));
        let [Ask::Save { text: Some(text), .. }] = written.as_slice() else { panic!("{written:?}") };
        assert!(text.contains("MODE") && !text.contains(SECRET), "{text}");
    }
}
