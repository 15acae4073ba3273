//! What is told of a job before it is submitted: where it would fit, and about what it would cost.

use super::App;
use super::form::{Form, Key};
use crate::model::{JobStatus, Millis, SubmitJobRequest, name_of};
use crate::triage::placement::{Chance, Home, homes, needs};
use crate::triage::why::Needs;
use crate::tui::format::{count, span};

/// Runs that say how long one takes, of those that are known; the newest.
const RUNS: usize = 50;

impl App {
    /// `asks 1 vCPU, 512 MiB · local: m5.large · spot: maxvCpus is 4, never`; and what that costs. `None` where the
    /// definition is not known.
    pub fn estimate(&self, form: &Form, base: &SubmitJobRequest) -> Option<(String, String)> {
        let label = form.value(Key::Definition);
        let definition = self.store.definitions.values().find(|definition| definition.label() == label)?;
        let needs = needs(definition, base);
        if needs == Needs::default() {
            return None;
        }
        let queue = self.store.queues.get(form.value(Key::Queue))?;
        let mut order: Vec<_> = queue.compute_environment_order.iter().collect();
        order.sort_by_key(|entry| entry.order);
        let found =
            order.into_iter().filter_map(|entry| self.store.environments.get(name_of(&entry.compute_environment)));
        let homes = homes(needs, &found.collect::<Vec<_>>(), &self.setting.own.prices);
        let mut places: Vec<String> = homes.iter().map(in_words).collect();
        if places.is_empty() {
            places.push(format!("{} has no compute environment that is known", queue.job_queue_name));
        }
        Some((format!("asks {needs} · {}", places.join(" · ")), self.cost_in_words(form, label, &homes)))
    }

    fn cost_in_words(&self, form: &Form, label: &str, homes: &[Home]) -> String {
        let first = homes.iter().find_map(|home| match &home.chance {
            Chance::On { an_hour, .. } => Some((home.environment.as_str(), *an_hour)),
            _ => None,
        });
        let (name, an_hour) = match first {
            Some((name, Some(an_hour))) => (name, an_hour),
            Some((name, None)) => return format!("no price is known for {name}; [prices] in the config takes one"),
            None => return "-".to_owned(),
        };
        let mut told = vec![format!("~{an_hour} an hour in {name}")];
        let children: u64 = form.value(Key::Array).parse().unwrap_or(1);
        if let Some((median, runs)) = self.usual_run(label) {
            let hour = 3_600_000;
            let one = an_hour.times(u128::try_from(median).unwrap_or(0), hour);
            told.push(format!("~{one} a run ({} at the median of {runs})", span(median)));
            if children > 1 {
                let all = one.times(children.into(), 1);
                told.push(format!("~{all} for {} children", count(children)));
            }
        } else if children > 1 {
            return format!(
                "{} for each of {} children; by {}",
                told.concat(),
                count(children),
                self.setting.own.prices.label()
            );
        }
        format!("{}; by {}", told.join(", "), self.setting.own.prices.label())
    }

    /// How long runs of a revision have taken that went well, at the median, and how many these are.
    fn usual_run(&self, label: &str) -> Option<(Millis, usize)> {
        let mut jobs: Vec<_> = self
            .store
            .jobs
            .values()
            .filter(|job| job.status == JobStatus::Succeeded && super::list::definition_of(job) == label)
            .filter_map(|job| Some((job.stopped_at?, job.started_at?)))
            .collect();
        jobs.sort_by_key(|(stopped, _)| std::cmp::Reverse(*stopped));
        let mut spans: Vec<Millis> = jobs.into_iter().take(RUNS).map(|(stopped, started)| stopped - started).collect();
        spans.sort_unstable();
        let median = spans.get(spans.len() / 2)?;
        Some((*median, spans.len()))
    }
}

fn in_words(home: &Home) -> String {
    let name = &home.environment;
    match &home.chance {
        Chance::On { kind, .. } => format!("{name}: {kind}"),
        Chance::Unknown => format!("{name}: its types are not known"),
        Chance::Never(why) => format!("{name}: never, {why}"),
        Chance::Closed(why) => format!("{name}: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::theme::Theme;
    use crate::tui::screens::recorded_world;
    use crate::tui::stage::Stage;

    #[test]
    fn a_form_says_where_its_job_fits_and_about_what_it_costs() {
        let mut stage = Stage::new(recorded_world(), (160, 40), Theme::default());
        stage.press("n \"high\" tab \"resize:14\"").expect("keys");
        let text = stage.text();
        assert!(text.contains("Fits") && text.contains("asks 1 vCPU, 512 MiB · "), "{text}");
        assert!(text.contains("Costs") && text.contains("an hour in"), "{text}");
        // More than anything here can give.
        let Some(crate::tui::app::Popup::Form(form)) = stage.app.popups.last_mut() else { panic!("a form") };
        let crate::tui::app::form::Purpose::Submit { base } = &mut form.purpose else { panic!("for a job") };
        crate::triage::rerun::require(base, "VCPU", "4000".to_owned());
        let text = stage.text();
        assert!(text.contains("asks 4000 vCPU") && text.contains("never, maxvCpus is"), "{text}");
    }
}
