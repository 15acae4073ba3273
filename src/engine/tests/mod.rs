//! The engine as a whole, told what its world tells it.

mod arrays;
mod capacity;
mod costs;
mod deliveries;
mod facts;
mod fleet;
mod gpus;
mod holds;
mod journal;
mod life;
mod machine;
mod mutations;
mod nodes;
mod order;
mod outlets;
mod policies;
mod requests;
mod scale;
mod scaling;
mod schedules;
mod services;
mod shares;
mod simulation;
mod snapshot;
mod tasks;
mod views;
pub mod world;
