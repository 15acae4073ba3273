//! `fit`: what runs have used against what was asked, and whether they would fit AWS Lambda.

use super::Done;
use super::error::{CommandError, Doing, Named, exit};
use super::table::{Cell, Table, left, length, right};
use super::world::World;
use crate::cli::{FitArgs, Format};
use crate::commands::resolve;
use crate::model::{JobDefinition, Millis, ObservedRuns, Spread, name_of};
use crate::triage::fit::{Advice, Fit, Lambda, Sizing, Verdict, weigh};

pub async fn run(args: &FitArgs, world: World) -> Done {
    let (name, revision) = match &args.definition {
        Some(given) => split(name_of(given)),
        None => (None, None),
    };
    let mut runs = world.backend.observed_runs(name).await.doing("asking what runs have used")?;
    runs.retain(|runs| revision.is_none_or(|only| runs.revision == only));
    let definitions = world.backend.job_definitions(false).await.doing("listing job definitions")?;
    if let Some(name) = name {
        check(name, revision, &definitions, &mut runs)?;
    }
    let fits = runs.iter().filter_map(|runs| Some(weigh(of(runs, &definitions)?, runs, &world.setting.config.prices)));
    let fits: Vec<Fit> = fits.collect();
    match args.output {
        Format::Json => world.output().json(&fits)?,
        Format::Table if fits.is_empty() => world.output().note("no job has run yet"),
        Format::Table if name.is_some() => {
            for fit in &fits {
                world.output().table(&sizes(fit))?;
                world.output().text("\n")?;
                world.output().table(&lambda(&fit.lambda))?;
                world.output().text(&last_words(&fit.lambda, &world.setting.config.prices.label()))?;
            }
        }
        Format::Table => world.output().table(&table(&fits))?,
    }
    Ok(exit::DONE)
}

/// `NAME` or `NAME:REVISION`.
fn split(given: &str) -> (Option<&str>, Option<u32>) {
    match given.rsplit_once(':').map(|(name, revision)| (name, revision.parse())) {
        Some((name, Ok(revision))) => (Some(name), Some(revision)),
        _ => (Some(given), None),
    }
}

fn of<'a>(runs: &ObservedRuns, definitions: &'a [JobDefinition]) -> Option<&'a JobDefinition> {
    definitions.iter().find(|one| one.job_definition_name == runs.job_definition_name && one.revision == runs.revision)
}

/// A definition that is there and has not run is told of too; without a revision, the latest that has run is enough.
fn check(
    name: &str,
    revision: Option<u32>,
    definitions: &[JobDefinition],
    runs: &mut Vec<ObservedRuns>,
) -> Result<(), CommandError> {
    let mut revisions: Vec<u32> = definitions
        .iter()
        .filter(|one| one.job_definition_name == name && revision.is_none_or(|only| one.revision == only))
        .map(|one| one.revision)
        .collect();
    revisions.sort_unstable();
    let Some(latest) = revisions.last() else {
        let mut names: Vec<String> = definitions.iter().map(|one| one.job_definition_name.clone()).collect();
        names.sort();
        names.dedup();
        return Err(resolve::unknown(Named::Definition, name, names));
    };
    *runs = match runs.iter().max_by_key(|runs| runs.revision) {
        Some(last) => vec![last.clone()],
        None => {
            vec![ObservedRuns { job_definition_name: name.to_owned(), revision: *latest, ..ObservedRuns::default() }]
        }
    };
    Ok(())
}

fn table(fits: &[Fit]) -> Table {
    let mut table = Table::new(&[
        left("DEFINITION"),
        right("RUNS"),
        right("FAILED"),
        right("TIME"),
        right("MEMORY"),
        right("PEAK"),
        right("BETTER"),
        right("VCPU"),
        right("BUSY"),
        right("BETTER"),
        left("LAMBDA"),
    ]);
    for fit in fits {
        let runs = &fit.runs;
        table.row(vec![
            Cell::new(format!("{}:{}", runs.job_definition_name, runs.revision)),
            Cell::count(runs.succeeded + runs.failed),
            Cell::count(runs.failed),
            Cell::optional(runs.duration.map(|duration| time(duration.p50))),
            Cell::new(fit.memory.asked.to_string()),
            Cell::optional(fit.memory.used_max.map(|mib| mib.to_string())),
            better(&fit.memory, |mib| mib.to_string()),
            Cell::new(hundredths(fit.cpu.asked)),
            Cell::optional(fit.cpu.used_p95.map(hundredths)),
            better(&fit.cpu, hundredths),
            Cell::new(verdict(&fit.lambda)),
        ]);
    }
    table
}

fn better(sizing: &Sizing, show: impl Fn(u64) -> String) -> Cell {
    match (sizing.advice, sizing.suggested) {
        (_, Some(suggested)) => Cell::health(&show(suggested), sizing.advice == Advice::Lower),
        (Advice::Keep, None) => Cell::new("keep").dim(),
        _ => Cell::new("?").dim(),
    }
}

/// The verdict, with what decides it.
fn verdict(lambda: &Lambda) -> String {
    let deciding = |verdict| {
        let which = lambda.checks.iter().filter(move |check| check.verdict == verdict).map(|check| check.what);
        which.collect::<Vec<_>>().join(", ")
    };
    match lambda.verdict {
        Verdict::Fits => "fits".to_owned(),
        Verdict::Close => format!("fits, {} close", deciding(Verdict::Close)),
        Verdict::Unknown => format!("fits as far as known ({} ?)", deciding(Verdict::Unknown)),
        Verdict::No => format!("no: {}", deciding(Verdict::No)),
    }
}

fn sizes(fit: &Fit) -> Table {
    let runs = &fit.runs;
    let mut table = Table::new(&[left("FIT"), left("")]);
    let mut fact = |name: &str, value: String| table.row(vec![Cell::new(name), Cell::new(value)]);
    fact("definition", format!("{}:{}", runs.job_definition_name, runs.revision));
    let kinds = [
        (runs.failed, "failed"),
        (runs.out_of_memory, "out of memory"),
        (runs.timed_out, "timed out"),
        (runs.resized, "of another size than the definition's"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let ran = format!("{}, {} measured", runs.succeeded + runs.failed, runs.measured);
    fact("runs", std::iter::once(ran).chain(kinds).collect::<Vec<_>>().join(", "));
    if let Some(Spread { p50, p95, max }) = runs.duration {
        fact("time", format!("half within {}, 19 of 20 within {}, at most {}", time(p50), time(p95), time(max)));
    }
    let memory = |mib: u64| format!("{mib} MiB");
    let cpu = |value: u64| format!("{} vCPU", hundredths(value));
    fact("memory", sizing(&fit.memory, memory));
    fact("", fit.memory.reason.clone());
    fact("vcpu", sizing(&fit.cpu, cpu));
    fact("", fit.cpu.reason.clone());
    table
}

fn sizing(sizing: &Sizing, show: impl Fn(u64) -> String) -> String {
    let used = sizing.used_p95.zip(sizing.used_max);
    let used = used.map(|(p95, max)| format!(", uses {} in 19 of 20 runs and {} at most", show(p95), show(max)));
    let advice = match (sizing.advice, sizing.suggested) {
        (_, Some(suggested)) => format!(": ask for {}", show(suggested)),
        (Advice::Keep, None) => ": keep it".to_owned(),
        _ => String::new(),
    };
    format!("asks for {}{}{advice}", show(sizing.asked), used.unwrap_or_default())
}

fn lambda(lambda: &Lambda) -> Table {
    let mut table = Table::new(&[left("LAMBDA"), left(""), left("HERE"), left("LIMIT")]);
    for check in &lambda.checks {
        let word = match check.verdict {
            Verdict::Fits => Cell::new("fits"),
            Verdict::Close => Cell::health("close", false),
            Verdict::Unknown => Cell::new("?").dim(),
            Verdict::No => Cell::health("no", false),
        };
        table.row(vec![Cell::new(check.what), word, Cell::new(&check.has), Cell::new(&check.limit)]);
    }
    table
}

fn last_words(lambda: &Lambda, prices: &str) -> String {
    let estimated = lambda.usd_per_run.is_some() || lambda.fargate_usd_per_run.is_some();
    let words = [
        Some(format!("\n{}", verdict(lambda))),
        lambda.memory_mib.map(|mib| format!("; a function of {mib} MB")),
        lambda.usd_per_run.map(|usd| format!(", about {usd} a run")),
        lambda.fargate_usd_per_run.map(|usd| format!("; on Fargate about {usd}")),
        Some("\n".to_owned()),
        estimated.then(|| format!("estimates, by {prices}\n")),
    ];
    words.into_iter().flatten().collect()
}

/// Short runs in seconds with a fraction, long ones as lengths are written.
fn time(millis: u64) -> String {
    if millis < 60_000 {
        return format!("{}.{}s", millis / 1_000, millis % 1_000 / 100);
    }
    length(Millis::try_from(millis).unwrap_or(Millis::MAX))
}

fn hundredths(cpu: u64) -> String {
    super::table::vcpus(f64::from(u32::try_from(cpu).unwrap_or(u32::MAX)) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::table::Look;
    use crate::model::{ContainerProperties, Prices, ResourceRequirement};

    fn definition() -> JobDefinition {
        let ask = |kind: &str, value: &str| ResourceRequirement { kind: kind.to_owned(), value: value.to_owned() };
        let container = ContainerProperties {
            image: "resize:3".to_owned(),
            resource_requirements: vec![ask("VCPU", "2"), ask("MEMORY", "2048")],
            ..ContainerProperties::default()
        };
        JobDefinition {
            job_definition_name: "resize".to_owned(),
            revision: 3,
            kind: "container".to_owned(),
            container_properties: Some(container),
            ..JobDefinition::default()
        }
    }

    fn runs(count: u64) -> ObservedRuns {
        let spread = |p50, max| Some(Spread { p50, p95: max, max });
        ObservedRuns {
            job_definition_name: "resize".to_owned(),
            revision: 3,
            succeeded: count,
            failed: 1,
            measured: count,
            duration: spread(41_200, 95_000),
            peak_memory: spread(280, 310),
            cpu: spread(45, 61),
            ..ObservedRuns::default()
        }
    }

    #[test]
    fn what_was_asked_and_used_stands_side_by_side_with_advice() {
        let prices = Prices::default();
        let many = weigh(&definition(), &runs(40), &prices);
        let few = weigh(&definition(), &ObservedRuns { measured: 2, ..runs(2) }, &prices);
        let none = ObservedRuns { job_definition_name: "resize".to_owned(), revision: 3, ..ObservedRuns::default() };
        let none = weigh(&definition(), &none, &prices);
        insta::assert_snapshot!(table(&[many.clone(), few, none]).render(Look::default()));
        let detail = sizes(&many).render(Look::default())
            + &lambda(&many.lambda).render(Look::default())
            + &last_words(&many.lambda, &prices.label());
        insta::assert_snapshot!(detail);
    }

    #[test]
    fn a_definition_is_named_with_or_without_its_revision() {
        assert_eq!(split("resize"), (Some("resize"), None));
        assert_eq!(split("resize:3"), (Some("resize"), Some(3)));
        let mut observed = vec![runs(4), ObservedRuns { revision: 2, ..runs(9) }];
        check("resize", None, &[definition()], &mut observed).expect("known");
        assert_eq!(observed.len(), 1);
        assert_eq!(observed[0].revision, 3);
        let mut nothing = Vec::new();
        check("resize", Some(3), &[definition()], &mut nothing).expect("known");
        assert_eq!(nothing[0].succeeded, 0);
        let refusal = check("reszie", None, &[definition()], &mut nothing).expect_err("unknown");
        assert!(matches!(refusal, CommandError::UnknownName { meant: Some(meant), .. } if meant == "resize"));
    }
}
