//! The console, drawn from state alone.
//!
//! A key press: crossterm event → [`keymap`] → [`action::Action`] → [`app::App::update`] → requests, and the next frame.
//! The update never waits: requests run on tasks of their own ([`requests`], `runtime`) and their answers come back as
//! messages. A frame is drawn only when something was pressed, heard or due, and written only where it differs.

pub mod action;
pub mod app;
pub mod ascii;
mod calling;
pub mod clipboard;
mod contexts;
pub mod format;
pub mod hand_on;
pub mod handover;
pub mod keymap;
pub mod log_reading;
mod pen;
pub mod picture;
mod plain;
mod popups;
pub mod requests;
mod runtime;
pub mod screens;
mod scroll;
pub mod spots;
pub mod stage;
mod terminal;
pub mod theme;
mod widgets;
pub mod words;

pub use contexts::{Contexts, Offered, Opened};
pub use keymap::{Keymap, KeymapError};
pub use runtime::{Options, Start, ThemeSource, TuiError, run};
