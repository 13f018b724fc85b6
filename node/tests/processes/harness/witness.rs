//! Watches what every node shows as final: `minuet chaos` does the same, with the same code.

use super::Network;
pub use super::shared::witness::Witness;

impl Witness {
    pub fn of(network: &Network) -> Self {
        Self::following(network.all().map(|(node, view)| (node, view.url))).unwrap()
    }

    /// Panics if anything was wrong so far.
    pub fn is_content(&self) {
        let violations = self.so_far(|seen| seen.violations.clone());
        assert!(violations.is_empty(), "{violations:#?}");
    }
}
