//! Schedule groups and dead letters (`EventBridge` Scheduler API reference, `CreateScheduleGroup` and its kin).

use super::Ruling;
use crate::engine::Engine;
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::state::Group;
use crate::model::{DEFAULT_SCHEDULE_GROUP, Millis, ScheduleGroup, validate};
use std::collections::BTreeMap;

/// AWS's limit for the tags of a group.
const MOST_TAGS: usize = 200;

impl Engine {
    pub(super) fn create_group(
        &self,
        name: &str,
        tags: &BTreeMap<String, String>,
        token: Option<&String>,
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        validate::schedule_name(name).map_err(|wrong| Refusal::Validation(wrong.to_string()))?;
        check_tags(tags)?;
        let answer = Answer::Created { arn: self.core.settings.place.schedule_group_arn(name), name: name.to_owned() };
        let known = self.core.groups.get(name);
        if self.was_asked_before(token, &format!("group {name}"))? && known.is_some_and(|group| group.tags == *tags) {
            return Ok(Ruling::done("CreateScheduleGroup", name, AGAIN, vec![]).answering(answer));
        }
        if name == DEFAULT_SCHEDULE_GROUP || known.is_some() {
            return Err(Refusal::Conflict(format!("Schedule group {name} already exists.")));
        }
        let saved =
            Event::ScheduleGroupSaved { at: now, name: name.to_owned(), tags: tags.clone(), token: token.cloned() };
        Ok(Ruling::done("CreateScheduleGroup", name, "created", vec![saved]).answering(answer))
    }

    /// Its schedules go with it.
    pub(super) fn delete_group(&self, name: &str, token: Option<&String>, now: Millis) -> Result<Ruling, Refusal> {
        if name == DEFAULT_SCHEDULE_GROUP {
            return Err(Refusal::Validation("The schedule group default cannot be deleted.".to_owned()));
        }
        if !self.core.groups.contains_key(name) {
            if self.was_asked_before(token, &format!("no group {name}"))? {
                return Ok(Ruling::done("DeleteScheduleGroup", name, AGAIN, vec![]));
            }
            return Err(no_group(name));
        }
        let members = self.core.schedules.values().map(|scheduled| &scheduled.schedule);
        let mut events: Vec<Event> = members
            .filter(|schedule| schedule.group_name == name)
            .map(|schedule| Event::ScheduleDeleted {
                at: now,
                group: name.to_owned(),
                name: schedule.name.clone(),
                token: None,
            })
            .collect();
        let outcome = format!("deleted with {} schedules", events.len());
        events.push(Event::ScheduleGroupDeleted { at: now, name: name.to_owned(), token: token.cloned() });
        Ok(Ruling::done("DeleteScheduleGroup", name, outcome, events))
    }

    /// `TagResource` and `UntagResource`.
    pub(super) fn tag_group(
        &self,
        name: &str,
        add: &BTreeMap<String, String>,
        remove: &[String],
        now: Millis,
    ) -> Result<Ruling, Refusal> {
        let default = Group::default();
        let group = match self.core.groups.get(name) {
            Some(group) => group,
            None if name == DEFAULT_SCHEDULE_GROUP => &default,
            None => return Err(no_group(name)),
        };
        let mut tags = group.tags.clone();
        tags.extend(add.clone());
        tags.retain(|key, _| !remove.contains(key));
        check_tags(&tags)?;
        let (action, outcome) = if remove.is_empty() {
            ("TagResource", format!("{} tags set", add.len()))
        } else {
            ("UntagResource", format!("{} tags removed", remove.len()))
        };
        let saved = Event::ScheduleGroupSaved { at: now, name: name.to_owned(), tags, token: None };
        Ok(Ruling::done(action, &format!("schedule-group/{name}"), outcome, vec![saved]))
    }

    pub(super) fn clear_dead_letters(&self, now: Millis) -> Ruling {
        let outcome = format!("{} forgotten", self.core.dead_letters.len());
        Ruling::done("ClearDeadLetters", "dead-letters", outcome, vec![Event::DeadLettersCleared { at: now }])
    }

    /// Whether this very token has made this very thing before. A token that made another one is refused.
    pub(super) fn was_asked_before(&self, token: Option<&String>, made: &str) -> Result<bool, Refusal> {
        match token.and_then(|token| self.core.tokens.get(token)) {
            Some(used) if used.made == made => Ok(true),
            Some(used) => Err(Refusal::Conflict(format!(
                "ClientToken was used for another request, which made `{}`; give each request a token of its own",
                used.made
            ))),
            None => Ok(false),
        }
    }

    pub(in crate::engine) fn group_rows(&self) -> Vec<ScheduleGroup> {
        let default = (!self.core.groups.contains_key(DEFAULT_SCHEDULE_GROUP)).then(Group::default);
        let default = default.as_ref().map(|group| (DEFAULT_SCHEDULE_GROUP, group));
        let known = self.core.groups.iter().map(|(name, group)| (name.as_str(), group));
        let mut rows: Vec<ScheduleGroup> =
            known.chain(default).map(|(name, group)| self.group_row(name, group)).collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    fn group_row(&self, name: &str, group: &Group) -> ScheduleGroup {
        let date = |at: Millis| (at > 0).then(|| super::schedules::seconds(at));
        ScheduleGroup {
            name: name.to_owned(),
            arn: self.core.settings.place.schedule_group_arn(name),
            state: "ACTIVE".to_owned(),
            creation_date: date(group.created_at),
            last_modification_date: date(group.modified_at),
            tags: group.tags.clone(),
        }
    }
}

/// What the record says of a request that came twice.
pub(super) const AGAIN: &str = "done before, by the same ClientToken";

pub(super) fn no_group(name: &str) -> Refusal {
    Refusal::NotFound(format!("Schedule group {name} does not exist."))
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > MOST_TAGS {
        return Err(Refusal::Validation(format!("Tags would be {}; a group takes at most {MOST_TAGS}", tags.len())));
    }
    for (key, value) in tags {
        let sound = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
        if !sound(key, 128) || !sound(value, 256) {
            return Err(Refusal::Validation(format!(
                "Tags has `{key}` = `{value}`; keys take 1 to 128 letters, values 1 to 256"
            )));
        }
    }
    Ok(())
}
