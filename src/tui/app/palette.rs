//! The palette: a line in which any action or view is called by its name, with what it takes.

use super::App;
use super::command::{Command, Item};
use super::filter::complete;
use super::form::{Selected, edit_request, edit_selected, put_selected};
use super::list::StateSet;
use crate::model::JobDefinition;
use crate::model::watch::Condition;
use crate::tui::action::{ALIASES, Action, Info, Place, TABLE, Takes, read_line};
use crate::tui::keymap::Keymap;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::collections::BTreeSet;
use tui_input::{Input, InputRequest};

/// Jobs that are offered at most.
const JOBS_OFFERED: usize = 50;
/// Lines of the history that stand first while nothing is typed.
const RECENT: usize = 5;

/// The state of the palette.
#[derive(Debug)]
pub struct Palette {
    pub title: &'static str,
    pub input: Input,
    pub selected: Selected,
    /// All that is offered here.
    items: Vec<Item>,
    /// What can be taken, best first.
    pub found: Vec<Item>,
    pub at: usize,
    /// Why the line could not be carried out.
    pub error: Option<String>,
    /// Whether lines are understood here, or one of the items is chosen alone.
    takes_lines: bool,
}

impl Palette {
    /// What is offered now.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.found.iter()
    }

    /// Whether lines are understood here, or one of the items is chosen alone.
    pub fn takes_lines(&self) -> bool {
        self.takes_lines
    }

    pub(super) fn step(&mut self, forward: bool) {
        let count = self.found.len().max(1);
        self.at = (self.at + if forward { 1 } else { count - 1 }) % count;
    }

    pub(super) fn insert(&mut self, text: &str) {
        put_selected(&mut self.input, &mut self.selected, text);
        self.error = None;
    }

    pub(super) fn edit(&mut self, request: InputRequest) {
        edit_selected(&mut self.input, &mut self.selected, request);
        self.error = None;
    }

    /// The items that match what is typed, best first.
    fn matching(&self, typed: &str) -> Vec<Item> {
        if typed.is_empty() {
            // Jobs are many: they are offered once something is typed.
            return self.items.iter().filter(|item| !item.is_job()).cloned().collect();
        }
        let alias = ALIASES.iter().find(|(short, _)| *short == typed).map(|(_, line)| *line);
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let named = pattern.score(Utf32Str::new(&item.name, &mut buffer), &mut matcher);
            let bonus = if item.name == typed || alias == Some(item.name.as_str()) {
                10_000
            } else if item.name.starts_with(typed) {
                1000
            } else {
                0
            };
            match named {
                Some(score) => scored.push((score + bonus, at)),
                None if bonus > 0 => scored.push((bonus, at)),
                None => {}
            }
        }
        scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        scored.into_iter().map(|(_, at)| self.items[at].clone()).collect()
    }
}

impl App {
    pub(super) fn open_palette(&mut self) {
        let items = self.palette_items();
        self.open_palette_of("Command", items, true, "");
    }

    /// Opens it with the beginning of a line: what is missing is typed.
    pub(super) fn open_palette_at(&mut self, begun: &str) {
        let items = self.palette_items();
        self.open_palette_of("Command", items, true, begun);
    }

    /// The same, with what is proposed for the rest: it stands selected.
    pub(super) fn propose(&mut self, begun: &str, rest: &str) {
        self.open_palette_at(&format!("{begun}{rest}"));
        if let Some(super::Popup::Palette(palette)) = self.popups.last_mut() {
            palette.selected = Some(begun.len());
        }
    }

    /// Lets a person choose one of these, by typing or by going there.
    pub(super) fn offer(&mut self, title: &'static str, items: Vec<Item>) {
        self.open_palette_of(title, items, false, "");
    }

    /// The same, with what is typed of it already; the one that matches that is taken at once.
    pub(super) fn offer_begun(&mut self, title: &'static str, items: Vec<Item>, begun: &str) {
        self.open_palette_of(title, items, false, begun);
        let is_sure = !begun.is_empty()
            && matches!(self.popups.last(), Some(super::Popup::Palette(palette)) if palette.found.len() == 1);
        if is_sure {
            self.run_palette();
        }
    }

    fn open_palette_of(&mut self, title: &'static str, items: Vec<Item>, takes_lines: bool, begun: &str) {
        let input = Input::new(begun.to_owned());
        let palette =
            Palette { title, input, selected: None, items, found: Vec::new(), at: 0, error: None, takes_lines };
        self.popups.push(super::Popup::Palette(palette));
        self.match_palette();
    }

    /// Brings what the palette offers in line with what is typed.
    pub(super) fn match_palette(&mut self) {
        let Some(super::Popup::Palette(palette)) = self.popups.last() else { return };
        let typed = palette.input.value();
        let found = match read_line(typed).filter(|_| palette.takes_lines && typed.contains(char::is_whitespace)) {
            Some((info, rest)) if info.takes != Takes::Nothing => self.arguments(info, typed, rest),
            _ if palette.takes_lines && typed.trim().is_empty() => {
                let recent = self.recent_items();
                let known: BTreeSet<String> = recent.iter().map(|item| item.name.clone()).collect();
                let rest = palette.matching("").into_iter().filter(|item| !known.contains(&item.name));
                recent.into_iter().chain(rest).collect()
            }
            _ => palette.matching(typed.trim()),
        };
        if let Some(super::Popup::Palette(palette)) = self.popups.last_mut() {
            palette.found = found;
            palette.at = 0;
        }
    }

    fn recent_items(&self) -> Vec<Item> {
        let lines = self.kept.history.iter().rev().take(RECENT);
        lines.map(|line| Item::new(line.clone(), "again", Command::Line(line.clone()))).collect()
    }

    /// A line that is typed as far as its argument: as it stands, and what may stand in it.
    fn arguments(&self, info: &Info, typed: &str, rest: &str) -> Vec<Item> {
        let as_typed = typed.trim().to_owned();
        let mut items = Vec::new();
        if !rest.is_empty() || !info.takes.is_needed() {
            items.push(Item::new(as_typed.clone(), info.doc, Command::Line(as_typed.clone())));
        }
        let name = info.name;
        let mut add = |line: String, doc: &str| {
            if line != as_typed {
                items.push(Item::new(line.clone(), doc, Command::Line(line)));
            }
        };
        if let Takes::Rows(place) = info.takes {
            let filter = typed.trim_start().split_once(char::is_whitespace).map_or("", |(_, filter)| filter);
            let fields = self.fields_at(place);
            for completion in complete(filter, fields, &|field| self.known_values(field)) {
                add(format!("{name} {}", completion.text), completion.doc);
            }
            return items;
        }
        let begun = rest.to_lowercase();
        let mut is_whole = false;
        for (value, doc) in self.values_for(info.takes) {
            is_whole |= value == rest.trim_end();
            if value.to_lowercase().contains(&begun) {
                add(format!("{name} {value}"), &doc);
            }
        }
        // Of what only looks there is no need to type more than what tells it from all others.
        let only_looks =
            matches!(info.takes, Takes::Queue | Takes::Environment | Takes::Definition | Takes::Theme | Takes::View);
        if only_looks && !is_whole && !rest.is_empty() && items.len() == 2 && info.action != Action::ForgetView {
            items.swap(0, 1);
        }
        items
    }

    /// What may stand after an action that takes this.
    fn values_for(&self, takes: Takes) -> Vec<(String, String)> {
        let plain = |values: Vec<String>| values.into_iter().map(|value| (value, String::new())).collect();
        match takes {
            Takes::Nothing | Takes::Rows(_) | Takes::Name | Takes::File => Vec::new(),
            Takes::Columns => plain(
                self.columns_here()
                    .map(|(_, all)| all)
                    .unwrap_or_default()
                    .iter()
                    .map(|name| (*name).to_owned())
                    .chain(["default".to_owned()])
                    .collect(),
            ),
            Takes::FileOrClipboard => plain(vec!["clipboard".to_owned()]),
            Takes::Condition => {
                let examples = self.subject_here().map(|subject| Condition::examples(&subject)).unwrap_or_default();
                plain(examples.iter().map(|example| (*example).to_owned()).collect())
            }
            Takes::Queue => plain(self.store.queues.keys().cloned().collect()),
            Takes::Environment => plain(self.store.environments.keys().cloned().collect()),
            Takes::Definition => plain(self.store.definitions.values().map(JobDefinition::label).collect()),
            Takes::Theme => plain(self.setting.own.themes.clone()),
            Takes::Context => {
                self.setting.contexts.iter().map(|offered| (offered.name.clone(), offered.doc.clone())).collect()
            }
            Takes::View => self.kept.views.iter().map(|(name, line)| (name.clone(), line.clone())).collect(),
            Takes::Template => {
                let templates = self.kept.templates.iter();
                templates.map(|(name, request)| (name.clone(), super::template::outline(request))).collect()
            }
            Takes::Command => {
                let commands = self.setting.own.commands.iter();
                commands.map(|(name, command)| (name.clone(), command.label.clone())).collect()
            }
            Takes::Job | Takes::JobHere => self.jobs_offered(),
            Takes::Subject => {
                let queues = self.store.queues.keys().map(|name| format!("queue {name}"));
                let environments = self.store.environments.keys().map(|name| format!("environment {name}"));
                let jobs = self.jobs_offered().into_iter().map(|(name, doc)| (format!("job {name}"), doc));
                queues.chain(environments).map(|text| (text, String::new())).chain(jobs).collect()
            }
        }
    }

    fn jobs_offered(&self) -> Vec<(String, String)> {
        let rows = self.overview.jobs.rows(&self.store);
        let jobs = rows.ids.iter().take(JOBS_OFFERED).filter_map(|id| self.store.job(id));
        jobs.map(|job| (job.job_id.to_string(), format!("{} · {}", job.job_name, job.status))).collect()
    }

    /// Everything that the palette offers at this place.
    fn palette_items(&self) -> Vec<Item> {
        let place = self.place_below();
        let offered = TABLE.iter().filter(|info| info.scope.covers(place) && self.is_named_here(info.action));
        let mut items: Vec<Item> =
            offered.map(|info| Item::new(info.name.to_owned(), info.doc, Command::Action(info.action))).collect();
        let mut add = |line: String, doc: &str| items.push(Item::new(line.clone(), doc, Command::Line(line)));
        for set in StateSet::EACH {
            add(format!("jobs {}", set.name()), "the jobs in these states, of all queues");
        }
        for (name, line) in &self.kept.views {
            add(format!("view {name}"), line);
        }
        for (takes, name, doc) in [
            (Takes::Queue, "queue", Action::OpenQueue.info().doc),
            (Takes::Environment, "environment", Action::OpenEnvironment.info().doc),
            (Takes::Theme, "theme", Action::ChooseTheme.info().doc),
        ] {
            for (value, _) in self.values_for(takes) {
                add(format!("{name} {value}"), doc);
            }
        }
        items.extend(self.command_items(place));
        let mut add = |line: String, doc: &str| items.push(Item::new(line.clone(), doc, Command::Line(line)));
        for (name, request) in &self.kept.templates {
            add(format!("template {name}"), &super::template::outline(request));
        }
        items.extend(self.context_items("context "));
        for id in self.overview.jobs.rows(&self.store).ids.iter().take(JOBS_OFFERED) {
            if let Some(job) = self.store.job(id) {
                let doc = format!("{} · {}", job.status, id.short());
                items.push(Item::new(format!("job {}", job.job_name), &doc, Command::Job(id.clone())));
            }
        }
        items
    }

    pub(super) fn press_palette(&mut self, action: Action) {
        let Some(super::Popup::Palette(palette)) = self.popups.last_mut() else { return };
        match action {
            Action::Cancel => {
                self.popups.pop();
            }
            Action::Accept => self.run_palette(),
            Action::NextMatch => palette.step(true),
            Action::PreviousMatch => palette.step(false),
            Action::Complete => self.complete_palette(),
            edit => {
                if let Some(request) = edit_request(edit) {
                    palette.edit(request);
                    self.match_palette();
                }
            }
        }
    }

    /// Takes over the line of the item under the cursor, to be typed on.
    fn complete_palette(&mut self) {
        let Some(super::Popup::Palette(palette)) = self.popups.last_mut() else { return };
        // The first item may be what is typed already.
        let typed = palette.input.value().trim();
        let chosen = palette.found.get(palette.at).filter(|item| item.name != typed);
        let Some(item) = chosen.or_else(|| palette.found.get(palette.at + 1)) else { return };
        let takes = matches!(&item.command, Command::Action(action) if action.info().takes != Takes::Nothing);
        let text = format!("{}{}", item.name, if takes { " " } else { "" });
        (palette.input, palette.selected) = (Input::new(text), None);
        self.match_palette();
    }

    fn run_palette(&mut self) {
        let Some(super::Popup::Palette(palette)) = self.popups.pop() else { return };
        let typed = palette.input.value().trim().to_owned();
        let Some(item) = palette.found.get(palette.at).cloned() else {
            if !typed.is_empty() {
                let error = if palette.takes_lines { Self::not_a_line(&typed) } else { "nothing matches".to_owned() };
                self.popups.push(super::Popup::Palette(Palette { error: Some(error), ..palette }));
            }
            return;
        };
        if let Command::Action(action) = item.command
            && action.info().takes.is_needed()
        {
            return self.open_palette_at(&format!("{} ", item.name));
        }
        let is_line = palette.takes_lines;
        match self.run(item.command) {
            Ok(()) if is_line => self.remember(&item.name),
            Ok(()) => {}
            // It stays to be mended.
            Err(error) => {
                self.popups.push(super::Popup::Palette(Palette { error: Some(error), ..palette }));
            }
        }
    }

    fn not_a_line(typed: &str) -> String {
        match read_line(typed) {
            Some((info, _)) if info.takes.is_needed() => format!("`{}` takes {}", info.name, info.takes.sign()),
            Some((info, _)) => format!("`{}` takes nothing, or does not work here", info.name),
            None => {
                let name = typed.split_whitespace().next().unwrap_or_default();
                let nearest = crate::model::nearest_words(name, TABLE.iter().map(|info| info.name));
                format!("`{name}` is no command here{nearest}; `:` alone lists what there is")
            }
        }
    }
}

/// The key that a line of the palette may be called by instead.
pub fn key_of(keymap: &Keymap, place: Place, command: &Command) -> Option<String> {
    match command {
        Command::Action(action) => keymap.keys_at(place, *action).into_iter().next(),
        Command::Line(line) => keymap.key_of_line(line),
        _ => None,
    }
}
