//! What stands where on the screen, noted as it is drawn: the mouse asks for it.

use super::app::Pane;
use ratatui::layout::Rect;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    pub area: Rect,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A pane of the overview.
    Pane(Pane),
    /// One of the two halves of a screen with a log beside it.
    Side { is_log: bool },
    /// The rows of a table, of which this one is shown first.
    Rows { first: usize },
    /// The title of a column.
    Title(&'static str),
}
