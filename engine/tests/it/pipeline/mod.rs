//! The pipeline with scripted sinks.

mod back_pressure;
mod batches;
mod copied;
mod faults;
mod input;
mod kit;
mod plans;
mod random;
mod timers;
mod together;
