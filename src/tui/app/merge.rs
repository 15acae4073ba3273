//! Logs of several attempts, children or jobs as one: which there are, and how many are left out.

use super::log::{Merge, Stream, Subject};
use super::subject::{job_of, title_of};
use super::{App, View};
use crate::model::{JobId, JobStatus, JobSummary, Millis};
use crate::tui::format::count;
use crate::tui::log_reading::{Label, Source};
use crate::tui::requests::Ask;

/// Streams that are read as one at most; a call of the service takes 100.
const MOST_SOURCES: usize = 50;

/// Lines come so much before and after what the service says of a job's times, as clocks differ.
const MARGIN: Millis = 60_000;

impl App {
    /// Reads the logs of the marked jobs, of all children or of all attempts as one; or of one alone again.
    pub(super) fn toggle_merge(&mut self) {
        if self.log.merge.take().is_some() {
            return self.say("one log alone");
        }
        let marked: Vec<JobId> = self.job_list().map(|jobs| jobs.marked.iter().cloned().collect()).unwrap_or_default();
        let Some(merge) = self.merge_of(marked) else { return self.say("no job is selected") };
        if let Merge::Parts(id) = &merge {
            let id = id.clone();
            self.ask_children(&id);
        }
        self.log.merge = Some(merge);
        self.show_log();
    }

    fn merge_of(&self, marked: Vec<JobId>) -> Option<Merge> {
        if marked.len() > 1 {
            return Some(Merge::Jobs(marked));
        }
        let id = job_of(&self.log.wanted).cloned().filter(|_| self.place_below().is_log());
        let id = id.or_else(|| self.selected_job())?;
        let part_of = self.views.iter().rev().find_map(|view| match view {
            View::Array { parent, .. } => Some(parent.clone()),
            _ => None,
        });
        let parent =
            part_of.or_else(|| self.store.job(&id).filter(|job| job.has_parts()).map(|job| job.job_id.clone()));
        Some(parent.map_or(Merge::Attempts(id), Merge::Parts))
    }

    /// What must be known of the jobs whose logs are read as one is asked for.
    pub(super) fn settle_merge(&mut self) {
        if !self.views.iter().any(|view| matches!(view, View::Log(_))) {
            self.log.merge = None;
        }
        let Some(merge) = &self.log.merge else { return };
        let unknown: Vec<JobId> = match merge {
            Merge::Attempts(id) => vec![id.clone()],
            Merge::Parts(_) | Merge::Jobs(_) => {
                let jobs = self.merged_jobs(merge).0;
                let is_unknown = |job: &&JobSummary| matches!(self.stream_of(job, ""), Subject::Asked { .. });
                jobs.into_iter().filter(is_unknown).map(|job| job.job_id.clone()).collect()
            }
        };
        let state = |app: &Self, id: &JobId| {
            app.store.job(id).map(|job| (job.status, super::subject::attempt_of(job))).unwrap_or_default()
        };
        let unknown: Vec<JobId> =
            unknown.into_iter().filter(|id| self.described.get(id) != Some(&state(self, id))).collect();
        if unknown.is_empty() {
            return;
        }
        for id in &unknown {
            let state = state(self, id);
            self.described.insert(id.clone(), state);
        }
        self.ask(Ask::Describe(unknown));
    }

    /// The jobs of a merge that are looked at, those that run and that failed first, and how many there are in all.
    fn merged_jobs(&self, merge: &Merge) -> (Vec<&JobSummary>, usize) {
        let mut jobs: Vec<&JobSummary> = match merge {
            Merge::Attempts(id) => self.store.job(id).into_iter().collect(),
            Merge::Parts(parent) => {
                self.store.children.get(parent).map(|children| children.values().collect()).unwrap_or_default()
            }
            Merge::Jobs(ids) => ids.iter().filter_map(|id| self.store.job(id)).collect(),
        };
        jobs.retain(|job| !job.status.is_waiting());
        let all = jobs.len();
        if all > MOST_SOURCES {
            jobs.sort_by_key(|job| match job.status {
                JobStatus::Running => 0,
                JobStatus::Failed => 1,
                _ => 2,
            });
            jobs.truncate(MOST_SOURCES);
            jobs.sort_by_cached_key(|job| (job.job_id.part().map(|(_, index)| index), job.job_id.clone()));
        }
        (jobs, all)
    }

    /// What is read as one, where several logs are.
    pub(super) fn merged_subject(&self) -> Option<Subject> {
        let merge = self.log.merge.as_ref()?;
        Some(match merge {
            Merge::Attempts(id) => self.merged_attempts(id),
            Merge::Parts(id) => {
                let row = self.job_row(id);
                let name = row.map_or_else(|| id.short(), |job| job.job_name);
                if !self.store.children.contains_key(id) {
                    return Some(Subject::Asked { job: id.clone(), name });
                }
                self.merged_streams(merge, id.clone(), name, "children")
            }
            Merge::Jobs(ids) => {
                let id = ids.first().cloned().unwrap_or_default();
                self.merged_streams(merge, id, format!("{} jobs", ids.len()), "jobs")
            }
        })
    }

    fn merged_attempts(&self, id: &JobId) -> Subject {
        let name = self.job_row(id).map_or_else(|| id.short(), |job| job.job_name);
        let Some(detail) = self.store.detail(id) else { return Subject::Asked { job: id.clone(), name } };
        let logs = detail.logs();
        let several = detail.container_names().len() > 1;
        let all = logs.len();
        let label = |attempt: u32, container: &str| {
            if several { format!("{attempt}/{container}") } else { format!("attempt {attempt}") }
        };
        let source = |(number, log): (usize, crate::model::JobLog)| Source {
            label: Label { text: label(log.attempt, &log.container).into(), number },
            group: log.group,
            stream: log.stream,
        };
        let left_out = all.saturating_sub(MOST_SOURCES);
        let sources: Vec<Source> = logs.into_iter().skip(left_out).enumerate().map(source).collect();
        if sources.is_empty() {
            return Subject::Without { job: id.clone(), name, why: "it has no log yet".to_owned() };
        }
        let times = (detail.created_at, detail.stopped_at.filter(|_| detail.status.is_final()));
        let which = said(sources.len(), all, "attempts");
        self.as_one(id.clone(), name, which, sources, [times].into_iter())
    }

    fn merged_streams(&self, merge: &Merge, id: JobId, name: String, what: &str) -> Subject {
        let (jobs, all) = self.merged_jobs(merge);
        let mut sources = Vec::new();
        for job in &jobs {
            if let Subject::Stream(stream) = self.stream_of(job, "") {
                let text = match job.job_id.part() {
                    Some((_, index)) if matches!(merge, Merge::Parts(_)) => index.to_string(),
                    _ => title_of(job),
                };
                let number = job.job_id.part().map_or(sources.len(), |(_, index)| index as usize);
                let label = Label { text: text.into(), number };
                sources.push(Source { group: stream.group, stream: stream.stream, label });
            }
        }
        if sources.is_empty() {
            return if jobs.is_empty() {
                Subject::Without { job: id, name, why: "none of them has started yet".to_owned() }
            } else {
                Subject::Asked { job: id, name }
            };
        }
        let times = jobs.iter().map(|job| (job.created_at, job.stopped_at.filter(|_| job.status.is_final())));
        let which = said(sources.len(), all, what);
        self.as_one(id, name, which, sources, times)
    }

    fn as_one(
        &self,
        job: JobId,
        name: String,
        which: String,
        merged: Vec<Source>,
        times: impl Iterator<Item = (Millis, Option<Millis>)> + Clone,
    ) -> Subject {
        let first = times.clone().map(|(created, _)| created).min().unwrap_or(0);
        let last = times.map(|(_, stopped)| stopped).try_fold(0, |last, stopped| Some(last.max(stopped?)));
        // A time to come that does not move with each look.
        let open = (self.now / MARGIN + 60) * MARGIN;
        let between = (first - MARGIN, last.map_or(open, |last| last + MARGIN));
        Subject::Stream(Stream { job, name, which, merged, between, ended: last.is_some(), ..Stream::default() })
    }
}

/// `12 children as one`, `50 of 1,204 children as one, the others left out`.
fn said(shown: usize, all: usize, what: &str) -> String {
    if shown < all {
        format!("{shown} of {} {what} as one, the others left out", count(all as u64))
    } else {
        format!("{shown} {what} as one")
    }
}
