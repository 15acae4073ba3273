//! Tables whose columns do not move: widths follow the room, never what is in the cells.

use super::Painter;
use crate::config::theme::Role;
use crate::tui::app::filter::{Field, Filter};
use crate::tui::app::list::{Cursor, ListState};
use crate::tui::format::{self as fitting, fit, fit_right};
use crate::tui::spots::What;
use ratatui::layout::Rect;

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// What it is called where it is chosen; mostly its title.
    pub name: &'static str,
    /// Its width, and where it grows its least one.
    pub width: u16,
    /// Its part of the room that is left; 0: it does not grow.
    pub grow: u16,
    /// Numbers stand at the right.
    pub right: bool,
    /// The column with the smallest number goes first where there is little room.
    pub keep: u8,
    /// It is shown from this width of the table on.
    pub from: u16,
}

impl Column {
    pub const fn left(title: &'static str, width: u16, keep: u8) -> Self {
        Self { title, name: title, width, grow: 0, right: false, keep, from: 0 }
    }

    pub const fn right(title: &'static str, width: u16, keep: u8) -> Self {
        Self { right: true, ..Self::left(title, width, keep) }
    }

    /// A column that is chosen by another name than its title.
    #[must_use]
    pub const fn called(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// A column that is shown in wide tables alone.
    #[must_use]
    pub const fn from(mut self, width: u16) -> Self {
        self.from = width;
        self
    }

    /// A column that takes what room is left.
    #[must_use]
    pub const fn growing(mut self, grow: u16) -> Self {
        self.grow = grow;
        self
    }
}

/// The columns of a table that are shown, in their order.
#[derive(Debug, Clone)]
pub struct Shown {
    pub columns: Vec<Column>,
    /// Their numbers among all.
    order: Vec<usize>,
}

impl Shown {
    /// Those that a person has chosen by their names, the first of which stay longest; or all. A column without a name is a
    /// sign, and is always there.
    pub fn of(all: &[Column], chosen: Option<&[String]>) -> Self {
        let Some(chosen) = chosen else { return Self { columns: all.to_vec(), order: (0..all.len()).collect() } };
        let signs = (0..all.len()).filter(|at| all[*at].name.is_empty());
        let named = chosen.iter().filter_map(|name| all.iter().position(|column| column.name == name));
        let order: Vec<usize> = signs.chain(named).collect();
        let keep = |place: usize| u8::try_from(order.len() - place).unwrap_or(u8::MAX);
        let column = |(place, at): (usize, &usize)| Column { keep: keep(place), from: 0, ..all[*at] };
        Self { columns: order.iter().enumerate().map(column).collect(), order }
    }

    /// A row's cells, of all columns, as they are shown.
    pub fn cells(&self, mut all: Vec<Cell>) -> Vec<Cell> {
        let mut take = |at: &usize| {
            let (text, role) = all.get_mut(*at)?;
            Some((std::mem::take(text), *role))
        };
        self.order.iter().filter_map(&mut take).collect()
    }

    /// Where columns of these numbers are shown.
    pub fn places(&self, of: &[usize]) -> Vec<usize> {
        (0..self.order.len()).filter(|place| of.contains(&self.order[*place])).collect()
    }
}

/// Where a column stands: its number, its start and its width.
type Placed = (usize, u16, u16);

/// Chooses the columns that fit in `room`, with a blank between, and gives the rest to those that grow.
pub fn arrange(columns: &[Column], room: u16) -> Vec<Placed> {
    let mut kept: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].from <= room).collect();
    let needed = |kept: &[usize]| {
        let widths: u16 = kept.iter().map(|at| columns[*at].width).sum();
        widths + u16::try_from(kept.len().saturating_sub(1)).unwrap_or(u16::MAX)
    };
    while kept.len() > 1 && needed(&kept) > room {
        let least = kept.iter().enumerate().min_by_key(|(_, at)| columns[**at].keep).map(|(place, _)| place);
        kept.remove(least.unwrap_or(0));
    }
    let mut rest = room.saturating_sub(needed(&kept));
    let mut parts: u16 = kept.iter().map(|at| columns[*at].grow).sum();
    let mut x = 0;
    let mut placed = Vec::with_capacity(kept.len());
    for at in kept {
        let column = columns[at];
        let mut width = column.width.min(room);
        if column.grow > 0 && parts > 0 {
            let more = rest * column.grow / parts;
            width += more;
            rest -= more;
            parts -= column.grow;
        }
        placed.push((at, x, width));
        x += width + 1;
    }
    placed
}

/// What a table shows.
#[derive(Debug)]
pub struct Table<'t> {
    pub columns: &'t [Column],
    pub count: usize,
    pub cursor: &'t Cursor,
    pub selected: Option<usize>,
    pub has_keys: bool,
    /// From this height on, titles are shown above the columns.
    pub titles_from: u16,
}

/// The letters to light up: those by which a filter let a row through, in the columns that it looks at.
#[derive(Debug, Clone, Copy)]
pub struct Lights<'l> {
    pub filter: &'l Filter,
    /// Numbers of columns.
    pub columns: &'l [usize],
}

/// One cell.
pub type Cell = (String, Role);

/// Writes the titles of columns into the upper edge of the frame around `inside`, where there is no line for them.
pub fn titles_in_frame(painter: &mut Painter<'_>, inside: Rect, columns: &[Column], from: u16) {
    let Some(y) = inside.y.checked_sub(1).filter(|_| !painter.is_told()) else { return };
    for (at, x, width) in arrange(columns, inside.width.saturating_sub(2)) {
        let column = columns[at];
        let wide = u16::try_from(fitting::width(column.title)).unwrap_or(0);
        if x + 2 < from || wide == 0 || wide > width {
            continue;
        }
        let at = if column.right { x + 2 + width - wide } else { x + 2 };
        painter.text(inside.x + at, y, width, column.title, Role::Dim);
    }
}

impl Table<'_> {
    /// Draws the rows around the cursor; `cells` gives a row's cells in the order of the columns, and its mark.
    pub fn draw(&self, painter: &mut Painter<'_>, area: Rect, cells: impl FnMut(usize) -> (bool, Vec<Cell>)) {
        self.draw_lit(painter, area, None, cells);
    }

    /// As [`Table::draw`], with the letters lit by which a filter let the rows through.
    pub fn draw_lit(
        &self,
        painter: &mut Painter<'_>,
        area: Rect,
        lights: Option<Lights<'_>>,
        mut cells: impl FnMut(usize) -> (bool, Vec<Cell>),
    ) {
        if let Some(script) = &mut painter.script {
            return script.table(self.columns, self.count, self.selected, cells);
        }
        if area.width < 3 || area.height == 0 {
            return;
        }
        let mut rows = area;
        let placed = arrange(self.columns, area.width - 2);
        if area.height >= self.titles_from {
            for (at, x, width) in &placed {
                let column = self.columns[*at];
                let title = align(column.title, column.right, *width);
                painter.text(area.x + 2 + x, area.y, *width, &title, Role::Column);
                let place = Rect { x: area.x + 2 + x, y: area.y, width: *width, height: 1 };
                painter.spot(place, What::Title(column.name));
            }
            rows.y += 1;
            rows.height -= 1;
        }
        let top = self.cursor.window(self.selected, self.count, usize::from(rows.height));
        painter.spot(rows, What::Rows { first: top });
        let below = self.count.saturating_sub(top + usize::from(rows.height));
        painter.hidden(area, top, below);
        for (line, at) in (top..self.count).take(usize::from(rows.height)).enumerate() {
            let y = rows.y + u16::try_from(line).unwrap_or(u16::MAX);
            let (is_marked, cells) = cells(at);
            let mut lit = Vec::new();
            for (place, (column, x, width)) in placed.iter().enumerate() {
                let Some((text, role)) = cells.get(*column) else { continue };
                if text.is_empty() {
                    continue;
                }
                // A text that needs more room takes that of the empty cells after it.
                let mut end = x + width;
                if fitting::width(text) > usize::from(*width) {
                    let is_empty = |at: usize| cells.get(at).is_some_and(|(text, _)| text.is_empty());
                    let free = placed[place + 1..].iter().take_while(|(at, ..)| is_empty(*at));
                    end = free.last().map_or(end, |(_, x, width)| x + width);
                }
                let right = self.columns[*column].right && end == x + width;
                let aligned = align(text, right, end - x);
                painter.text(rows.x + 2 + x, y, end - x, &aligned, *role);
                if let Some(lights) = lights.filter(|lights| !right && lights.columns.contains(column)) {
                    lit.push((rows.x + 2 + x, end - x, text.clone(), lights.filter.letters(text)));
                }
            }
            let is_selected = self.selected == Some(at);
            if is_selected {
                let sign = if self.has_keys { "▸" } else { "›" };
                painter.text(rows.x, y, 1, sign, Role::Focus);
            }
            if is_marked {
                painter.text(rows.x + 1, y, 1, "*", Role::Marked);
            }
            if is_selected {
                let role = if self.has_keys { Role::Selected } else { Role::SelectedAway };
                painter.tint(Rect { y, height: 1, ..rows }, role);
            }
            for (x, columns, text, letters) in lit {
                painter.light(x, y, columns, &text, &letters);
            }
        }
    }
}

/// A list that has the keys, as a table: with the columns that a person has chosen, and the letters lit by which its filter
/// let the rows through.
#[derive(Debug)]
pub struct Listing<'l> {
    pub list: &'l ListState,
    pub shown: Shown,
    /// What the filter may ask for.
    pub fields: &'static [Field],
    /// The numbers of the columns, among all, that it looks at.
    pub lit: &'l [usize],
}

impl Listing<'_> {
    /// Draws the rows around the cursor; `keys` are those of all rows, and `cells` gives a row's in the order of all columns.
    pub fn draw(
        &self,
        painter: &mut Painter<'_>,
        area: Rect,
        keys: &[impl AsRef<str>],
        mut cells: impl FnMut(usize) -> Vec<Cell>,
    ) {
        let Self { list, shown, fields, lit } = self;
        let table = Table {
            columns: &shown.columns,
            count: keys.len(),
            cursor: &list.cursor,
            selected: list.cursor.position(keys),
            has_keys: true,
            titles_from: 3,
        };
        let filter = Filter::of(&list.filter, fields);
        let lights = Lights { filter: &filter, columns: &shown.places(lit) };
        table.draw_lit(painter, area, Some(lights), |at| (false, shown.cells(cells(at))));
    }
}

fn align(text: &str, right: bool, width: u16) -> String {
    if right { fit_right(text, usize::from(width)) } else { fit(text, usize::from(width)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::left("name", 10, 9).growing(1),
        Column::right("age", 5, 5),
        Column::left("where", 10, 1),
        Column::left("reason", 8, 3).growing(2),
    ];

    #[test]
    fn columns_go_by_rank_and_the_rest_is_shared() {
        assert_eq!(arrange(&COLUMNS, 36), [(0, 0, 10), (1, 11, 5), (2, 17, 10), (3, 28, 8)]);
        assert_eq!(arrange(&COLUMNS, 42), [(0, 0, 12), (1, 13, 5), (2, 19, 10), (3, 30, 12)]);
        assert_eq!(arrange(&COLUMNS, 30), [(0, 0, 11), (1, 12, 5), (3, 18, 12)]);
        assert_eq!(arrange(&COLUMNS, 12), [(0, 0, 12)]);
        assert_eq!(arrange(&COLUMNS, 4), [(0, 0, 4)]);
    }

    #[test]
    fn what_was_chosen_stands_in_its_order_and_the_first_stays_longest() {
        let all = [Column::left("", 1, 98), COLUMNS[0], COLUMNS[1], COLUMNS[2].from(100), COLUMNS[3].called("why")];
        let chosen = ["where", "why", "age"].map(str::to_owned);
        let shown = Shown::of(&all, Some(&chosen));
        let titles = |room| -> Vec<&str> {
            arrange(&shown.columns, room).iter().map(|(at, ..)| shown.columns[*at].title).collect()
        };
        assert_eq!(titles(40), ["", "where", "reason", "age"]);
        assert_eq!(titles(22), ["", "where", "reason"]);
        let cell = |text: &str| (text.to_owned(), Role::Text);
        let cells = shown.cells(["●", "a", "1m", "here", "full"].map(cell).to_vec());
        assert_eq!(cells.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ["●", "here", "full", "1m"]);
        assert_eq!(shown.places(&[1, 3, 4]), [1, 2]);
        let unchosen = Shown::of(&all, None);
        assert_eq!(arrange(&unchosen.columns, 60).len(), 4, "one is for wide tables alone");
    }
}
