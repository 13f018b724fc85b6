//! Log lines on standard error. Standard output belongs to results.

use crate::config::LogFormat;
use crate::exit::Failure;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging. An explicit level wins over `RUST_LOG`, and that over `default`.
///
/// # Errors
/// Exit code 3 for a level that cannot be read.
pub fn start(explicit: Option<&str>, default: &str, format: LogFormat) -> Result<(), Failure> {
    let variable = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|level| !level.is_empty());
    let level = explicit.map(str::to_owned).or(variable).unwrap_or_else(|| default.to_owned());
    let filter =
        EnvFilter::try_new(&level).map_err(|error| Failure::config(format!("log level '{level}': {error}")))?;
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A line that cannot be written is lost; complaining about it on the same standard error would be a panic.
    let builder = builder.log_internal_errors(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}
