//! Roles that are assumed with a code of a device, as people and scripts meet them: on a moto server, which takes any code.

use crate::aws::world;
use crate::console_aws::house_at;
use crate::support::{House, Key};

const DEVICE: &str = "arn:aws:iam::123456789012:mfa/ann";

/// A house whose AWS files have the profile `ops`, which assumes a role with a code.
fn house(endpoint: &str) -> House {
    let house = house_at(endpoint);
    let file = house.path().join("aws-config");
    let profiles = format!(
        "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = hush\n\
         [profile ops]\nrole_arn = arn:aws:iam::123456789012:role/ops\nmfa_serial = {DEVICE}\nsource_profile = base\n"
    );
    std::fs::write(&file, profiles).expect("writes");
    house.with_variable("AWS_CONFIG_FILE", &file.display().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_asks_for_the_code_in_one_field_and_the_session_serves_the_verbs_too() {
    let Some(world) = world().await else { return };
    let house = house(&world.moto.endpoint());
    let verb = ["--context", "ops", "queues", "-o", "json"];
    let refused = house.command_within(&["setsid", "--wait"], &verb).output().expect("runs");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("there is no terminal to type it on"), "{told}");
    assert!(told.contains("batchdeck queues --context ops"), "{told}");

    let mut console = house.open(&["--context", "ops", "--write"], 80, 24);
    console.wait_for(&format!("code of {DEVICE}:"));
    console.press(Key::Esc);
    console.wait_for("`:mfa` asks for it again");
    console.type_text(":mfa");
    console.press(Key::Enter);
    console.wait_for(&format!("code of {DEVICE}:"));
    console.type_text("12345");
    console.press(Key::Enter);
    console.wait_for("has six digits");
    console.wait_for(&format!("code of {DEVICE}:"));
    console.type_text("123456");
    console.press(Key::Enter);
    console.wait_for("aws ok · polled");
    console.wait_for("main");
    console.type_text("q");
    assert!(console.wait_end().success());

    // The session outlives the console.
    let served = house.command_within(&["setsid", "--wait"], &verb).output().expect("runs");
    assert!(served.status.success(), "{}", String::from_utf8_lossy(&served.stderr));
    assert!(String::from_utf8_lossy(&served.stdout).contains("main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_asks_for_the_code_on_its_terminal() {
    let Some(world) = world().await else { return };
    let house = house(&world.moto.endpoint());
    let mut verb = house.open(&["--context", "ops", "queues"], 100, 24);
    verb.wait_for(&format!("code of {DEVICE}:"));
    verb.type_text("nonsense");
    verb.press(Key::Enter);
    verb.wait_for("has six digits");
    verb.type_text("123456");
    verb.press(Key::Enter);
    verb.wait_for("main");
    assert!(verb.wait_end().success());
}
