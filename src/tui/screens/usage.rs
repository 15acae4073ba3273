//! What a job has used over time, as two small charts.

use crate::model::{UsageOverTime, UsageSample};
use crate::tui::format::{Clock, memory, vcpus};

/// What is drawn of a job: a label and its text, one for each line.
pub fn lines(told: &UsageOverTime, asked: (f64, f64), columns: usize, clock: Clock) -> Vec<(&'static str, String)> {
    let (Some(first), Some(last)) = (told.samples.first(), told.samples.last()) else {
        let text = format!(
            "no figures: {} has none of it; it counts once a minute, and its log group keeps lines for a day by default",
            told.source
        );
        return vec![("over time", text)];
    };
    let chart = |of: fn(&UsageSample) -> f64| {
        let values: Vec<f64> = told.samples.iter().map(of).collect();
        let most = values.iter().copied().fold(0.0, f64::max);
        (values, most)
    };
    let ((cpu, most_cpu), (mib, most_mib)) = (chart(|sample| sample.cpu), chart(|sample| sample.memory_mib));
    let cut = if told.is_cut { ", and more that was not read" } else { "" };
    let span = format!("{} to {}{cut} · {}", clock.time(first.at), clock.time(last.at), told.source);
    vec![
        ("cpu", format!("{} at most {most_cpu:.2} of {} vCPU", bars(&cpu, asked.0, columns), vcpus(asked.0))),
        ("memory", format!("{} at most {} of {}", bars(&mib, asked.1, columns), memory(most_mib), memory(asked.1))),
        ("", span),
    ]
}

/// Small bars, each as high as its part of `all`, or of the highest one where that is more. Where not all have room, the
/// highest of several stands for them: a peak is what one looks for.
fn bars(values: &[f64], all: f64, columns: usize) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let each = values.len().div_ceil(columns.max(1)).max(1);
    let shown: Vec<f64> = values.chunks(each).map(|part| part.iter().copied().fold(0.0, f64::max)).collect();
    let most = shown.iter().copied().fold(all, f64::max);
    let height = |value: f64| if most > 0.0 { (value / most * 8.0).ceil() } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 8")]
    let bar = |value: &f64| match height(*value).clamp(0.0, 8.0) as usize {
        0 => '·',
        high => HEIGHTS[high - 1],
    };
    shown.iter().map(bar).collect()
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
        assert!(text(&none)[0].starts_with("over time: no figures"), "{:?}", text(&none));
    }
}
