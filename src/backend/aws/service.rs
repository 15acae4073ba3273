//! AWS Batch and the services around it: a client of each, and what their calls share.

use super::budget::Budget;
use super::credentials::Renewing;
use super::errors::Whereabouts;
use super::flight::{Clock, Flights};
use super::history::History;
use super::memory::Memory;
use super::mfa::NoSession;
use super::prices::PriceBook;
use super::query::QueryClient;
use crate::backend::BackendError;
use crate::model::DEFAULT_LOG_GROUP;
use aws_config::SdkConfig;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The Price List API answers in few regions, for all of them.
const PRICE_LIST_REGION: &str = "us-east-1";

/// AWS Batch and the services around it.
#[derive(Debug)]
pub struct Service {
    pub batch: aws_sdk_batch::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sts: aws_sdk_sts::Client,
    pub scheduler: aws_sdk_scheduler::Client,
    /// `None` where something else than AWS stands in for Batch alone; so too below.
    pub ecs: Option<aws_sdk_ecs::Client>,
    pub events: Option<aws_sdk_eventbridge::Client>,
    pub pricing: Option<aws_sdk_pricing::Client>,
    pub ec2: Option<QueryClient>,
    pub autoscaling: Option<QueryClient>,
    pub budget: Budget,
    pub flights: Flights,
    pub clock: Clock,
    pub at: Whereabouts,
    /// Where credentials come from; `None` for keys that were given.
    pub credentials: Option<Renewing>,
    /// Patterns of the queues that are looked at; none for all.
    pub queues: Vec<String>,
    /// What was seen of jobs that have ended; `None` where it is not to be kept.
    pub history: Option<History>,
    /// Where jobs write that name no log group.
    pub log_group: String,
    memory: Mutex<Memory>,
    /// What is looked at has changed, or is to be read at once: a watch that pauses goes on.
    pub wake: Notify,
}

impl Service {
    pub fn new(
        shared: &SdkConfig,
        budget: Budget,
        at: Whereabouts,
        credentials: Option<Renewing>,
        queues: Vec<String>,
        log_group: Option<String>,
        (book, history): (PriceBook, Option<History>),
    ) -> Self {
        let pricing = at.pricing.as_ref().map(|_| {
            let region = aws_config::Region::new(PRICE_LIST_REGION);
            aws_sdk_pricing::Client::from_conf(aws_sdk_pricing::config::Builder::from(shared).region(region).build())
        });
        let query = |place: &Option<String>, name, version| QueryClient::new(shared, name, version, place.as_deref()?);
        let ec2 = query(&at.ec2, "ec2", "2016-11-15");
        let autoscaling = query(&at.autoscaling, "autoscaling", "2011-01-01");
        Self {
            batch: aws_sdk_batch::Client::new(shared),
            logs: aws_sdk_cloudwatchlogs::Client::new(shared),
            sts: aws_sdk_sts::Client::new(shared),
            scheduler: aws_sdk_scheduler::Client::new(shared),
            ecs: at.ecs.is_some().then(|| aws_sdk_ecs::Client::new(shared)),
            events: at.events.is_some().then(|| aws_sdk_eventbridge::Client::new(shared)),
            pricing,
            ec2,
            autoscaling,
            budget,
            flights: Flights::default(),
            clock: Clock::default(),
            at,
            credentials,
            queues,
            history,
            log_group: log_group.unwrap_or_else(|| DEFAULT_LOG_GROUP.to_owned()),
            memory: Mutex::new(Memory::new(book)),
            wake: Notify::new(),
        }
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn code_wanted(&self) -> Option<String> {
        self.credentials.as_ref()?.code_wanted()
    }

    /// What whoever is to type a code is told.
    pub(super) fn words_of_code(&self) -> Option<String> {
        self.credentials.as_ref()?.words_of_code()
    }

    pub async fn give_code(&self, code: &str) -> Result<(), BackendError> {
        let refused = |message: String| BackendError::Refused { code: "MFA".to_owned(), message };
        let given = match &self.credentials {
            Some(credentials) => credentials.give_code(code).await,
            None => None,
        };
        match given {
            None => Err(refused("no role is assumed with a code here".to_owned())),
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(match (error.of_code(), error) {
                (Some(words), _) => refused(words),
                (None, NoSession::Refused(error)) => self.at.error("AssumeRole", error.as_ref()),
                (None, error) => refused(error.to_string()),
            }),
        }
    }
}
