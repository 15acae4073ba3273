//! What a job has cost, as an estimate: the time of its attempts at the list price of what it ran on. AWS tells what was
//! billed a day later, and of an account alone.

use super::fleet::Fleet;
use super::prices::PriceBook;
use super::service::Service;
use crate::model::{
    Architecture, AttemptCost, Capacities, InstanceId, JobCost, JobDetail, JobStatus, MICROS, Millis, Purchase, Tariff,
    Unpriced, Usd, Used, name_of, part_of_instance,
};

/// Fargate bills whole seconds, and a minute at least (AWS Fargate pricing).
const SECOND: Millis = 1_000;
const LEAST: Millis = 60 * SECOND;
const HOUR: Millis = 3_600_000;

/// A time in which the job held a place.
struct Attempt<'a> {
    from: Millis,
    to: Option<Millis>,
    task: Option<&'a str>,
    instance: Option<&'a str>,
}

impl Service {
    /// Adds what each job has cost, where that is known.
    pub fn add_costs(&self, jobs: &mut [JobDetail]) {
        let now = chrono::Utc::now().timestamp_millis();
        let memory = self.memory();
        for job in jobs {
            if let Some(cost) = cost_of(job, &memory.fleet, &memory.book, now).filter(says_something) {
                job.cost = Some(Box::new(cost));
            }
        }
    }
}

/// `None` where it is not known what the job ran on: there is no guess.
fn cost_of(job: &JobDetail, fleet: &Fleet, book: &PriceBook, now: Millis) -> Option<JobCost> {
    let prices = book.prices();
    let extra = job.extra.as_deref()?;
    let attempts = attempts(job);
    if attempts.is_empty() || job.node_properties.is_some() {
        return None;
    }
    let mut cost = JobCost { at: now, ..JobCost::default() };
    for (attempt, number) in attempts.iter().zip(1..) {
        let place = place_of(job, attempt, fleet, extra.vcpus, extra.memory_mib)?;
        let quantity = place.used(attempt.from, attempt.to.unwrap_or(now));
        let usd = place.tariff.cost(quantity, prices);
        let hours = quantity.hours();
        cost.tries += 1;
        cost.hours += hours;
        if let Some(usd) = usd {
            cost.usd += usd;
        } else {
            cost.unpriced.push(Unpriced { tariff: place.tariff.clone(), hours, idle_hours: 0.0 });
        }
        if attempt.to.is_none() {
            cost.usd_per_hour = place.tariff.cost(place.for_time(HOUR), prices);
        }
        cost.attempts.push(AttemptCost {
            number,
            instance: InstanceId(attempt.instance.map(name_of).unwrap_or_default().to_owned()),
            tariff: Some(place.tariff),
            from: attempt.from,
            to: attempt.to,
            hours,
            usd,
        });
    }
    cost.prices = book.words(cost.attempts.iter().filter_map(|attempt| attempt.tariff.as_ref()));
    Some(cost)
}

/// Those that have run, and the one that runs: it is not in the list of attempts before it has ended.
fn attempts(job: &JobDetail) -> Vec<Attempt<'_>> {
    let ended = job.attempts.iter().filter_map(|attempt| {
        let tasks = || attempt.task_properties.first();
        Some(Attempt {
            from: attempt.started_at?,
            to: Some(attempt.stopped_at?),
            task: attempt.container.task_arn.as_deref().or_else(|| tasks()?.task_arn.as_deref()),
            instance: attempt
                .container
                .container_instance_arn
                .as_deref()
                .or_else(|| tasks()?.container_instance_arn.as_deref()),
        })
    });
    let mut all: Vec<_> = ended.collect();
    let live = job.started_at.filter(|at| job.status == JobStatus::Running && all.iter().all(|one| one.from != *at));
    all.extend(live.map(|from| {
        let task = job.ecs_properties.iter().flat_map(|ecs| &ecs.task_properties).next();
        let of_container = job.container.as_ref().and_then(|container| container.container_instance_arn.as_deref());
        Attempt {
            from,
            to: None,
            task: job.task_arn(),
            instance: of_container.or_else(|| task?.container_instance_arn.as_deref()),
        }
    }));
    all
}

/// Under which tariff an attempt is paid for, and how much of it.
struct Place {
    tariff: Tariff,
    portion: Portion,
}

enum Portion {
    /// Billionths of an instance.
    Instance(u32),
    /// Thousandths of a vCPU, and MiB.
    Task(u64, u64),
}

fn place_of(job: &JobDetail, attempt: &Attempt<'_>, fleet: &Fleet, vcpus: f64, memory_mib: u64) -> Option<Place> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "vCPUs of a job are few")]
    let milli = (vcpus.max(0.0) * 1000.0).round() as u64;
    if let Some(arn) = attempt.instance {
        let (tariff, whole) = fleet.host(arn)?;
        return Some(Place { tariff, portion: Portion::Instance(part_of_instance((milli, memory_mib), whole)) });
    }
    if !job.platform_capabilities.iter().any(|kind| kind == "FARGATE") {
        return None;
    }
    let (_, task) = attempt.task?.split_once(":task/")?;
    let purchase = fleet.purchase_in(task.split_once('/')?.0)?;
    let platform = job.container.as_ref().and_then(|container| container.runtime_platform.as_ref());
    let named = |name: &str| {
        let architecture = platform.and_then(|platform| platform.cpu_architecture.as_deref());
        architecture.is_some_and(|architecture| architecture.eq_ignore_ascii_case(name))
    };
    let windows = platform.and_then(|platform| platform.operating_system_family.as_deref());
    let of = match windows {
        Some(family) if family.starts_with("WINDOWS") => Capacities::FargateWindows,
        _ if named("ARM64") => Capacities::Fargate(Architecture::Arm),
        _ => Capacities::Fargate(Architecture::X86),
    };
    Some(Place { tariff: Tariff { purchase, of }, portion: Portion::Task(milli, memory_mib) })
}

impl Place {
    fn used(&self, from: Millis, to: Millis) -> Used {
        let took = (to - from).max(0);
        let whole_seconds = (took + SECOND - 1) / SECOND * SECOND;
        self.for_time(match self.portion {
            Portion::Instance(_) => took,
            Portion::Task(..) => whole_seconds.max(LEAST),
        })
    }

    fn for_time(&self, millis: Millis) -> Used {
        let millis = u64::try_from(millis).unwrap_or(0);
        match self.portion {
            Portion::Instance(parts) => {
                let micros = u128::from(millis) * u128::from(MICROS) * u128::from(parts) / 1_000_000_000;
                Used { instance: u64::try_from(micros).unwrap_or(u64::MAX), ..Used::default() }
            }
            Portion::Task(milli, mib) => Used { vcpu: milli * millis, memory: mib * millis, ..Used::default() },
        }
    }
}

/// How an environment's capacity is bought.
pub fn purchase(provisioning: &str) -> Purchase {
    if provisioning.contains("SPOT") { Purchase::Spot } else { Purchase::OnDemand }
}

/// Whether anything is known of what it cost: a sum, or what has no price.
fn says_something(cost: &JobCost) -> bool {
    cost.usd > Usd::ZERO || !cost.unpriced.is_empty() || cost.usd_per_hour.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AttemptContainerDetail, AttemptDetail, ComputeEnvironment, ComputeResource, ContainerDetail, Instance,
        JobExtra, Prices,
    };

    fn book() -> PriceBook {
        PriceBook::open(Prices::default(), "eu-west-1", None)
    }

    const HOST: &str = "arn:aws:ecs:r:1:container-instance/c/0a";

    fn fleet(kind: &str) -> Fleet {
        let mut fleet = Fleet::default();
        let environment = ComputeEnvironment {
            compute_environment_name: "ce".into(),
            ecs_cluster_arn: Some("arn:aws:ecs:r:1:cluster/c".into()),
            compute_resources: Some(ComputeResource { kind: kind.into(), ..ComputeResource::default() }),
            ..ComputeEnvironment::default()
        };
        fleet.note_environments(std::slice::from_ref(&environment), 1);
        let host =
            Instance { instance_type: "m5.xlarge".into(), vcpus: 4.0, memory_mib: 16_384, ..Instance::default() };
        fleet.note_host(&environment, HOST, &host);
        fleet
    }

    fn job(host: Option<&str>) -> JobDetail {
        let extra = JobExtra { vcpus: 2.0, memory_mib: 8_192, ..JobExtra::default() };
        let container = AttemptContainerDetail {
            container_instance_arn: host.map(str::to_owned),
            task_arn: Some("arn:aws:ecs:r:1:task/c/t".into()),
            ..AttemptContainerDetail::default()
        };
        let attempt = |from: Millis, to: Millis| AttemptDetail {
            container: container.clone(),
            started_at: Some(from),
            stopped_at: Some(to),
            ..AttemptDetail::default()
        };
        JobDetail {
            status: JobStatus::Succeeded,
            attempts: vec![attempt(0, HOUR), attempt(2 * HOUR, 3 * HOUR)],
            extra: Some(Box::new(extra)),
            platform_capabilities: vec![if host.is_some() { "EC2" } else { "FARGATE" }.into()],
            ..JobDetail::default()
        }
    }

    #[test]
    fn a_job_costs_its_part_of_the_host_for_the_time_of_its_attempts() {
        let cost = cost_of(&job(Some(HOST)), &fleet("EC2"), &book(), 9 * HOUR).expect("is known");
        // Half of a host of 19.2 cents, for two hours.
        assert_eq!((cost.usd, cost.tries), (Usd::from_micros(192_000), 2));
        assert!((cost.hours - 1.0).abs() < 1e-6, "{}", cost.hours);
        assert_eq!(cost.usd_per_hour, None);
        assert!(cost.prices.contains("us-east-1"), "whose prices they are is said: {}", cost.prices);
    }

    #[test]
    fn a_task_of_fargate_costs_what_it_asks_for_a_minute_at_least_and_one_that_runs_goes_on() {
        let mut job = job(None);
        job.attempts.truncate(1);
        job.attempts[0].stopped_at = Some(1_500);
        let cost = cost_of(&job, &fleet("FARGATE"), &book(), HOUR).expect("is known");
        // (2 of 4.048 cents and 8 of 0.4445 cents) an hour, for a minute.
        assert_eq!(cost.usd, Usd::from_nanos(1_942_000));
        let container = ContainerDetail { task_arn: Some("arn:aws:ecs:r:1:task/c/t2".into()), ..Default::default() };
        let running = JobDetail {
            status: JobStatus::Running,
            attempts: Vec::new(),
            started_at: Some(0),
            container: Some(container),
            ..job
        };
        let cost = cost_of(&running, &fleet("FARGATE"), &book(), HOUR).expect("is known");
        assert_eq!((cost.usd, cost.usd_per_hour), (Usd::from_micros(116_520), Some(Usd::from_micros(116_520))));
    }

    #[test]
    fn what_is_not_known_is_no_guess_and_what_has_no_list_price_says_so() {
        let prices = book();
        assert_eq!(cost_of(&job(Some("arn:aws:ecs:r:1:container-instance/c/gone")), &fleet("EC2"), &prices, 1), None);
        assert_eq!(cost_of(&job(None), &Fleet::default(), &prices, 1), None);
        assert_eq!(cost_of(&JobDetail::default(), &fleet("EC2"), &prices, 1), None);
        let spot = cost_of(&job(Some(HOST)), &fleet("SPOT"), &prices, 9 * HOUR).expect("is known");
        assert_eq!(spot.usd, Usd::ZERO);
        assert_eq!(spot.unpriced[0].tariff.to_string(), "m5.xlarge Spot");
        assert!(says_something(&spot));
    }
}
