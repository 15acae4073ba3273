//! Where a job that is not submitted yet would run, and about what an hour of it would cost there.

use super::shape::{Shape, asked};
use super::why::{Fit, Needs, offers};
use crate::model::{
    Architecture, ComputeEnvironment, Health, JobDefinition, Prices, Purchase, SubmitJobRequest, Switch, Usd,
};

/// What one environment of the queue is to the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub environment: String,
    pub chance: Chance,
}

/// Whether it could run there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chance {
    /// On the smallest type that holds it; with what its part of that costs an hour, where the price is known.
    On { kind: String, an_hour: Option<Usd> },
    /// In an environment whose types are not known here.
    Unknown,
    /// Never, as things stand: why not.
    Never(String),
    /// It takes no jobs now.
    Closed(&'static str),
}

/// What a request asks for: the definition's sizes, with what is set over them.
pub fn needs(definition: &JobDefinition, request: &SubmitJobRequest) -> Needs {
    let own = Shape::of(definition).asked;
    let over = request.container_overrides.as_ref().map(|over| over.resource_requirements.as_slice());
    let over = asked(over.unwrap_or_default(), (None, None));
    let or = |over: u64, own: u64| if over > 0 { over } else { own };
    Needs { cpu: or(over.cpu, own.cpu), memory_mib: or(over.memory_mib, own.memory_mib), gpus: or(over.gpus, own.gpus) }
}

/// What each of the environments, in the order in which they are tried, is to a job.
pub fn homes(needs: Needs, environments: &[&ComputeEnvironment], prices: &Prices) -> Vec<Home> {
    let home = |one: &&ComputeEnvironment| Home {
        environment: one.compute_environment_name.clone(),
        chance: chance(needs, one, prices),
    };
    environments.iter().map(home).collect()
}

fn chance(needs: Needs, environment: &ComputeEnvironment, prices: &Prices) -> Chance {
    match needs.fit(environment) {
        Fit::PassesMaximum(most) => return Chance::Never(format!("maxvCpus is {most}")),
        Fit::NoType { largest, offer, short } => {
            return Chance::Never(format!("{largest} gives {offer}; too little: {}", short.join(", ")));
        }
        Fit::Fits | Fit::Unknown => {}
    }
    if environment.state == Switch::Disabled {
        return Chance::Closed("DISABLED");
    }
    if environment.status == Health::Invalid {
        return Chance::Closed("INVALID");
    }
    let kind = environment.compute_resources.as_ref().map_or("", |resources| resources.kind.as_str());
    let purchase = if kind.ends_with("SPOT") { Purchase::Spot } else { Purchase::OnDemand };
    let holding = offers(environment).into_iter().flatten().filter(|(_, offer)| needs.fits_in(*offer));
    let Some((name, offer)) = holding.min_by_key(|(_, offer)| (offer.vcpus, offer.memory_mib)) else {
        return Chance::Unknown;
    };
    let an_hour = if kind.starts_with("FARGATE") {
        prices.fargate(Architecture::X86, purchase).map(|price| {
            let rates = price.per_hour;
            rates.vcpu_hour.times(needs.cpu.into(), 100) + rates.gb_hour.times(needs.memory_mib.into(), 1_024)
        })
    } else {
        // Its part of the instance: of what it takes the most of.
        let by_cpu = (needs.cpu, offer.vcpus * 100);
        let by_memory = (needs.memory_mib, offer.memory_mib);
        let larger = by_cpu.0.saturating_mul(by_memory.1) >= by_memory.0.saturating_mul(by_cpu.1);
        let (part, whole) = if larger { by_cpu } else { by_memory };
        prices.instance(&name, purchase).map(|price| price.per_hour.times(part.into(), whole.max(1).into()))
    };
    Chance::On { kind: name, an_hour }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ComputeResource, ContainerOverrides, ContainerProperties, ResourceRequirement};

    fn environment(name: &str, kind: &str, types: &[&str], most: i32) -> ComputeEnvironment {
        ComputeEnvironment {
            compute_environment_name: name.to_owned(),
            state: Switch::Enabled,
            status: Health::Valid,
            compute_resources: Some(ComputeResource {
                kind: kind.to_owned(),
                instance_types: types.iter().map(|name| (*name).to_owned()).collect(),
                maxv_cpus: Some(most),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn require(kind: &str, value: &str) -> ResourceRequirement {
        ResourceRequirement { kind: kind.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_request_asks_for_what_the_definition_says_with_what_is_set_over_it() {
        let container = ContainerProperties {
            resource_requirements: vec![require("VCPU", "2"), require("MEMORY", "4096")],
            ..Default::default()
        };
        let definition = JobDefinition { container_properties: Some(container), ..Default::default() };
        let mut request = SubmitJobRequest::default();
        assert_eq!(needs(&definition, &request), Needs { cpu: 200, memory_mib: 4_096, gpus: 0 });
        let over = ContainerOverrides { resource_requirements: vec![require("MEMORY", "8192")], ..Default::default() };
        request.container_overrides = Some(over);
        assert_eq!(needs(&definition, &request), Needs { cpu: 200, memory_mib: 8_192, gpus: 0 });
    }

    #[test]
    fn each_environment_says_where_it_would_run_and_at_what_price_or_why_it_never_would() {
        let mut closed = environment("closed", "EC2", &["m5.large"], 8);
        closed.state = Switch::Disabled;
        let all = [
            environment("ec2", "EC2", &["m5.xlarge", "m5.large"], 8),
            environment("small", "EC2", &["m5.large"], 1),
            environment("tight", "EC2", &["c5.large"], 8),
            environment("fargate", "FARGATE", &[], 8),
            environment("spot", "SPOT", &["m5.large"], 8),
            environment("made-up", "EC2", &["x0.nothing"], 8),
            closed,
        ];
        let needs = Needs { cpu: 200, memory_mib: 4_096, gpus: 0 };
        let told = homes(needs, &all.iter().collect::<Vec<_>>(), &Prices::default());
        let chances: Vec<String> = told
            .iter()
            .map(|home| match &home.chance {
                Chance::On { kind, an_hour } => {
                    format!("{kind} {}", an_hour.map_or("-".to_owned(), |price| price.to_string()))
                }
                Chance::Unknown => "unknown".to_owned(),
                Chance::Never(why) => why.clone(),
                Chance::Closed(why) => (*why).to_owned(),
            })
            .collect();
        assert_eq!(chances[0], "m5.large $0.096", "all of its processors: all of its price");
        assert_eq!(chances[1], "maxvCpus is 1");
        assert!(
            chances[2].starts_with("c5.large gives 2 vCPU") && chances[2].ends_with("too little: memory"),
            "{chances:?}"
        );
        assert_eq!(chances[3], "Fargate $0.099");
        assert_eq!(chances[4], "m5.large -", "the list has no Spot prices");
        assert_eq!(chances[5], "unknown");
        assert_eq!(chances[6], "DISABLED");
    }
}
