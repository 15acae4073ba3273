//! To come.
pub struct Options { pub backend: std::sync::Arc<dyn crate::backend::Backend>, pub context: String, pub read_only: bool, pub theme: String }
pub async fn run(_: Options) -> Result<(), std::io::Error> { Ok(()) }
