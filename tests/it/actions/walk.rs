//! A walk through the console by the table's own keys, that takes note of each action which was pressed.

use crate::both::Side;
use crate::support::{House, Terminal};
use batchdeck::tui::action::Action;
use std::collections::BTreeSet;

pub struct Walk {
    pub side: Side,
    pub console: Terminal,
    pressed: BTreeSet<Action>,
}

impl Walk {
    pub fn open(side: Side, house: &House) -> Self {
        let console = house.open(&[], 140, 40);
        console.wait_for(side.is_well());
        Self { side, console, pressed: BTreeSet::new() }
    }

    /// Presses the first key of an action and waits for what it shows; that must not be there before.
    pub fn press(&mut self, action: Action, shows: &str) {
        self.awaits(shows);
        self.tap(action);
        self.sees(shows);
    }

    /// Presses the first key of an action, sees what it shows on top of the screen, and leaves that.
    pub fn looks(&mut self, action: Action, shows: &str) {
        self.press(action, shows);
        self.leave(shows);
    }

    /// As [`Walk::press`], where the two backends show different things.
    pub fn told(&mut self, action: Action, on_the_engine: &str, on_aws: &str) {
        self.press(action, if self.side == Side::Engine { on_the_engine } else { on_aws });
    }

    /// Presses the first key of an action and waits until something is gone that was there.
    pub fn ends(&mut self, action: Action, gone: &str) {
        self.sees(gone);
        self.tap(action);
        self.gone(gone);
    }

    /// Presses the first key of an action; what comes of it is waited for by the caller.
    pub fn tap(&mut self, action: Action) {
        let keys = action.info().keys.first();
        let keys = keys.unwrap_or_else(|| panic!("{} has no key: it is called by its name", action.info().name));
        self.pressed.insert(action);
        self.console.keys(keys);
    }

    /// Calls an action by its name in the palette, with what is written after it.
    pub fn line(&mut self, action: Action, rest: &str, shows: &str) {
        self.awaits(shows);
        self.line_silent(action, rest);
        self.sees(shows);
    }

    /// The same; what comes of it is waited for by the caller.
    pub fn line_silent(&mut self, action: Action, rest: &str) {
        self.pressed.insert(action);
        self.console.keys(&format!(": \"{} {rest}\" enter", action.info().name));
    }

    /// Types keys that are of no action, or of one that was pressed before.
    pub fn keys(&mut self, keys: &str) {
        self.console.keys(keys);
    }

    /// The same, and waits for what they bring.
    pub fn brings(&mut self, keys: &str, words: &str) {
        self.keys(keys);
        self.sees(words);
    }

    /// Waits for words that may stand on two lines.
    pub fn sees(&self, words: &str) {
        self.console.wait(&format!("`{words}` on {:?}", self.side), |screen| flat(screen).contains(words));
    }

    pub fn gone(&self, words: &str) {
        self.console.wait(&format!("the end of `{words}` on {:?}", self.side), |screen| !flat(screen).contains(words));
    }

    /// What is not there yet, so that its coming tells of the key.
    fn awaits(&self, words: &str) {
        let screen = self.console.screen();
        assert!(!flat(&screen).contains(words), "`{words}` is on the screen already: it would tell nothing\n{screen}");
    }

    /// Leaves what lies on top of the screen.
    pub fn leave(&mut self, gone: &str) {
        self.console.keys("esc");
        self.gone(gone);
    }

    /// Ends the walk: it has pressed what it says it presses, and nothing else.
    pub fn end(mut self, declared: &[Action]) {
        self.tap(Action::Quit);
        assert!(self.console.wait_end().success());
        assert!(self.console.is_restored());
        let declared: BTreeSet<Action> = declared.iter().copied().collect();
        let undeclared: Vec<_> = self.pressed.difference(&declared).collect();
        let unpressed: Vec<_> = declared.difference(&self.pressed).collect();
        assert!(undeclared.is_empty(), "pressed and not declared: {undeclared:?}");
        assert!(unpressed.is_empty(), "declared and not pressed: {unpressed:?}");
    }
}

fn flat(screen: &str) -> String {
    screen.split_whitespace().collect::<Vec<_>>().join(" ")
}
