//! One view as it is shown, and its form as words.

use crate::committee::MAX_VALIDATORS;
use crate::{Digest, Height, TimeMs, ValidatorIndex, View};

/// Words of a set of validators.
const SET_WORDS: usize = MAX_VALIDATORS / 64;
/// Words of a whole slot.
pub(super) const WORDS: usize = 19 + 2 * SET_WORDS;

/// Validators, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoterSet([u64; SET_WORDS]);

impl VoterSet {
    /// Adds a validator; numbers that no committee has are left out.
    pub fn insert(&mut self, validator: ValidatorIndex) {
        if let Some(word) = self.0.get_mut(validator.as_usize() / 64) {
            *word |= 1 << (validator.0 % 64);
        }
    }

    /// Takes a validator out.
    pub fn remove(&mut self, validator: ValidatorIndex) {
        if let Some(word) = self.0.get_mut(validator.as_usize() / 64) {
            *word &= !(1 << (validator.0 % 64));
        }
    }

    /// Whether the validator is in it.
    #[must_use]
    pub fn contains(&self, validator: ValidatorIndex) -> bool {
        self.0.get(validator.as_usize() / 64).is_some_and(|word| word & (1 << (validator.0 % 64)) != 0)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// All, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorIndex> {
        let last = MAX_VALIDATORS as u16;
        (0..last).map(ValidatorIndex).filter(|validator| self.contains(*validator))
    }
}

impl Extend<ValidatorIndex> for VoterSet {
    fn extend<I: IntoIterator<Item = ValidatorIndex>>(&mut self, validators: I) {
        validators.into_iter().for_each(|validator| self.insert(validator));
    }
}

impl FromIterator<ValidatorIndex> for VoterSet {
    fn from_iter<I: IntoIterator<Item = ValidatorIndex>>(validators: I) -> Self {
        let mut set = Self::default();
        set.extend(validators);
        set
    }
}

/// What this validator has said of a view last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnStatement {
    /// It voted for a block.
    Voted,
    /// It nullified because nothing came in time (R4).
    Timeout,
    /// It nullified because M others say otherwise (R5).
    Contradiction,
    /// It nullified on entry because of the leader's last turns (R14).
    Skip,
}

/// How a view stands, the strongest first true one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotStatus {
    /// No proof of it is held.
    InProgress,
    /// M votes for its block are held.
    Notarized,
    /// Its block is final and stored.
    Finalized,
    /// M nullifies are held.
    Nullified,
    /// The same, but only after this node had moved on by a notarization of the view.
    NullifiedLate,
}

/// The header's side of a view's block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownBlock {
    /// Its height.
    pub height: Height,
    /// Its parent's view.
    pub parent_view: View,
    /// Its time as the proposer gave it.
    pub time: TimeMs,
    /// Its transactions, once the body is here.
    pub tx_count: Option<u64>,
    /// Bytes of its transactions, once the body is here.
    pub bytes: Option<u64>,
    /// When its header came, in microseconds since the view began here.
    pub after_us: u64,
}

/// One view. Times in microseconds since it began here; 0 for what was known before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Which.
    pub view: View,
    /// Its leader.
    pub leader: ValidatorIndex,
    /// When it began here; where it was never entered, when something of it came first.
    pub started_at: TimeMs,
    /// Whether this node has been in it.
    pub is_entered: bool,
    /// The block that `proposal`, `votes` and the times are of: the leader's first, or another one that was notarized or
    /// finalized instead.
    pub block: Option<Digest>,
    /// Of its header, once it is here.
    pub proposal: Option<ShownBlock>,
    /// Who votes for that block, the votes in certificates included.
    pub votes: VoterSet,
    /// Who nullifies, those in the nullification included.
    pub nullify_votes: VoterSet,
    /// What this validator has said last.
    pub own: Option<OwnStatement>,
    /// A notarization was held.
    pub m_after_us: Option<u64>,
    /// A finalization was held.
    pub l_after_us: Option<u64>,
    /// A nullification was held.
    pub nullified_after_us: Option<u64>,
    /// Whether that came after this node had moved on by a notarization of the view.
    pub is_nullified_late: bool,
    /// The block was final and stored.
    pub finalized_after_us: Option<u64>,
    /// The same by the wall clock.
    pub finalized_at: Option<TimeMs>,
    /// This node went on to a later view.
    pub left_after_us: Option<u64>,
}

impl Slot {
    /// How the view stands.
    #[must_use]
    pub const fn status(&self) -> SlotStatus {
        if self.finalized_after_us.is_some() {
            SlotStatus::Finalized
        } else if self.is_nullified_late {
            SlotStatus::NullifiedLate
        } else if self.nullified_after_us.is_some() {
            SlotStatus::Nullified
        } else if self.m_after_us.is_some() {
            SlotStatus::Notarized
        } else {
            SlotStatus::InProgress
        }
    }

    /// From the block's time, as its proposer gave it, to final and stored here: in microseconds, to the millisecond.
    #[must_use]
    pub fn finality_us(&self) -> Option<u64> {
        let (at, block) = (self.finalized_at?, self.proposal?);
        Some(at.since(block.time).saturating_mul(1000))
    }

    pub(super) fn to_words(self) -> [u64; WORDS] {
        let block = self.proposal.unwrap_or_default();
        let flags = u64::from(self.leader.0)
            | own_to_word(self.own) << 16
            | u64::from(self.is_entered) << 24
            | u64::from(self.is_nullified_late) << 25
            | u64::from(self.block.is_some()) << 26
            | u64::from(self.proposal.is_some()) << 27;
        let mut words = [0; WORDS];
        words[..15].copy_from_slice(&[
            self.view.0,
            flags,
            self.started_at.0,
            block.height.0,
            block.parent_view.0,
            block.time.0,
            to_word(block.tx_count),
            to_word(block.bytes),
            block.after_us,
            to_word(self.m_after_us),
            to_word(self.l_after_us),
            to_word(self.nullified_after_us),
            to_word(self.finalized_after_us),
            to_word(self.finalized_at.map(|at| at.0)),
            to_word(self.left_after_us),
        ]);
        let (quads, _) = self.block.as_ref().map_or(&[0; 32], |digest| &digest.0).as_chunks::<8>();
        for (word, quad) in words[15..19].iter_mut().zip(quads) {
            *word = u64::from_le_bytes(*quad);
        }
        words[19..19 + SET_WORDS].copy_from_slice(&self.votes.0);
        words[19 + SET_WORDS..].copy_from_slice(&self.nullify_votes.0);
        words
    }

    pub(super) fn from_words(words: &[u64; WORDS]) -> Self {
        let flags = words[1];
        let is = |bit: u32| flags >> bit & 1 == 1;
        let mut digest = [0; 32];
        let (quads, _) = digest.as_chunks_mut::<8>();
        for (quad, word) in quads.iter_mut().zip(&words[15..19]) {
            *quad = word.to_le_bytes();
        }
        let (mut votes, mut nullify_votes) = (VoterSet::default(), VoterSet::default());
        votes.0.copy_from_slice(&words[19..19 + SET_WORDS]);
        nullify_votes.0.copy_from_slice(&words[19 + SET_WORDS..]);
        Self {
            view: View(words[0]),
            leader: ValidatorIndex((flags & 0xffff) as u16),
            started_at: TimeMs(words[2]),
            is_entered: is(24),
            block: is(26).then_some(digest.into()),
            proposal: is(27).then_some(ShownBlock {
                height: Height(words[3]),
                parent_view: View(words[4]),
                time: TimeMs(words[5]),
                tx_count: from_word(words[6]),
                bytes: from_word(words[7]),
                after_us: words[8],
            }),
            votes,
            nullify_votes,
            own: own_from_word(flags >> 16 & 0xff),
            m_after_us: from_word(words[9]),
            l_after_us: from_word(words[10]),
            nullified_after_us: from_word(words[11]),
            is_nullified_late: is(25),
            finalized_after_us: from_word(words[12]),
            finalized_at: from_word(words[13]).map(TimeMs),
            left_after_us: from_word(words[14]),
        }
    }
}

const fn to_word(value: Option<u64>) -> u64 {
    match value {
        Some(value) => value.saturating_add(1),
        None => 0,
    }
}

const fn from_word(word: u64) -> Option<u64> {
    word.checked_sub(1)
}

const fn own_to_word(own: Option<OwnStatement>) -> u64 {
    match own {
        None => 0,
        Some(OwnStatement::Voted) => 1,
        Some(OwnStatement::Timeout) => 2,
        Some(OwnStatement::Contradiction) => 3,
        Some(OwnStatement::Skip) => 4,
    }
}

const fn own_from_word(word: u64) -> Option<OwnStatement> {
    match word {
        1 => Some(OwnStatement::Voted),
        2 => Some(OwnStatement::Timeout),
        3 => Some(OwnStatement::Contradiction),
        4 => Some(OwnStatement::Skip),
        _ => None,
    }
}
