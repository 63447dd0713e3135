//! The sdk as its users have it: small plugins run through their mains, on buffers.

#[cfg(feature = "check")]
mod check;
mod derive;
mod disagreement;
mod family;
#[cfg(feature = "http")]
mod http;
mod keys;
mod shop;
mod surface;
mod tap;
mod target;
