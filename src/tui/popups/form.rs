//! A form: what it is about, its fields, what is wrong with them, the same by hand, the buttons.

use super::{open, preview};
use crate::config::theme::Role;
use crate::tui::action::{Action, Place};
use crate::tui::app::App;
use crate::tui::app::form::{Button, Entry, Field, Form, Key, Purpose};
use crate::tui::format::{width as width_of, wrap};
use crate::tui::widgets::painter::pieces_width;
use crate::tui::widgets::{Painter, Piece, piece, typed};
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

/// Columns of the names of fields.
const LABEL: u16 = 14;
/// Lines that are held for the command line that does the same.
const HAND_LINES: usize = 2;

/// Where its parts stand.
///
/// ```text
/// ┌ title ──────────────────────────┐
/// │ what it is about                │   preview::lines
/// │ label   [ field               ] │
/// │ ✖ what is wrong                 │
/// │ Same by hand  …                 │
/// │ Calls         …                 │
/// │           [ Keep ]   [ Do it ]  │
/// └──────────────────────── ↑1 ↓3 ──┘
/// ```
///
/// Where there are too few lines for all, what tells gives way to what is typed in and pressed, and can be scrolled to.
pub fn draw(app: &App, painter: &mut Painter<'_>, body: Rect, form: &Form) {
    let width = body.width.min(88);
    let room = usize::from(width.saturating_sub(4));
    let above = preview::above(app, form, room);
    let below = preview::below(app, form, room);
    let problems = app.calls(form).err().unwrap_or_default();
    let shown = |field: &Field| form.tried || !field.value().trim().is_empty();
    // The times to come, or why there are none, tell of these two.
    let told_below =
        |key: Key| matches!(form.purpose, Purpose::Schedule { .. }) && matches!(key, Key::Expression | Key::Zone);
    let is_shown = |(key, _): &&(Key, String)| {
        !told_below(*key) && form.fields.iter().any(|field| field.key == *key && shown(field))
    };
    let focused = form.fields.get(form.focus).map(|field| field.key);
    let problem = problems
        .iter()
        .filter(is_shown)
        .find(|(key, _)| Some(*key) == focused)
        .or_else(|| problems.iter().find(is_shown));
    let problem = problem.map(|(key, text)| {
        let label = form.fields.iter().find(|field| field.key == *key).map_or("", |field| field.label);
        wrap(&format!("✖ {label}: {text}"), room)
    });
    let by_hand = same_by_hand(app, form, room);
    let hand_lines = if matches!(form.purpose, Purpose::Schedule { .. }) {
        0
    } else if form.fields.is_empty() {
        by_hand.len()
    } else {
        HAND_LINES + 1 + usize::from(app.setting.aws_flags.is_some())
    };
    let problem_lines = usize::from(!form.fields.is_empty());
    let count = above.len() + form.fields.len() + below.len() + problem_lines + hand_lines + 1;
    let inner = open(painter, body, width, count, &form.title);
    if inner.width < 6 || inner.height == 0 {
        return;
    }
    // Where not all fits, what tells gives way to what is typed in and pressed.
    let spare = usize::from(inner.height).saturating_sub(form.fields.len() + problem_lines + 1);
    let above_shown = above.len().min(spare);
    let below_shown = below.len().min(spare - above_shown);
    let hand_shown = hand_lines.min(spare - above_shown - below_shown);
    let (x, columns) = (inner.x + 1, inner.width.saturating_sub(2));
    let parts = Parts { above: &above, fields: &form.fields, below: &below, by_hand: &by_hand };
    let is_bad = |field: &Field| problems.iter().any(|(key, _)| *key == field.key) && shown(field);
    let gives_way = above.len() - above_shown + below.len() - below_shown + by_hand.len().saturating_sub(hand_shown);
    let fits = usize::from(inner.height - 1);
    form.page.seen.set(if gives_way > 0 { (parts.len(), fits) } else { (0, 0) });
    let top = form.page.top.min(parts.len().saturating_sub(fits));
    if gives_way > 0 && top > 0 {
        for (y, at) in (inner.y..inner.bottom() - 1).zip(top..parts.len()) {
            parts.draw(painter, Rect { x, y, width: columns, height: 1 }, at, (form.focus, &is_bad));
        }
        painter.hidden(inner, top, parts.len().saturating_sub(top + fits));
        buttons(painter, Rect { x, y: inner.bottom() - 1, width: columns, height: 1 }, form);
        return;
    }
    let mut y = inner.y;
    for line in &above[..above_shown] {
        painter.pieces(x, y, columns, line);
        y += 1;
    }
    let fields_fit = usize::from(inner.bottom().saturating_sub(y)).saturating_sub(problem_lines + 1).max(1);
    let first = (form.focus.min(form.fields.len().saturating_sub(1)) + 1).saturating_sub(fields_fit);
    for (at, field) in form.fields.iter().enumerate().skip(first).take(fields_fit) {
        draw_field(painter, Rect { x, y, width: columns, height: 1 }, field, at == form.focus, is_bad(field));
        y += 1;
    }
    painter.hidden(inner, first, gives_way + form.fields.len().saturating_sub(first + fields_fit));
    if problem_lines > 0 && y + 1 < inner.bottom() {
        // A long one takes the lines that are held for the command line, which there is not while a field is wrong.
        let free = if by_hand.is_empty() { hand_shown } else { 0 };
        let first = y;
        for line in problem.into_iter().flatten().take(1 + free) {
            painter.text(x, y, columns, &line, Role::Failed);
            y += 1;
        }
        y = y.max(first + 1);
    }
    for line in &below[..below_shown] {
        painter.pieces(x, y, columns, line);
        y += 1;
    }
    for line in by_hand.iter().take(hand_shown) {
        draw_hand(painter, (x, y), columns, line);
        y += 1;
    }
    let line = Rect { x, y: inner.bottom() - 1, width: columns, height: 1 };
    let taken = buttons(painter, line, form);
    if form.careful
        && let Some(key) = app.keymap.keys_at(Place::Form, Action::Send).first()
    {
        let text = format!("{key} does not send this");
        if width_of(&text) < usize::from(columns.saturating_sub(taken)) {
            painter.text(x, line.y, columns - taken, &text, Role::Dim);
        }
    }
}

/// All that a form has in its lines above the buttons, one below the other.
struct Parts<'a> {
    above: &'a [Vec<Piece<'static>>],
    fields: &'a [Field],
    below: &'a [Vec<Piece<'static>>],
    by_hand: &'a [(&'static str, String)],
}

impl Parts<'_> {
    fn len(&self) -> usize {
        self.above.len() + self.fields.len() + self.below.len() + self.by_hand.len()
    }

    /// Draws the line of this number.
    fn draw(
        &self,
        painter: &mut Painter<'_>,
        line: Rect,
        at: usize,
        (focus, is_bad): (usize, &impl Fn(&Field) -> bool),
    ) {
        let fields_at = at.wrapping_sub(self.above.len());
        let below_at = fields_at.wrapping_sub(self.fields.len());
        let hand_at = below_at.wrapping_sub(self.below.len());
        if let Some(told) = self.above.get(at).or_else(|| self.below.get(below_at)) {
            painter.pieces(line.x, line.y, line.width, told);
        } else if let Some(field) = self.fields.get(fields_at) {
            draw_field(painter, line, field, fields_at == focus, is_bad(field));
        } else if let Some(same) = self.by_hand.get(hand_at) {
            draw_hand(painter, (line.x, line.y), line.width, same);
        }
    }
}

fn draw_hand(painter: &mut Painter<'_>, (x, y): (u16, u16), columns: u16, (label, line): &(&'static str, String)) {
    painter.pieces(x, y, columns, &[piece(format!("{label:<14}"), Role::Column), piece(line.clone(), Role::Dim)]);
}

/// The lines that do the same, and the calls that are made, each with what it is.
fn same_by_hand(app: &App, form: &Form, room: usize) -> Vec<(&'static str, String)> {
    let room = room.saturating_sub(16);
    let mut lines = Vec::new();
    let mut add = |label: &'static str, texts: &[String], most: usize| {
        let mut wrapped: Vec<String> = texts.iter().flat_map(|text| wrap(text, room)).collect();
        if wrapped.len() > most {
            wrapped.truncate(most);
            wrapped[most - 1].push_str(" …");
        }
        lines.extend(wrapped.into_iter().enumerate().map(|(at, text)| (if at == 0 { label } else { "" }, text)));
    };
    let label = if matches!(form.purpose, Purpose::Command(_)) { "Runs" } else { "Same by hand" };
    add(label, &app.by_hand(form), HAND_LINES);
    add("or", &app.by_aws(form), 1);
    let calls = app.calls_in_words(form);
    if !calls.is_empty() {
        add("Calls", &[calls], 1);
    }
    lines
}

fn draw_field(painter: &mut Painter<'_>, line: Rect, field: &Field, has_keys: bool, is_bad: bool) {
    let signs = [(has_keys, "▸", Role::Focus), (is_bad, "✖", Role::Failed)];
    let signs: Vec<_> =
        signs.into_iter().filter(|(is_so, ..)| *is_so).map(|(_, sign, role)| piece(sign, role)).collect();
    painter.pieces(line.x, line.y, 2, &signs);
    painter.text(line.x + 2, line.y, LABEL - 1, field.label, Role::Column);
    let entry = Rect { x: line.x + LABEL + 1, width: line.width.saturating_sub(LABEL + 1), ..line };
    let role = if has_keys { Role::InputFocus } else { Role::Input };
    painter.tint(entry, role);
    let room = entry.width.saturating_sub(1);
    match &field.entry {
        Entry::Text { input, selected } => {
            let line = field.shown();
            let (shown, at) = typed::seen_as(input, &line, room);
            if input.value().is_empty() {
                example(painter, entry, &field.example, has_keys);
            } else {
                let role = if selected.is_some() && has_keys { Role::Selected } else { role };
                painter.text(entry.x, entry.y, room, shown, role);
            }
            if has_keys {
                painter.cursor = Some((entry.x + at, entry.y).into());
            }
        }
        Entry::Choice { options, at, typed } => {
            let text = match options.get(*at) {
                Some(option) => format!("‹ {option} ›"),
                None => field.example.clone(),
            };
            painter.text(entry.x, entry.y, room, &text, role);
            let note = match (field.no_match(), typed.as_str()) {
                (Some(typed), _) => format!("none begins with {typed} "),
                (None, "") => format!("{} of {} ", at + 1, options.len()),
                (None, typed) => format!("{typed}… "),
            };
            painter.pieces_right(entry.x, entry.y, entry.width, &[piece(note, role)]);
        }
    }
}

/// What an empty field takes: paler than what is typed, in whatever colours the field has.
fn example(painter: &mut Painter<'_>, entry: Rect, text: &str, has_keys: bool) {
    let room = entry.width.saturating_sub(1);
    if !has_keys {
        painter.text(entry.x, entry.y, room, text, Role::Dim);
        return;
    }
    let taken = painter.text(entry.x, entry.y, room, text, Role::InputFocus);
    let area = Rect { width: taken, ..entry }.intersection(painter.buffer.area);
    let pale = Style::new().add_modifier(Modifier::DIM).remove_modifier(Modifier::BOLD);
    painter.buffer.set_style(area, pale);
}

/// Draws the buttons and returns the columns that they take at the right.
fn buttons(painter: &mut Painter<'_>, line: Rect, form: &Form) -> u16 {
    let focused = form.focused_button();
    let mut pieces = Vec::new();
    for button in form.buttons() {
        let label = match button {
            Button::Keep => form.keep,
            Button::Go => form.go.as_str(),
        };
        let has_keys = focused == Some(button);
        let role = match (has_keys, button) {
            (true, _) => Role::InputFocus,
            (false, Button::Go) if form.careful => Role::Failed,
            (false, _) => Role::Text,
        };
        let (left, right) = if has_keys { ("▸[ ", " ]") } else { (" [ ", " ]") };
        pieces.push(piece(format!("{left}{label}{right}"), role));
        pieces.push(piece("  ", Role::Text));
    }
    painter.pieces_right(line.x, line.y, line.width, &pieces);
    pieces_width(&pieces)
}
