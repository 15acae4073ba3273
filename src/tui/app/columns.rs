//! Which columns the list under one's eyes has: to look at, to add and to take away.

use super::App;
use super::command::{Command, Item};
use crate::config::columns::LISTS;
use crate::tui::action::Place;
use crate::tui::screens::job_columns;

/// Takes back what was chosen.
const DEFAULT: &str = "default";

impl App {
    /// The list that is shown, by the name that it has in the config, and the columns that it can have.
    pub(super) fn columns_here(&self) -> Option<(&'static str, &'static [&'static str])> {
        let name = match self.place_below() {
            Place::Jobs | Place::Array => self.job_list()?.listed_states().name(),
            Place::Instances => "instances",
            Place::Schedules => "schedules",
            Place::Definitions => "definitions",
            Place::Failures => "failures",
            Place::Events => "events",
            Place::Audit => "audit",
            _ => return None,
        };
        LISTS.into_iter().find(|(list, _)| *list == name)
    }

    /// The names of the columns that are shown, as far as there is room.
    fn shown_columns(&self, list: &str, all: &'static [&'static str]) -> Vec<String> {
        if let Some(chosen) = self.setting.own.columns.of(list) {
            return chosen.to_vec();
        }
        let names: Vec<&str> =
            match self.job_list().filter(|_| matches!(self.place_below(), Place::Jobs | Place::Array)) {
                Some(jobs) => job_columns(self, jobs.listed_states()),
                None => all.to_vec(),
            };
        names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Each column, to be added or taken away.
    pub(super) fn offer_columns(&mut self) {
        let Some((list, all)) = self.columns_here() else { return self.say("this list has no columns to choose") };
        let shown = self.shown_columns(list, all);
        let item = |name: &str| {
            let (doc, names): (&str, Vec<&str>) = if shown.iter().any(|one| one == name) {
                ("shown; Enter takes it away", shown.iter().map(String::as_str).filter(|one| *one != name).collect())
            } else {
                ("not shown; Enter adds it", shown.iter().map(String::as_str).chain([name]).collect())
            };
            Item::new(name.to_owned(), doc, Command::Line(format!("columns {}", names.join(" "))))
        };
        let rest = all.iter().copied().filter(|name| !shown.iter().any(|one| one == name));
        let mut items: Vec<Item> = shown.iter().map(String::as_str).chain(rest).map(item).collect();
        let back = Command::Line(format!("columns {DEFAULT}"));
        items.push(Item::new(DEFAULT.to_owned(), "those that fit best", back));
        self.offer("Columns", items);
    }

    /// Shows these columns of the list that is shown, until the console is left.
    pub(super) fn choose_columns(&mut self, typed: &str) -> Result<(), String> {
        let Some((list, _)) = self.columns_here() else { return Err("this list has no columns to choose".to_owned()) };
        let names: Vec<String> = typed.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let chosen = (names != [DEFAULT]).then_some(names);
        let kept = chosen.as_ref().map(|names| {
            let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("until you leave; in the config: [columns] {list} = [{}]", quoted.join(", "))
        });
        self.setting.own.columns.choose(list, chosen).map_err(|error| error.to_string())?;
        self.say(kept.unwrap_or_else(|| "the columns that fit best".to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::theme::Theme;
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    fn titles(stage: &Stage) -> String {
        let text = stage.text();
        let line = text.lines().find(|line| line.contains("definition") || line.contains("job  ")).unwrap_or_default();
        line.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn columns_are_chosen_added_taken_away_and_given_back() {
        let mut stage = Stage::new(recorded_world(), (120, 40), Theme::default());
        stage.press("3").expect("keys");
        assert_eq!(titles(&stage), "job definition state for cpu memory queue instance");
        stage.press(": \"columns age job exit\" Enter").expect("keys");
        assert_eq!(titles(&stage), "for job exit", "{}", stage.text());
        assert!(stage.text().contains("[columns] running = [\"age\", \"job\", \"exit\"]"), "{}", stage.text());
        stage.press("s").expect("keys");
        assert_eq!(titles(&stage), "job definition state for prio queue why", "other lists are as they were");
        stage.press("left : \"columns\" Enter \"share\" Enter").expect("keys");
        assert_eq!(titles(&stage), "for job exit share", "{}", stage.text());
        stage.press(": \"columns\" Enter \"exit\" Enter").expect("keys");
        assert_eq!(titles(&stage), "for job share", "{}", stage.text());
        stage.press(": \"columns default\" Enter").expect("keys");
        assert_eq!(titles(&stage), "job definition state for cpu memory queue instance");
        stage.press(": \"columns jbo\" Enter").expect("keys");
        assert!(stage.text().contains("`jbo` is no column of running; the nearest is `job`"), "{}", stage.text());
    }

    #[test]
    fn a_list_is_sorted_by_the_columns_that_it_shows_and_wide_screens_have_more() {
        let mut stage = Stage::new(recorded_world(), (120, 40), Theme::default());
        stage.press("3 : \"columns job submitted\" Enter o").expect("keys");
        assert_eq!(stage.app.overview.jobs.order().key(), "name");
        stage.press("o").expect("keys");
        assert_eq!(stage.app.overview.jobs.order().key(), "submitted");
        stage.press("o").expect("keys");
        assert_eq!(stage.app.overview.jobs.order().key(), "turn");
        let titles_at = |size| {
            let mut stage = Stage::new(recorded_world(), size, Theme::default());
            stage.press("3 z").expect("keys");
            titles(&stage)
        };
        assert_eq!(
            titles_at((250, 70)),
            "job definition state for cpu memory queue instance try prio share submitted id"
        );
        assert_eq!(titles_at((60, 20)), "job state for cpu memory");
    }

    #[test]
    fn each_list_shows_what_was_chosen_for_it_and_every_name_is_one_of_its_columns() {
        for (keys, names, shown) in [
            ("S", "next schedule", "next schedule"),
            ("D", "image definition", "image definition"),
            ("A", "who did to", "who did to"),
            ("E", "what jobs", "what tells them apart jobs"),
            ("v n", "job what", "job what"),
            ("2 j Enter", "memory instance jobs", "memory instance jobs"),
        ] {
            let mut stage = Stage::new(crate::tui::screens::reported_world(), (120, 40), Theme::default());
            stage.press(&format!("{keys} : \"columns {names}\" Enter")).expect("keys");
            let told = stage.text().replace('│', " ");
            let squeezed: Vec<String> =
                told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
            assert!(squeezed.iter().any(|line| line == shown), "{keys}: {shown} in\n{told}");
        }
    }
}
