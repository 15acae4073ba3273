//! What runs batchdeck from outside, each against the real part.

mod aws;
