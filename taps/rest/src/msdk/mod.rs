//! The settings of tap-rest-api-msdk, made into a [`Definition`].
//!
//! Every text of the settings becomes a setting of the definition, and the definition names it: braces in an address or in a
//! token are no placeholders.

pub(crate) mod flatten;
mod pages;
mod search;
mod settings;

use melisma_sdk::{Error, Result, secret};
use serde_json::{Map, Value};

use crate::definition::{
    Auth, Basic, Definition, Grant, Limits, OneOf, PagesWord, Settings, Since, Source, Stream,
};
use flatten::Flatten;
use pages::Paging;
pub use settings::{Common, Msdk, MsdkStream};

/// What the settings mean.
pub(crate) fn source(settings: &Msdk, start_date: Option<&str>, token_file: Option<&str>) -> Result<Source> {
    let mut texts = Texts::default();
    let url = settings
        .api_url
        .as_deref()
        .ok_or_else(|| Error::config("api_url: required, but not given"))?;
    let streams = settings.streams.as_deref().unwrap_or_default();
    if streams.is_empty() {
        return Err(Error::config("streams: required, but not given"));
    }
    let mut definition = Definition {
        url: texts.put(url),
        auth: auth(settings, &mut texts, token_file)?,
        limits: limits(settings)?,
        user_agent: settings.user_agent.clone(),
        plain_texts: true,
        ..Definition::default()
    };
    for stream in streams {
        let common = merged(&settings.common, &stream.common);
        let made = read(settings, stream, &common, &mut texts, start_date);
        let made = made.map_err(|error| error.in_stream(&stream.name))?;
        if definition.read.iter().any(|(name, _)| *name == stream.name) {
            return Err(Error::config("there are two streams of this name").in_stream(&stream.name));
        }
        definition.read.push((stream.name.clone(), made));
    }
    Ok(Source::of(definition, Settings::given(texts.0)))
}

/// Texts that the definition names.
#[derive(Default)]
struct Texts(Map<String, Value>);

impl Texts {
    /// The placeholder of a text.
    fn put(&mut self, text: &str) -> String {
        let name = self.0.len().to_string();
        let placeholder = format!("{{{name}}}");
        self.0.insert(name, text.into());
        placeholder
    }

    /// A value, and all texts in it.
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.put(text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => Value::Object(self.members(members)),
            other => other.clone(),
        }
    }

    fn members(&mut self, members: &Map<String, Value>) -> Map<String, Value> {
        let member = |(name, value): (&String, &Value)| (name.clone(), self.value(value));
        members.iter().map(member).collect()
    }
}

/// What a stream says goes before what the top level says; parameters and headers of both count.
fn merged(top: &Common, own: &Common) -> Common {
    let both = |top: &Option<Map<String, Value>>, own: &Option<Map<String, Value>>| {
        let mut both = top.clone().unwrap_or_default();
        both.extend(own.clone().unwrap_or_default());
        Some(both)
    };
    macro_rules! first {
        ($field:ident) => {
            own.$field.clone().or_else(|| top.$field.clone())
        };
    }
    Common {
        path: first!(path),
        params: both(&top.params, &own.params),
        headers: both(&top.headers, &own.headers),
        records_path: first!(records_path),
        primary_keys: first!(primary_keys),
        replication_key: first!(replication_key).filter(|key| !key.is_empty()),
        except_keys: first!(except_keys),
        num_inference_records: first!(num_inference_records),
        source_search_field: first!(source_search_field).filter(|field| !field.is_empty()),
        source_search_query: first!(source_search_query).filter(|query| !query.is_empty()),
        offset_records_jsonpath: first!(offset_records_jsonpath),
    }
}

fn read(
    settings: &Msdk,
    stream: &MsdkStream,
    common: &Common,
    texts: &mut Texts,
    start_date: Option<&str>,
) -> Result<Stream> {
    let given = common.params.clone().unwrap_or_default();
    let Paging {
        pages,
        params,
        orders,
        header_link,
        greater,
    } = pages::of(settings, &given, common.offset_records_jsonpath.as_deref())?;
    let mut query = texts.members(&given);
    query.extend(texts.members(&params));
    let schema = match &stream.schema {
        None => None,
        Some(Value::String(path)) => Some(OneOf::Short(path.clone())),
        Some(Value::Object(schema)) => Some(OneOf::Long(schema.clone())),
        Some(_) => return Err(Error::config("schema: expected the path of a file, or an object")),
    };
    let in_body = settings.use_request_body_not_params == Some(true);
    let mut made = Stream {
        path: Some(path(settings, common, texts)),
        headers: texts.members(&common.headers.clone().unwrap_or_default()),
        records: Some(common.records_path.clone().unwrap_or_else(|| "$[*]".to_owned())),
        key: common
            .primary_keys
            .clone()
            .filter(|keys| !keys.is_empty())
            .map(OneOf::Long),
        pages: Some(pages.map_or(OneOf::Short(PagesWord::None), OneOf::Long)),
        samples: Some(samples(common)?),
        flatten: Some(Flatten {
            except: common.except_keys.clone().unwrap_or_default(),
            raw: settings.store_raw_json_message == Some(true),
        }),
        schema,
        ..Stream::default()
    };
    if let Some(key) = &common.replication_key {
        let mut since = Since::of(key);
        if header_link {
            let (sort, direction) = search::github(key);
            query.extend(sort.map(|sort| ("sort".to_owned(), sort.into())));
            query.extend(direction.map(|direction| ("direction".to_owned(), direction.into())));
            since.query = Some("since".to_owned());
        } else if let Some((field, value)) = search::of(common, in_body, greater, start_date)? {
            query.insert(field, value);
            since.placed = true;
        } else if orders {
            query.insert("sort".to_owned(), "asc".into());
            query.insert("order_by".to_owned(), texts.put(key).into());
        }
        since.date_time = Some("%Y-%m-%dT%H:%M:%S".to_owned()).filter(|_| since.placed);
        made.since = Some(OneOf::Long(since));
    }
    if in_body {
        made.method = Some("GET".to_owned());
        made.json = Some(Value::Object(query));
    } else {
        made.query = query;
    }
    Ok(made)
}

/// The path, glued to the address as it is.
fn path(settings: &Msdk, common: &Common, texts: &mut Texts) -> String {
    let (url, path) = (
        settings.api_url.as_deref().unwrap_or_default(),
        common.path.as_deref().unwrap_or_default(),
    );
    let joins = path.starts_with(['/', '?']) || url.ends_with('/');
    match path {
        // Without a path it is the address itself.
        path if path.is_empty() || joins => texts.put(path),
        path => texts.put(&format!("{url}{path}")),
    }
}

/// One more than the setting says, as tap-rest-api-msdk reads.
fn samples(common: &Common) -> Result<usize> {
    let samples = common.num_inference_records.unwrap_or(50);
    let samples = usize::try_from(samples)
        .ok()
        .and_then(|samples| samples.checked_add(1));
    samples.ok_or_else(|| Error::config("num_inference_records: too many"))
}

fn limits(settings: &Msdk) -> Result<Limits> {
    let wait_header = match settings.backoff_type.as_deref() {
        None => None,
        Some("header") => settings.backoff_param.clone(),
        Some("message") => {
            return Err(Error::config(
                "backoff_type: message is not supported; leave it out: waits double, and those that headers ask for count",
            ));
        }
        Some(other) => {
            return Err(Error::config(format!(
                "backoff_type: expected header, found {other}"
            )));
        }
    };
    let extra = settings
        .backoff_time_extension
        .filter(|_| settings.backoff_type.is_some());
    Ok(Limits {
        wait_header,
        wait_extra: extra.map(|seconds| format!("{seconds}s")),
        ..Limits::default()
    })
}

fn auth(settings: &Msdk, texts: &mut Texts, token_file: Option<&str>) -> Result<Option<Auth>> {
    let needed = |given: Option<&str>, name: &str, method: &str| {
        let given = given.filter(|given| !given.is_empty()).map(str::to_owned);
        given.ok_or_else(|| Error::config(format!("{name}: {method} needs it")))
    };
    if settings.aws_credentials.is_some() {
        return Err(aws("aws_credentials"));
    }
    let exposed =
        |secret: &Option<melisma_sdk::Secret<String>>| secret.as_ref().map(|secret| secret.expose().clone());
    let method = settings.auth_method.as_deref().unwrap_or("no_auth");
    let mut auth = Auth::default();
    match method {
        "" | "no_auth" => return Ok(None),
        "basic" => {
            auth.basic = Some(Basic {
                user: texts.put(settings.username.as_deref().unwrap_or_default()),
                password: texts.put(&exposed(&settings.password).unwrap_or_default()),
            });
        }
        "bearer_token" => {
            let token = needed(exposed(&settings.bearer_token).as_deref(), "bearer_token", method)?;
            auth.bearer = Some(texts.put(&token));
        }
        "api_key" => {
            let keys = settings.api_keys.clone().unwrap_or_default();
            // The last of several is the one that counts there.
            let (name, key) = keys
                .into_iter()
                .next_back()
                .ok_or_else(|| Error::config("api_keys: api_key needs it"))?;
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            secret::hide(&key);
            let mut header = Map::new();
            header.insert(name, texts.put(&key).into());
            auth.header = Some(header);
        }
        "oauth" => oauth(settings, texts, token_file, &mut auth)?,
        "aws" => return Err(aws("auth_method")),
        other => {
            return Err(Error::config(format!(
                "auth_method: expected no_auth, basic, bearer_token, api_key or oauth, found {other}"
            )));
        }
    }
    Ok(Some(auth))
}

fn oauth(settings: &Msdk, texts: &mut Texts, token_file: Option<&str>, auth: &mut Auth) -> Result<()> {
    let needed = |given: Option<&str>, name: &str| {
        let given = given.filter(|given| !given.is_empty()).map(str::to_owned);
        given.ok_or_else(|| Error::config(format!("{name}: oauth needs it here")))
    };
    let secret =
        |given: &Option<melisma_sdk::Secret<String>>| given.as_ref().map(|secret| secret.expose().clone());
    auth.token_url = Some(texts.put(&needed(settings.access_token_url.as_deref(), "access_token_url")?));
    auth.id = Some(texts.put(settings.client_id.as_deref().unwrap_or_default()));
    auth.secret = Some(texts.put(&secret(&settings.client_secret).unwrap_or_default()));
    auth.oauth2 = Some(match settings.grant_type.as_deref() {
        Some("client_credentials") => Grant::ClientCredentials,
        Some("refresh_token") => {
            auth.refresh_token = Some(texts.put(&needed(
                secret(&settings.refresh_token).as_deref(),
                "refresh_token",
            )?));
            auth.token_file = token_file.map(|file| texts.put(file));
            Grant::RefreshToken
        }
        Some("password") => {
            auth.user = Some(texts.put(&needed(settings.username.as_deref(), "username")?));
            auth.password = Some(texts.put(&needed(secret(&settings.password).as_deref(), "password")?));
            Grant::Password
        }
        other => {
            let found = other.unwrap_or("nothing");
            return Err(Error::config(format!(
                "grant_type: expected client_credentials, password or refresh_token, found {found}"
            )));
        }
    });
    let own = [
        ("scope", &settings.scope),
        ("redirect_uri", &settings.redirect_uri),
    ];
    for (name, value) in own {
        auth.fields.extend(
            value
                .as_ref()
                .map(|value| (name.to_owned(), texts.put(value).into())),
        );
    }
    auth.fields
        .extend(texts.members(&settings.oauth_extras.clone().unwrap_or_default()));
    auth.token_headers = texts.members(&settings.common.headers.clone().unwrap_or_default());
    auth.token_lifetime = settings
        .oauth_expiration_secs
        .map(|seconds| format!("{seconds}s"));
    Ok(())
}

fn aws(name: &str) -> Error {
    Error::config(format!(
        "{name}: requests are not signed for AWS; a proxy that signs them in front of the API takes them without"
    ))
}
