//! The API's calls, counted as they end, on the API's thread.

use super::registry::Registry;
use super::table::{API_ERRORS, API_REQUEST, API_REQUESTS};
use metrics::{Counter, Histogram};
use minuet_rpc::{CALL_CODES, CALL_METHODS, CallObserver, EndedCall};

struct Method {
    by_code: Vec<Counter>,
    errors: Counter,
    first_answer: Histogram,
}

/// One place for each method.
pub struct CallCounts(Vec<Method>);

impl CallCounts {
    pub fn new(registry: &Registry) -> Self {
        let method = |name: &str| Method {
            by_code: CALL_CODES.iter().map(|code| registry.counter(&API_REQUESTS, &[name, code])).collect(),
            errors: registry.counter(&API_ERRORS, &[name]),
            first_answer: registry.histogram(&API_REQUEST, &[name]),
        };
        Self(CALL_METHODS.iter().map(|name| method(name)).collect())
    }
}

impl CallObserver for CallCounts {
    fn ended(&self, call: EndedCall) {
        let Some(method) = self.0.get(call.method) else { return };
        if let Some(counter) = method.by_code.get(call.code) {
            counter.increment(1);
        }
        if call.code != 0 {
            method.errors.increment(1);
        }
        method.first_answer.record(call.first_answer.as_secs_f64());
    }
}
