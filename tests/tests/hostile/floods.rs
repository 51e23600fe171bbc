//! Floods by holders of a copied file, which try to keep others out: as many workers as possible, and as many viewers.

use std::sync::Arc;

use seedgrid_common::{
    join::{Role, Token},
    wire::{PROTOCOL_VERSION, limits, v1},
};
use tokio::{sync::Semaphore, task::JoinSet};
use tonic::{Code, Request, Status, transport::Channel};
use v1::{control_service_client::ControlServiceClient, worker_service_client::WorkerServiceClient};

use crate::{
    Victim,
    calls::{Peer, Taken, connect},
};

/// More enrolments than a coordinator remembers.
const ENROLMENTS: u32 = 66_000;
/// Concurrent calls.
const CALLS: usize = 100;
/// Connections of viewers: more than one address may have.
const LOOKING: usize = 2100;

/// Many workers with one secret.
#[derive(Clone)]
struct Mob {
    channel: Channel,
    join: Token,
    secret: Token,
}

impl Mob {
    fn id(number: u32) -> String {
        format!("{:032x}", 0x1000_0000 + number)
    }

    fn request<T>(shown: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {shown}").parse().unwrap());
        request
    }

    async fn enroll(self, id: String) -> Result<(), Status> {
        let message = v1::EnrollRequest {
            protocol_version: PROTOCOL_VERSION,
            worker_id: id,
            secret_sha256: self.secret.digest().to_vec(),
        };
        let request = Self::request(self.join.expose(), message);
        WorkerServiceClient::new(self.channel).enroll(request).await.map(drop)
    }

    /// Registers with a host name of the greatest length.
    async fn register(self, id: String) -> Result<(), Status> {
        let host = "h".repeat(limits::NAME_BYTES_MAX);
        let place = "p".repeat(limits::WORKER_BYTES_MAX - 2 * limits::NAME_BYTES_MAX);
        let info = v1::WorkerInfo { device: host.clone(), host, place, slots: 1, ..Default::default() };
        let shown = format!("{id}.{}", self.secret.expose());
        let message =
            v1::RegisterRequest { protocol_version: PROTOCOL_VERSION, worker_id: id, info: Some(info), held: vec![] };
        WorkerServiceClient::new(self.channel).register(Self::request(&shown, message)).await.map(drop)
    }

    async fn leave(self, id: String) -> Result<(), Status> {
        let shown = format!("{id}.{}", self.secret.expose());
        let message = v1::LeaveRequest { worker_id: id, reason: String::new() };
        WorkerServiceClient::new(self.channel).leave(Self::request(&shown, message)).await.map(drop)
    }

    /// All of them make a call. Returns the number of refusals, each of which must have this code.
    async fn all<F>(
        &self,
        numbers: impl IntoIterator<Item = u32>,
        call: fn(Self, String) -> F,
        refused_with: Code,
    ) -> usize
    where
        F: Future<Output = Result<(), Status>> + Send + 'static,
    {
        let turns = Arc::new(Semaphore::new(CALLS));
        let mut calls = JoinSet::new();
        for number in numbers {
            let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
            let answer = call(self.clone(), Self::id(number));
            calls.spawn(async move {
                let _turn = turn;
                answer.await
            });
        }
        let answers = calls.join_all().await;
        let refused: Vec<Status> = answers.into_iter().filter_map(Result::err).collect();
        assert!(refused.iter().all(|status| status.code() == refused_with), "{:?}", refused.first());
        refused.len()
    }
}

/// How often workers that are missing in a snapshot register again.
const TRIES: usize = 30;

/// More workers than the coordinator has room for: workers in training stay, and nobody takes their ids.
pub(crate) async fn workers(victim: &Victim, holder: &Peer, held: &Taken) {
    let mut waiting = Peer::enrolled(victim, 10).await;
    waiting.register().await.unwrap();
    let file = victim.file(Role::Join);
    let mob = Mob { channel: connect(&file).await, join: file.token, secret: Token::generate() };
    assert_eq!(mob.all(0..ENROLMENTS, Mob::enroll, Code::Ok).await, 0);
    let stolen = mob.clone().enroll(holder.id.clone()).await.unwrap_err();
    assert_eq!(stolen.code(), Code::PermissionDenied, "{stolen:?}");
    // The newest ones, as the first may have been forgotten: as many as there is room for, and as many again to replace
    // them.
    let newest = ENROLMENTS - 2 * limits::WORKERS_MAX as u32..ENROLMENTS;
    assert_eq!(mob.all(newest.clone(), Mob::register, Code::Ok).await, 0);
    // A snapshot with all of them fits a message, and includes the workers in training.
    let shown = || {
        let status = victim.scratch.status("run");
        status["workers"].as_array().unwrap().iter().map(|worker| worker["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut all: Vec<String> = shown();
    for _ in 0..TRIES {
        if all.len() == limits::WORKERS_MAX {
            break;
        }
        // On a slow machine the first ones were silent for a lease when the last came.
        let missing: Vec<u32> = newest.clone().rev().filter(|number| !all.contains(&Mob::id(*number))).collect();
        let missing = missing.into_iter().take(limits::WORKERS_MAX - all.len());
        assert_eq!(mob.all(missing, Mob::register, Code::Ok).await, 0);
        all = shown();
    }
    assert_eq!(all.len(), limits::WORKERS_MAX, "all are in the snapshot");
    assert!(shown().contains(&holder.id), "{}", holder.id);
    assert!(!shown().contains(&waiting.id), "it made room");
    assert!(waiting.beat(held).await.is_ok(), "it is back with its next call");
    waiting.leave().await;
    assert_eq!(mob.all(newest, Mob::leave, Code::Ok).await, 0);
}

/// More connections with the view token than the limit: they replace each other, and keep nobody else out.
pub(crate) async fn lookers(victim: &Victim) {
    let file = victim.file(Role::View);
    let mut looking = Vec::new();
    for _ in 0..LOOKING {
        let mut client = ControlServiceClient::new(connect(&file).await);
        client.get_status(Mob::request(file.token.expose(), v1::GetStatusRequest {})).await.unwrap();
        looking.push(client);
    }
    assert_eq!(victim.scratch.status("run")["state"], "running");
    let mut member = Peer::enrolled(victim, 99).await;
    member.register().await.unwrap();
    member.leave().await;
}
