//! Singer tap for HTTP APIs that a YAML or JSON file describes: [`Definition`] says what it may say.
//!
//! `definition/` reads and checks the file and fills in the settings, `msdk/` makes a definition of the settings of
//! tap-rest-api-msdk, `build/` makes streams of `melisma_sdk::http` of a definition, and `infer` makes schemas for streams that
//! have none.

mod build;
mod config;
mod defined;
mod definition;
mod infer;

mod msdk;
mod python;

use melisma_sdk::{Catalog, Context, Error, Result, Stream, Tap};

pub use config::Config;
use defined::Defined;
use definition::near;
pub use definition::{
    Auth, Basic, Definition, Grant, Limits, OneOf, Pages, PagesWord, Reaction, Setting, Since, Source, State,
};
pub use msdk::{Common, Msdk, MsdkStream};

/// The tap.
pub struct TapRest {
    api: Defined,
}

impl Tap for TapRest {
    type Config = Config;

    fn open(config: Config, context: &Context) -> Result<Self> {
        let msdk = config.msdk.api_url.is_some() || config.msdk.streams.is_some();
        warn_of_unknown(&config);
        let source = match (&config.definition, msdk) {
            (Some(definition), false) => Source::read(definition, &config.settings)?,
            (None, true) => msdk::source(
                &config.msdk,
                config.start_date.as_deref(),
                config.token_file.as_deref(),
            )?,
            (Some(_), true) => {
                return Err(Error::config(
                    "there is a definition, and there are the settings of tap-rest-api-msdk (api_url, streams): which counts?",
                ));
            }
            (None, false) => {
                return Err(Error::config(
                    "config: definition: required, but not given; instead of it there may be the settings of tap-rest-api-msdk \
                     (api_url, streams)",
                ));
            }
        };
        Ok(Self {
            api: Defined::open(source, context)?,
        })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        self.api.discover()
    }

    fn streams(&self, catalog: &Catalog, _: &Context) -> Result<Vec<Stream<'_>>> {
        self.api.streams(catalog)
    }
}

/// Settings that there are not.
fn warn_of_unknown(config: &Config) {
    let known = melisma_sdk::config::Settings::new::<Config>();
    let known = known
        .schema()
        .get("properties")
        .and_then(serde_json::Value::as_object);
    let known = || {
        known
            .into_iter()
            .flat_map(|known| known.keys().map(String::as_str))
    };
    for name in config.others.keys() {
        let shown = melisma_sdk::show(name);
        match near(known(), name) {
            Some(near) => log::warn!("config: unknown setting {shown}; did you mean {near}?"),
            None => log::warn!("config: unknown setting {shown}"),
        }
    }
}
