//! A filter as it is typed for the list below.

use super::{Completion, Filter, FilterError, complete};
use crate::tui::app::{App, Popup};
use tui_input::Input;

impl App {
    /// Filters as one types. While what is typed cannot be read, the list stays as it was.
    pub(in crate::tui::app) fn after_typing(&mut self) {
        if let Some(Popup::Filter(input)) = self.popups.last()
            && self.filter_error().is_none()
        {
            let filter = input.value().to_owned();
            self.set_filter(&filter);
        }
    }

    pub(in crate::tui::app) fn set_filter(&mut self, filter: &str) {
        if let Some(list) = self.list_mut() {
            filter.clone_into(&mut list.filter);
        }
        if filter.trim().is_empty() {
            self.sought = None;
        }
    }

    /// The filter that is in force where the keys go.
    pub fn filter(&self) -> Option<&str> {
        self.list().map(|list| list.filter.as_str())
    }

    /// What is wrong in the filter that is being typed.
    pub fn filter_error(&self) -> Option<FilterError> {
        let Some(Popup::Filter(input)) = self.popups.last() else { return None };
        Filter::parse(input.value(), self.fields_at(self.place_below())).err()
    }

    /// How the filter that is being typed may go on.
    pub fn filter_completions(&self) -> Vec<Completion> {
        let Some(Popup::Filter(input)) = self.popups.last() else { return Vec::new() };
        let is_at_end = input.cursor() == input.value().chars().count();
        let fields = self.fields_at(self.place_below());
        if is_at_end { complete(input.value(), fields, &|field| self.known_values(field)) } else { Vec::new() }
    }

    /// Takes the filter as it is typed. One that cannot be read stays to be mended: the prompt says what is wrong.
    pub(in crate::tui::app) fn accept_filter(&mut self) {
        if self.filter_error().is_none() {
            self.popups.pop();
            self.search();
        }
    }

    pub(in crate::tui::app) fn complete_filter(&mut self) {
        let Some(Completion { text, .. }) = self.filter_completions().into_iter().next() else { return };
        if let Some(Popup::Filter(input)) = self.popups.last_mut() {
            *input = Input::new(text);
        }
        self.after_typing();
    }
}
