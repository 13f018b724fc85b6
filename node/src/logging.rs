//! Log lines on standard error. Standard output belongs to results.

use crate::config::LogFormat;
use crate::exit::Failure;
use crate::spans::SpanLayer;
use minuet_core::spans::TARGET;
use std::io::IsTerminal as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, registry};

/// Starts logging. An explicit level wins over `RUST_LOG`, and that over `default`. The moments of [`TARGET`] go to `spans`;
/// without it their level is off for the whole process, and they cost one comparison each.
///
/// # Errors
/// Exit code 3 for a level that cannot be read.
pub fn start(
    explicit: Option<&str>,
    default: &str,
    format: LogFormat,
    spans: Option<SpanLayer>,
) -> Result<(), Failure> {
    let variable = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|level| !level.is_empty());
    let level = explicit.map(str::to_owned).or(variable).unwrap_or_else(|| default.to_owned());
    let filter =
        EnvFilter::try_new(&level).map_err(|error| Failure::config(format!("log level '{level}': {error}")))?;
    let colours = std::io::stderr().is_terminal();
    if let Some(spans) = spans {
        let spans = spans.with_filter(filter_fn(|event| event.target() == TARGET));
        let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
        let logs = logs.log_internal_errors(false);
        let logs = match format {
            LogFormat::Text => logs.boxed(),
            LogFormat::Json => logs.json().boxed(),
        };
        registry().with(logs.with_filter(filter)).with(spans).init();
        return Ok(());
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A line that cannot be written is lost; complaining about it on the same standard error would be a panic.
    let builder = builder.log_internal_errors(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}
