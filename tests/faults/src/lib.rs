//! Kills melisma in every way and place, and looks whether anything got lost.
//!
//! A scripted tap ([`source`], [`tap`]) is run into each target by `melisma run` in a temporary project ([`rig`]). A
//! run is disturbed at a named point ([`cell`]), killed at any moment ([`kills`]) or left by its tap ([`taps`]), what is left is read back
//! ([`read`]) and judged ([`oracle`]), and then the run is started again, as an operator would. [`soak`] does so for long.
#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "numbers of rows, which are small"
)]

pub mod campaign;
pub mod cell;
mod drivers;
pub mod kills;
pub mod oracle;
pub mod planted;
pub mod processes;
pub mod random;
pub mod read;
pub mod report;
pub mod rig;
pub mod scripted;
pub mod server;
pub mod soak;
pub mod source;
pub mod tap;
pub mod taps;
