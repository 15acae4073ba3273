//! A definition's container with what a job overrides: its size, its command, its environment
//! (AWS Batch API reference, `ContainerOverrides`; user guide, "Job definition parameters").

use super::event::Need;
use crate::model::{ContainerOverrides, ContainerProperties, KeyValuePair, ResourceRequirement};
use std::collections::BTreeMap;

/// Why a job has no size that can be placed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    #[error("resourceRequirements holds the type `{0}`; the types are VCPU, MEMORY and GPU")]
    Type(String),
    #[error("resourceRequirements {kind} is `{given}`; it takes {takes}")]
    Value { kind: &'static str, given: String, takes: &'static str },
    #[error("resourceRequirements has no {0}: give it in the job definition or in containerOverrides")]
    Missing(&'static str),
}

const VCPU: &str = "VCPU";
const MEMORY: &str = "MEMORY";
const GPU: &str = "GPU";

/// What a container asks for of each kind; what it does not ask for is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub vcpus_milli: Option<u64>,
    pub memory_mib: Option<u64>,
    pub gpus: u32,
}

impl Share {
    pub fn add(&mut self, other: Self) {
        let sum = |ours: Option<u64>, theirs: Option<u64>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => Some(ours + theirs),
            (ours, theirs) => ours.or(theirs),
        };
        self.vcpus_milli = sum(self.vcpus_milli, other.vcpus_milli);
        self.memory_mib = sum(self.memory_mib, other.memory_mib);
        self.gpus = self.gpus.saturating_add(other.gpus);
    }

    /// A job must say how many vCPUs and how much memory it needs.
    pub fn whole(self) -> Result<Need, SizeError> {
        Ok(Need {
            vcpus_milli: self.vcpus_milli.ok_or(SizeError::Missing(VCPU))?,
            memory_mib: self.memory_mib.ok_or(SizeError::Missing(MEMORY))?,
            gpus: self.gpus,
        })
    }
}

/// The size of a job of one container.
pub fn need(container: &ContainerProperties, overrides: Option<&ContainerOverrides>) -> Result<Need, SizeError> {
    share(container, overrides)?.whole()
}

/// What a container asks for. For each type the override wins over the definition. The deprecated `vcpus` and `memory`
/// overrides do not touch what the definition holds in `resourceRequirements`, as on AWS.
pub fn share(container: &ContainerProperties, overrides: Option<&ContainerOverrides>) -> Result<Share, SizeError> {
    let merged = requirements(container, overrides);
    if let Some(unknown) = merged.iter().find(|one| ![VCPU, MEMORY, GPU].contains(&one.kind.as_str())) {
        return Err(SizeError::Type(unknown.kind.clone()));
    }
    let find = |kind: &str| merged.iter().find(|one| one.kind == kind).map(|one| one.value.clone());
    Ok(Share {
        vcpus_milli: find(VCPU).map(|given| vcpus_milli(&given)).transpose()?,
        memory_mib: find(MEMORY).map(|given| memory_mib(&given)).transpose()?,
        gpus: find(GPU).map_or(Ok(0), |given| {
            given.parse().map_err(|_| SizeError::Value { kind: GPU, given, takes: "a whole number" })
        })?,
    })
}

/// The definition's requirements with the override's, which win by type, and the deprecated members as such.
pub fn requirements(
    container: &ContainerProperties,
    overrides: Option<&ContainerOverrides>,
) -> Vec<ResourceRequirement> {
    let overridden = overrides.map_or(&[][..], |overrides| &overrides.resource_requirements);
    let mut merged = container.resource_requirements.clone();
    for requirement in overridden {
        match merged.iter_mut().find(|known| known.kind == requirement.kind) {
            Some(known) => known.value.clone_from(&requirement.value),
            None => merged.push(requirement.clone()),
        }
    }
    let old = |theirs: Option<i32>, ours: Option<i32>| theirs.or(ours).map(|number| number.to_string());
    let deprecated = [
        (VCPU, old(overrides.and_then(|o| o.vcpus), container.vcpus)),
        (MEMORY, old(overrides.and_then(|o| o.memory), container.memory)),
    ];
    for (kind, value) in deprecated {
        if let Some(value) = value.filter(|_| merged.iter().all(|known| known.kind != kind)) {
            merged.push(ResourceRequirement { kind: kind.to_owned(), value });
        }
    }
    merged
}

/// AWS takes whole vCPUs on EC2 and from 0.25 on Fargate. Here every environment takes fractions from 0.25: jobs on one
/// machine are often smaller than a core.
fn vcpus_milli(given: &str) -> Result<u64, SizeError> {
    let wrong = || SizeError::Value { kind: VCPU, given: given.to_owned(), takes: "0.25 or more, at most 3 decimals" };
    let (whole, fraction) = given.split_once('.').unwrap_or((given, "0"));
    let digits = |text: &str| (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let fraction: u64 = format!("{fraction:0<3}").parse().map_err(|_| wrong())?;
    let milli = whole * 1000 + fraction;
    if milli >= 250 { Ok(milli) } else { Err(wrong()) }
}

fn memory_mib(given: &str) -> Result<u64, SizeError> {
    let wrong = || SizeError::Value { kind: MEMORY, given: given.to_owned(), takes: "whole MiB, 4 or more" };
    let memory: u32 = given.parse().map_err(|_| wrong())?;
    if memory >= 4 { Ok(u64::from(memory)) } else { Err(wrong()) }
}

/// The command to run: the override's where there is one, with each `Ref::name` replaced. What no parameter names
/// stays as it is.
pub fn command(
    container: &ContainerProperties,
    overrides: Option<&ContainerOverrides>,
    parameters: &BTreeMap<String, String>,
) -> Vec<String> {
    let overridden = overrides.map(|overrides| &overrides.command).filter(|command| !command.is_empty());
    overridden.unwrap_or(&container.command).iter().map(|element| substitute(element, parameters)).collect()
}

fn substitute(element: &str, parameters: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(element.len());
    let mut rest = element;
    while let Some(start) = rest.find("Ref::") {
        let after = &rest[start + "Ref::".len()..];
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        let end = after.find(|letter| !is_part(letter)).unwrap_or(after.len());
        out.push_str(&rest[..start]);
        if let Some(value) = parameters.get(&after[..end]) {
            out.push_str(value);
            rest = &after[end..];
        } else {
            out.push_str("Ref::");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// The definition's environment with the override's variables, which win by name.
pub fn environment(container: &ContainerProperties, overrides: Option<&ContainerOverrides>) -> Vec<KeyValuePair> {
    let mut merged = container.environment.clone();
    for pair in overrides.iter().flat_map(|overrides| &overrides.environment) {
        match merged.iter_mut().find(|known| known.name == pair.name) {
            Some(known) => known.value.clone_from(&pair.value),
            None => merged.push(pair.clone()),
        }
    }
    merged
}

/// `2`, `0.25`: as AWS writes vCPUs.
pub fn vcpus_text(milli: u64) -> String {
    if milli.is_multiple_of(1000) {
        return (milli / 1000).to_string();
    }
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    text.trim_end_matches('0').to_owned()
}

/// vCPUs as the wire form has them.
#[expect(clippy::cast_precision_loss, reason = "thousandths of vCPUs stay far below 2^52")]
pub fn vcpus(milli: u64) -> f64 {
    milli as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(kind: &str, value: &str) -> ResourceRequirement {
        ResourceRequirement { kind: kind.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn an_override_wins_for_its_type_alone_and_the_old_members_yield() {
        let container = ContainerProperties {
            resource_requirements: vec![requirement("VCPU", "2"), requirement("MEMORY", "512")],
            ..Default::default()
        };
        let overrides = ContainerOverrides {
            resource_requirements: vec![requirement("MEMORY", "1024")],
            vcpus: Some(7),
            ..Default::default()
        };
        assert_eq!(need(&container, Some(&overrides)), Ok(Need { vcpus_milli: 2000, memory_mib: 1024, gpus: 0 }));
        let old = ContainerProperties { vcpus: Some(1), memory: Some(128), ..Default::default() };
        assert_eq!(need(&old, Some(&overrides)), Ok(Need { vcpus_milli: 7000, memory_mib: 1024, gpus: 0 }));
    }

    #[test]
    fn a_size_that_cannot_be_is_refused_with_what_it_takes() {
        let cases = [
            (
                vec![requirement("MEMORY", "4")],
                "resourceRequirements has no VCPU: give it in the job definition or in containerOverrides",
            ),
            (
                vec![requirement("VCPU", "0.2"), requirement("MEMORY", "4")],
                "resourceRequirements VCPU is `0.2`; it takes 0.25 or more, at most 3 decimals",
            ),
            (
                vec![requirement("VCPU", "-1"), requirement("MEMORY", "4")],
                "resourceRequirements VCPU is `-1`; it takes 0.25 or more, at most 3 decimals",
            ),
            (
                vec![requirement("VCPU", "1"), requirement("MEMORY", "3")],
                "resourceRequirements MEMORY is `3`; it takes whole MiB, 4 or more",
            ),
            (
                vec![requirement("CPU", "1")],
                "resourceRequirements holds the type `CPU`; the types are VCPU, MEMORY and GPU",
            ),
        ];
        for (requirements, expected) in cases {
            let container = ContainerProperties { resource_requirements: requirements, ..Default::default() };
            assert_eq!(need(&container, None).map_err(|e| e.to_string()), Err(expected.to_owned()));
        }
    }

    #[test]
    fn a_size_reads_back_as_it_was_written() {
        for text in ["0.25", "0.5", "1", "1.5", "16", "0.333"] {
            assert_eq!(vcpus_milli(text).map(vcpus_text), Ok(text.to_owned()));
        }
    }

    #[test]
    fn references_are_replaced_inside_an_element_and_unknown_ones_stay() {
        let parameters = [("in", "a.txt"), ("out-dir", "/tmp")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let cases = [
            ("Ref::in", "a.txt"),
            ("--in=Ref::in,Ref::out-dir/x", "--in=a.txt,/tmp/x"),
            ("Ref::nobody", "Ref::nobody"),
            ("Ref::", "Ref::"),
            ("plain", "plain"),
            ("Ref::Ref::in", "Ref::a.txt"),
        ];
        for (given, expected) in cases {
            assert_eq!(substitute(given, &parameters), expected, "{given}");
        }
    }

    #[test]
    fn a_variable_of_the_override_replaces_the_one_of_its_name() {
        let pair = |name: &str, value: &str| KeyValuePair { name: name.into(), value: value.into() };
        let container = ContainerProperties { environment: vec![pair("A", "1"), pair("B", "2")], ..Default::default() };
        let overrides = ContainerOverrides { environment: vec![pair("B", "3"), pair("C", "4")], ..Default::default() };
        assert_eq!(environment(&container, Some(&overrides)), [pair("A", "1"), pair("B", "3"), pair("C", "4")]);
    }
}
