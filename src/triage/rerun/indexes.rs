//! Running single children of an array again. AWS Batch has no call for that, and no environment variable of a request may
//! begin with `AWS_BATCH`: a new job, or a new array of as many children as are wanted, gets the old numbers by a line of
//! `sh` in front of its command.

use crate::model::{ArrayProperties, ContainerOverrides, KeyValuePair, SubmitJobRequest};

/// The numbers that the children had, with blanks between, in the order of the new ones.
const INDEXES: &str = "BATCHDECK_INDEXES";
/// How many children the array had.
const SIZE: &str = "BATCHDECK_ARRAY_SIZE";

/// Takes the number of this child in [`INDEXES`], and goes on with the command as that child. POSIX, without other programs.
const SCRIPT: &str = "n=0; for i in $BATCHDECK_INDEXES; do [ \"$n\" = \"${AWS_BATCH_JOB_ARRAY_INDEX:-0}\" ] && break; \
                      n=$((n+1)); done; export AWS_BATCH_JOB_ARRAY_INDEX=\"$i\" \
                      AWS_BATCH_JOB_ARRAY_SIZE=\"$BATCHDECK_ARRAY_SIZE\"; exec \"$@\"";

/// Bytes that the overrides of a container may have: AWS's limit is 8,192, and the form of JSON takes some of it.
const ROOM: usize = 7_000;
/// Bytes of one number and its blank.
const NUMBER: usize = 5;

/// Requests that run the children `indexes` of an array of `size` again: one each for as many as one request has room for.
/// `command` is what a child runs; `base` asks for all else.
pub fn requests(base: &SubmitJobRequest, command: &[String], indexes: &[u32], size: u32) -> Vec<SubmitJobRequest> {
    let (command, known) = unwrapped(base, command);
    let (indexes, size) = match known {
        Some((old, size)) => (indexes.iter().filter_map(|at| old.get(*at as usize).copied()).collect(), size),
        None => (indexes.to_vec(), size),
    };
    let taken: usize = command.iter().map(|word| word.len() + 4).sum::<usize>() + SCRIPT.len();
    let each = (ROOM.saturating_sub(taken) / NUMBER).max(1);
    indexes.chunks(each).map(|indexes| request(base, command, indexes, size)).collect()
}

fn request(base: &SubmitJobRequest, command: &[String], indexes: &[u32], size: u32) -> SubmitJobRequest {
    let mut overrides = base.container_overrides.clone().unwrap_or_default();
    overrides.command = ["sh", "-c", SCRIPT, "sh"].map(str::to_owned).to_vec();
    overrides.command.extend(command.iter().cloned());
    overrides.environment.retain(|pair| pair.name != INDEXES && pair.name != SIZE);
    let numbers: Vec<String> = indexes.iter().map(u32::to_string).collect();
    let pair = |name: &str, value: String| KeyValuePair { name: name.to_owned(), value };
    overrides.environment.extend([pair(INDEXES, numbers.join(" ")), pair(SIZE, size.to_string())]);
    let count = u32::try_from(indexes.len()).unwrap_or(u32::MAX);
    SubmitJobRequest {
        // An array has two children at least.
        array_properties: (count > 1).then(|| ArrayProperties { size: Some(count), ..ArrayProperties::default() }),
        container_overrides: Some(overrides),
        ..base.clone()
    }
}

/// The numbers that the children of a rerun have, and the size that they know.
type Known = (Vec<u32>, u32);

/// What a child that is itself one of a rerun runs, with the numbers that those have.
fn unwrapped<'c>(base: &SubmitJobRequest, command: &'c [String]) -> (&'c [String], Option<Known>) {
    let is_ours = command.len() > 4 && command[0] == "sh" && command[1] == "-c" && command[2] == SCRIPT;
    let environment = base.container_overrides.as_ref().map(|overrides: &ContainerOverrides| &overrides.environment);
    let value = |name: &str| {
        let found = environment?.iter().find(|pair| pair.name == name)?;
        Some(found.value.as_str())
    };
    let known = || {
        let numbers: Option<Vec<u32>> = value(INDEXES)?.split_whitespace().map(|number| number.parse().ok()).collect();
        Some((numbers?, value(SIZE)?.parse().ok()?))
    };
    match known().filter(|_| is_ours) {
        Some(known) => (&command[4..], Some(known)),
        None => (command, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn base() -> SubmitJobRequest {
        SubmitJobRequest { job_name: "render".into(), ..Default::default() }
    }

    fn value<'r>(request: &'r SubmitJobRequest, name: &str) -> &'r str {
        let environment = &request.container_overrides.as_ref().expect("overrides").environment;
        let found: Vec<_> = environment.iter().filter(|pair| pair.name == name).collect();
        assert_eq!(found.len(), 1, "{name} once");
        &found[0].value
    }

    fn size(request: &SubmitJobRequest) -> Option<u32> {
        request.array_properties.as_ref().and_then(|array| array.size)
    }

    #[test]
    fn several_children_become_an_array_and_one_becomes_a_job() {
        let several = requests(&base(), &words("./render --all"), &[5, 7], 60);
        assert_eq!(several.iter().map(size).collect::<Vec<_>>(), [Some(2)]);
        assert_eq!((value(&several[0], INDEXES), value(&several[0], SIZE)), ("5 7", "60"));
        let command = &several[0].container_overrides.as_ref().expect("overrides").command;
        assert_eq!(command[..2], ["sh", "-c"]);
        assert_eq!(command[3..], ["sh", "./render", "--all"]);
        assert_eq!(requests(&base(), &words("./render"), &[33], 60).iter().map(size).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn what_has_no_room_in_one_request_goes_into_the_next() {
        let all: Vec<u32> = (0..10_000).collect();
        let parts = requests(&base(), &words("x"), &all, 10_000);
        let numbers: Vec<u32> = parts
            .iter()
            .flat_map(|part| value(part, INDEXES).split(' ').map(|number| number.parse().expect("a number")))
            .collect();
        assert_eq!(numbers, all);
        for part in &parts {
            let overrides = serde_json::to_string(part.container_overrides.as_ref().expect("overrides"));
            assert!(overrides.expect("writes").len() <= 8_192);
        }
    }

    #[test]
    fn a_rerun_that_is_run_again_keeps_the_first_numbers() {
        let first = requests(&base(), &words("./render"), &[5, 7, 33], 60).remove(0);
        let overrides = first.container_overrides.clone().expect("overrides");
        let again = requests(&SubmitJobRequest { array_properties: None, ..first }, &overrides.command, &[1, 2], 3);
        assert_eq!((value(&again[0], INDEXES), value(&again[0], SIZE)), ("7 33", "60"));
        assert_eq!(again[0].container_overrides.as_ref().expect("overrides").command[3..], ["sh", "./render"]);
    }

    #[test]
    fn the_line_of_sh_gives_each_new_child_its_old_number() {
        let request = requests(&base(), &words("printenv AWS_BATCH_JOB_ARRAY_INDEX"), &[5, 7, 33], 60).remove(0);
        let overrides = request.container_overrides.expect("overrides");
        for (at, expected) in [(Some("0"), "5\n"), (Some("2"), "33\n"), (None, "5\n")] {
            let mut command = std::process::Command::new(&overrides.command[0]);
            command.args(&overrides.command[1..]).env_remove("AWS_BATCH_JOB_ARRAY_INDEX");
            command.envs(overrides.environment.iter().map(|pair| (&pair.name, &pair.value)));
            command.envs(at.map(|at| ("AWS_BATCH_JOB_ARRAY_INDEX", at)));
            let output = command.output().expect("sh is there");
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{at:?}");
        }
    }
}
