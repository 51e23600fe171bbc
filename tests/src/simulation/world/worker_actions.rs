//! The workers' lives: the world executes their lifecycles' actions.

use seedgrid_coordinator::scheduler::queue::WorkerId;
use seedgrid_worker::lifecycle::{Action, Ending, Event as Happened, attempt::Assignment};

use super::{TICK, World};
use crate::simulation::{
    Violation,
    event_queue::Event,
    messages::{Address, What},
    worker::{Outcome, Worker},
};

impl World {
    /// Tries to connect after a while.
    pub(super) fn try_soon(&mut self, worker: usize) {
        let backoff = 20 + u64::from(self.stream.below(800));
        let member = &mut self.members[worker];
        let address = Address { worker, life: member.life, link: member.next_link() };
        member.trying = Some(address.link);
        self.event_queue.at(self.now + backoff, Event::Connects(address));
    }

    pub(super) fn tell(&mut self, worker: usize, event: Happened) -> Result<(), Violation> {
        let actions = self.members[worker].handle(self.now, event)?;
        self.perform(worker, actions)
    }

    pub(super) fn perform(&mut self, worker: usize, actions: Vec<Action>) -> Result<(), Violation> {
        for action in actions {
            let member = &mut self.members[worker];
            let (life, link) = (member.life, member.link);
            let address = link.map(|link| Address { worker, life, link });
            match (action, address) {
                (Action::Connect, _) => self.try_soon(worker),
                (Action::Pull { units_max }, Some(address)) => self.send(address, What::Pull { max: units_max }),
                (Action::Submit { call, attempts, units_max }, Some(address)) => {
                    self.send(address, What::Submit { call, attempts, max: units_max });
                }
                (Action::Leave { .. }, Some(address)) => self.send(address, What::Leave),
                // Without a connection the worker is about to learn of the loss; the answer to a cancelled pull is not
                // used.
                (Action::Pull { .. } | Action::Submit { .. } | Action::Leave { .. }, None)
                | (Action::StopPulling, _) => {}
                (Action::Start { slot, assignment }, _) => self.begins(worker, slot, assignment)?,
                (Action::Stop { slot, .. }, _) => {
                    if let Some(turn) = member.stop(slot) {
                        let soon = self.now + 5 + u64::from(self.stream.below(300));
                        let outcome = Outcome::Stopped;
                        self.event_queue.at(soon, Event::SlotEnds { worker, life, slot, turn, outcome });
                    }
                }
                (Action::Exit { ending, unacknowledged }, _) => {
                    self.note(format!("worker {worker} leaves: {ending:?}, {unacknowledged} not handed over"));
                    let member = &mut self.members[worker];
                    member.alive = false;
                    member.content = ending == Ending::StudyDone;
                    if !member.content {
                        let away = u64::from(self.stream.below(4_000));
                        self.event_queue.at(self.now + away, Event::WorkerStarts { worker, same_id: false });
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn begins(&mut self, worker: usize, slot: usize, assignment: Assignment) -> Result<(), Violation> {
        let attempt = assignment.attempt;
        self.note(format!("worker {worker} begins {attempt} in slot {slot}"));
        let turn = self.members[worker].begin(slot, assignment)?;
        let (life, link) = (self.members[worker].life, self.members[worker].link);
        if let Some(link) = link {
            self.send(Address { worker, life, link }, What::Began { attempt });
        }
        let lasts = 100 + u64::from(self.stream.below(4_000));
        let breaks =
            !self.broken.contains(&attempt.unit) && self.faults.strikes(40, || format!("an error in {attempt}"));
        let outcome = match breaks {
            true => {
                self.broken.insert(attempt.unit);
                // Every message is different.
                let word: String = (0..8).map(|_| char::from(b'a' + self.faults.below(26) as u8)).collect();
                Outcome::Broken(format!("no {word} there"))
            }
            false => Outcome::Trained,
        };
        self.event_queue.at(self.now + lasts, Event::SlotEnds { worker, life, slot, turn, outcome });
        Ok(())
    }

    /// Starts a worker, under this id or a new one.
    pub(super) fn new_life(&mut self, worker: usize, id: Option<WorkerId>) -> Result<(), Violation> {
        self.lives += 1;
        let id = id.unwrap_or_else(|| format!("{:032x}", self.lives).parse().expect("32 digits"));
        self.note(format!("worker {worker} starts as {id}"));
        let links = self.members.get(worker).map_or(0, Worker::links);
        let (member, actions) = Worker::start(id, self.lives, links, 2, self.now);
        match self.members.get_mut(worker) {
            Some(place) => *place = member,
            None => self.members.push(member),
        }
        self.event_queue.at(self.now + TICK, Event::Ticks { worker, life: self.lives });
        self.perform(worker, actions)
    }
}
