//! Other contexts, as the console turns to them: who opens them stands outside.

use crate::backend::Backend;
use crate::config::Access;
use async_trait::async_trait;
use std::sync::Arc;

/// Opens contexts by their names.
#[async_trait]
pub trait Contexts: Send + Sync {
    /// Opens one, which may start a local engine or look for credentials; or says why it cannot be, for a person.
    async fn open(&self, name: &str) -> Result<Opened, String>;

    /// Starts what stands behind one where that has ended and is this program's to start, as a local engine; says what was
    /// done, or why it could not be, for a person.
    async fn revive(&self, _name: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// A context that stands open. That it can be reached is not said yet.
pub struct Opened {
    pub backend: Arc<dyn Backend>,
    /// Its name, for the header.
    pub context: String,
    pub access: Access,
    /// The arguments by which a verb comes to the same place from the same shell.
    pub flags: Vec<String>,
    /// The arguments by which AWS's own tool does, where that reaches it.
    pub aws_flags: Option<Vec<String>>,
    /// The role by which new schedules submit their jobs, where it is known.
    pub scheduler_role: Option<String>,
    /// Where jobs write that name no log group, where that is another than AWS Batch's default.
    pub log_group: Option<String>,
    /// All that one can turn to from here.
    pub offered: Vec<Offered>,
    /// What was done on the way, for a person.
    pub note: Option<String>,
}

/// A context that one can turn to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    pub name: String,
    /// Where it leads, and whether one may act there.
    pub doc: String,
}
