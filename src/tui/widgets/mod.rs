//! Pieces that screens are drawn with.

pub mod painter;
pub mod script;
pub mod table;
pub mod typed;

pub use painter::{Painter, Piece, piece};
