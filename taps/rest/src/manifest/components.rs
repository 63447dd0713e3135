//! The components of manifests: which are taken, ignored and refused. docs/tap-rest-manifests.md has the same table, and a test
//! compares the two.

use melisma_sdk::{Error, Result};
use serde_json::{Map, Value};

/// What becomes of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does what it does in Airbyte's framework.
    Taken,
    /// It has no meaning here, and is left alone.
    Ignored,
    /// A stream that has it is left out.
    Refused,
}

use Fate::{Ignored, Refused, Taken};

/// Every component, and what becomes of it.
pub const COMPONENTS: &[(&str, Fate)] = &[
    ("AddFields", Taken),
    ("AddedFieldDefinition", Taken),
    ("ApiKey", Taken),
    ("ApiKeyAuthenticator", Taken),
    ("AsyncRetriever", Refused),
    ("BasicHttpAuthenticator", Taken),
    ("Bearer", Taken),
    ("BearerAuthenticator", Taken),
    ("BlockSimultaneousSyncsAction", Ignored),
    ("CheckDynamicStream", Ignored),
    ("CheckStream", Ignored),
    ("CombinedExtractor", Refused),
    ("ComponentMappingDefinition", Refused),
    ("CompositeErrorHandler", Taken),
    ("ConditionalStreams", Refused),
    ("ConfigAddFields", Refused),
    ("ConfigComponentsResolver", Refused),
    ("ConfigMigration", Refused),
    ("ConfigNormalizationRules", Refused),
    ("ConfigRemapField", Refused),
    ("ConfigRemoveFields", Refused),
    ("ConstantBackoffStrategy", Taken),
    ("CsvDecoder", Refused),
    ("CursorPagination", Taken),
    ("CustomAuthenticator", Refused),
    ("CustomBackoffStrategy", Refused),
    ("CustomConfigTransformation", Refused),
    ("CustomDecoder", Refused),
    ("CustomErrorHandler", Refused),
    ("CustomPaginationStrategy", Refused),
    ("CustomPartitionRouter", Refused),
    ("CustomRecordExtractor", Refused),
    ("CustomRecordFilter", Refused),
    ("CustomRequester", Refused),
    ("CustomRetriever", Refused),
    ("CustomSchemaLoader", Refused),
    ("CustomSchemaNormalization", Refused),
    ("CustomStateMigration", Ignored),
    ("CustomTransformation", Refused),
    ("CustomValidationStrategy", Ignored),
    ("DatetimeBasedCursor", Taken),
    ("DeclarativeSource", Taken),
    ("DeclarativeStream", Taken),
    ("DefaultErrorHandler", Taken),
    ("DefaultPaginator", Taken),
    ("DpathExtractor", Taken),
    ("DpathFlattenFields", Taken),
    ("DpathValidator", Ignored),
    ("DynamicDeclarativeStream", Refused),
    ("DynamicSchemaLoader", Refused),
    ("DynamicStreamCheckConfig", Ignored),
    ("ExponentialBackoffStrategy", Taken),
    ("FileUploader", Refused),
    ("FixedWindowCallRatePolicy", Ignored),
    ("FlattenFields", Taken),
    ("GroupByKeyMergeStrategy", Refused),
    ("GroupingPartitionRouter", Refused),
    ("GzipDecoder", Refused),
    ("HTTPAPIBudget", Ignored),
    ("HttpComponentsResolver", Refused),
    ("HttpRequester", Taken),
    ("HttpResponseFilter", Taken),
    ("IncrementingCountCursor", Refused),
    ("InlineSchemaLoader", Taken),
    ("IterableDecoder", Refused),
    ("JsonDecoder", Taken),
    ("JsonFileSchemaLoader", Taken),
    ("JsonItemsDecoder", Refused),
    ("JsonSchemaPropertySelector", Refused),
    ("JsonlDecoder", Refused),
    ("JwtAuthenticator", Refused),
    ("KeyTransformation", Taken),
    ("KeysReplace", Taken),
    ("KeysToLower", Taken),
    ("KeysToSnakeCase", Refused),
    ("LegacySessionTokenAuthenticator", Refused),
    ("ListPartitionRouter", Taken),
    ("MinMaxDatetime", Taken),
    ("MovingWindowCallRatePolicy", Ignored),
    ("NoAuth", Taken),
    ("NoPagination", Taken),
    ("OAuthAuthenticator", Taken),
    ("OffsetIncrement", Taken),
    ("PageIncrement", Taken),
    ("PageSizeReduction", Refused),
    ("PaginationReset", Refused),
    ("PaginationResetLimits", Refused),
    ("ParametrizedComponentsResolver", Refused),
    ("ParentFieldPath", Refused),
    ("ParentStreamConfig", Taken),
    ("PredicateValidator", Ignored),
    ("PropertiesFromEndpoint", Refused),
    ("PropertyChunking", Refused),
    ("QueryProperties", Refused),
    ("QuotaStatusSource", Refused),
    ("RateLimitedMultipleTokenAuthenticator", Refused),
    ("RecordExpander", Refused),
    ("RecordFilter", Taken),
    ("RecordSelector", Taken),
    ("RemoveFields", Taken),
    ("RequestBodyGraphQL", Taken),
    ("RequestBodyJsonObject", Taken),
    ("RequestBodyPlainText", Taken),
    ("RequestBodyUrlEncodedForm", Taken),
    ("RequestOption", Taken),
    ("RequestPath", Taken),
    ("RequestWindowSplitting", Refused),
    ("ResponseToFileExtractor", Refused),
    ("SelectiveAuthenticator", Taken),
    ("SessionTokenAuthenticator", Taken),
    ("SimpleRetriever", Taken),
    ("Spec", Taken),
    ("StateDelegatingStream", Refused),
    ("StreamConfig", Refused),
    ("StreamParametersDefinition", Refused),
    ("SubstreamPartitionRouter", Taken),
    ("TokenQuota", Refused),
    ("UnionPartitionRouter", Refused),
    ("UnlimitedCallRatePolicy", Ignored),
    ("ValidateAdheresToSchema", Ignored),
    ("WaitTimeFromHeader", Taken),
    ("WaitTimeFromResponse", Refused),
    ("WaitUntilTimeFromHeader", Taken),
    ("XmlDecoder", Refused),
    ("ZipfileDecoder", Refused),
];

/// Members of taken components that are refused.
pub const MEMBERS: &[(&str, &str)] = &[
    ("DatetimeBasedCursor", "clamping"),
    ("DeclarativeStream", "file_uploader"),
    ("DpathExtractor", "record_expander"),
    ("OAuthAuthenticator", "profile_assertion"),
    ("ParentStreamConfig", "lazy_read_pointer"),
    ("SimpleRetriever", "page_size_reduction"),
    ("SimpleRetriever", "pagination_reset"),
    ("SimpleRetriever", "request_window_splitting"),
];

/// Fails when a component is not taken.
pub(super) fn check(members: &Map<String, Value>, place: &str) -> Result<()> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let kind = text("type").unwrap_or_default();
    if let Some(class) = text("class_name") {
        let kind = if kind.is_empty() {
            "a custom component"
        } else {
            kind
        };
        let class = melisma_sdk::show(class);
        return Err(Error::config(format!(
            "{place}: {kind} ({class}) is Python code, which is not run"
        )));
    }
    let fate = COMPONENTS
        .iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, fate)| *fate);
    if fate == Some(Refused) || (fate.is_none() && !kind.is_empty()) {
        return Err(Error::config(format!(
            "{}: {} is not supported",
            place,
            melisma_sdk::show(kind)
        )));
    }
    match MEMBERS
        .iter()
        .find(|(known, member)| *known == kind && members.get(*member).is_some_and(|value| !value.is_null()))
    {
        Some((_, member)) => Err(Error::config(format!(
            "{}: {member} of {kind} is not supported",
            format_args!("{place}.{member}")
        ))),
        None => Ok(()),
    }
}
