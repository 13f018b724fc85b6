//! Reading a configuration: file, then `NODE_` environment variables, then flags. An unknown name is always an error.

use super::{LogFormat, NodeConfig};
use crate::exit::Failure;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Prefix of the environment variables that override the file.
pub const ENV_PREFIX: &str = "NODE_";

/// Variables with our prefix that other programs own (Node.js, Kubernetes); they are left alone.
const FOREIGN_VARIABLES: [&str; 14] = [
    "NODE_ENV",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_HOME",
    "NODE_VERSION",
    "NODE_NAME",
    "NODE_IP",
    "NODE_DEBUG",
    "NODE_NO_WARNINGS",
    "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NODE_USE_ENV_PROXY",
    "NODE_PENDING_DEPRECATION",
    "NODE_V8_COVERAGE",
];

/// What the command line says about a node's settings. Flags win over everything.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Overrides {
    /// Directory of database, journal and lock [config: data_dir]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// UDP address to listen on for peers [config: p2p.listen_address]
    #[arg(long, value_name = "ADDRESS")]
    pub p2p_listen_address: Option<String>,
    /// TCP address of the API [config: rpc.listen_address]
    #[arg(long, value_name = "ADDRESS")]
    pub rpc_listen_address: Option<String>,
    /// Append every signed message from peers to this file [config: trace.received]
    #[arg(long, value_name = "FILE")]
    pub trace_received: Option<PathBuf>,
    /// Append the moments of transfers and views to this file, for 'breakdown' [config: trace.spans]
    #[arg(long, value_name = "FILE")]
    pub spans: Option<PathBuf>,
    /// Serve /metrics, /livez and /readyz [config: metrics.enabled]
    #[arg(long)]
    pub metrics: bool,
    /// TCP address of the metrics [config: metrics.listen_address]
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_listen_address: Option<String>,
    /// Any option by its name, as in --set consensus.empty_block_delay_ms=100
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Reads the file and applies environment and flags. Relative paths resolve against the file's directory.
///
/// # Errors
/// Exit code 3: what is wrong, with the file and line, the variable, or the flag.
pub fn load(
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
    log: (Option<&str>, Option<LogFormat>),
) -> Result<NodeConfig, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::config(format!(
            "cannot read configuration {}: {error}; config.example.toml shows every option",
            file.display()
        ))
    })?;
    read(&text, file, environment, overrides, log)
}

/// The same from the file's text.
pub(super) fn read(
    text: &str,
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
    log: (Option<&str>, Option<LogFormat>),
) -> Result<NodeConfig, Failure> {
    let mut settings = parse(text).map_err(|error| Failure::config(format!("{}: {error}", file.display())))?;
    for (name, value) in environment {
        apply_variable(&mut settings, &name, &value)?;
    }
    apply_flags(&mut settings, overrides, log)?;
    let mut config: NodeConfig = settings.try_into().map_err(|error: toml::de::Error| {
        Failure::config(format!("{} with its overrides: {}", file.display(), error.to_string().trim_end()))
    })?;
    super::check::check_ranges(&config)?;
    resolve_paths(&mut config, file);
    Ok(config)
}

/// Parsed twice: into the type for its messages with line and key, into a table to lay the overrides on.
fn parse(text: &str) -> Result<Table, String> {
    let config: Result<NodeConfig, _> = toml::from_str(text);
    config.map_err(|error| error.to_string().trim_end().to_owned())?;
    toml::from_str(text).map_err(|error| error.to_string())
}

fn apply_variable(settings: &mut Table, name: &str, value: &str) -> Result<(), Failure> {
    let Some(rest) = name.strip_prefix(ENV_PREFIX) else { return Ok(()) };
    if FOREIGN_VARIABLES.contains(&name) {
        return Ok(());
    }
    let key = rest.split("__").map(str::to_ascii_lowercase).collect::<Vec<_>>().join(".");
    apply(settings, &key, value).map_err(|reason| Failure::config(format!("environment variable {name}: {reason}")))
}

fn apply_flags(
    settings: &mut Table,
    overrides: &Overrides,
    (level, format): (Option<&str>, Option<LogFormat>),
) -> Result<(), Failure> {
    let data_dir = overrides.data_dir.as_ref().map(|path| path.display().to_string());
    let trace_received = overrides.trace_received.as_ref().map(|path| path.display().to_string());
    let spans = overrides.spans.as_ref().map(|path| path.display().to_string());
    let named = [
        ("--data-dir", "data_dir", data_dir),
        ("--p2p-listen-address", "p2p.listen_address", overrides.p2p_listen_address.clone()),
        ("--rpc-listen-address", "rpc.listen_address", overrides.rpc_listen_address.clone()),
        ("--trace-received", "trace.received", trace_received),
        ("--spans", "trace.spans", spans),
        ("--metrics", "metrics.enabled", overrides.metrics.then(|| "true".to_owned())),
        ("--metrics-listen-address", "metrics.listen_address", overrides.metrics_listen_address.clone()),
        ("--log-level", "log.level", level.map(str::to_owned)),
        (
            "--log-format",
            "log.format",
            format.map(|form| if form == LogFormat::Json { "json" } else { "text" }.to_owned()),
        ),
    ];
    for assignment in &overrides.set {
        let (key, value) = assignment.split_once('=').ok_or_else(|| {
            Failure::config(format!("--set {assignment}: expected KEY=VALUE, as in --set log.level=debug"))
        })?;
        apply(settings, key.trim(), value.trim())
            .map_err(|reason| Failure::config(format!("--set {assignment}: {reason}")))?;
    }
    for (flag, key, value) in named {
        if let Some(value) = value {
            apply(settings, key, &value).map_err(|reason| Failure::config(format!("{flag} {value}: {reason}")))?;
        }
    }
    Ok(())
}

/// Sets one option from text. The default's type says how the text is read.
fn apply(settings: &mut Table, key: &str, text: &str) -> Result<(), String> {
    let defaults = Table::try_from(NodeConfig::default()).map_err(|error| error.to_string())?;
    let mut table = settings;
    let mut known = &defaults;
    let parts: Vec<&str> = key.split('.').collect();
    let (last, sections) = parts.split_last().ok_or("empty key")?;
    for section in sections {
        known = known.get(*section).and_then(Value::as_table).ok_or_else(|| unknown(key, known))?;
        let entry = table.entry((*section).to_owned()).or_insert_with(|| Value::Table(Table::new()));
        table = entry.as_table_mut().ok_or_else(|| format!("'{section}' is not a section"))?;
    }
    let model = known.get(*last).ok_or_else(|| unknown(key, known))?;
    if model.is_table() {
        return Err(format!("'{key}' is a section: name one of its keys ({})", names(model.as_table())));
    }
    table.insert((*last).to_owned(), read_value(model, text)?);
    Ok(())
}

fn unknown(key: &str, known: &Table) -> String {
    format!("unknown configuration key '{key}'; known there: {}", names(Some(known)))
}

fn names(table: Option<&Table>) -> String {
    table.map(|table| table.keys().cloned().collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

fn read_value(model: &Value, text: &str) -> Result<Value, String> {
    let wrong = |expected: &str| format!("'{text}' is not {expected}");
    match model {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| wrong("a whole number")),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| wrong("true or false")),
        _ => {
            let document: Table = toml::from_str(&format!("value = {text}"))
                .map_err(|_| wrong("a TOML value such as [{index = 1, address = \"host:9000\"}]"))?;
            document.get("value").cloned().ok_or_else(|| wrong("a TOML value"))
        }
    }
}

fn resolve_paths(config: &mut NodeConfig, file: &Path) {
    let base = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let paths = [&mut config.data_dir, &mut config.genesis, &mut config.keys.bls, &mut config.keys.network];
    for path in paths {
        *path = base.join(&*path);
    }
    // No path at all means no trace.
    for path in [&mut config.trace.received, &mut config.trace.spans] {
        if !path.as_os_str().is_empty() {
            *path = base.join(&*path);
        }
    }
}
