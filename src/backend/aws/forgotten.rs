//! What AWS tells no more of, from the history, beside what it tells.

use super::AwsBackend;
use super::budget::Caller::Operator;
use super::history::Turn;
use super::queues::is_looked_at;
use crate::backend::{BackendError, JobQuery};
use crate::model::{Area, Finding, JobDetail, JobId, JobSummary, Verdict};
use std::collections::{BTreeSet, HashMap};

impl AwsBackend {
    /// What a person has to be told of the history before anything else; each is told once.
    pub async fn note(&self) -> Option<String> {
        let history = self.service.history.as_ref()?;
        history.is_opened().await;
        history.take_problem()
    }

    /// Whether what was seen of ended jobs is kept, and how much of it there is.
    pub(super) async fn history_found(&self) -> Finding {
        let found = |verdict, told: &str| Finding::new(Area::Context, "history", verdict, told);
        let Some(history) = &self.service.history else {
            return found(Verdict::Good, "not kept, as the config says");
        };
        match history.extent().await {
            Some(told) => found(Verdict::Good, &told),
            None => found(Verdict::Less, &history.take_problem().unwrap_or_else(|| "it cannot be used".to_owned())),
        }
    }

    /// A page of what AWS has forgotten of a query's jobs, and where to go on.
    pub(super) async fn forgotten(
        &self,
        query: &JobQuery,
        turn: Turn,
        room: Option<usize>,
    ) -> (Vec<JobSummary>, Option<Turn>) {
        let Some(history) = &self.service.history else { return (Vec::new(), None) };
        let patterns = self.service.queues.clone();
        history.page(query, turn, room, move |queue| is_looked_at(&patterns, queue)).await
    }

    /// All of each job, in the order asked; of those that AWS has forgotten, what was seen of them.
    pub(super) async fn describe(&self, ids: &[JobId]) -> Result<Vec<JobDetail>, BackendError> {
        let mut found = self.service.describe(Operator, ids).await?;
        if found.len() < ids.len() {
            let missing: Vec<JobId> =
                ids.iter().filter(|id| found.iter().all(|detail| detail.job_id != **id)).cloned().collect();
            found.extend(self.service.find_services(&missing).await?);
        }
        let Some(history) = self.service.history.as_ref().filter(|_| found.len() < ids.len()) else { return Ok(found) };
        let told: BTreeSet<&JobId> = found.iter().map(|detail| &detail.job_id).collect();
        let missing: BTreeSet<JobId> = ids.iter().filter(|id| !told.contains(id)).cloned().collect();
        if missing.is_empty() || !history.known(&missing).await {
            return Ok(found);
        }
        if !history.knows_its_place() {
            self.service.queues(Operator).await?;
        }
        found.extend(history.details(missing).await);
        let places: HashMap<&JobId, usize> = ids.iter().enumerate().map(|(at, id)| (id, at)).collect();
        found.sort_by_key(|detail| places.get(&detail.job_id).copied());
        Ok(found)
    }
}
