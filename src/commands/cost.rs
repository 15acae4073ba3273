//! `cost`: what was spent, or what one job has cost. An estimate, and always marked as one.

use super::error::{Doing, exit};
use super::table::{Cell, Table, left, length, moment, right};
use super::world::World;
use super::{Done, begin, now, resolve, watching};
use crate::cli::{By, CostArgs, Format};
use crate::model::{AttemptCost, CostBy, CostQuery, CostReport, CostRow, JobCost, Unpriced, Usd};

const UNKNOWN: &str = "price unknown";

pub async fn run(args: &CostArgs, world: World) -> Done {
    match &args.job {
        Some(job) => of_job(job, args.output, &world).await,
        None => report(args, &world).await,
    }
}

async fn report(args: &CostArgs, world: &World) -> Done {
    let by = match args.by {
        By::Queue => CostBy::Queue,
        By::Environment => CostBy::Environment,
        By::Share => CostBy::Share,
        By::Definition => CostBy::Definition,
    };
    let query = CostQuery { by, since: begin(args.since, now()) };
    let report = world.backend.costs(query).await.doing("adding up costs")?;
    match args.output {
        Format::Json => world.output().json(&report)?,
        Format::Table => {
            world.output().table(&table(&report))?;
            world.output().text(&summary(&report))?;
        }
    }
    Ok(exit::DONE)
}

fn table(report: &CostReport) -> Table {
    let with_idle = report.by == CostBy::Environment;
    let name = match report.by {
        CostBy::Queue => "QUEUE",
        CostBy::Environment => "ENVIRONMENT",
        CostBy::Share => "SHARE",
        CostBy::Definition => "DEFINITION",
    };
    let mut columns = vec![left(name), right("ATTEMPTS"), right("HOURS"), right("COST")];
    if with_idle {
        columns.extend([right("IDLE HOURS"), right("IDLE COST")]);
    }
    columns.push(left("NOT COUNTED"));
    let mut table = Table::new(&columns);
    for row in &report.rows {
        let mut cells = vec![
            Cell::new(&row.name),
            Cell::count(row.attempts),
            Cell::new(hours(row.hours)),
            amount(row.direct, row.unpriced.iter().any(|unpriced| unpriced.hours > 0.0), row.hours),
        ];
        if with_idle {
            cells.push(Cell::new(hours(row.idle_hours)));
            cells.push(amount(row.idle, !row.unpriced.is_empty(), row.idle_hours));
        }
        cells.push(Cell::new(unpriced(&row.unpriced)));
        table.row(cells);
    }
    table
}

/// A sum; where nothing in it has a price, that.
fn amount(sum: Usd, lacks: bool, hours: f64) -> Cell {
    if lacks && sum == Usd::ZERO && hours > 0.0 { Cell::new(UNKNOWN).dim() } else { Cell::new(sum.to_string()) }
}

fn unpriced(unpriced: &[Unpriced]) -> String {
    let one = |of: &Unpriced| format!("{} h of {}: {UNKNOWN}", hours(of.hours + of.idle_hours), of.tariff);
    unpriced.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn hours(hours: f64) -> String {
    if hours > 0.0 && hours < 0.01 { format!("{hours:.4}") } else { format!("{hours:.2}") }
}

/// The sums of all environments and what they rest on.
fn summary(report: &CostReport) -> String {
    let CostRow { direct, idle, .. } = report.total;
    let since = report.from.map_or_else(|| "of all time".to_owned(), |from| format!("since {}", moment(from)));
    let lacks = unpriced(&report.total.unpriced);
    let lacks = if lacks.is_empty() { String::new() } else { format!(", and not counted: {lacks}") };
    format!(
        "\nall environments {since}: {} = jobs {direct} + idle {idle}{lacks}\nan estimate, by {}\n",
        direct + idle,
        report.prices
    )
}

async fn of_job(given: &str, format: Format, world: &World) -> Done {
    let id = resolve::job(&*world.backend, given).await?;
    if !world.backend.capabilities().costs {
        world.backend.costs(CostQuery::default()).await.doing(format!("estimating what job {id} costs"))?;
    }
    let detail = watching::describe(&*world.backend, &id).await?;
    let cost = detail.cost.map_or_else(JobCost::default, |cost| *cost);
    match format {
        Format::Json => world.output().json(&cost)?,
        Format::Table if cost.tries == 0 => {
            world.output().text(&format!("job {id} has cost nothing: no attempt of it was placed\n"))?;
        }
        Format::Table => {
            if !cost.attempts.is_empty() {
                world.output().table(&attempts(&cost))?;
            }
            world.output().text(&job_summary(&cost))?;
        }
    }
    Ok(exit::DONE)
}

fn attempts(cost: &JobCost) -> Table {
    let mut table = Table::new(&[
        right("ATTEMPT"),
        left("ON"),
        left("INSTANCE"),
        left("FROM"),
        right("FOR"),
        right("HOURS"),
        right("COST"),
    ]);
    for attempt in &cost.attempts {
        let AttemptCost { number, instance, tariff, from, to, hours: took, usd } = attempt;
        table.row(vec![
            Cell::new(number.to_string()),
            Cell::optional(tariff.as_ref().map(ToString::to_string)),
            Cell::new(&instance.0),
            Cell::new(moment(*from)),
            Cell::new(length(to.unwrap_or(cost.at) - from)),
            Cell::new(hours(*took)),
            usd.map_or_else(|| Cell::new(UNKNOWN).dim(), |usd| Cell::new(usd.to_string())),
        ]);
    }
    table
}

fn job_summary(cost: &JobCost) -> String {
    let lead = if cost.attempts.is_empty() { "" } else { "\n" };
    let tries = if cost.tries == 1 { "1 attempt".to_owned() } else { format!("{} attempts", cost.tries) };
    let now = cost.usd_per_hour.map_or_else(String::new, |usd| format!(", {usd} an hour now"));
    let lacks = unpriced(&cost.unpriced);
    let lacks = if lacks.is_empty() { String::new() } else { format!(", and not counted: {lacks}") };
    let by = if cost.prices.is_empty() { String::new() } else { format!(", by {}", cost.prices) };
    format!("{lead}{tries}: {}{now}{lacks}\nan estimate{by}\n", cost.usd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Since;
    use crate::commands::table::Look;
    use crate::model::InstanceId;
    use crate::model::Millis;

    /// 2026-11-24T14:10:00Z
    const NOW: Millis = 1_795_529_400_000;

    fn row(name: &str, direct: i64, idle: i64) -> CostRow {
        CostRow {
            name: name.to_owned(),
            attempts: 12,
            hours: 1.5,
            direct: Usd::from_micros(direct),
            idle_hours: 0.004,
            idle: Usd::from_micros(idle),
            unpriced: Vec::new(),
        }
    }

    fn told(report: &CostReport) -> String {
        table(report).render(Look::default()) + &summary(report)
    }

    #[test]
    fn sums_are_marked_as_an_estimate_and_what_has_no_price_is_counted_in_hours() {
        let spot = "m5.large Spot".parse().expect("a tariff");
        let lacks =
            || vec![Unpriced { tariff: "m5.large Spot".parse().expect("a tariff"), hours: 2.0, idle_hours: 0.25 }];
        let unknown =
            CostRow { unpriced: vec![Unpriced { tariff: spot, hours: 2.0, idle_hours: 0.25 }], ..row("spot", 0, 0) };
        let mut report = CostReport {
            by: CostBy::Environment,
            estimate: true,
            prices: crate::model::Prices::default().label(),
            from: Some(NOW - 86_400_000),
            to: NOW,
            rows: vec![row("local", 144_000, 4_200), unknown],
            total: CostRow { unpriced: lacks(), ..row("", 144_000, 4_200) },
        };
        insta::assert_snapshot!(told(&report));
        report.by = CostBy::Queue;
        report.from = None;
        insta::assert_snapshot!(told(&report));
    }

    #[test]
    fn each_try_of_a_job_has_its_own_line() {
        let attempt = |number, tariff: &str, usd| AttemptCost {
            number,
            instance: InstanceId("i-0a1b".to_owned()),
            tariff: Some(tariff.parse().expect("a tariff")),
            from: NOW - 3_600_000,
            to: (number == 1).then_some(NOW - 3_000_000),
            hours: 0.25,
            usd,
        };
        let cost = JobCost {
            at: NOW,
            prices: crate::model::Prices::default().label(),
            usd: Usd::from_micros(24_000),
            usd_per_hour: Some(Usd::from_micros(96_000)),
            hours: 0.5,
            tries: 2,
            attempts: vec![attempt(1, "m5.large", Some(Usd::from_micros(24_000))), attempt(2, "m5.large Spot", None)],
            unpriced: vec![Unpriced {
                tariff: "m5.large Spot".parse().expect("a tariff"),
                hours: 0.25,
                idle_hours: 0.0,
            }],
        };
        insta::assert_snapshot!(attempts(&cost).render(Look::default()) + &job_summary(&cost));
    }

    #[test]
    fn a_window_begins_with_the_day_the_month_or_some_time_ago() {
        let at = |since| begin(since, NOW).map(moment);
        assert_eq!(at(Since::Today).as_deref(), Some("2026-11-24 00:00:00Z"));
        assert_eq!(at(Since::Month).as_deref(), Some("2026-11-01 00:00:00Z"));
        assert_eq!(at(Since::Ago(7 * 86_400)).as_deref(), Some("2026-11-17 14:10:00Z"));
        assert_eq!(at(Since::Ever), None);
    }
}
