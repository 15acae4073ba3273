//! What a person sets: config file, contexts, directories, themes and keymaps, as files.

pub mod keys;
pub mod theme;
