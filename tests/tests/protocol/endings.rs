//! Each kind of ending has its own effect on the unit, the worker and the study.

use seedgrid_common::{join::Role, wire::v1};
use seedgrid_coordinator::scheduler::attempt_ending::AttemptEnding;
use seedgrid_tests::{process::PATIENCE, study::holdout};
use tonic::{Code, Request, transport::Channel};
use v1::control_service_client::ControlServiceClient;

use crate::cluster::{Client, Cluster, RULES, SHORT_LEASES};

/// A client for the control calls, with their token.
struct Control {
    client: ControlServiceClient<Channel>,
    token: String,
}

impl Control {
    async fn connect(cluster: &Cluster) -> Self {
        let token = format!("Bearer {}", cluster.token(Role::Admin).expose());
        Self { client: ControlServiceClient::new(cluster.channel().await), token }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.token.parse().unwrap());
        request
    }

    async fn resume(&mut self) -> Option<v1::Pause> {
        let request = self.request(v1::ResumeRequest {});
        self.client.resume(request).await.unwrap().into_inner().pause
    }

    /// The first snapshot for which `wanted` holds.
    async fn until(&mut self, wanted: impl Fn(&v1::StatusSnapshot) -> bool) -> v1::StatusSnapshot {
        let request = self.request(v1::WatchRequest {});
        let mut pictures = self.client.watch(request).await.unwrap().into_inner();
        let found = async {
            loop {
                let picture = pictures.message().await.unwrap().expect("the study goes on");
                if wanted(&picture) {
                    return picture;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("a snapshot fits")
    }

    async fn cancel(&mut self, units: &[&str]) -> Result<Vec<String>, Code> {
        let unit_ids = units.iter().map(|unit| (*unit).to_owned()).collect();
        let request = self.request(v1::CancelRequest { unit_ids });
        let answer = self.client.cancel(request).await;
        answer.map(|answer| answer.into_inner().unit_ids).map_err(|status| status.code())
    }
}

/// Reports that training of an attempt has begun, before it returns.
async fn begin(client: &mut Client, attempt: &v1::AttemptId) {
    let report = v1::MetricsReport { worker_id: client.id.clone(), attempt: Some(attempt.clone()), metrics: None };
    let request = client.request(tokio_stream::iter([report]));
    client.inner.metrics(request).await.unwrap();
}

async fn lose(client: &mut Client, failure: v1::Failure, training: &[v1::AttemptId]) -> Result<(), Code> {
    let request = client.request(v1::LossReport {
        worker_id: client.id.clone(),
        failure: failure.into(),
        detail: "SIGSEGV".to_owned(),
        training: training.to_vec(),
        held: vec![],
        log: "its last words".to_owned(),
    });
    client.inner.report_loss(request).await.map(drop).map_err(|status| status.code())
}

async fn registered(cluster: &Cluster, number: u8) -> Client {
    let mut client = cluster.client(number).await;
    client.register(vec![]).await.unwrap();
    client
}

#[tokio::test]
async fn several_units_that_fail_alike_pause_the_study_until_people_go_on() {
    let mut cluster = Cluster::start(&holdout(&["fc"], "1..=6", 1)).await;
    let mut client = registered(&cluster, 1).await;
    let mut held = None;
    for _ in 0..4 {
        let attempt = client.unit().await;
        client.fail(&attempt, v1::Failure::Error).await.unwrap();
        if held.is_none() {
            held = Some(client.unit().await);
        }
    }
    let held = held.unwrap();
    let mut control = Control::connect(&cluster).await;
    let picture = control.until(|picture| picture.state() == v1::StudyState::Paused).await;
    let pause = picture.pause.unwrap();
    assert!(!pause.by_hand && pause.reason.contains("as the test wants"), "{pause:?}");
    assert_eq!(client.heartbeat(vec![held.clone()]).await.unwrap().state(), v1::StudyState::Paused);

    // The study is still paused after a restart, and held attempts continue.
    drop((client, control));
    cluster.restart().await;
    let mut client = cluster.client(1).await;
    assert_eq!(client.register(vec![held.clone()]).await.unwrap().dropped, []);
    let mut control = Control::connect(&cluster).await;
    control.until(|picture| picture.pause.as_ref() == Some(&pause)).await;
    assert_eq!(client.finish(&held, 25).await.unwrap(), v1::SubmitOutcome::Committed);
    let mut waiting = cluster.client(1).await;
    let pull = tokio::spawn(async move { waiting.pull(1).await });
    assert_eq!(control.resume().await, Some(pause));
    let pulled = pull.await.unwrap().unwrap();
    assert_eq!(pulled.assignments.len(), 1, "who waited for units is given one at once");
    assert_eq!(control.resume().await, None);
}

#[tokio::test]
async fn a_worker_that_fails_unit_after_unit_is_set_aside() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=6", 1)).await;
    let (mut bad, mut good) = (registered(&cluster, 1).await, registered(&cluster, 2).await);
    let mut failed = Vec::new();
    for _ in 0..2 {
        let attempt = bad.unit().await;
        bad.fail(&attempt, v1::Failure::Error).await.unwrap();
        failed.push(attempt.unit_id);
    }
    assert_ne!(failed[0], failed[1], "it is not given again what failed on it");
    let attempt = good.unit().await;
    good.finish(&attempt, 25).await.unwrap();
    let mut control = Control::connect(&cluster).await;
    let aside = |picture: &v1::StatusSnapshot| picture.workers.iter().any(|worker| !worker.aside.is_empty());
    let picture = control.until(aside).await;
    let reason = &picture.workers.iter().find(|worker| worker.worker_id == bad.id).unwrap().aside;
    assert!(reason.contains("2 units") && reason.contains("as the test wants"), "{reason}");
    // The other worker gets all remaining units; none remains for the one set aside.
    let mut ended = 1;
    while ended < 6 {
        let attempt = good.unit().await;
        good.finish(&attempt, 25).await.unwrap();
        ended += 1;
    }
    assert_eq!(bad.pull(1).await.unwrap().state(), v1::StudyState::Done);
}

/// Waits until a snapshot has both workers, each set aside or not as `wanted` says; returns the reasons, or empty texts.
async fn asides(cluster: &Cluster, clients: [&Client; 2], wanted: [bool; 2]) -> [String; 2] {
    let reason = |picture: &v1::StatusSnapshot, client: &Client| {
        let worker = picture.workers.iter().find(|worker| worker.worker_id == client.id)?;
        Some(worker.aside.clone())
    };
    let mut control = Control::connect(cluster).await;
    let fits = |picture: &v1::StatusSnapshot| {
        clients
            .iter()
            .zip(wanted)
            .all(|(client, wanted)| reason(picture, client).is_some_and(|text| text.is_empty() != wanted))
    };
    let picture = control.until(fits).await;
    clients.map(|client| reason(&picture, client).unwrap())
}

/// The same worker, after a restart of its coordinator.
async fn returned(cluster: &Cluster, number: u8, held: &[v1::AttemptId]) -> Client {
    let mut client = cluster.client(number).await;
    assert_eq!(client.register(held.to_vec()).await.unwrap().dropped, []);
    client
}

#[tokio::test]
async fn a_worker_that_is_set_aside_stays_so_over_restarts_until_a_result_or_people_say_otherwise() {
    let mut cluster = Cluster::start(&holdout(&["fc"], "1..=6", 1)).await;
    let mut bad = registered(&cluster, 1).await;
    let attempt = bad.unit().await;
    bad.fail(&attempt, v1::Failure::Error).await.unwrap();
    drop(bad);
    cluster.restart().await;
    let (mut bad, mut good) = (registered(&cluster, 1).await, registered(&cluster, 2).await);
    let attempt = bad.unit().await;
    bad.fail(&attempt, v1::Failure::Error).await.unwrap();
    let held = [bad.unit().await];
    let attempt = good.unit().await;
    good.finish(&attempt, 25).await.unwrap();
    let before = asides(&cluster, [&bad, &good], [true, false]).await;
    assert!(before[0].contains("2 units"), "one of them before the restart: {before:?}");

    drop((bad, good));
    cluster.restart().await;
    let (mut bad, good) = (returned(&cluster, 1, &held).await, returned(&cluster, 2, &[]).await);
    assert_eq!(asides(&cluster, [&bad, &good], [true, false]).await, before);
    // Its held attempt ends with a result after all.
    assert_eq!(bad.finish(&held[0], 25).await.unwrap(), v1::SubmitOutcome::Committed);
    drop((bad, good));
    cluster.restart().await;
    let (mut bad, mut good) = (registered(&cluster, 1).await, registered(&cluster, 2).await);
    for _ in 0..2 {
        let attempt = bad.unit().await;
        bad.fail(&attempt, v1::Failure::Error).await.unwrap();
    }
    let attempt = good.unit().await;
    good.finish(&attempt, 25).await.unwrap();
    // It began anew.
    asides(&cluster, [&bad, &good], [true, false]).await;
    Control::connect(&cluster).await.resume().await;
    drop((bad, good));
    cluster.restart().await;
    let (bad, good) = (returned(&cluster, 1, &[]).await, returned(&cluster, 2, &[]).await);
    asides(&cluster, [&bad, &good], [false, false]).await;
}

#[tokio::test]
async fn deaths_are_charged_to_what_was_in_training_and_survive_a_restart() {
    let mut cluster = Cluster::with_rules(&holdout(&["fc"], "1..=3", 1), SHORT_LEASES).await;
    let mut client = registered(&cluster, 1).await;
    let mut control = Control::connect(&cluster).await;
    let pulled = client.pull(2).await.unwrap().assignments;
    let [begun, assigned] = [0, 1].map(|place| pulled[place].attempt.clone().unwrap());
    begin(&mut client, &begun).await;
    // Its lease expires, since nobody renews it.
    control.until(|picture| picture.counts.is_some_and(|counts| counts.waiting == 3)).await;
    drop((client, control));
    cluster.rules = RULES;
    cluster.restart().await;
    let mut client = registered(&cluster, 1).await;
    let again = client.pull(2).await.unwrap().assignments;
    assert_eq!(again.len(), 2);
    let attempt = again.iter().find_map(|one| one.attempt.clone().filter(|one| one.unit_id == begun.unit_id)).unwrap();
    lose(&mut client, v1::Failure::Crashed, std::slice::from_ref(&attempt)).await.unwrap();
    lose(&mut client, v1::Failure::Crashed, &[attempt]).await.unwrap();
    assert_eq!(lose(&mut client, v1::Failure::Error, &[]).await.unwrap_err(), Code::InvalidArgument);
    // Two crashes make a suspect, which is trained alone on a worker, after all other units. The repeated report
    // counted once.
    let other = again.into_iter().filter_map(|one| one.attempt).find(|one| one.unit_id != begun.unit_id).unwrap();
    let third = client.pull(2).await.unwrap().assignments;
    assert_eq!(third.len(), 1, "the third unit, not the suspect");
    client.finish(&other, 25).await.unwrap();
    client.finish(third[0].attempt.as_ref().unwrap(), 25).await.unwrap();
    let alone = client.pull(2).await.unwrap().assignments;
    let alone = alone[0].attempt.clone().unwrap();
    assert_eq!((&alone.unit_id, alone.attempt), (&begun.unit_id, 3));
    lose(&mut client, v1::Failure::Crashed, &[alone]).await.unwrap();
    assert_eq!(client.pull(1).await.unwrap().state(), v1::StudyState::Done, "three were too many");
    let store = seedgrid_coordinator::store::Store::open_to_read(&cluster.directory.database()).unwrap();
    let unit = begun.unit_id.parse().unwrap();
    let endings: Vec<_> = store.attempts_of(unit).unwrap().into_iter().filter_map(|attempt| attempt.ending).collect();
    assert_eq!(endings, [AttemptEnding::WorkerLost, AttemptEnding::Crashed, AttemptEnding::Crashed]);
    assert_eq!(store.logs_of(unit).unwrap(), [2, 3].map(|attempt| (attempt, "its last words".to_owned())));
    assert_eq!(store.units().unwrap()[&assigned.unit_id.parse().unwrap()].record.deaths, 0, "it was only assigned");
}

#[tokio::test]
async fn memory_that_is_not_there_counts_as_an_error() {
    let cluster = Cluster::start(&holdout(&["fc"], "1", 1)).await;
    let mut client = registered(&cluster, 1).await;
    for _ in 0..2 {
        let attempt = client.unit().await;
        lose(&mut client, v1::Failure::OutOfMemory, &[attempt]).await.unwrap();
    }
    assert_eq!(client.pull(1).await.unwrap().state(), v1::StudyState::Done, "two errors are one too many here");
}

#[tokio::test]
async fn cancelled_units_end_and_come_back_by_name() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=3", 1)).await;
    let mut client = registered(&cluster, 1).await;
    let mut control = Control::connect(&cluster).await;
    let (done, held) = (client.unit().await, client.unit().await);
    client.finish(&done, 25).await.unwrap();
    let waiting = client.unit().await;
    client.fail(&waiting, v1::Failure::Preempted).await.unwrap();
    assert_eq!(control.cancel(&[&done.unit_id]).await.unwrap_err(), Code::FailedPrecondition);
    assert_eq!(control.cancel(&[&"0".repeat(32)]).await.unwrap_err(), Code::NotFound);
    assert_eq!(control.cancel(&[]).await.unwrap_err(), Code::InvalidArgument);
    let both = [held.unit_id.as_str(), waiting.unit_id.as_str()];
    assert_eq!(control.cancel(&both).await.unwrap(), both);
    assert_eq!(control.cancel(&both).await.unwrap(), Vec::<String>::new(), "they are cancelled already");
    assert_eq!(client.heartbeat(vec![held.clone()]).await.unwrap().dropped, std::slice::from_ref(&held));
    let picture = control.until(|picture| picture.state() == v1::StudyState::Done).await;
    assert_eq!(picture.counts.unwrap().cancelled, 2);
    let retry = async |control: &mut Control, units: Vec<String>| {
        let request = control.request(v1::RetryRequest { unit_ids: units });
        control.client.retry(request).await.unwrap().into_inner().unit_ids
    };
    assert_eq!(retry(&mut control, vec![]).await, Vec::<String>::new(), "only those that failed come back unnamed");
    assert_eq!(retry(&mut control, vec![held.unit_id.clone()]).await, std::slice::from_ref(&held.unit_id));
    let again = client.unit().await;
    assert_eq!((&again.unit_id, again.attempt), (&held.unit_id, 2));
}

#[tokio::test]
async fn one_worker_can_be_sent_away() {
    let cluster = Cluster::start(&holdout(&["fc"], "1..=3", 1)).await;
    let (mut leaving, mut staying) = (registered(&cluster, 1).await, registered(&cluster, 2).await);
    let held = leaving.unit().await;
    let mut control = Control::connect(&cluster).await;
    let drain = |worker: &str| v1::DrainRequest { worker_id: worker.to_owned() };
    let unknown = control.request(drain(&"9".repeat(32)));
    assert_eq!(control.client.drain(unknown).await.unwrap_err().code(), Code::NotFound);
    let known = control.request(drain(&leaving.id));
    control.client.drain(known).await.unwrap();
    let pulled = leaving.pull(1).await.unwrap();
    assert_eq!((pulled.assignments.len(), pulled.state()), (0, v1::StudyState::Draining));
    assert_eq!(leaving.heartbeat(vec![held.clone()]).await.unwrap().dropped, [], "it finishes its units");
    staying.unit().await;
    let everybody = control.request(drain(""));
    control.client.drain(everybody).await.unwrap();
    assert_eq!(staying.pull(1).await.unwrap().state(), v1::StudyState::Draining);
    control.resume().await;
    staying.unit().await;
}
