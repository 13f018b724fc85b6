//! The stage: one node's process, the puppets around it, and the chain as it should go on.

use super::api;
use super::chain::{Chain, Header, L, M, N, bls_key, network_key, notarize, nullify};
use super::puppet::{Frame, Puppet};
use super::relay::Relay;
use crate::processes::{LIMIT, Node, View, signal};
use minuet_consensus::wire::{Request, Response, ServedBlock};
use minuet_core::Digest;
use minuet_core::block::Block;
use minuet_core::certificate::{Certificate, CertificateKind};
use minuet_core::evidence::Evidence;
use minuet_core::scheme::StatementScheme;
use minuet_core::statement::Statement;
use minuet_core::wire::FrameKind;
use minuet_rpc::proto::{GetStatusResponse, Peer};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// So long that it never comes: whatever happens then is the test's doing.
const NEVER_MS: u64 = 60_000;

/// How a stage is set.
#[derive(Clone, Copy)]
pub struct Setting {
    /// The node's place: it leads the views that leave this rest when divided by six.
    pub me: u16,
    /// Half of the node's patience with a leader.
    pub delta_ms: u64,
    /// A puppet behind a relay.
    pub relayed: Option<u16>,
    /// A puppet that hardly reads what it asked for.
    pub slow_reader: Option<u16>,
    /// How the chain's statements are signed.
    pub scheme: StatementScheme,
}

impl Default for Setting {
    fn default() -> Self {
        Self { me: 0, delta_ms: NEVER_MS, relayed: None, slow_reader: None, scheme: StatementScheme::Bls }
    }
}

/// Refusals that honest peers meet too.
const BLAMELESS: [&str; 6] = ["old", "far_future", "fetch_budget", "muted", "p2p_duplicate", "p2p_mempool_full"];

fn counted(status: &GetStatusResponse, reason: &str) -> u64 {
    status.rejected_by_reason.get(reason).copied().unwrap_or_default()
}

pub struct Stage {
    pub chain: Chain,
    pub me: u16,
    /// The newest final block, and by which proof.
    pub tip: Header,
    pub tip_proof: Option<Certificate>,
    /// The view that the node is in.
    pub view: u64,
    /// Proofs that the views between the tip and this one have no block, newest first.
    pub gap: Vec<Certificate>,
    silent: BTreeSet<u16>,
    node: Option<Node>,
    puppets: Vec<Puppet>,
    relay: Option<Relay>,
    dir: tempfile::TempDir,
}

impl Stage {
    /// A node that leads view 6, 12, … and waits for ever, with five puppets connected.
    pub fn new() -> Self {
        Self::set(Setting::default())
    }

    pub fn set(setting: Setting) -> Self {
        let (chain, dir) = (Chain::signed_by(setting.scheme), tempfile::tempdir().unwrap());
        let me = setting.me;
        let start = |index| Puppet::start(&chain, index, me, setting.slow_reader == Some(index));
        let puppets: Vec<_> = (0..N).filter(|index| *index != me).map(start).collect();
        let mut addresses: BTreeMap<u16, _> = puppets.iter().map(|puppet| (puppet.index, puppet.address())).collect();
        let relay = setting.relayed.map(|index| Relay::to(addresses[&index]));
        if let (Some(index), Some(relay)) = (setting.relayed, &relay) {
            addresses.insert(index, relay.address());
        }
        write_keys(dir.path(), me);
        fs::write(dir.path().join("genesis.json"), serde_json::to_string(chain.genesis.file()).unwrap()).unwrap();
        let peer = |(index, address): (&u16, &_)| format!("{{ index = {index}, address = \"{address}\" }}");
        let peers: Vec<String> = addresses.iter().map(peer).collect();
        let text = format!(
            "[p2p]\nlisten_address = \"127.0.0.1:0\"\npeers = [{}]\n[rpc]\nlisten_address = \"127.0.0.1:0\"\n\
             [consensus]\nempty_block_delay_ms = 0\ndelta_base_ms = {delta}\ndelta_max_ms = {delta}\n\
             [storage]\njournal_segment_mb = 4\nwrite_buffer_mb = 4\nblock_cache_mb = 4\n",
            peers.join(", "),
            delta = setting.delta_ms
        );
        fs::write(dir.path().join("node.toml"), text).unwrap();
        let (tip, silent, gap) = (chain.root(), BTreeSet::new(), Vec::new());
        let mut stage = Self { chain, me, tip, tip_proof: None, view: 1, gap, silent, node: None, puppets, relay, dir };
        stage.start();
        stage
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("node.toml")
    }

    /// Starts the node's process and waits until all puppets are connected anew.
    pub fn start(&mut self) {
        let before: Vec<u32> = self.puppets.iter().map(Puppet::ups).collect();
        let mut node = Node::start(&self.config(), View { url: String::new() });
        let line = node.says("api=");
        let url = line.split("api=").nth(1).and_then(|rest| rest.split_whitespace().next());
        node.view = View { url: url.expect("the API's address is logged").to_owned() };
        self.node = Some(node);
        for (puppet, before) in self.puppets.iter().zip(before) {
            if !self.silent.contains(&puppet.index) {
                puppet.waits_up(before);
            }
        }
    }

    /// SIGKILL. Answers once the process is gone.
    pub fn kill(&mut self) {
        self.take().kill();
    }

    /// The process, to end it or to see it end.
    pub fn take(&mut self) -> Node {
        self.node.take().expect("it runs")
    }

    pub fn node(&self) -> &Node {
        self.node.as_ref().expect("it runs")
    }

    pub fn api(&self) -> &View {
        &self.node().view
    }

    pub fn status(&self) -> GetStatusResponse {
        self.api().status()
    }

    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().expect("a puppet is relayed")
    }

    pub fn puppet(&self, index: u16) -> &Puppet {
        self.puppets.iter().find(|puppet| puppet.index == index).expect("a puppet, not the node")
    }

    /// The puppets that speak.
    pub fn cast(&self) -> impl Iterator<Item = &Puppet> {
        self.puppets.iter().filter(|puppet| !self.silent.contains(&puppet.index))
    }

    /// Indexes of all puppets, speaking or not: whose signatures the test can make.
    pub fn hands(&self) -> Vec<u16> {
        self.puppets.iter().map(|puppet| puppet.index).collect()
    }

    /// One that is sent everything that is sent to all.
    pub fn witness(&self) -> &Puppet {
        self.cast().last().expect("somebody speaks")
    }

    /// From now on this puppet says nothing by the book.
    pub fn silence(&mut self, index: u16) {
        self.silent.insert(index);
    }

    /// The leader of the present view, who is no puppet if it is the node.
    pub fn leader(&self) -> u16 {
        self.chain.leader(self.view)
    }

    /// Waits until the node is in this view.
    pub fn enters(&self, view: u64) {
        let there = |status: &GetStatusResponse| (status.view == view).then_some(());
        api::status_when(&self.api().url, &format!("view {view}"), there);
    }

    /// Waits until a height is final, doing something each time that it is not.
    pub fn waits_for_height(&self, height: u64, mut meanwhile: impl FnMut()) {
        api::status_when(&self.api().url, &format!("height {height}"), |status| {
            if status.height < height {
                meanwhile();
            }
            (status.height >= height).then_some(())
        });
    }

    /// Lets views pass until a puppet leads that speaks.
    pub fn until_a_puppet_leads(&mut self) -> u16 {
        while self.leader() == self.me || self.silent.contains(&self.leader()) {
            self.passes();
        }
        self.leader()
    }

    /// The leader's proposal of this block, on the tip.
    pub fn proposes(&self, header: &Header) {
        let proposal = self.chain.proposal(header, self.tip_proof.clone(), self.gap.clone());
        self.puppet(header.proposer().0).proposal(&proposal);
    }

    /// The next block as it should be, proposed and voted for by the node. A puppet leads.
    pub fn proposed(&self) -> Header {
        let header = self.chain.child(&self.tip, self.view);
        self.proposes(&header);
        self.sees(notarize(&header));
        header
    }

    /// Waits for the node's statement.
    pub fn sees(&self, statement: Statement) {
        self.witness().finds(&format!("{statement:?}"), |frame| match frame {
            Frame::Statement(signed) if signed.statement == statement => Some(()),
            _ => None,
        });
    }

    /// Whether the node has been seen to state this so far, to whomever.
    pub fn has_said(&self, statement: Statement) -> bool {
        self.puppets.iter().any(|puppet| puppet.statements().contains(&statement))
    }

    /// Waits for the node's own proposal in this view.
    pub fn sees_proposal(&self, view: u64) -> Header {
        self.witness().finds(&format!("a proposal of view {view}"), |frame| match frame {
            Frame::Proposal(proposal) if proposal.header.view().0 == view => Some(proposal.header.clone()),
            _ => None,
        })
    }

    /// Waits until the node passes on a certificate.
    pub fn sees_certificate(&self, kind: CertificateKind, view: u64) -> Certificate {
        self.witness().finds(&format!("{kind:?} of view {view}"), |frame| match frame {
            Frame::Certificate(certificate) if certificate.kind == kind && certificate.view.0 == view => {
                Some(certificate.clone())
            }
            _ => None,
        })
    }

    /// Every puppet that is asked for this block answers with it, once it may.
    pub fn serves(&self, block: &Block, may: &Arc<AtomicBool>) {
        let digest = block.digest();
        let answer = Response::Blocks(vec![ServedBlock { block: block.clone(), finalization: None }]).to_bytes();
        for puppet in self.cast() {
            let (may, answer) = (may.clone(), answer.clone());
            puppet.answers(move |request| {
                let wanted = *request == Request::Block(digest) && may.load(SeqCst);
                wanted.then(|| (FrameKind::Response, answer.clone()))
            });
        }
    }

    /// Waits until the node has put this question to any of the puppets.
    pub fn asks(&self, question: &Request) {
        let deadline = Instant::now() + LIMIT;
        let asked = |puppet: &Puppet| {
            puppet.frames().iter().any(|frame| matches!(frame, Frame::Request(request) if request == question))
        };
        while !self.puppets.iter().any(asked) {
            assert!(Instant::now() < deadline, "{question:?} was never asked");
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Every speaking puppet but the proposer, whose vote its proposal is, votes for the block.
    pub fn votes(&self, header: &Header) {
        for puppet in self.cast().filter(|puppet| puppet.index != header.proposer().0) {
            puppet.statement(&self.chain.sign(notarize(header), puppet.index));
        }
    }

    /// The block is final: it is the tip on which everything goes on.
    pub fn settles(&mut self, header: &Header) {
        self.api().reaches(header.height().0);
        let hash = self.api().block(header.height().0).hash;
        assert_eq!(hash, header.digest().as_slice(), "another block is final");
        self.tip_proof = Some(self.chain.finalization(header, &self.hands()[..usize::from(L)]));
        self.tip = header.clone();
        self.view = header.view().0 + 1;
        self.gap.clear();
    }

    /// The view passes without a block.
    pub fn passes(&mut self) {
        for puppet in self.cast().take(usize::from(M)) {
            puppet.statement(&self.chain.sign(nullify(self.view), puppet.index));
        }
        self.passed();
    }

    /// Waits until the node shows that the view is over without a block.
    pub fn passed(&mut self) {
        let proof = self.sees_certificate(CertificateKind::Nullification, self.view);
        self.gap.insert(0, proof);
        self.view += 1;
    }

    /// One more block becomes final by the book, with the node's vote; views of silent leaders pass.
    pub fn goes_on(&mut self) -> Header {
        while self.silent.contains(&self.leader()) {
            self.passes();
        }
        let header = if self.leader() == self.me { self.sees_proposal(self.view) } else { self.proposed() };
        self.votes(&header);
        self.settles(&header);
        header
    }

    /// As many blocks as there are leaders become final: honest finality is undisturbed.
    pub fn is_undisturbed(&mut self) {
        for _ in 0..N {
            self.goes_on();
        }
    }

    /// Waits until the node has counted so many messages refused for this reason, a word of `rejected_by_reason`.
    pub fn refuses(&self, reason: &str, count: u64) {
        api::status_when(&self.api().url, &format!("{count} messages refused: {reason}"), |status| {
            (counted(status, reason) >= count).then_some(())
        });
    }

    /// How many messages it has refused for this reason so far.
    pub fn refused(&self, reason: &str) -> u64 {
        counted(&self.status(), reason)
    }

    /// How many messages it has refused so far that prove a fault of their sender.
    pub fn faults(&self) -> u64 {
        let counts = self.status().rejected_by_reason;
        counts.iter().filter(|(reason, _)| !BLAMELESS.contains(&reason.as_str())).map(|(_, count)| count).sum()
    }

    /// Waits until the node has thrown this puppet out for a time; it says nothing by the book any more.
    pub fn bans(&mut self, index: u16) {
        self.puppet(index).waits_down();
        api::peer_when(&self.api().url, index, "a ban", |peer| {
            let told = peer.last_error.contains("banned for");
            (!peer.connected && told && peer.bans == 1 && peer.banned_for_ms > 0).then_some(())
        });
        self.silence(index);
    }

    /// Waits until the node holds so many points against a puppet.
    pub fn holds_against(&self, index: u16, points: u64) {
        let reached = |peer: &Peer| (peer.score >= points).then_some(());
        api::peer_when(&self.api().url, index, "points", reached);
    }

    /// What the node keeps as evidence, once it has so many pieces.
    pub fn evidence(&self, pieces: u64) -> Vec<Evidence> {
        let url = &self.api().url;
        api::status_when(url, "evidence", |status| (status.evidence_count >= pieces).then_some(()));
        api::evidence(url)
    }

    /// The node never contradicted itself, lives, and ends when it is told to.
    pub fn ends_well(mut self) {
        self.is_consistent();
        let node = self.take();
        signal("TERM", node.pid());
        let (status, log) = node.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("BUG") && !log.contains("panicked"), "{log}");
    }

    /// S-ONE-VOTE, S-ONE-PROPOSAL, S-NO-VOTE-AFTER-NULL in everything that any puppet has ever been sent.
    pub fn is_consistent(&self) {
        let mut votes: BTreeMap<u64, Digest> = BTreeMap::new();
        let mut vote = |view: u64, digest: Digest| {
            let first = *votes.entry(view).or_insert(digest);
            assert_eq!(first, digest, "two votes in view {view}");
        };
        for puppet in &self.puppets {
            let (mut voted, mut left) = (BTreeSet::new(), BTreeSet::new());
            for frame in puppet.frames() {
                match frame {
                    Frame::Proposal(proposal) => vote(proposal.header.view().0, proposal.header.digest()),
                    Frame::Statement(signed) => {
                        assert_eq!(signed.signer.0, self.me, "somebody else's statement was passed on");
                        let view = signed.statement.view().0;
                        match signed.statement {
                            Statement::Notarize { digest, .. } => {
                                vote(view, digest);
                                voted.insert(view);
                                assert!(!left.contains(&view), "a vote in view {view}, which it had left before");
                            }
                            Statement::Nullify { .. } if !voted.contains(&view) => drop(left.insert(view)),
                            Statement::Nullify { .. } => {}
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.node = None;
        // All before the first is waited for.
        self.puppets.iter_mut().for_each(Puppet::release);
    }
}

/// The node's key files, as `minuet keys generate` writes them.
fn write_keys(dir: &Path, me: u16) {
    let write = |name: &str, kind: &str, secret: &[u8]| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(name)).unwrap();
        write!(file, "version = 1\nkind = \"{kind}\"\nsecret = \"{}\"\n", hex::encode(secret)).unwrap();
    };
    write("bls.key", "bls", &*bls_key(me).to_bytes());
    write("network.key", "network", &*network_key(me).to_bytes());
    fs::write(dir.join("bls.key.unused"), "").unwrap();
}
