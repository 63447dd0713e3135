//! Singer tap for HTTP APIs that a YAML or JSON file describes: [`Definition`] says what it may say.
//!
//! `definition/` reads and checks the file and fills in the settings, `msdk/` makes a definition of the settings of
//! tap-rest-api-msdk, `build/` makes streams of `melisma_sdk::http` of a definition, and `infer` makes schemas for streams that
//! have none. `manifest/` reads Airbyte's low-code manifests, whose expressions need streams of their own.

mod build;
mod config;
mod defined;
mod definition;
mod infer;
mod manifest;
mod msdk;
mod python;

use melisma_sdk::internal::Connector;
use melisma_sdk::tap::Refused;
use melisma_sdk::{Catalog, Context, Error, Result, Stream, Tap};
use serde_json::{Map, Value};

pub use config::Config;
use defined::Defined;
use definition::near;
pub use definition::{
    Auth, Basic, Comparisons, Condition, CsvOptions, Definition, FormatOptions, FormatWord, Grant, Limits,
    Login, OneOf, Pages, PagesWord, Reaction, Setting, Since, Source, State,
};
use manifest::Manifest;
pub use manifest::{COMPONENTS, Fate, MEMBERS};
pub use msdk::{Common, Msdk, MsdkStream};

/// What `melisma` has inside of it.
pub static CONNECTOR: Connector = Connector::tap::<TapRest>();

/// The tap.
pub struct TapRest {
    api: Api,
}

/// What says what the API is.
enum Api {
    Defined(Box<Defined>),
    Manifest(Manifest),
}

impl Tap for TapRest {
    type Config = Config;

    const OPTIONS: &'static [(&'static str, &'static str)] = &[(
        "manifest",
        "The low-code manifest of Airbyte that says what the API is",
    )];

    fn open(config: Config, context: &Context) -> Result<Self> {
        if let Some(manifest) = &config.manifest {
            if config.definition.is_some() {
                return Err(Error::config(
                    "there is a definition, and there is a manifest: which counts?",
                ));
            }
            let asked = asked(&config)?;
            let manifest = Manifest::open(manifest, &asked, config.token_file.as_deref(), context)?;
            return Ok(Self {
                api: Api::Manifest(manifest),
            });
        }
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
                    "config: definition: required, but not given; instead of it there may be a manifest, or the settings of \
                     tap-rest-api-msdk (api_url, streams)",
                ));
            }
        };
        let defined = Defined::open(source, context)?;
        Ok(Self {
            api: Api::Defined(Box::new(defined)),
        })
    }

    fn discover(&self, _: &Context) -> Result<Vec<Stream<'_>>> {
        match &self.api {
            Api::Defined(defined) => defined.discover(),
            Api::Manifest(manifest) => manifest.streams(None),
        }
    }

    fn streams(&self, catalog: &Catalog, _: &Context) -> Result<Vec<Stream<'_>>> {
        match &self.api {
            Api::Defined(defined) => defined.streams(catalog),
            Api::Manifest(manifest) => manifest.streams(Some(catalog)),
        }
    }

    fn refused(&self) -> Vec<Refused> {
        match &self.api {
            Api::Defined(_) => Vec::new(),
            Api::Manifest(manifest) => manifest.refused(),
        }
    }
}

/// The config of a manifest: all that is no setting of the tap itself, and `settings`, which go before the others. A setting
/// that tap-rest-api-msdk has, too, such as `client_id`, is the manifest's here.
fn asked(config: &Config) -> Result<Map<String, Value>> {
    let mut asked = config.others.clone();
    if let Value::Object(more) = config.msdk.exposed()? {
        asked.extend(more);
    }
    if let Some(start) = &config.start_date {
        asked.insert("start_date".to_owned(), start.clone().into());
    }
    asked.extend(config.settings.clone());
    Ok(asked)
}

/// Settings that there are not: a manifest alone has settings of any name.
fn warn_of_unknown(config: &Config) {
    let known = melisma_sdk::config::Settings::new::<Config>();
    let known = known.schema().get("properties").and_then(Value::as_object);
    let known = || {
        known
            .into_iter()
            .flat_map(|known| known.keys().map(String::as_str))
    };
    // What every tap has is here, too, since `others` takes whatever the settings of this one do not name.
    for name in config.others.keys().filter(|name| *name != "strict") {
        let shown = melisma_sdk::show(name);
        match near(known(), name) {
            Some(near) => log::warn!("config: unknown setting {shown}; did you mean {near}?"),
            None => log::warn!("config: unknown setting {shown}"),
        }
    }
}
