//! Jobs of several contexts in one list, page by page.

use super::{Several, tag};
use crate::backend::{BackendError, JobQuery, JobScope, Page};
use crate::model::JobSummary;
use futures::future::try_join_all;
use std::collections::BTreeMap;

impl Several {
    /// Of all contexts, each gives its share of a page: it is sorted in itself, and a later one may hold newer jobs.
    pub(super) async fn page(&self, query: JobQuery) -> Result<Page<JobSummary>, BackendError> {
        let one = match &query.scope {
            JobScope::Everywhere => None,
            JobScope::Queue(name) => {
                let (part, name) = self.split("job queue", name)?;
                let at = self.enumerated().position(|(_, other)| std::ptr::eq(other, part));
                Some((at.unwrap_or_default(), JobScope::Queue(name)))
            }
            JobScope::Array(id) | JobScope::Nodes(id) => Some((self.home(id).await?.0, query.scope.clone())),
        };
        if let Some((at, scope)) = one {
            let part = &self.parts[at];
            let mut page = part.backend.jobs(JobQuery { scope, ..query }).await.map_err(|error| part.named(error))?;
            page.items.iter().for_each(|row| self.homes.note_row(row, at));
            page.items = page.items.into_iter().map(|row| tag::row(row, &part.context)).collect();
            return Ok(page);
        }
        let tokens: BTreeMap<usize, Option<String>> = match &query.page_token {
            None => (0..self.parts.len()).map(|at| (at, None)).collect(),
            Some(token) => serde_json::from_str(token).map_err(|_| BackendError::Refused {
                code: "InvalidNextToken".to_owned(),
                message: "the page token is not one of this list; list again from the start".to_owned(),
            })?,
        };
        let share = |limit: u32| (limit / u32::try_from(tokens.len()).unwrap_or(u32::MAX).max(1)).max(1);
        let limit = query.limit.map(share);
        let pages = tokens.into_iter().filter_map(|(at, token)| Some((at, self.parts.get(at)?, token)));
        let pages =
            pages.map(|(at, part, page_token)| {
                let query = JobQuery { page_token, limit, ..query.clone() };
                async move {
                    Ok::<_, BackendError>((at, part.backend.jobs(query).await.map_err(|error| part.named(error))?))
                }
            });
        let (mut items, mut rest) = (Vec::new(), BTreeMap::new());
        for (at, page) in try_join_all(pages).await? {
            page.items.iter().for_each(|row| self.homes.note_row(row, at));
            let context = &self.parts[at].context;
            items.extend(page.items.into_iter().map(|row| tag::row(row, context)));
            rest.extend(page.next.map(|next| (at, Some(next))));
        }
        items.sort_by(|a: &JobSummary, b| (b.created_at, &b.job_id).cmp(&(a.created_at, &a.job_id)));
        let next = (!rest.is_empty()).then(|| serde_json::to_string(&rest).expect("tokens write as JSON"));
        Ok(Page { items, next })
    }
}
