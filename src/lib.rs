//! batchdeck: an operations console for batch jobs in a terminal.
//!
//! The map of the house. Who may import whom, and nothing else (a test holds this):
//!
//! | room | what it holds | may import |
//! |---|---|---|
//! | `model` | the nouns both sides share, with their wire form | nothing of ours |
//! | `triage` | pure rules over the model: why it waits, why it failed | `model` |
//! | `config` | config file, contexts, directories, themes and keymaps as files | `model` |
//! | `backend` | the `Backend` trait; local engine, AWS, and a recorded world | `model`, `config` |
//! | `engine` | the local engine's mind, pure | `model` |
//! | `agent` | one instance's process: executors, log streams, usage | `model` |
//! | `daemon` | the engine's body: loop, journal, recovery, API | `engine`, `agent::{message, leftovers}`, `config`, `model` |
//! | `tui` | the console, drawn from state alone | `backend` (the trait), `triage`, `config`, `model` |
//! | `cli` | the arguments | nothing of ours |
//! | `commands` | one file a verb | everything |

pub mod agent;
pub mod backend;
pub mod cli;
pub mod commands;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod model;
pub mod triage;
pub mod tui;
