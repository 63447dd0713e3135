//! The settings that Meltano itself defines, such as `database_uri`.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::setting::Setting;
use super::setting_kind::SettingKind;

/// What Meltano 4.4 defines, in its order. Each that has a value is handed to plugins as a variable.
pub(crate) static DEFINITIONS: LazyLock<Vec<Setting>> = LazyLock::new(definitions);

/// The feature flag that makes a reference to a missing variable an error.
pub(super) const STRICT: &str = "ff.strict_env_var_mode";

/// Besides those of state backends, the settings that are stored in `.env`.
const OF_THIS_PLACE: [&str; 3] = ["database_uri", "project_readonly", "cli.log_level"];
const LEVELS: &[&str] = &["debug", "info", "warning", "error", "critical", "disabled"];
const FORMATS: &[&str] = &["colored", "uncolored", "json", "key_value", "plain"];

fn definitions() -> Vec<Setting> {
    let mut settings = project();
    settings.extend(state_backend());
    settings.extend(command_line());
    settings.extend(state_backend_services());
    for setting in &mut settings {
        setting.env_specific =
            OF_THIS_PLACE.contains(&setting.name.as_str()) || setting.name.starts_with("state_backend.");
    }
    settings
}

fn project() -> Vec<Setting> {
    vec![
        text(
            "default_environment",
            "The environment of a run for which no other is chosen",
        ),
        flag(
            "send_anonymous_usage_stats",
            true,
            "Whether Meltano sends telemetry. melisma sends none",
        ),
        of_kind(
            "disable_tracking",
            SettingKind::Boolean,
            "The opposite of send_anonymous_usage_stats, by its old name",
        ),
        text("project_id", "The id of the project in Meltano's telemetry"),
        text(
            "database_uri",
            "The URI of the system database, on SQLite or PostgreSQL",
        )
        .with_default(json!("sqlite:///$MELTANO_SYS_DIR_ROOT/meltano.db")),
        integer(
            "database_max_retries",
            3,
            "How often the first connection to the system database is tried again",
        ),
        integer(
            "database_retry_timeout",
            5,
            "The number of seconds between these tries",
        ),
        flag(
            "project_readonly",
            false,
            "Whether commands must not change the files of the project",
        ),
        text("hub_api_root", "The URL of the API of a hub, in place of hub_url"),
        text("hub_url", "The URL of the hub that has definitions of plugins")
            .with_default(json!("https://hub.meltano.com")),
        text(
            "hub_url_auth",
            "The value of the header Authorization in requests to the hub",
        ),
        integer(
            "elt.buffer_size",
            104_857_600,
            "Twice the length of the longest message, in bytes",
        ),
        text(
            "python",
            "The Python that plugins are installed with: a version, a name or a path",
        ),
        flag(
            "auto_install",
            true,
            "Whether plugins are installed before they run",
        ),
    ]
}

fn state_backend() -> Vec<Setting> {
    vec![
        text("state_backend.uri", "Where states are stored").with_default(json!("systemdb")),
        integer(
            "state_backend.lock_timeout_seconds",
            10,
            "The number of seconds that a lock of a state is valid",
        ),
        integer(
            "state_backend.lock_retry_seconds",
            1,
            "The number of seconds between two tries to lock a state",
        ),
    ]
}

fn command_line() -> Vec<Setting> {
    vec![
        options(
            "cli.log_level",
            LEVELS,
            "info",
            "The lowest level of log lines that are shown",
        ),
        text("cli.log_config", "The configuration file of Meltano's logs")
            .with_default(json!("logging.yaml")),
        options("cli.log_format", FORMATS, "colored", "The format of log lines"),
        flag(
            "cli.disable_version_check",
            false,
            "Whether Meltano does not look for a new version. melisma never does",
        ),
        of_kind(
            "snowplow.collector_endpoints",
            SettingKind::Array,
            "Where Meltano sends its telemetry",
        )
        .with_default(json!(["https://sp.meltano.com"])),
        options(
            "venv.backend",
            &["virtualenv", "uv"],
            "uv",
            "What makes virtual environments",
        ),
        flag(
            "experimental",
            false,
            "Whether features of Meltano that are experiments are on",
        ),
        flag(
            STRICT,
            false,
            "Whether a reference to a variable that is not set is an error",
        ),
        Setting {
            description: None,
            ..flag("ff.plugin_locks_required", false, "")
        },
    ]
}

fn state_backend_services() -> Vec<Setting> {
    [
        (
            "azure.connection_string",
            "Connection String",
            true,
            "The connection string of an Azure storage account",
        ),
        (
            "azure.storage_account_url",
            "Storage Account URL",
            false,
            "The URL of an Azure storage account",
        ),
        (
            "gcs.application_credentials",
            "Application Credentials",
            true,
            "The file with credentials for Google Cloud Storage",
        ),
        (
            "gcs.application_credentials_json",
            "Application Credentials JSON",
            true,
            "Credentials for Google Cloud Storage, as JSON",
        ),
        (
            "gcs.application_credentials_path",
            "Application Credentials Path",
            true,
            "The file with credentials for Google Cloud Storage",
        ),
        (
            "s3.aws_access_key_id",
            "AWS Access Key ID",
            true,
            "The id of a key for S3",
        ),
        (
            "s3.aws_secret_access_key",
            "AWS Secret Access Key",
            true,
            "The key for S3",
        ),
        (
            "s3.endpoint_url",
            "Endpoint URL",
            false,
            "The URL of a service that works like S3",
        ),
    ]
    .into_iter()
    .map(|(name, label, sensitive, description)| Setting {
        label: Some(label.to_owned()),
        sensitive,
        ..text(&format!("state_backend.{name}"), description)
    })
    .collect()
}

fn of_kind(name: &str, kind: SettingKind, description: &str) -> Setting {
    Setting {
        description: Some(description.to_owned()),
        ..Setting::new(name, kind)
    }
}

fn text(name: &str, description: &str) -> Setting {
    of_kind(name, SettingKind::Plain, description)
}

fn integer(name: &str, default: i64, description: &str) -> Setting {
    of_kind(name, SettingKind::Integer, description).with_default(default.into())
}

fn flag(name: &str, default: bool, description: &str) -> Setting {
    of_kind(name, SettingKind::Boolean, description).with_default(default.into())
}

fn options(name: &str, options: &[&str], default: &str, description: &str) -> Setting {
    Setting {
        options: options.iter().map(|option| json!(option)).collect(),
        ..of_kind(name, SettingKind::Options, description).with_default(default.into())
    }
}

impl Setting {
    fn with_default(mut self, default: Value) -> Self {
        self.value = Some(default);
        self
    }
}
