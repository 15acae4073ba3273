//! What runs the program from outside. One binary: each links the whole program.

mod rooms;
mod support;
