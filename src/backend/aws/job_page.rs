//! A page of jobs: out of as many of AWS's lists as its query takes, then what AWS has forgotten.

use super::AwsBackend;
use super::budget::Caller::Operator;
use super::history::History;
use super::pages::{self, Token};
use crate::backend::{BackendError, JobQuery, JobScope, Page};
use crate::model::JobSummary;
use futures::future::try_join_all;

/// Jobs of one page that are described for their sizes; the others show what the list tells.
const DESCRIBED_OF_A_PAGE: usize = 200;

impl AwsBackend {
    /// Rows beyond the first 200 of a page that were never described carry the list's members alone in `extra`.
    pub(super) async fn page_of_jobs(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        let Token { places, mut forgotten } = match &query.page_token {
            Some(token) => serde_json::from_str(token).map_err(|_| BackendError::Refused {
                code: "InvalidNextToken".to_owned(),
                message: "the page token is not one of this list; list again from the start".to_owned(),
            })?,
            None => self.begin_of(&query).await?,
        };
        let limit = query.limit.map(|limit| limit.max(1) as usize);
        let lists = places.into_iter().map(|place| self.service.list(Operator, place, limit));
        let mut lists = try_join_all(lists).await?;
        for list in &mut lists {
            list.rows.retain(|row| pages::is_named(&row.job_name, query.name.as_deref()));
            // Whether an array's children run is not in every list.
            let arrays = list.rows.iter_mut().filter(|row| row.is_array_parent() && !query.statuses.is_empty());
            self.service.enrich(Operator, arrays.collect(), DESCRIBED_OF_A_PAGE).await?;
            list.rows.retain(|row| pages::is_asked_for(row, &query.statuses));
        }
        let (mut items, places) = pages::merge(lists, limit);
        self.service.enrich(Operator, items.iter_mut().collect(), DESCRIBED_OF_A_PAGE).await?;
        if let Some(turn) = forgotten.take_if(|_| places.is_empty()) {
            let room = limit.map(|limit| limit.saturating_sub(items.len()));
            let (rows, more) = self.forgotten(&query, turn, room).await;
            items.extend(rows);
            items.sort_by_key(pages::key);
            forgotten = more;
        }
        let mut memory = self.service.memory();
        if memory.watches > 0 && matches!(query.scope, JobScope::Queue(_)) {
            memory.fetched.extend(items.iter().cloned());
        }
        drop(memory);
        let token = Token { places, forgotten };
        let is_over = token.places.is_empty() && token.forgotten.is_none();
        let next = (!is_over).then(|| serde_json::to_string(&token).expect("places write as JSON"));
        Ok(Page { items, next })
    }

    /// Where a query's list begins.
    async fn begin_of(&self, query: &JobQuery) -> Result<Token, BackendError> {
        let forgotten = self.service.history.as_ref().and_then(|_| History::turn_for(query));
        let queues = match query.scope {
            JobScope::Everywhere => self.service.queues(Operator).await?,
            _ => Vec::new(),
        };
        let names: Vec<String> = queues.into_iter().map(|queue| queue.job_queue_name).collect();
        Ok(Token { places: pages::plan(query, &names), forgotten })
    }
}
