//! End-to-end tests: what the processes do, seen from outside.
//!
//! They drive the `melisma` binary. `cargo xtask test` sets up what some of them need of Python; those end with a
//! message that says so when it is not there.

mod authors;
mod claims;
mod clocks;
mod conformance;
mod container;
mod csv_copied;
mod dbt;
mod direct;
mod disk;
mod docs;
mod edge_cases;
mod end_of_input;
mod example;
mod extents;
mod front_page;
mod harness;
mod installs;
mod kill;
mod limits;
mod locks;
mod malformed;
mod meltano;
mod memory;
mod nights;
mod object_stores;
mod paths;
mod pipes;
mod postgres;
mod python_taps;
mod records;
mod rest;
mod rest_manifests;
mod rest_msdk;
mod scaffold;
mod secrets;
mod settings;
mod signals;
mod system_database;
mod visible;
mod words;
