//! The faults of workers and of the coordinator, with the probability of each in a step.

use seedgrid_worker::lifecycle::Event as Happened;

use super::World;
use crate::simulation::{
    Time, Violation,
    event_queue::Event,
    messages::{Address, What},
};

impl World {
    /// Draws a fault of a worker or of the coordinator, which may occur.
    pub(super) fn chance(&mut self) -> Result<(), Violation> {
        let worker = self.stream.below(self.members.len() as u32) as usize;
        let away = u64::from(self.stream.below(6_000));
        if self.faults.strikes(8, || format!("worker {worker} is killed")) {
            self.worker_dies(worker, away, false);
        } else if self.faults.strikes(8, || format!("the trainer of worker {worker} crashes")) {
            self.worker_dies(worker, away, true);
        } else if self.faults.strikes(10, || format!("worker {worker} is told to stop")) {
            if self.members[worker].alive {
                self.tell(worker, Happened::Told)?;
            }
        } else if self.faults.strikes(8, || format!("worker {worker} freezes")) {
            self.members[worker].frozen_until = self.now + 1_000 + u64::from(self.faults.below(12_000));
        } else if self.faults.strikes(8, || "the wall clock jumps".to_owned()) {
            self.wall_offset = i64::from(self.faults.below(2_000_000_000)) - 1_000_000_000;
        } else if self.faults.strikes(10, || "the coordinator is killed".to_owned()) && self.host.is_up() {
            self.coordinator_dies("killed");
        }
        Ok(())
    }

    pub(super) fn worker_dies(&mut self, worker: usize, away: Time, is_trainer: bool) {
        let member = &mut self.members[worker];
        if !member.alive {
            return;
        }
        member.alive = false;
        let (training, held) = (member.training(), member.held());
        let address = Address { worker, life: member.life, link: member.link.unwrap_or_default() };
        self.note(format!("worker {worker} dies"));
        if is_trainer {
            // Its supervisor reports it at once, and starts another trainer under the same id.
            let held = held.into_iter().filter(|one| !training.contains(one)).collect();
            self.send(address, What::Lost { training, held });
        }
        self.event_queue.at(self.now + 50 + away, Event::WorkerStarts { worker, same_id: is_trainer });
    }

    pub(super) fn coordinator_dies(&mut self, how: &str) {
        self.note(format!("the coordinator dies: {how}"));
        self.host.die();
        self.turn_at = None;
        for worker in 0..self.members.len() {
            let member = &self.members[worker];
            if let Some(link) = member.link {
                let address = Address { worker, life: member.life, link };
                let notices = u64::from(self.stream.below(1_500));
                self.event_queue.at(self.now + notices, Event::LinkLost(address));
            }
        }
        let away = u64::from(self.stream.below(6_000));
        self.event_queue.at(self.now + away, Event::CoordinatorStarts);
    }
}
