//! A type of its own for every number, so that a height is never passed where a view is meant.

use alloy_rlp::{RlpDecodableWrapper, RlpEncodableWrapper};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, RlpEncodableWrapper, RlpDecodableWrapper)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

number!(
    /// A round of the protocol. Genesis is view 0, final by definition; the first led view is 1.
    View(u64)
);
number!(
    /// A block's distance from genesis, which is height 0.
    Height(u64)
);
number!(
    /// The period in which one committee rules. The first is 0.
    Epoch(u64)
);
number!(
    /// A validator's place in the committee: 0 to n−1.
    ValidatorIndex(u16)
);
number!(
    /// A connected node: validators have their index, other nodes the numbers from n on.
    PeerId(u32)
);
number!(
    /// Milliseconds: since the Unix epoch for wall-clock time.
    TimeMs(u64)
);

impl PeerId {
    /// What a node that only follows says of itself in the handshake: its number, from n on, is given by the other side.
    pub const FOLLOWER: Self = Self(u32::MAX);
}

impl View {
    /// The view of the genesis block.
    pub const GENESIS: Self = Self(0);
    /// The first view with a leader.
    pub const FIRST: Self = Self(1);

    /// The view after this one; stays at `u64::MAX` (B-ARITH: a peer may name any number).
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The view before this one; genesis is its own.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// `self + views`, stopping at `u64::MAX`.
    #[must_use]
    pub const fn plus(self, views: u64) -> Self {
        Self(self.0.saturating_add(views))
    }

    /// `self − views`, stopping at genesis.
    #[must_use]
    pub const fn minus(self, views: u64) -> Self {
        Self(self.0.saturating_sub(views))
    }
}

impl Height {
    /// The genesis block's height.
    pub const GENESIS: Self = Self(0);

    /// The height of a child; stays at `u64::MAX`.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl ValidatorIndex {
    /// As an index into a committee's arrays.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// The peer that this validator is on the network.
    #[must_use]
    pub const fn peer(self) -> PeerId {
        PeerId(self.0 as u32)
    }
}

impl TimeMs {
    /// The whole seconds, as Ethereum's header holds them.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// The milliseconds beyond the whole seconds.
    #[must_use]
    pub const fn millis_part(self) -> u16 {
        (self.0 % 1000) as u16
    }

    /// `self − earlier`, or 0 where `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
