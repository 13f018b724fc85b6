//! Placeholder until the recorded seeds are known.
