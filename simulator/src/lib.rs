//! Many nodes on one thread in virtual time: the production drivers, rings, codec and journal over a simulated network,
//! clock and disk. One seed gives one run, event for event.

pub mod wan;
