//! AWS Batch's operations as AWS's own tools see them.

use crate::wire;

#[test]
fn all_operations_are_answered_and_refused_in_their_own_shapes() {
    wire::run("surface.py");
}

#[test]
fn a_job_writes_into_the_group_and_the_stream_that_its_definition_names() {
    wire::run("log_groups.py");
}

#[test]
fn schedules_and_their_groups_are_made_listed_refused_and_fire() {
    wire::run("schedules.py");
}

#[test]
fn logs_are_written_read_filtered_and_heard_as_they_grow() {
    wire::run("logs.py");
}
