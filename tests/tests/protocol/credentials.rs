//! The permissions of each credential: its calls, and their subjects.

use std::time::Duration;

use seedgrid_common::{
    join::{Role, Token},
    wire::v1,
};
use seedgrid_coordinator::{core::Request as Ask, store::Store};
use seedgrid_tests::study::holdout;
use tonic::{Code, Request, transport::Channel};
use v1::control_service_client::ControlServiceClient;

use crate::cluster::{Cluster, SHORT_LEASES};

struct Commands {
    inner: ControlServiceClient<Channel>,
    shown: String,
}

impl Commands {
    async fn with(cluster: &Cluster, shown: &str) -> Self {
        Self { inner: ControlServiceClient::new(cluster.channel().await), shown: shown.to_owned() }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.shown).parse().unwrap());
        request
    }

    async fn status(&mut self) -> Result<v1::StatusSnapshot, Code> {
        let request = self.request(v1::GetStatusRequest {});
        self.inner.get_status(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    }

    async fn watch(&mut self) -> Result<(), Code> {
        let request = self.request(v1::WatchRequest {});
        self.inner.watch(request).await.map(|_| ()).map_err(|status| status.code())
    }

    async fn rotate(&mut self) -> Result<i64, Code> {
        let request = self.request(v1::RotateJoinRequest { expires_after_ms: 7_000 });
        self.inner
            .rotate_join(request)
            .await
            .map(|answer| answer.into_inner().expires_ms)
            .map_err(|status| status.code())
    }

    async fn revoke(&mut self, worker_id: &str) -> Result<u32, Code> {
        let request = self.request(v1::RevokeWorkerRequest { worker_id: worker_id.to_owned() });
        self.inner
            .revoke_worker(request)
            .await
            .map(|answer| answer.into_inner().taken_back)
            .map_err(|status| status.code())
    }
}

/// The counted refusals of a kind.
async fn refused(cluster: &Cluster, kind: &str) -> u64 {
    let picture = Commands::with(cluster, cluster.token(Role::View).expose()).await.status().await.unwrap();
    picture.refusals.iter().find(|one| one.kind == kind).map_or(0, |one| one.count)
}

#[tokio::test]
async fn each_credential_is_for_its_calls_alone() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut worker = cluster.client(1).await;
    let own = worker.shown.clone();
    let [join, admin, view] = Role::ALL.map(|role| cluster.token(role).expose().to_owned());
    for (shown, may_look, may_steer) in
        [(&view, true, false), (&admin, true, true), (&join, false, false), (&own, false, false)]
    {
        let mut commands = Commands::with(&cluster, shown).await;
        let answer = |may: bool| if may { None } else { Some(Code::PermissionDenied) };
        assert_eq!(commands.status().await.err(), answer(may_look));
        assert_eq!(commands.watch().await.err(), answer(may_look));
        assert_eq!(
            commands.revoke(&"f".repeat(32)).await.err(),
            Some(if may_steer { Code::NotFound } else { Code::PermissionDenied })
        );
    }
    for shown in [&join, &admin, &view] {
        worker.shown = shown.clone();
        assert_eq!(worker.register(vec![]).await, Err(Code::PermissionDenied));
        assert_eq!(worker.pull(1).await, Err(Code::PermissionDenied));
    }
    for shown in [&admin, &view, &own] {
        worker.shown = shown.clone();
        assert_eq!(worker.enroll(&Token::generate()).await, Err(Code::PermissionDenied));
    }
    assert_eq!(refused(&cluster, "wrong-role").await, 4 + 1 + 2 + 6 + 3);
}

#[tokio::test]
async fn a_worker_speaks_for_itself_alone() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=4", 1)).await;
    let (mut own, mut other) = (cluster.client(1).await, cluster.client(2).await);
    own.register(vec![]).await.unwrap();
    other.register(vec![]).await.unwrap();
    let (mine, theirs) = (own.unit().await, other.unit().await);
    // Under another worker's id.
    let id = std::mem::replace(&mut own.id, other.id.clone());
    assert_eq!(own.register(vec![]).await, Err(Code::PermissionDenied));
    assert_eq!(own.pull(1).await, Err(Code::PermissionDenied));
    assert_eq!(own.heartbeat(vec![theirs.clone()]).await, Err(Code::PermissionDenied));
    assert_eq!(own.finish(&theirs, 25).await, Err(Code::PermissionDenied));
    own.id = id;
    assert_eq!(refused(&cluster, "other-worker").await, 4);
    // Under its own id, for attempts that it was never given.
    let future = v1::AttemptId { attempt: mine.attempt + 1, ..mine.clone() };
    let unknown = v1::AttemptId { unit_id: "0".repeat(32), attempt: 1, ..mine.clone() };
    for forged in [&theirs, &future, &unknown] {
        assert_eq!(own.finish(forged, 25).await, Ok(v1::SubmitOutcome::NeverGiven));
        assert_eq!(own.fail(forged, v1::Failure::Error).await, Ok(v1::SubmitOutcome::NeverGiven));
        assert_eq!(own.heartbeat(vec![forged.clone()]).await.unwrap().dropped, std::slice::from_ref(forged));
    }
    assert_eq!(refused(&cluster, "foreign-attempt").await, 6);
    assert!(Store::open_to_read(&cluster.directory.database()).unwrap().results().unwrap().is_empty());
    // Its own results are accepted.
    assert_eq!(other.finish(&theirs, 25).await, Ok(v1::SubmitOutcome::Committed));
    assert_eq!(own.finish(&mine, 25).await, Ok(v1::SubmitOutcome::Committed));
    assert_eq!(own.finish(&theirs, 26).await, Ok(v1::SubmitOutcome::NeverGiven), "no conflict can be made up");
}

#[tokio::test]
async fn another_workers_expired_lease_cannot_be_claimed() {
    let cluster = Cluster::with_rules(&holdout(&["fc"], "1", 1), SHORT_LEASES).await;
    let (mut slow, mut thief) = (cluster.client(1).await, cluster.client(2).await);
    slow.register(vec![]).await.unwrap();
    let attempt = slow.unit().await;
    // Its lease has expired when the other worker's long poll is answered; that worker gives the unit back.
    thief.register(vec![]).await.unwrap();
    let second = thief.unit().await;
    thief.fail(&second, v1::Failure::Preempted).await.unwrap();
    assert_eq!(thief.register(vec![attempt.clone()]).await.unwrap().dropped, std::slice::from_ref(&attempt));
    assert_eq!(thief.finish(&attempt, 25).await, Ok(v1::SubmitOutcome::NeverGiven));
    assert_eq!(slow.finish(&attempt, 25).await, Ok(v1::SubmitOutcome::Committed), "late, and welcome");
}

#[tokio::test]
async fn a_revoked_worker_stays_out_over_restarts() {
    let mut cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut worker = cluster.client(1).await;
    worker.register(vec![]).await.unwrap();
    let held = worker.unit().await;
    let mut commands = Commands::with(&cluster, cluster.token(Role::Admin).expose()).await;
    assert_eq!(commands.revoke(&worker.id).await, Ok(1), "its lease is taken back");
    assert_eq!(commands.revoke(&worker.id).await, Ok(0));
    let mut other = cluster.client(2).await;
    other.register(vec![]).await.unwrap();
    let pulled: Vec<_> = other.pull(2).await.unwrap().assignments.into_iter().flat_map(|one| one.attempt).collect();
    assert!(pulled.contains(&v1::AttemptId { attempt: 2, ..held.clone() }), "{pulled:?}");
    let (id, own) = (worker.id.clone(), worker.shown.clone());
    drop((worker, other, commands));
    for restarted in [false, true] {
        if restarted {
            cluster.restart().await;
        }
        let mut worker = cluster.client(3).await;
        (worker.id, worker.shown) = (id.clone(), own.clone());
        assert_eq!(worker.heartbeat(vec![held.clone()]).await, Err(Code::PermissionDenied));
        assert_eq!(worker.register(vec![held.clone()]).await, Err(Code::PermissionDenied));
        assert_eq!(worker.finish(&held, 25).await, Err(Code::PermissionDenied));
        worker.shown = cluster.token(Role::Join).expose().to_owned();
        assert_eq!(worker.enroll(&Token::generate()).await, Err(Code::PermissionDenied), "its id is dead as well");
    }
}

#[tokio::test]
async fn a_rotated_join_token_is_dead_and_who_is_in_goes_on() {
    let mut cluster = Cluster::start(&holdout(&["fc"], "1..=2", 1)).await;
    let mut worker = cluster.client(1).await;
    worker.register(vec![]).await.unwrap();
    let attempt = worker.unit().await;
    let old = cluster.token(Role::Join);
    let mut commands = Commands::with(&cluster, cluster.token(Role::Admin).expose()).await;
    let expires = commands.rotate().await.unwrap();
    assert!(expires > 0);
    assert_ne!(cluster.token(Role::Join), old, "the file is new");
    let shown = std::mem::replace(&mut worker.shown, old.expose().to_owned());
    assert_eq!(worker.enroll(&Token::generate()).await, Err(Code::Unauthenticated));
    worker.shown = shown.clone();
    assert_eq!(worker.heartbeat(vec![attempt.clone()]).await.unwrap().dropped, []);
    drop((worker, commands));
    cluster.restart().await;
    let mut worker = cluster.client(2).await;
    (worker.id, worker.shown) = (format!("{:032x}", 1), shown);
    assert_eq!(worker.register(vec![attempt.clone()]).await.unwrap().dropped, [], "also after a restart");
    assert_eq!(worker.finish(&attempt, 25).await, Ok(v1::SubmitOutcome::Committed));
}

#[tokio::test]
async fn an_expired_join_token_says_so() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut worker = cluster.client(1).await;
    let (token, mut known) = cluster.keys.new_join(Some(Duration::from_secs(1)), 0);
    known.expires_ms = Some(1);
    cluster.core.as_ref().unwrap().studies()[0]
        .ask(|reply| Ask::SetToken { role: Role::Join, token: known, reply })
        .await
        .unwrap();
    worker.shown = token.expose().to_owned();
    let request = worker.request(v1::EnrollRequest::default());
    let refused = worker.inner.enroll(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("expired"), "{}", refused.message());
    assert_eq!(self::refused(&cluster, "expired").await, 1);
}

#[tokio::test]
async fn only_digests_of_secrets_are_stored() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let worker = cluster.client(1).await;
    let mut secrets: Vec<String> = Role::ALL.map(|role| cluster.token(role).expose().to_owned()).into();
    secrets.push(worker.shown.split('.').nth(1).unwrap().to_owned());
    for entry in std::fs::read_dir(cluster.directory.root()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with("study.db") {
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "a secret is in {name}");
        }
    }
}
