//! Attempts as containers, through the API that Docker and Podman share.

use super::attempt::{Surroundings, never_started};
use super::control::Control;
use super::message::{Exit, Start};
use crate::model::Millis;
use std::path::PathBuf;

pub(super) async fn run(
    _start: &Start,
    _surroundings: &Surroundings,
    _control: Control,
    _log: PathBuf,
    _began: impl FnOnce(Millis) + Send,
) -> Exit {
    never_started("CannotPullContainerError: containers are not there yet".to_owned())
}
