//! An exhaustive search through everything that the rules can do: `Replica::step` over a network of messages.
