//! One instance's process: starts attempts as processes or containers, follows them, writes their log streams, and
//! keeps each exit until the engine has acknowledged it as durable. It outlives the engine.

pub mod message;
