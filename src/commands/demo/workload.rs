//! What the demo submits: real work that takes minutes, in every state that a job can be in.

use super::catalogue::{RUN, WORKSPACE};
use crate::commands::error::{CommandError, Doing};
use crate::commands::world::World;
use crate::model::{
    ArrayProperties, ContainerOverrides, DependencyKind, JobDependency, JobId, ResourceRequirement, SubmitJobRequest,
};

const SHARDS: u32 = 4;
const SAMPLES: u32 = 6;
const STRIPS: u32 = 8;

/// One run of the demo.
pub struct Workload<'w> {
    pub world: &'w World,
    pub workspace: String,
    /// Keeps the files of this run apart: a time.
    pub run: String,
}

impl Workload<'_> {
    /// Submits everything, what shows something soonest first, and answers how many jobs that are.
    pub async fn submit(&self) -> Result<usize, CommandError> {
        let mut count = 0;
        for (name, queue, definition) in [
            ("wait-for-lock", "default", "endless"),
            ("word-count", "default", "short"),
            ("import-orders", "default", "broken"),
            ("build-index", "default", "killed"),
            ("sync-upstream", "default", "flaky"),
            ("ingest-orders", "high", "ingest"),
        ] {
            self.send(self.job(name, queue, definition)).await?;
            count += 1;
        }
        count += self.etl().await? + self.simulation().await? + self.pictures().await?;
        self.send(too_large(self.job("train-model", "big", "short"))).await?;
        Ok(count + 1)
    }

    /// Extract, transform and load: the transform of a shard waits for the extract of the same shard alone.
    async fn etl(&self) -> Result<usize, CommandError> {
        let extract = self.send(array(self.job("etl-extract", "high", "etl-extract"), SHARDS)).await?;
        let transform = array(self.job("etl-transform", "high", "etl-transform"), SHARDS);
        let transform = self.send(after(transform, &extract, Some(DependencyKind::NToN))).await?;
        self.send(after(self.job("etl-load", "high", "etl-load"), &transform, None)).await?;
        Ok(3)
    }

    /// Monte Carlo samples, and a job that adds them up.
    async fn simulation(&self) -> Result<usize, CommandError> {
        let samples = self.send(array(self.job("pi-sample", "default", "pi-sample"), SAMPLES)).await?;
        self.send(after(self.job("pi-sum", "default", "pi-sum"), &samples, None)).await?;
        Ok(2)
    }

    /// Renders strips of a picture, converts each, and puts them together.
    async fn pictures(&self) -> Result<usize, CommandError> {
        let render = self.send(array(self.job("frame-render", "default", "frame-render"), STRIPS)).await?;
        let convert = array(self.job("frame-convert", "default", "frame-convert"), STRIPS);
        let convert = self.send(after(convert, &render, Some(DependencyKind::NToN))).await?;
        let mut assemble = self.job("frame-assemble", "default", "frame-assemble");
        assemble.parameters.insert("strips".to_owned(), STRIPS.to_string());
        self.send(after(assemble, &convert, None)).await?;
        Ok(3)
    }

    /// A short job, as they arrive while the console is open; `number` makes each a little different.
    pub async fn arrival(&self, number: u64) -> Result<(), CommandError> {
        const KINDS: [(&str, &str, &str); 6] = [
            ("thumbnail", "default", "short"),
            ("word-count", "default", "short"),
            ("invoice", "high", "short"),
            ("sync-upstream", "default", "flaky"),
            ("checksum", "default", "short"),
            ("import-orders", "default", "broken"),
        ];
        let at = usize::try_from(number % KINDS.len() as u64).unwrap_or_default();
        let (name, queue, definition) = KINDS[at];
        let mut job = self.job(name, queue, definition);
        if definition == "short" {
            job.parameters.insert("seconds".to_owned(), (3 + number % 7).to_string());
        }
        self.send(job).await.map(|_| ())
    }

    fn job(&self, name: &str, queue: &str, definition: &str) -> SubmitJobRequest {
        let parameters = [(WORKSPACE, &self.workspace), (RUN, &self.run)];
        SubmitJobRequest {
            job_name: name.to_owned(),
            job_queue: queue.to_owned(),
            job_definition: definition.to_owned(),
            parameters: parameters.map(|(key, value)| (key.to_owned(), value.clone())).into(),
            ..SubmitJobRequest::default()
        }
    }

    async fn send(&self, request: SubmitJobRequest) -> Result<JobId, CommandError> {
        let name = request.job_name.clone();
        let answer = self.world.backend.submit_job(request).await.doing(format!("submitting the job `{name}`"))?;
        Ok(answer.job_id)
    }
}

fn array(mut request: SubmitJobRequest, size: u32) -> SubmitJobRequest {
    request.array_properties = Some(ArrayProperties { size: Some(size), ..ArrayProperties::default() });
    request
}

fn after(mut request: SubmitJobRequest, id: &JobId, kind: Option<DependencyKind>) -> SubmitJobRequest {
    request.depends_on.push(JobDependency { job_id: Some(id.clone()), kind });
    request
}

/// Asks for more than any instance of the demo has.
fn too_large(mut request: SubmitJobRequest) -> SubmitJobRequest {
    let ask = |kind: &str, value: &str| ResourceRequirement { kind: kind.to_owned(), value: value.to_owned() };
    request.container_overrides = Some(ContainerOverrides {
        resource_requirements: vec![ask("VCPU", "64"), ask("MEMORY", "131072")],
        ..ContainerOverrides::default()
    });
    request
}
