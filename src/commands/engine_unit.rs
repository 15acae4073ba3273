//! `engine unit`: a systemd unit for those who want an engine from boot on.

use super::Done;
use super::error::{CommandError, exit};
use super::world::Setting;

pub fn print(setting: &Setting) -> Done {
    let program = std::env::current_exe().map_err(CommandError::Start)?;
    let mut words = vec![program.display().to_string()];
    if setting.config_named {
        words.extend(["--config".to_owned(), setting.config_file.display().to_string()]);
    }
    words.extend(["--data-dir".to_owned(), setting.data.path().display().to_string()]);
    words.extend(["--context", "local", "engine", "run"].map(str::to_owned));
    setting.output.text(&unit(&words))?;
    Ok(exit::DONE)
}

fn unit(words: &[String]) -> String {
    let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    format!(
        "\
# systemctl --user daemon-reload && systemctl --user enable --now batchdeck
# Without a session of its user it runs after `loginctl enable-linger`.
# After an upgrade: systemctl --user restart batchdeck
[Unit]
Description=batchdeck's engine for batch jobs
Documentation=man:batchdeck(1)

[Service]
ExecStart={command}
Restart=on-failure
# Agents and their jobs outlive the engine, and the next one takes them up.
KillMode=process
# Limits of jobs are cgroups below the engine's own.
Delegate=yes

[Install]
WantedBy=default.target
"
    )
}

/// A word as systemd reads it: `%` and `$` mean something to it even in quotes.
fn quoted(word: &str) -> String {
    let word = word.replace('%', "%%").replace('$', "$$");
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:=@%$".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_blank_or_a_sign_of_systemds_is_written_so_that_it_reads_it_back() {
        assert_eq!(quoted("/opt/bin/batchdeck"), "/opt/bin/batchdeck");
        assert_eq!(quoted("/home/a b/50%"), "\"/home/a b/50%%\"");
        assert_eq!(quoted("/x/$HOME\"q"), "\"/x/$$HOME\\\"q\"");
    }

    #[test]
    fn an_engine_that_systemd_ends_leaves_its_agents_alone() {
        let text = unit(&["/opt/bin/batchdeck".to_owned(), "engine".to_owned(), "run".to_owned()]);
        assert!(text.contains("ExecStart=/opt/bin/batchdeck engine run\n"), "{text}");
        assert!(text.contains("KillMode=process"), "{text}");
    }
}
