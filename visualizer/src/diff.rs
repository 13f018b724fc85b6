//! What has changed between two looks at a view, as events.

use crate::model::{indexes, own_word, proposal};
use minuet_core::views::Slot;
use serde_json::{Value, json};

/// An event's kind and data.
pub type Event = (&'static str, Value);

/// Appends what a client that knows `before` has to hear to know `now`, in the order in which it comes about.
pub fn changes(before: Option<&Slot>, now: &Slot, events: &mut Vec<Event>) {
    let unknown = Slot { view: now.view, leader: now.leader, ..Slot::default() };
    let before = before.filter(|before| before.view == now.view).unwrap_or(&unknown);
    let view = now.view.0;
    let is_new = |before: Option<u64>, now: Option<u64>| now.filter(|_| before.is_none());
    if before.started_at != now.started_at {
        let started = json!({"view": view, "leader": now.leader.0, "timestamp_ms": now.started_at.0});
        events.push(("view_started", started));
    }
    if (before.block, before.proposal) != (now.block, now.proposal)
        && let Some(block) = proposal(now)
    {
        let proposed = json!({
            "view": view, "hash": block.hash, "height": block.height, "parent_view": block.parent_view,
            "tx_count": block.tx_count, "bytes": block.bytes, "after_us": block.after_us,
        });
        events.push(("block_proposed", proposed));
    }
    let said = |slot: &Slot| (slot.votes, slot.nullify_votes, slot.own);
    if said(before) != said(now) {
        let votes = json!({
            "view": view, "count": now.votes.len(), "votes": indexes(&now.votes),
            "nullify_count": now.nullify_votes.len(), "nullify_votes": indexes(&now.nullify_votes),
            "own": own_word(now.own),
        });
        events.push(("vote_count_changed", votes));
    }
    if let Some(after_us) = is_new(before.m_after_us, now.m_after_us) {
        events.push(("m_notarization", json!({"view": view, "hash": now.block, "after_us": after_us})));
    }
    if let Some(after_us) = is_new(before.l_after_us, now.l_after_us) {
        events.push(("l_notarization", json!({"view": view, "hash": now.block, "after_us": after_us})));
    }
    if let Some(after_us) = is_new(before.nullified_after_us, now.nullified_after_us) {
        let late = now.is_nullified_late;
        events.push(("nullification", json!({"view": view, "after_us": after_us, "late": late})));
    }
    if before.finalized_at.is_none()
        && let (Some(at), Some(block)) = (now.finalized_at, now.proposal)
    {
        let finalized = json!({
            "height": block.height.0, "view": view, "hash": now.block, "latency_us": now.finality_us(),
            "tx_count": block.tx_count, "bytes": block.bytes, "timestamp_ms": at.0,
        });
        events.push(("finalized", finalized));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minuet_core::views::{OwnStatement, ShownBlock, VoterSet};
    use minuet_core::{Digest, Height, TimeMs, ValidatorIndex, View};

    fn kinds(before: Option<&Slot>, now: &Slot) -> Vec<&'static str> {
        let mut events = Vec::new();
        changes(before, now, &mut events);
        events.into_iter().map(|(kind, _)| kind).collect()
    }

    fn whole() -> Slot {
        let block = ShownBlock { height: Height(4), time: TimeMs(90), tx_count: Some(2), ..ShownBlock::default() };
        Slot {
            view: View(9),
            leader: ValidatorIndex(3),
            started_at: TimeMs(100),
            is_entered: true,
            block: Some(Digest::repeat_byte(1)),
            proposal: Some(block),
            votes: (0..5).map(ValidatorIndex).collect(),
            nullify_votes: VoterSet::default(),
            own: Some(OwnStatement::Voted),
            m_after_us: Some(10),
            l_after_us: Some(20),
            nullified_after_us: Some(30),
            is_nullified_late: true,
            finalized_after_us: Some(40),
            finalized_at: Some(TimeMs(120)),
            left_after_us: Some(11),
        }
    }

    #[test]
    fn a_view_that_nobody_knew_is_told_whole_and_in_order() {
        let all = [
            "view_started",
            "block_proposed",
            "vote_count_changed",
            "m_notarization",
            "l_notarization",
            "nullification",
            "finalized",
        ];
        assert_eq!(kinds(None, &whole()), all);
        let other = Slot { view: View(9 - 8), ..whole() };
        assert_eq!(kinds(Some(&other), &whole()), all, "what is known of another view is nothing");
        assert!(kinds(Some(&whole()), &whole()).is_empty());
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let mut later = whole();
        later.votes.insert(ValidatorIndex(5));
        assert_eq!(kinds(Some(&whole()), &later), ["vote_count_changed"]);
        let earlier = Slot { finalized_at: None, finalized_after_us: None, ..whole() };
        let mut events = Vec::new();
        changes(Some(&earlier), &whole(), &mut events);
        let [(kind, data)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(*kind, "finalized");
        assert_eq!((&data["latency_us"], &data["height"], &data["tx_count"]), (&30_000.into(), &4.into(), &2.into()));
    }

    #[test]
    fn a_body_that_comes_later_is_told_once_more() {
        let mut earlier = whole();
        earlier.proposal = earlier.proposal.map(|block| ShownBlock { tx_count: None, bytes: None, ..block });
        assert_eq!(kinds(Some(&earlier), &whole()), ["block_proposed"]);
    }
}
