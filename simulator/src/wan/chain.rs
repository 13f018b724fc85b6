//! The restated protocols as small state machines: one view at a time, or a chain of views.
//!
//! One view alone is what the public estimator models: nobody proposes again, certificates are not sent on, the leader's
//! vote is a message of its own. In a chain, whoever goes on to the next view sends its certificate on, and votes by one
//! that it receives; the next leader proposes at once.

use super::rules::Rules;
use super::sizes::Sizes;
use super::trace::{Trace, ViewTrace};
use super::world::{Delivery, Lane, World};

/// What validators say; the number is the view's.
#[derive(Clone, Copy, Debug)]
pub enum Message {
    /// The leader's block, with the certificate that it builds on.
    Block(u32),
    /// A first vote.
    Vote(u32),
    /// A second vote.
    Second(u32),
    /// A certificate of first votes.
    Certificate(u32),
    /// The own block is made and durable.
    Made(u32),
    /// The own vote is durable.
    Say(u32),
    /// The own second vote is durable.
    SayAgain(u32),
}

/// One validator in one view.
#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    has_block: bool,
    voted: bool,
    votes: usize,
    seconds: usize,
    certified: bool,
    progressed: bool,
    is_final: bool,
}

/// A run of some views.
pub struct Chain<'a> {
    world: &'a mut World<Message>,
    rules: Rules,
    sizes: Sizes,
    /// Who leads view 0.
    first_leader: usize,
    /// Views that are measured; of these, blocks have bodies.
    views: usize,
    sends_on: bool,
    current: Vec<usize>,
    /// By view, then validator.
    seats: Vec<Vec<Seat>>,
    trace: Vec<ViewTrace>,
}

/// One view for each validator as its leader, one after the other, `passes` times.
pub fn alone(world: &mut World<Message>, rules: Rules, sizes: Sizes, passes: usize) -> Trace {
    let n = world.n();
    let mut trace = Trace::default();
    for leader in (0..passes).flat_map(|_| 0..n) {
        trace.views.extend(Chain::new(world, rules, sizes, leader, 1, false).run());
    }
    trace.traffic = world.traffic();
    trace
}

/// Views of which each begins with the one before, leaders in turn.
pub fn steady(world: &mut World<Message>, rules: Rules, sizes: Sizes, views: usize) -> Trace {
    let run = Chain::new(world, rules, sizes, 0, views, true).run();
    let mut trace = Trace { views: run, traffic: world.traffic() };
    trace.inherit_finality();
    trace
}

impl<'a> Chain<'a> {
    fn new(
        world: &'a mut World<Message>,
        rules: Rules,
        sizes: Sizes,
        first_leader: usize,
        views: usize,
        sends_on: bool,
    ) -> Self {
        let n = world.n();
        // The last view may still be entered; a linear protocol needs two more proposals for the finality of the last.
        let seats = views + if rules.to_next_leader { 3 } else { 1 };
        let trace = (0..seats).map(|view| ViewTrace::new(n, (first_leader + view) % n)).collect();
        Self {
            world,
            rules,
            sizes,
            first_leader,
            views,
            sends_on,
            current: vec![0; n],
            seats: vec![vec![Seat::default(); n]; seats],
            trace,
        }
    }

    fn run(mut self) -> Vec<ViewTrace> {
        self.propose(0);
        while let Some(delivery) = self.world.next() {
            self.handle(&delivery);
        }
        self.trace.truncate(self.views);
        self.trace
    }

    fn leader(&self, view: usize) -> usize {
        (self.first_leader + view) % self.world.n()
    }

    fn body(&self, view: usize) -> usize {
        if view < self.views { self.sizes.body } else { 0 }
    }

    fn propose(&mut self, view: usize) {
        if view + 1 >= self.seats.len() {
            return;
        }
        let leader = self.leader(view);
        self.trace[view].proposed = self.world.now();
        let costs = self.world.costs();
        let made_ns = costs.execute_ns(self.body(view)) + costs.sync_ns;
        self.world.after(leader, made_ns, Message::Made(view as u32));
    }

    fn handle(&mut self, delivery: &Delivery<Message>) {
        let (me, costs) = (delivery.to, self.world.costs());
        if delivery.from != me {
            self.world.spend(costs.message_ns);
        }
        match delivery.message {
            Message::Made(view) => {
                let view = view as usize;
                self.world.spend(costs.sign_ns);
                let payload = self.sizes.header + self.body(view);
                self.world.send_all(me, &Message::Block(view as u32), payload, Lane::Urgent);
                self.on_block(me, view);
            }
            Message::Block(view) => {
                let view = view as usize;
                self.check_attached(me, view);
                self.world.spend(costs.execute_ns(self.body(view)));
                self.on_block(me, view);
            }
            Message::Say(view) => self.say(me, view as usize),
            Message::Vote(view) => self.on_vote(me, view as usize),
            Message::SayAgain(view) => {
                self.world.spend(costs.sign_ns);
                self.world.send_all(me, &Message::Second(view), self.sizes.vote, Lane::Urgent);
                self.on_second(me, view as usize);
            }
            Message::Second(view) => self.on_second(me, view as usize),
            Message::Certificate(view) => self.on_certificate(me, view as usize),
        }
    }

    /// The certificate that a block builds on costs a check, unless the validator has it.
    fn check_attached(&mut self, me: usize, view: usize) {
        if view > 0 && !self.seats[view - 1][me].progressed {
            self.world.spend(self.world.costs().verify_ns);
        }
    }

    fn on_block(&mut self, me: usize, view: usize) {
        self.seats[view][me].has_block = true;
        if self.rules.to_next_leader && view > 0 {
            // The block carries the certificate of its parent, which makes the grandparent final.
            self.progress(me, view - 1);
            if view > 1 {
                self.finalize(me, view - 2);
            }
        } else if self.sends_on && view > 0 {
            self.on_certificate_of(me, view - 1);
        }
        self.vote(me, view);
        self.count(me, view);
    }

    fn vote(&mut self, me: usize, view: usize) {
        let open = self.current[me] == view || self.seats[view][me].certified;
        let seat = &mut self.seats[view][me];
        if seat.voted || !(seat.has_block || seat.certified) || !open {
            return;
        }
        seat.voted = true;
        self.world.after(me, self.world.costs().sync_ns, Message::Say(view as u32));
    }

    fn say(&mut self, me: usize, view: usize) {
        self.world.spend(self.world.costs().sign_ns);
        let message = Message::Vote(view as u32);
        if !self.rules.to_next_leader {
            self.world.send_all(me, &message, self.sizes.vote, Lane::Urgent);
            return self.on_vote(me, view);
        }
        match self.leader(view + 1) {
            next if next == me => self.on_vote(me, view),
            next => self.world.send(me, &[next], &message, self.sizes.vote, Lane::Urgent),
        }
    }

    fn on_vote(&mut self, me: usize, view: usize) {
        self.seats[view][me].votes += 1;
        let (votes, costs) = (self.seats[view][me].votes, self.world.costs());
        let seat = self.seats[view][me];
        let opens = votes == self.rules.progress && !seat.progressed;
        if opens || (Some(votes) == self.rules.fast && !seat.is_final) {
            self.world.spend(costs.gather_ns(votes));
        }
        self.count(me, view);
    }

    fn on_second(&mut self, me: usize, view: usize) {
        self.seats[view][me].seconds += 1;
        let seat = self.seats[view][me];
        if Some(seat.seconds) == self.rules.second && !seat.is_final {
            self.world.spend(self.world.costs().gather_ns(seat.seconds));
        }
        self.count(me, view);
    }

    fn on_certificate(&mut self, me: usize, view: usize) {
        if !self.seats[view][me].progressed {
            self.world.spend(self.world.costs().verify_ns);
        }
        self.on_certificate_of(me, view);
    }

    fn on_certificate_of(&mut self, me: usize, view: usize) {
        self.seats[view][me].certified = true;
        self.vote(me, view);
        self.count(me, view);
    }

    /// What the votes and certificates that are here allow.
    fn count(&mut self, me: usize, view: usize) {
        let seat = self.seats[view][me];
        let seen = seat.has_block || seat.certified;
        if seen && (seat.votes >= self.rules.progress || seat.certified) {
            self.progress(me, view);
        }
        let enough = |votes: usize, needed: Option<usize>| needed.is_some_and(|needed| votes >= needed);
        let seat = self.seats[view][me];
        if seat.progressed && (enough(seat.votes, self.rules.fast) || enough(seat.seconds, self.rules.second)) {
            self.finalize(me, view);
        }
    }

    fn progress(&mut self, me: usize, view: usize) {
        let seat = &mut self.seats[view][me];
        if std::mem::replace(&mut seat.progressed, true) {
            return;
        }
        self.trace[view].progressed[me] = self.world.now();
        if self.rules.second.is_some() {
            self.world.after(me, self.world.costs().sync_ns, Message::SayAgain(view as u32));
        }
        if self.sends_on && !self.rules.to_next_leader {
            self.world.send_all(me, &Message::Certificate(view as u32), self.sizes.certificate, Lane::Urgent);
        }
        if self.rules.to_next_leader && view > 0 && self.leader(view + 1) == me {
            self.finalize(me, view - 1);
        }
        self.enter(me, view + 1);
    }

    fn enter(&mut self, me: usize, view: usize) {
        if view <= self.current[me] || view >= self.seats.len() {
            return;
        }
        self.current[me] = view;
        if self.leader(view) == me && (self.sends_on || self.rules.to_next_leader) {
            self.propose(view);
        }
        self.vote(me, view);
        self.count(me, view);
    }

    fn finalize(&mut self, me: usize, view: usize) {
        if !std::mem::replace(&mut self.seats[view][me].is_final, true) {
            let time = &mut self.trace[view].finalized[me];
            *time = self.world.now().min(*time);
        }
    }
}
