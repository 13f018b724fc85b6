//! The handshake on a connection's first bidirectional stream: both sides say what chain they are of, both check.
//!
//! The dialler sends a [`Hello`]; the other side checks it and answers with its own or closes with the reason. Magic and
//! version stand first in every version, so that versions can always tell each other apart.

use crate::closing::CloseReason;
use minuet_core::{B256, Digest, PeerId};

const MAGIC: [u8; 8] = *b"MINUET\r\n";
/// Magic and version: the part that no version changes.
pub const PREFIX_BYTES: usize = 12;
/// All of it.
pub const HELLO_BYTES: usize = PREFIX_BYTES + 32 + 32 + 8 + 4 + 4 + 8;

/// What one side says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Of the handshake and of the frames.
    pub version: u32,
    /// Hash over the whole genesis.
    pub genesis_fingerprint: B256,
    /// Digest of block 0.
    pub genesis_digest: Digest,
    /// The chain id.
    pub chain_id: u64,
    /// Who speaks; [`PeerId::FOLLOWER`] for a node that only follows.
    pub sender: PeerId,
    /// Who is spoken to; [`PeerId::FOLLOWER`] for a node that only follows.
    pub recipient: PeerId,
    /// A random number per process: tells a restarted node from one that dials twice.
    pub instance: u64,
}

impl Hello {
    /// Fixed layout, big-endian.
    #[must_use]
    pub fn encode(&self) -> [u8; HELLO_BYTES] {
        let mut out = [0; HELLO_BYTES];
        let parts: [&[u8]; 8] = [
            &MAGIC,
            &self.version.to_be_bytes(),
            self.genesis_fingerprint.as_slice(),
            self.genesis_digest.as_slice(),
            &self.chain_id.to_be_bytes(),
            &self.sender.0.to_be_bytes(),
            &self.recipient.0.to_be_bytes(),
            &self.instance.to_be_bytes(),
        ];
        let mut rest = &mut out[..];
        for part in parts {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
        out
    }

    /// The version in a prefix.
    ///
    /// # Errors
    /// [`CloseReason::Malformed`] when the magic is missing.
    pub fn read_version(prefix: &[u8; PREFIX_BYTES]) -> Result<u32, CloseReason> {
        let version = prefix.strip_prefix(&MAGIC).and_then(|rest| rest.try_into().ok());
        version.map(u32::from_be_bytes).ok_or(CloseReason::Malformed("this is no Minuet node's handshake"))
    }

    /// What follows the prefix.
    #[must_use]
    pub fn decode_rest(version: u32, rest: &[u8; HELLO_BYTES - PREFIX_BYTES]) -> Self {
        fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
            let (taken, after) = rest.split_first_chunk().expect("the parts add up to the array's length");
            *rest = after;
            *taken
        }
        let mut rest = &rest[..];
        Self {
            version,
            genesis_fingerprint: B256::from(take::<32>(&mut rest)),
            genesis_digest: B256::from(take::<32>(&mut rest)),
            chain_id: u64::from_be_bytes(take(&mut rest)),
            sender: PeerId(u32::from_be_bytes(take(&mut rest))),
            recipient: PeerId(u32::from_be_bytes(take(&mut rest))),
            instance: u64::from_be_bytes(take(&mut rest)),
        }
    }

    /// Checks what `peer` says, whose key the connection proved, against what this node says of itself.
    ///
    /// # Errors
    /// The first difference, as the peer is to be told.
    pub fn check(&self, own: &Self, peer: Option<PeerId>) -> Result<(), CloseReason> {
        if self.version != own.version {
            return Err(CloseReason::WrongVersion { theirs: self.version, ours: own.version });
        }
        for (theirs, ours) in
            [(self.genesis_fingerprint, own.genesis_fingerprint), (self.genesis_digest, own.genesis_digest)]
        {
            if theirs != ours {
                return Err(CloseReason::WrongGenesis { theirs, ours });
            }
        }
        if self.chain_id != own.chain_id {
            return Err(CloseReason::WrongChain { theirs: self.chain_id, ours: own.chain_id });
        }
        if Some(self.sender) != peer {
            return Err(CloseReason::WrongIndex { claimed: self.sender, actual: peer });
        }
        if self.recipient != own.sender {
            return Err(CloseReason::WrongAddressee { wanted: self.recipient, own: own.sender });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            version: 1,
            genesis_fingerprint: B256::repeat_byte(2),
            genesis_digest: B256::repeat_byte(3),
            chain_id: 4,
            sender: PeerId(5),
            recipient: PeerId(6),
            instance: 7,
        }
    }

    #[test]
    fn a_hello_reads_back_and_keeps_its_layout() {
        let bytes = hello().encode();
        let (prefix, rest) = bytes.split_first_chunk::<PREFIX_BYTES>().unwrap();
        assert_eq!(prefix, b"MINUET\r\n\0\0\0\x01");
        assert_eq!(Hello::read_version(prefix), Ok(1));
        assert_eq!(Hello::decode_rest(1, rest.try_into().unwrap()), hello());
        assert_eq!(bytes[12..44], [2; 32]);
        assert_eq!(bytes[76..], [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert!(Hello::read_version(b"GET / HTTP/1").is_err());
    }

    #[test]
    fn every_difference_is_named() {
        let own = Hello { sender: PeerId(6), recipient: PeerId(5), instance: 9, ..hello() };
        let peer = Some(PeerId(5));
        assert_eq!(hello().check(&own, peer), Ok(()));
        let cases = [
            (Hello { version: 2, ..hello() }, 3, "you speak 2, this node 1"),
            (Hello { genesis_fingerprint: B256::ZERO, ..hello() }, 4, "same genesis file"),
            (Hello { genesis_digest: B256::ZERO, ..hello() }, 4, "same genesis file"),
            (Hello { chain_id: 5, ..hello() }, 5, "yours is 5, this node's 4"),
            (Hello { sender: PeerId(1), ..hello() }, 6, "claim to be validator 1"),
            (Hello { recipient: PeerId(1), ..hello() }, 7, "this node is 6"),
        ];
        for (wrong, code, text) in cases {
            let reason = wrong.check(&own, peer).unwrap_err();
            assert_eq!(reason.code(), code);
            assert!(reason.to_string().contains(text), "{reason}");
        }
        assert_eq!(hello().check(&own, None).unwrap_err().code(), 6);
    }
}
