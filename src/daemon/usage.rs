//! What attempts have used over time, as their agents have written it.

use crate::model::{Counted, UsageOverTime};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Of one task, whose agent may be writing still. Blocks on the disk.
pub(super) fn over_time(directory: &Path, task: &str) -> io::Result<UsageOverTime> {
    let is_name = !task.is_empty() && task.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let text = match std::fs::read_to_string(directory.join(task)) {
        _ if !is_name => String::new(),
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text?,
    };
    Ok(UsageOverTime {
        samples: Counted::samples(&Counted::read(&text)),
        source: "counted by its agent".to_owned(),
        nothing:
            "the first figure comes after two seconds; what ends before has none, nor has what ran before the engine \
                  kept them"
                .to_owned(),
        is_cut: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_task_and_no_name_leads_elsewhere() {
        let home = tempfile::tempdir().expect("a directory");
        let usage = home.path().join("usage");
        std::fs::create_dir(&usage).expect("made");
        for path in [usage.join("0a-1b"), home.path().join("secret")] {
            std::fs::write(path, "1000 0.00 0.0\n3000 1.00 20.0\n").expect("written");
        }
        let told = |task| over_time(&usage, task).expect("it can be read");
        assert_eq!(told("0a-1b").samples.len(), 1);
        for task in ["other", "", "../secret", "..", "a/b"] {
            assert_eq!(told(task).samples, [], "{task}");
            assert!(told(task).nothing.contains("two seconds"), "{task}");
        }
    }
}
