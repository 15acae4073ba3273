//! Rules on recorded worlds: each fires on the ill one and stays silent on its healthy twin.

mod moving;
mod pairs;
mod worlds;

use super::{Certainty, Deed, Diagnosis, diagnose, rules};
use crate::model::{Evidence, JobStatus, Piece, Switch};
use pairs::PAIRS;
use std::collections::BTreeSet;
use worlds::{NOW, failed, job_mut, piece, queue_mut, running, waiting, waiting_on_aws};

fn ids(evidence: &Evidence) -> Vec<&'static str> {
    diagnose(evidence).causes.iter().map(|cause| cause.rule).collect()
}

#[test]
fn each_rule_fires_on_its_ill_world_and_is_silent_on_its_healthy_twin() {
    for (id, twin, ill) in PAIRS {
        let mut world = twin();
        assert!(!ids(&world).contains(id), "{id} fires on its healthy twin: {:#?}", diagnose(&world).causes);
        ill(&mut world);
        let told = diagnose(&world);
        assert!(told.causes.iter().any(|cause| cause.rule == *id), "{id} does not fire: {told:#?}");
    }
}

#[test]
fn every_rule_has_such_a_pair_and_tells_what_it_found() {
    let paired: BTreeSet<&str> = PAIRS.iter().map(|(id, _, _)| *id).collect();
    let known: BTreeSet<&str> = rules().map(|rule| rule.id).collect();
    assert_eq!(known.difference(&paired).collect::<Vec<_>>(), Vec::<&&str>::new(), "rules without a pair");
    assert_eq!(paired.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "pairs without a rule");
    for (id, twin, ill) in PAIRS {
        let mut world = twin();
        ill(&mut world);
        let told = diagnose(&world);
        let cause = told.causes.iter().find(|cause| cause.rule == *id).expect("it fires");
        assert!(!cause.why.is_empty() && !cause.title.is_empty(), "{id}");
        assert!(!cause.evidence.is_empty(), "{id} shows no evidence");
        assert!(cause.evidence.iter().all(|fact| fact.read_at > 0 && !fact.value.is_empty()), "{id}: {cause:#?}");
        for step in &cause.steps {
            assert!(!step.words.is_empty(), "{id}");
            let has_line = !step.command.is_empty() || step.deed == Deed::Elsewhere;
            assert!(has_line, "{id}: `{}` has no command line", step.words);
        }
    }
}

#[test]
fn a_healthy_world_has_no_cause_and_says_what_was_ruled_out() {
    let told = diagnose(&running());
    assert_eq!(told.causes, []);
    assert!(!told.all_clear().is_empty());
    let told = diagnose(&waiting());
    assert!(told.causes.iter().all(|cause| cause.certainty == Certainty::Note), "{:#?}", told.causes);
    for what in ["environments disabled", "queue disabled or invalid", "held by an operator", "environments full"] {
        assert!(told.ruled_out.contains(&what), "{what} in {:?}", told.ruled_out);
    }
    assert_eq!(told.not_read, []);
}

#[test]
fn what_was_not_read_is_named_with_its_reason_and_never_taken_for_absent() {
    let mut world = waiting();
    world.environments = Piece::NotRead("AccessDenied: batch:DescribeComputeEnvironments".to_owned());
    let told = diagnose(&world);
    let missing = told.not_read.iter().find(|missing| missing.what == "compute environments").expect("it is named");
    assert!(missing.why.contains("AccessDenied"), "{missing:?}");
    for what in ["environments disabled", "environments full", "too large for every type"] {
        assert!(!told.ruled_out.contains(&what), "{what} cannot be ruled out");
    }
    assert!(told.ruled_out.contains(&"queue disabled or invalid"));
}

#[test]
fn on_aws_single_instances_are_not_known_and_it_says_so() {
    let told = diagnose(&waiting_on_aws());
    let missing = told.not_read.iter().find(|missing| missing.what == "the instances").expect("it is named");
    assert!(missing.why.contains("list-container-instances"), "{missing:?}");
}

#[test]
fn a_code_of_the_service_ranks_before_what_was_derived() {
    let mut world = waiting();
    queue_mut(&mut world).state = Switch::Disabled;
    job_mut(&mut world).status_reason = Some("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too much".into());
    let told = diagnose(&world);
    let certain = told.causes.iter().map(|cause| cause.certainty).collect::<Vec<_>>();
    assert!(certain.is_sorted_by(|a, b| a >= b), "{certain:?}");
    assert!(!ids(&world).contains(&"R16"), "what the service says is not said twice");
}

#[test]
fn a_timeout_that_ends_with_137_is_not_called_a_lack_of_memory() {
    let mut world = failed(Some(137), None, "Job attempt duration exceeded timeout");
    assert_eq!(ids(&world).first(), Some(&"F3"));
    assert!(!ids(&world).contains(&"F6") && !ids(&world).contains(&"F7"));
    job_mut(&mut world).status_reason = Some("Essential container in task exited".into());
    let told = diagnose(&world);
    assert_eq!(told.causes[0].rule, "F7");
    assert_eq!(told.causes[0].certainty, Certainty::Possible, "memory is not proven");
}

fn steps(told: &Diagnosis) -> Vec<&Deed> {
    told.steps().map(|(_, step)| &step.deed).collect()
}

#[test]
fn out_of_memory_offers_more_memory_and_no_more_than_an_instance_gives() {
    let oom = "OutOfMemoryError: Container killed due to memory usage";
    let mut world = failed(Some(137), Some(oom), "Essential container in task exited");
    let more = |world: &Evidence| {
        let told = diagnose(world);
        steps(&told).into_iter().find_map(|deed| match deed {
            Deed::Resubmit { memory_mib, .. } => *memory_mib,
            _ => None,
        })
    };
    assert_eq!(more(&world), Some(1536));
    worlds::ask(&mut world, "1", "7900");
    assert_eq!(more(&world), Some(7955), "a c5.xlarge registers no more");
    let told = diagnose(&world);
    let (_, step) = told.steps().next().expect("a step");
    let line = step.command.join(" ");
    assert!(line.starts_with("submit --queue main --definition resize:3 --name resize"), "{line}");
    assert!(line.contains("--memory 7955") && line.ends_with("-- resize.sh in.mov"), "{line}");
}

#[test]
fn a_job_that_is_too_large_is_offered_in_the_largest_size_there_is() {
    let mut world = waiting();
    worlds::ask(&mut world, "16", "65536");
    let told = diagnose(&world);
    assert_eq!(told.causes[0].rule, "R16");
    let deeds = steps(&told);
    let smaller =
        deeds.iter().any(|deed| matches!(deed, Deed::Resubmit { memory_mib: Some(7955), vcpus: Some(400), .. }));
    assert!(smaller, "{deeds:?}");
}

#[test]
fn the_root_of_a_chain_of_dependencies_is_named() {
    let mut world = worlds::pending();
    worlds::add_dependency(&mut world, "first", JobStatus::Pending, &["second"]);
    worlds::add_dependency(&mut world, "second", JobStatus::Runnable, &[]);
    let told = diagnose(&world);
    let cause = &told.causes[0];
    assert_eq!(cause.rule, "P1");
    assert!(
        cause.evidence.iter().any(|fact| fact.field == "at the root of the chain" && fact.value.contains("second"))
    );
    assert!(matches!(&cause.steps[0].deed, Deed::WhyJob(id) if id.as_str() == "second"));
}

#[test]
fn the_same_world_gives_the_same_diagnosis() {
    let world = waiting();
    assert_eq!(diagnose(&world), diagnose(&world));
    let json = serde_json::to_value(&world).expect("it writes");
    let read: Evidence = serde_json::from_value(json).expect("it reads");
    assert_eq!(diagnose(&read), diagnose(&world), "evidence can be kept and weighed again");
    assert_eq!(piece(1), Piece::Read { value: 1, at: NOW });
}
