//! Why instances of a compute environment came and went.

use crate::config::theme::Role;
use crate::model::{Scaling, ScalingChange, text::printable};
use crate::tui::app::App;
use crate::tui::format::{vcpus, wrap};
use crate::tui::widgets::{Painter, Piece, piece};
use ratatui::layout::Rect;

/// From this width on, a step is one line.
const WIDE: u16 = 120;

/// Draws the steps of an environment, newest first, as many as fit; nothing where there are none or no room.
pub fn draw(app: &App, painter: &mut Painter<'_>, area: Rect, environment: &str) {
    let Some(steps) = app.store.scaling.get(environment).filter(|steps| !steps.is_empty() && area.height >= 3) else {
        return;
    };
    painter.text(area.x, area.y, area.width, " why instances came and went", Role::Column);
    let (mut y, end) = (area.y + 1, area.bottom());
    for step in steps {
        let lines = lines(app, step, area.width.saturating_sub(2));
        // A step that is cut short would say less than none.
        if usize::from(end.saturating_sub(y)) < lines.len() {
            return;
        }
        for line in &lines {
            painter.pieces(area.x + 1, y, area.width.saturating_sub(2), line);
            y += 1;
        }
    }
}

/// `18:02:11 +2 → 4 vCPU  launched i-0a41…`, and why: behind it, or below where there is little room.
fn lines(app: &App, step: &Scaling, width: u16) -> Vec<Vec<Piece<'static>>> {
    let size = vcpus(step.vcpus);
    let (delta, word, role) = match step.change {
        ScalingChange::Launched => (format!("+{size}"), "launched", Role::Running),
        ScalingChange::Noticed => ("±0".to_owned(), "noticed", Role::Attention),
        ScalingChange::Ended => (format!("-{size}"), "ended", Role::Off),
        ScalingChange::Lost => (format!("-{size}"), "lost", Role::Failed),
        ScalingChange::Wanted => (format!("={size}"), "wanted", Role::Waiting),
        ScalingChange::Status => (String::new(), "status", Role::Attention),
        ScalingChange::Activity => (String::new(), "activity", Role::Dim),
        ScalingChange::Failed => (String::new(), "failed", Role::Failed),
    };
    let total = vcpus(step.total_vcpus);
    let mut head = vec![
        piece(format!("{} ", app.setting.own.clock.time(step.at)), Role::Dim),
        piece(format!("{delta:>3} → {total:<3} vCPU "), Role::Text),
        piece(format!("{word:<8} "), role),
        piece(printable(&step.instance_id.0).into_owned(), Role::Text),
    ];
    let reason = printable(&step.reason).into_owned();
    if reason.is_empty() {
        return vec![head];
    }
    if width >= WIDE {
        head.push(piece(format!("  {reason}"), Role::Dim));
        return vec![head];
    }
    let below = wrap(&reason, usize::from(width.saturating_sub(9)));
    let below = below.into_iter().map(|line| vec![piece(format!("         {line}"), Role::Dim)]);
    std::iter::once(head).chain(below).collect()
}
