//! How the program ends: one list of exit codes, and the failure that carries one with its message.
//!
//! Scripts depend on these numbers: they are only ever added to.

use std::fmt;
use std::process::ExitCode;

macro_rules! exits {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $meaning:literal;)+) => {
        /// Why a command did not succeed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Exit {
            $($(#[doc = $doc])+ $name = $code,)+
        }

        impl Exit {
            /// All failures, ascending by code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What the code means, for `--help` and the documentation.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)+
                }
            }
        }
    };
}

exits! {
    /// Nothing below fits.
    Generic = 1, "unexpected failure";
    /// The command line is wrong (clap ends with the same code).
    Usage = 2, "wrong command line";
    /// Configuration or genesis is wrong.
    Config = 3, "configuration or genesis refused";
    /// A key file is missing, damaged, or readable by others.
    Keys = 4, "key file missing, damaged or readable by others";
    /// The data directory is in use, belongs to another chain, lost its validator to another, or cannot be written.
    DataDirectory = 5, "data directory in use, of another chain, exported, or not writable";
    /// Database or journal failed while running; nothing more is signed (D-FAIL-STOP).
    Storage = 6, "database or journal failed: the node stopped before signing anything else";
    /// A port is taken or an address cannot be used.
    Network = 7, "port in use or address not usable";
    /// Two conflicting finalizations were seen (S-HALT): by a node, which keeps both as evidence, or by `status`.
    SafetyHalt = 8, "conflicting finality: the node stopped and kept the evidence, or 'status' saw a fork";
    /// The node that a command talks to does not answer.
    Unreachable = 9, "the node asked cannot be reached";
    /// `localnet --for` saw no new final block, or `load` lost or duplicated transfers.
    NotAdvanced = 10, "the chain did not advance, or a load run did not reconcile";
    /// The node refused the transaction, or dropped it.
    Rejected = 11, "transaction rejected, reverted, dropped or not final in time";
    /// No such account, block or transaction.
    NotFound = 12, "no such block or transaction";
    /// The own key signed something that the journal does not hold (D-OWN-SIG).
    DoubledValidator = 13, "this validator's key signs elsewhere, or its data directory is an old copy: signing stopped";
    /// A final block executes differently here (S-ROOT).
    StateMismatch = 14, "a final block gives another state here: this node's state or program is wrong";
    /// A finality proof, or what a node says of a block, does not stand up against the genesis.
    Unproven = 15, "a block's finality proof, or the block itself, does not verify";
    /// `trace check` or `chaos` found that something was said or shown that must not be.
    Violation = 16, "a check found a violation: the message says which, and where everything is kept";
    /// A panic: everything acknowledged is durable.
    Bug = 70, "a bug in this program; the log has the trace";
}

/// An exit code with the message that goes to standard error: what was wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The class of failure.
    pub exit: Exit,
    /// For the user.
    pub message: String,
}

impl Failure {
    /// A failure with a message.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// A configuration or genesis failure.
    pub fn config(message: impl fmt::Display) -> Self {
        Self::new(Exit::Config, message)
    }

    /// For the process.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The list of exit codes as `--help` shows it.
#[must_use]
pub fn help() -> String {
    let mut text = String::from("Exit codes:\n   0  success\n");
    for exit in Exit::ALL {
        text.push_str(&format!("  {:>2}  {}\n", *exit as u8, exit.meaning()));
    }
    text
}
