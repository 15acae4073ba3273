//! The code of an MFA device, which is asked for before anything can be called, and again when a session is over.

use super::prompt::Purpose;
use super::{App, Popup};
use crate::backend::BackendError;
use crate::tui::requests::Ask;

/// Whether a code is asked for, and what the person has said to that.
#[derive(Debug, Default)]
pub struct Code {
    /// The device; `None` where no code is asked for.
    pub wanted: Option<String>,
    /// The field was left empty: it comes again when it is asked for.
    is_declined: bool,
    /// A code was given, and nothing has been heard of it yet.
    is_sent: bool,
}

impl App {
    /// Opens the field where a code is asked for and nothing else is typed, and closes it where none is any more.
    pub(super) fn settle_code(&mut self) {
        let is_open = self.popups.iter().any(is_of_code);
        if self.code.wanted.is_none() {
            self.code.is_declined = false;
            self.popups.retain(|popup| !is_of_code(popup));
        } else if !is_open && !self.code.is_declined && !self.code.is_sent && self.popups.is_empty() {
            self.prompt(Purpose::Code);
        }
    }

    pub(super) fn ask_for_code(&mut self) {
        if self.code.wanted.is_some() {
            self.code.is_declined = false;
            self.settle_code();
        } else {
            self.say("no code of an MFA device is asked for");
        }
    }

    pub(super) fn decline_code(&mut self) {
        self.code.is_declined = true;
        self.say("nothing can be read without the code; `:mfa` asks for it again");
    }

    pub(super) fn send_code(&mut self, typed: &str) {
        let code: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
        if code.is_empty() {
            return self.decline_code();
        }
        self.code.is_sent = true;
        self.say("the code is being tried …");
        self.ask(Ask::GiveCode(code));
    }

    pub(super) fn take_code(&mut self, given: Result<(), BackendError>) {
        self.code.is_sent = false;
        match given {
            Ok(()) => {
                self.code.wanted = None;
                self.say("✔ signed in");
                self.ask(Ask::Reconnect);
            }
            // The field is there again for the next one.
            Err(error) => self.complain(error.to_string()),
        }
    }
}

fn is_of_code(popup: &Popup) -> bool {
    matches!(popup, Popup::Prompt(prompt) if prompt.purpose == Purpose::Code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::theme::Theme;
    use crate::tui::keymap::parse_sequence;
    use crate::tui::requests::{Answer, Message, Request};
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    const DEVICE: &str = "arn:aws:iam::1:mfa/ann";

    fn stage() -> Stage {
        let mut stage = Stage::new(recorded_world(), (80, 24), Theme::default());
        stage.app.code.wanted = Some(DEVICE.into());
        stage.rest();
        stage
    }

    fn enter(stage: &mut Stage) -> Vec<Request> {
        let chord = parse_sequence("Enter").expect("a key")[0];
        let now = stage.app.now;
        stage.app.key(chord, now)
    }

    fn said(stage: &Stage) -> &str {
        stage.app.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    #[test]
    fn a_code_is_asked_for_in_one_field_and_goes_on_once_it_is_taken() {
        let mut stage = stage();
        assert!(stage.text().contains(&format!("code of {DEVICE}:")), "{}", stage.text());
        stage.press("\"123 456\"").expect("keys");
        let requests = enter(&mut stage);
        let [Request { id, ask: Ask::GiveCode(code) }] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!(code, "123456");
        stage.rest();
        assert!(stage.app.popups.is_empty(), "it is not asked for twice while the first is tried");
        let refused = BackendError::Refused { code: "MFA".into(), message: "AWS does not take this code".into() };
        stage.hear(Message::Answer { id: *id, answer: Answer::Code(Err(refused)) });
        assert!(said(&stage).contains("does not take this code"), "{}", said(&stage));
        assert!(stage.text().contains(&format!("code of {DEVICE}:")), "{}", stage.text());
        assert!(stage.text().contains("✖ AWS does not take this code"), "it is seen too:\n{}", stage.text());
        stage.press("\"654321\"").expect("keys");
        let id = enter(&mut stage)[0].id;
        let now = stage.app.now;
        let asked = stage.app.receive(Message::Answer { id, answer: Answer::Code(Ok(())) }, now);
        assert_eq!(asked.into_iter().map(|request| request.ask).collect::<Vec<_>>(), [Ask::Reconnect]);
        stage.rest();
        assert!(stage.app.popups.is_empty() && said(&stage).contains("signed in"), "{}", said(&stage));
    }

    #[test]
    fn who_leaves_the_field_is_told_how_it_comes_again_and_typing_is_never_taken_over() {
        let mut stage = stage();
        stage.press("Esc").expect("keys");
        assert!(stage.app.popups.is_empty() && said(&stage).contains("`:mfa`"), "{}", said(&stage));
        stage.press(": \"mfa\" Enter").expect("keys");
        assert!(stage.app.popups.iter().any(is_of_code), "{}", stage.text());
        stage.app.code.wanted = None;
        stage.rest();
        assert!(stage.app.popups.is_empty(), "somebody else has signed in");
        stage.press("/ \"etl\"").expect("keys");
        stage.app.code.wanted = Some(DEVICE.into());
        stage.rest();
        assert!(!stage.app.popups.iter().any(is_of_code), "a filter is being typed");
        stage.press("Enter").expect("keys");
        assert!(stage.app.popups.iter().any(is_of_code), "{}", stage.text());
    }

    #[test]
    fn a_code_is_not_among_the_lines_that_can_be_had_again() {
        let mut stage = stage();
        stage.press("\"123456\"").expect("keys");
        enter(&mut stage);
        stage.app.code = Code { wanted: Some(DEVICE.into()), ..Code::default() };
        stage.rest();
        stage.press("Up").expect("keys");
        assert!(!stage.text().contains("123456"), "{}", stage.text());
    }
}
