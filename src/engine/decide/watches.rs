//! Watches are made, changed, taken note of and removed.

use super::{Ruling, refuse};
use crate::engine::Engine;
use crate::engine::command::{Answer, Refusal};
use crate::engine::event::Event;
use crate::engine::watches::watch_id;
use crate::model::watch::{Condition, SaveWatch, WATCHES_KEPT, Watch};
use crate::model::{Millis, Subject};

impl Engine {
    /// Ours: makes a watch, or changes the one of the id that is given. One that is there already is answered as it is.
    pub(super) fn save_watch(&self, save: &SaveWatch, by: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (save, name) = self.checked_watch(save)?;
        let watch = if let Some(id) = &save.id {
            self.watch_of(id).ok_or_else(|| unknown(id))?.1.changed(&save, name, now)
        } else {
            let is_it = |known: &&Watch| {
                known.is_live()
                    && (&known.subject, &known.condition, known.silenced)
                        == (&save.subject, &save.condition, save.silenced)
            };
            if let Some(known) = self.core.watches.values().map(|watched| &watched.watch).find(is_it) {
                let outcome = format!("is watched already, as {}", known.id);
                let answer = Answer::Watch(Box::new(known.clone()));
                return Ok(Ruling::done("SaveWatch", &known.id, outcome, vec![]).answering(answer));
            }
            if self.core.watches.len() >= WATCHES_KEPT {
                return refuse(format!("there are {WATCHES_KEPT} watches, and no room for more; remove one first"));
            }
            Watch::new(watch_id(self.core.last_watch + 1), &save, name, by, now)
        };
        let silenced = if watch.silenced { ", silenced" } else { "" };
        let outcome = format!("{}: {}{silenced}", watch.of(), watch.condition);
        let events = vec![Event::WatchSaved { at: now, watch: Box::new(watch.clone()) }];
        Ok(Ruling::done("SaveWatch", &watch.id, outcome, events).answering(Answer::Watch(Box::new(watch))))
    }

    pub(super) fn remove_watch(&self, id: &str, now: Millis) -> Result<Ruling, Refusal> {
        let (_, watch) = self.watch_of(id).ok_or_else(|| unknown(id))?;
        let events = vec![Event::WatchRemoved { at: now, id: id.to_owned() }];
        Ok(Ruling::done("RemoveWatch", id, format!("was {}: {}", watch.of(), watch.condition), events))
    }

    /// Of one watch, or of all that have fired and were not taken note of.
    pub(super) fn acknowledge_watch(&self, id: Option<&str>, now: Millis) -> Result<Ruling, Refusal> {
        if let Some(id) = id {
            self.watch_of(id).ok_or_else(|| unknown(id))?;
        }
        let unseen = self.core.watches.values().map(|watched| &watched.watch);
        let unseen = unseen.filter(|watch| watch.is_unseen() && id.is_none_or(|id| id == watch.id));
        let events: Vec<_> = unseen.map(|watch| Event::WatchAcknowledged { at: now, id: watch.id.clone() }).collect();
        let outcome = match events.len() {
            0 => "had not fired".to_owned(),
            1 => "taken note of".to_owned(),
            several => format!("{several} taken note of"),
        };
        Ok(Ruling::done("AcknowledgeWatch", id.unwrap_or("all"), outcome, events))
    }

    /// The request with plain names, and the job's name; refused where there is no such thing or nothing to watch of it.
    fn checked_watch(&self, save: &SaveWatch) -> Result<(SaveWatch, String), Refusal> {
        let mut save = save.clone();
        let mut name = String::new();
        match &mut save.subject {
            Subject::Job(id) => {
                let (key, root, _) = self
                    .find(id)
                    .ok_or_else(|| Refusal::NotFound(format!("Job {id} not found; it may have been forgotten")))?;
                name.clone_from(&root.spec.name);
                let is_array = key.slot == 0 && root.array.is_some();
                if is_array && matches!(save.condition, Condition::Silent { .. } | Condition::Exit { .. }) {
                    return refuse(format!(
                        "Job {id} is an array, which has no log and no exit code of its own; watch one of its children, as \
                         {id}:0"
                    ));
                }
            }
            Subject::Queue(queue) => *queue = self.find_queue(queue)?.0.to_owned(),
            Subject::Environment(environment) => *environment = self.find_environment(environment)?.0.to_owned(),
        }
        match save.condition.misfit(&save.subject) {
            Some(why) => refuse(why),
            None => Ok((save, name)),
        }
    }
}

fn unknown(id: &str) -> Refusal {
    Refusal::NotFound(format!("there is no watch {id}; `batchdeck watch list` lists those that there are"))
}
