//! What a job has used over time, as two small charts.

use crate::model::{UsageOverTime, UsageSample};
use crate::triage::fit::{Advice, Asked, Sizing, of_one_run};
use crate::tui::format::{Clock, memory, vcpus};

/// What is drawn of a job: a label and its text, one for each line.
pub fn lines(told: &UsageOverTime, asked: (f64, f64), columns: usize, clock: Clock) -> Vec<(&'static str, String)> {
    let (Some(first), Some(last)) = (told.samples.first(), told.samples.last()) else {
        return vec![("over time", format!("no figures: {}", told.nothing))];
    };
    let chart = |of: fn(&UsageSample) -> f64| {
        let values: Vec<f64> = told.samples.iter().map(of).collect();
        let most = values.iter().copied().fold(0.0, f64::max);
        (values, most)
    };
    let ((cpu, most_cpu), (mib, most_mib)) = (chart(|sample| sample.cpu), chart(|sample| sample.memory_mib));
    let cut = if told.is_cut { ", and more that was not read" } else { "" };
    let span = format!("{} to {}{cut} · {}", clock.time(first.at), clock.time(last.at), told.source);
    let mut lines = vec![
        ("cpu", format!("{} at most {most_cpu:.2} of {} vCPU", bars(&cpu, asked.0, columns), vcpus(asked.0))),
        ("memory", format!("{} at most {} of {}", bars(&mib, asked.1, columns), memory(most_mib), memory(asked.1))),
        ("", span),
    ];
    lines.extend(better(told, asked).map(|text| ("size", text)));
    lines
}

/// What this run alone says of the size that was asked for.
fn better(told: &UsageOverTime, (cpu, mib): (f64, f64)) -> Option<String> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes of a job fit")]
    let asked = Asked { cpu: (cpu * 100.0).round() as u64, memory_mib: mib.round() as u64, gpus: 0 };
    let sizes = of_one_run(asked, told)?;
    let float = |value: u64| u32::try_from(value).map_or(f64::MAX, f64::from);
    let word = |sizing: &Sizing, show: &dyn Fn(f64) -> String| match (sizing.advice, sizing.suggested) {
        (Advice::Raise, Some(more)) => {
            format!("{} is too tight: ask for {}", show(float(sizing.asked)), show(float(more)))
        }
        (_, Some(less)) => format!("{} would do", show(float(less))),
        _ => format!("{} is about right", show(float(sizing.asked))),
    };
    let cpu = word(&sizes.cpu, &|hundredths| format!("{} vCPU", vcpus(hundredths / 100.0)));
    Some(format!("~{cpu}, ~{} (by this run alone)", word(&sizes.memory, &memory)))
}

/// Small bars, each as high as its part of `all`, or of the highest one where that is more. Where not all have room, the
/// highest of several stands for them: a peak is what one looks for.
fn bars(values: &[f64], all: f64, columns: usize) -> String {
    let each = values.len().div_ceil(columns.max(1)).max(1);
    let shown: Vec<f64> = values.chunks(each).map(|part| part.iter().copied().fold(0.0, f64::max)).collect();
    let most = shown.iter().copied().fold(all, f64::max);
    shown.iter().map(|value| bar(*value, most)).collect()
}

/// A small bar, as high as its part of the highest one; a dot where it is nothing.
pub(super) fn bar(value: f64, most: f64) -> char {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let height = if most > 0.0 { (value / most * 8.0).ceil() } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 8")]
    match height.clamp(0.0, 8.0) as usize {
        0 => '·',
        high => HEIGHTS[high - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_parts_of_what_was_asked_for_and_a_peak_is_not_lost() {
        let cases: [(&[f64], f64, usize, &str); 5] = [
            (&[0.0, 0.5, 1.0, 2.0], 2.0, 10, "·▂▄█"),
            (&[0.1, 1.9, 0.1, 0.1], 2.0, 2, "█▁"),
            (&[4.0, 2.0], 2.0, 10, "█▄"),
            (&[1.0], 0.0, 10, "█"),
            (&[0.0], 0.0, 10, "·"),
        ];
        for (values, all, columns, expected) in cases {
            assert_eq!(bars(values, all, columns), expected, "{values:?}");
        }
    }

    #[test]
    fn figures_say_their_most_their_time_and_where_they_come_from() {
        let sample = |at, cpu, memory_mib| UsageSample { at, cpu, memory_mib };
        let told = UsageOverTime {
            samples: vec![sample(0, 0.5, 256.0), sample(60_000, 1.75, 1024.0)],
            source: "Container Insights of the cluster c".into(),
            nothing: "the log group has none of it".into(),
            is_cut: false,
        };
        let text = |told: &UsageOverTime| {
            let lines = lines(told, (2.0, 2048.0), 40, Clock::Utc);
            lines.into_iter().map(|(label, text)| format!("{label}: {text}")).collect::<Vec<_>>()
        };
        assert_eq!(
            text(&told),
            [
                "cpu: ▂▇ at most 1.75 of 2 vCPU",
                "memory: ▁▄ at most 1.0G of 2.0G",
                ": 00:00:00 to 00:01:00 · Container Insights of the cluster c",
            ]
        );
        let none = UsageOverTime { samples: Vec::new(), ..told };
        assert!(text(&none)[0].starts_with("over time: no figures: the log group has none"), "{:?}", text(&none));
    }

    #[test]
    fn a_run_that_was_seen_often_enough_says_what_would_have_done() {
        let told = |cpu, memory_mib| {
            let sample = |at: i64| UsageSample { at: at * 2_000, cpu, memory_mib };
            UsageOverTime { samples: (1..=12).map(sample).collect(), ..UsageOverTime::default() }
        };
        let size = |cpu, mib| better(&told(cpu, mib), (2.0, 2048.0)).expect("it was seen often enough");
        assert_eq!(size(0.3, 200.0), "~0.5 vCPU would do, ~256M would do (by this run alone)");
        assert_eq!(size(1.9, 1500.0), "~2 vCPU is about right, ~2.0G is about right (by this run alone)");
        assert_eq!(size(1.9, 2040.0), "~2 vCPU is about right, ~2.0G is too tight: ask for 2.5G (by this run alone)");
        let few = UsageOverTime { samples: told(0.1, 1.0).samples[..3].to_vec(), ..UsageOverTime::default() };
        assert_eq!(better(&few, (2.0, 2048.0)), None);
    }
}
