//! How the capacity of a compute environment went: vCPUs in use and wanted against those that it may have.
//!
//! ```text
//!  vCPUs of 16 at most · looked at every 5 s
//!  15 m  used ▁▃▅█████      6   wanted ▂▂▅▅▅▅▅▅▅      8
//!  1 h   used …
//! ```

use super::usage::bar;
use crate::config::theme::Role;
use crate::model::{CapacityMinute, CapacityOverTime, Millis};
use crate::tui::app::App;
use crate::tui::format::vcpus;
use crate::tui::widgets::{Painter, piece};
use ratatui::layout::Rect;

const MINUTE: Millis = 60_000;
/// Spans, and the bars of each at most: none is shorter than a minute.
const SPANS: [(&str, Millis, usize); 3] =
    [("15 m", 15 * MINUTE, 15), ("1 h", 60 * MINUTE, 60), ("24 h", 24 * 60 * MINUTE, 96)];

/// What is told of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub span: &'static str,
    /// What jobs held; where the service does not tell it, what its instances had.
    pub used: String,
    pub used_most: String,
    pub wanted: String,
    pub wanted_most: String,
}

/// A line for each span, with charts of so many columns.
pub fn lines(told: &CapacityOverTime, columns: usize, now: Millis) -> Vec<Line> {
    let columns = columns.max(1);
    let limit = told.minutes.iter().filter_map(|minute| minute.limit).fold(0.0, f64::max);
    let chart = |of: &dyn Fn(&CapacityMinute) -> Option<f64>, span: Millis, bars: usize| {
        let found = told.highest(of, (span, bars), now);
        let most =
            found.iter().flatten().copied().fold(None, |most: Option<f64>, one| Some(most.map_or(one, |m| m.max(one))));
        let all = limit.max(most.unwrap_or(0.0));
        // Each span takes the same room. A blank is what nobody has seen.
        let values = (0..columns).filter_map(|column| found.get(column * bars / columns));
        let text: String = values.map(|value| value.map_or(' ', |value| bar(value, all))).collect();
        (text, most.map_or("-".to_owned(), vcpus))
    };
    let line = |(span, length, most): (&'static str, Millis, usize)| {
        let bars = most.min(columns);
        let (used, used_most) = chart(&|minute| minute.used.or(minute.launched), length, bars);
        let (wanted, wanted_most) = chart(&|minute| minute.desired.or(minute.launched), length, bars);
        Line { span, used, used_most, wanted, wanted_most }
    };
    SPANS.map(line).to_vec()
}

/// `vCPUs of 16 at most · looked at every 5 s`
pub fn heading(told: &CapacityOverTime) -> String {
    let limit = told.minutes.back().and_then(|last| last.limit);
    let limit = limit.map_or("vCPUs".to_owned(), |limit| format!("vCPUs of {} at most", vcpus(limit)));
    format!("{limit} · {}", told.source)
}

/// Draws what fits above the instances; the lines that it takes: none where nothing is known yet.
pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, environment: &str) -> u16 {
    let told = match app.capacity.of(environment) {
        Some(Ok(told)) if !told.minutes.is_empty() && area.height >= 10 => told,
        Some(Err(why)) if area.height >= 10 => {
            let text = format!(" how its capacity went is not known: {why}");
            painter.text(area.x, area.y, area.width, &text, Role::Dim);
            return 1;
        }
        _ => return 0,
    };
    let columns = usize::from(area.width.saturating_sub(34) / 2).clamp(8, 96);
    let mut lines = lines(told, columns, app.now);
    if area.height < 16 {
        lines.truncate(1);
    }
    painter.text(area.x + 1, area.y, area.width.saturating_sub(1), &heading(told), Role::Column);
    let widest = lines.iter().map(|line| line.used.chars().count()).max().unwrap_or(0);
    for (line, y) in lines.iter().zip(area.y + 1..) {
        let pieces = [
            piece(format!("{:<6}", line.span), Role::Column),
            piece("used ", Role::Dim),
            piece(format!("{:<widest$}", line.used), Role::Gauge),
            piece(format!(" {:>4}", line.used_most), Role::Text),
            piece("   wanted ", Role::Dim),
            piece(format!("{:<widest$}", line.wanted), Role::Waiting),
            piece(format!(" {:>4}", line.wanted_most), Role::Text),
        ];
        painter.pieces(area.x + 1, y, area.width.saturating_sub(1), &pieces);
    }
    u16::try_from(lines.len() + 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_are_parts_of_what_it_may_have_and_what_nobody_saw_is_blank() {
        let mut told = CapacityOverTime { source: "looked at every 5 s".into(), ..CapacityOverTime::default() };
        for (at, used, desired) in [(100, 2.0, 4.0), (101, 8.0, 8.0), (114, 0.0, 4.0)] {
            let limit = Some(16.0);
            told.note(CapacityMinute {
                at: at * MINUTE,
                used: Some(used),
                desired: Some(desired),
                limit,
                launched: None,
            });
        }
        let lines = lines(&told, 15, 114 * MINUTE + 1);
        assert_eq!(lines[0].used, "▁▄            ·");
        assert_eq!((lines[0].used_most.as_str(), lines[0].wanted_most.as_str()), ("8", "8"));
        assert_eq!(lines[0].wanted, "▂▄            ▂");
        assert_eq!((lines[1].span, lines[1].used.trim_start()), ("1 h", "▄  ·"));
        let wide = super::lines(&told, 30, 114 * MINUTE + 1);
        assert_eq!(wide[0].used, "▁▁▄▄                        ··", "a minute is as wide as there is room");
        assert!(wide.iter().all(|line| line.used.chars().count() == 30), "{wide:?}");
        assert_eq!(heading(&told), "vCPUs of 16 at most · looked at every 5 s");
    }

    #[test]
    fn where_use_is_not_told_what_was_launched_stands_for_it() {
        let mut told = CapacityOverTime::default();
        told.note(CapacityMinute { at: 0, launched: Some(4.0), ..CapacityMinute::default() });
        assert_eq!((lines(&told, 4, 0)[0].used_most.as_str(), lines(&told, 4, 0)[0].wanted_most.as_str()), ("4", "4"));
        told.minutes[0].launched = None;
        assert_eq!((lines(&told, 4, 0)[0].used_most.as_str(), lines(&told, 4, 0)[0].used.as_str()), ("-", "    "));
    }
}
