//! What runs the program from outside. One binary: each links the whole program.

mod acting;
mod aws;
mod both;
mod console;
mod console_aws;
mod console_crowded;
mod console_faults;
mod console_replace;
mod doors;
mod engine;
mod faults;
mod jobs;
mod logs;
mod papers;
mod provisioning;
mod reach_aws;
mod reports;
mod rooms;
mod support;
mod surface;
mod triage;
mod verbs;
mod verbs_aws;
mod ways;
mod why;
mod wire;
