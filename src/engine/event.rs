//! What has happened. Events are the journal's rows: they are only ever added to, and old ones are read for ever.

use serde::{Deserialize, Serialize};

/// One thing that has happened, with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {}
