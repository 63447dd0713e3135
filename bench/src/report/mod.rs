//! The results: their form as JSON, a table for a terminal, and a page for a browser.

mod form;
mod html;
mod markdown;
mod markup;
mod plot;
mod table;
mod units;

pub use form::{
    Case, CheckForm, Figures, Measured, Outcome, RatioForm, Report, Role, RunForm, SettingsForm, VERSION,
};
pub use html::page;
pub use markdown::markdown;
pub use table::table;
pub(crate) use units::{Amount, seconds};
