//! Generates Singer streams, and measures taps, targets and pipes: the library of `melisma bench`.
//!
//! | module | what it does |
//! |---|---|
//! | [`generate`] | seeded streams of many shapes, as Singer messages or CSV |
//! | [`words`] | command lines as words, with their placeholders |
//! | [`records`] | counts the records of Singer lines, and sums them up whatever their order |
//! | [`process`] | runs commands, and measures their time, CPU and memory |
//! | [`plan`] | what is measured in turns: the subject, floors and rivals, and what each must deliver |
//! | [`measure`] | the turns |
//! | [`check`] | whether the rows arrived |
//! | [`stats`] | medians, quartiles, ratios |
//! | [`noise`] | whether the machine was quiet enough |
//! | [`report`] | the results as JSON, as a table and as a page |
//! | [`mod@compare`] | two reports: what changed beyond noise |
//! | [`machine`] | what was measured on |

pub mod check;
pub mod compare;
pub mod generate;
pub mod machine;
pub mod measure;
pub mod noise;
pub mod plan;
pub mod process;
pub mod records;
pub mod report;
pub mod stats;
pub mod words;
