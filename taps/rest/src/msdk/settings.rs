//! The settings of tap-rest-api-msdk, by their own names.

use melisma_sdk::{Error, JsonSchema, Result, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The settings of the top level.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
pub struct Msdk {
    /// As tap-rest-api-msdk has it: the address of the API, in front of all paths.
    pub api_url: Option<String>,
    /// As tap-rest-api-msdk has it: the streams.
    pub streams: Option<Vec<MsdkStream>>,
    /// What is the same for all streams.
    #[serde(flatten)]
    pub common: Common,
    /// As tap-rest-api-msdk has it: `no_auth`, `basic`, `bearer_token`, `api_key` or `oauth`.
    pub auth_method: Option<String>,
    /// As tap-rest-api-msdk has it: a header and the key in it, for `api_key`.
    #[schemars(extend("secret" = true, "x-aliases" = ["api_key"]))]
    pub api_keys: Option<Map<String, Value>>,
    /// As tap-rest-api-msdk has it: the user, for `basic` and OAuth 2.0.
    pub username: Option<String>,
    /// As tap-rest-api-msdk has it: the user's password.
    pub password: Option<Secret<String>>,
    /// As tap-rest-api-msdk has it: the token of `bearer_token`.
    pub bearer_token: Option<Secret<String>>,
    /// As tap-rest-api-msdk has it: what a token is obtained for: `client_credentials`, `password` or `refresh_token`.
    pub grant_type: Option<String>,
    /// As tap-rest-api-msdk has it: the client's id.
    pub client_id: Option<String>,
    /// As tap-rest-api-msdk has it: the client's secret.
    pub client_secret: Option<Secret<String>>,
    /// As tap-rest-api-msdk has it: the refresh token.
    pub refresh_token: Option<Secret<String>>,
    /// As tap-rest-api-msdk has it: where tokens are obtained.
    pub access_token_url: Option<String>,
    /// As tap-rest-api-msdk has it: what a token is to be good for.
    pub scope: Option<String>,
    /// As tap-rest-api-msdk has it: sent with the request for a token.
    pub redirect_uri: Option<String>,
    /// As tap-rest-api-msdk has it: more fields of the request for a token.
    pub oauth_extras: Option<Map<String, Value>>,
    /// As tap-rest-api-msdk has it: how long a token lives whose answer does not say so, in seconds.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub oauth_expiration_secs: Option<u64>,
    /// As tap-rest-api-msdk has it, and refused: requests are not signed for AWS.
    #[schemars(extend("secret" = true))]
    pub aws_credentials: Option<Map<String, Value>>,
    /// As tap-rest-api-msdk has it: how the next page is found: `default`, `jsonpath_paginator`, `simple_header_paginator`,
    /// `restapi_header_link_paginator`, `offset_paginator`, `style1`, `simple_offset_paginator`, `page_number_paginator` or
    /// `single_page_paginator`.
    pub pagination_request_style: Option<String>,
    /// As tap-rest-api-msdk has it: how it is asked for: `default`, `page`, `offset`, `style1`, `header_link` or `hateoas_body`.
    pub pagination_response_style: Option<String>,
    /// As tap-rest-api-msdk has it: the JSON path of the token, or of what says whether there are more pages.
    pub next_page_token_path: Option<String>,
    /// As tap-rest-api-msdk has it: how many records a page has.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub pagination_page_size: Option<u64>,
    /// As tap-rest-api-msdk has it: the parameter that says which page.
    pub pagination_next_page_param: Option<String>,
    /// As tap-rest-api-msdk has it: the parameter that says how many records.
    pub pagination_limit_per_page_param: Option<String>,
    /// As tap-rest-api-msdk has it: what the answer calls the number of all records.
    pub pagination_total_limit_param: Option<String>,
    /// As tap-rest-api-msdk has it: the number of the first page or record (1).
    #[schemars(range(min = 0, max = 1_000_000_000_u64))]
    pub pagination_initial_offset: Option<u64>,
    /// As tap-rest-api-msdk has it, for `restapi_header_link_paginator` alone: about how many records are read at most.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub pagination_results_limit: Option<u64>,
    /// As tap-rest-api-msdk has it: sends the parameters as JSON in the body of a GET.
    pub use_request_body_not_params: Option<bool>,
    /// As tap-rest-api-msdk has it: where a server says how long to wait: `header`.
    pub backoff_type: Option<String>,
    /// As tap-rest-api-msdk has it: the header that says so (`Retry-After`).
    pub backoff_param: Option<String>,
    /// As tap-rest-api-msdk has it: how many seconds more to wait.
    #[schemars(range(min = 0, max = 86_400))]
    pub backoff_time_extension: Option<u64>,
    /// As tap-rest-api-msdk has it: adds the record as it came, as `_sdc_raw_json`.
    pub store_raw_json_message: Option<bool>,
    /// As tap-rest-api-msdk has it: the name of the client in the header `User-Agent`.
    pub user_agent: Option<String>,
}

impl Msdk {
    /// All settings that are given, secrets as they are: for a manifest that asks for settings of these names.
    pub(crate) fn exposed(&self) -> Result<Value> {
        let mut all = serde_json::to_value(self)
            .map_err(|error| Error::bug("cannot write the settings").with_source(error))?;
        let secrets = [
            ("password", &self.password),
            ("bearer_token", &self.bearer_token),
            ("client_secret", &self.client_secret),
            ("refresh_token", &self.refresh_token),
        ];
        for (name, secret) in secrets {
            if let Some(secret) = secret {
                all[name] = secret.expose().clone().into();
            }
        }
        if let Value::Object(all) = &mut all {
            all.retain(|_, value| !value.is_null());
        }
        Ok(all)
    }
}

/// Settings of the top level that a stream may have of its own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
pub struct Common {
    /// As tap-rest-api-msdk has it: the path, behind `api_url`.
    pub path: Option<String>,
    /// As tap-rest-api-msdk has it: parameters of the query.
    pub params: Option<Map<String, Value>>,
    /// As tap-rest-api-msdk has it: headers.
    pub headers: Option<Map<String, Value>>,
    /// As tap-rest-api-msdk has it: the JSON path of the records (`$[*]`).
    pub records_path: Option<String>,
    /// As tap-rest-api-msdk has it: the properties that identify a record, by their flat names.
    pub primary_keys: Option<Vec<String>>,
    /// As tap-rest-api-msdk has it: the property that grows as records change, by its flat name.
    pub replication_key: Option<String>,
    /// As tap-rest-api-msdk has it: places that are kept as JSON text, by their flat names.
    pub except_keys: Option<Vec<String>>,
    /// As tap-rest-api-msdk has it: how many records a schema is inferred from (50).
    #[schemars(extend("x-aliases" = ["num_inference_keys"]))]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub num_inference_records: Option<u64>,
    /// As tap-rest-api-msdk has it: the parameter that asks for what is new.
    pub source_search_field: Option<String>,
    /// As tap-rest-api-msdk has it: its value, in which `$last_run_date` is the bookmark.
    pub source_search_query: Option<String>,
    /// As tap-rest-api-msdk has it: the JSON path of the list that `simple_offset_paginator` counts.
    pub offset_records_jsonpath: Option<String>,
}

/// A stream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
pub struct MsdkStream {
    /// What it is called.
    pub name: String,
    /// What it has of its own.
    #[serde(flatten)]
    pub common: Common,
    /// The JSON Schema of the flat records: the path of a file, or the schema itself. Without it, the schema is inferred.
    #[schemars(with = "Option<Map<String, Value>>", extend("type" = ["string", "object", "null"]))]
    pub schema: Option<Value>,
    /// Does nothing in a stream.
    #[schemars(extend("x-ignored" = "the start_date of the top level counts for all streams, as in tap-rest-api-msdk"))]
    pub start_date: Option<String>,
    /// Does nothing.
    #[schemars(extend("x-ignored" = "a stream with a replication_key is incremental, and the catalog can say otherwise"))]
    pub replication_method: Option<String>,
    /// Does nothing.
    #[schemars(extend("x-ignored" = "all streams have the pages that pagination_request_style says at the top level"))]
    pub paginator: Option<String>,
}
