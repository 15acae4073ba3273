//! `engine env`: what a shell has to be told so that AWS's own tools use the engine.

use super::Done;
use super::error::{CommandError, exit};
use super::world::Setting;
use crate::backend::{Backend, BackendError};
use crate::cli::Shell;
use crate::daemon::Credentials;
use crate::model::EngineStatus;

/// The services that the engine speaks for, as the names of their endpoint variables end.
const SERVICES: [&str; 4] = ["BATCH", "CLOUDWATCH_LOGS", "SCHEDULER", "STS"];

pub async fn print(setting: &Setting, shell: Shell) -> Done {
    let status = match setting.local_backend().engine_status().await {
        Ok(status) => status,
        Err(BackendError::Unreachable { .. }) => {
            return Err(CommandError::NoEngineForEnv(setting.data.path().to_owned()));
        }
        Err(source) => {
            return Err(CommandError::Backend { doing: "asking the engine for its state".to_owned(), source });
        }
    };
    let Some(http) = &status.http else { return Err(CommandError::NoDoor { pid: status.pid }) };
    let credentials = Credentials::read(&setting.data).map_err(|cause| CommandError::Engine(cause.to_string()))?;
    let lines: String =
        variables(&status, http, &credentials).iter().map(|(name, value)| line(shell, name, value)).collect();
    setting.output.text(&lines)?;
    Ok(exit::DONE)
}

fn variables(status: &EngineStatus, http: &str, credentials: &Credentials) -> Vec<(String, String)> {
    let endpoints = SERVICES.iter().map(|service| (format!("AWS_ENDPOINT_URL_{service}"), format!("http://{http}")));
    let others = [
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_REGION", &status.region),
        ("AWS_DEFAULT_REGION", &status.region),
    ];
    endpoints.chain(others.map(|(name, value)| (name.to_owned(), value.clone()))).collect()
}

fn line(shell: Shell, name: &str, value: &str) -> String {
    match shell {
        Shell::Sh => format!("export {name}='{}'\n", value.replace('\'', r"'\''")),
        Shell::Fish => format!("set -gx {name} '{}'\n", value.replace('\\', r"\\").replace('\'', r"\'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_told_each_variable_in_its_own_words() {
        assert_eq!(line(Shell::Sh, "A", "x/y+z"), "export A='x/y+z'\n");
        assert_eq!(line(Shell::Sh, "A", "it's"), "export A='it'\\''s'\n");
        assert_eq!(line(Shell::Fish, "A", "it's"), "set -gx A 'it\\'s'\n");
    }
}
