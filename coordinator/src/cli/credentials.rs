//! `seedgrid credentials` shows, renews and revokes the credentials of workers and commands.

use std::{collections::BTreeMap, path::Path, time::Duration};

use seedgrid_common::{
    join::{Plaintext, Role},
    utc,
};

use super::{Exit, Failure, arguments::CredentialsAction, shared_arguments::Format};
use crate::{
    auth::{CredentialFiles, CredentialRegistry},
    grpc::control_client::Control,
    report::numbers::count,
    run_directory::RunDirectory,
    scheduler::{attempt_ending::AttemptEnding, queue::WorkerId},
    store::{CredentialWrite, Enrolled, Store, Write},
};

pub(super) async fn credentials(action: CredentialsAction) -> Result<Exit, Failure> {
    match action {
        CredentialsAction::List { run_dir, format } => list(&run_dir, format),
        CredentialsAction::Rotate { run_dir, expires, reach } => rotate(&run_dir, expires, reach.into()).await,
        CredentialsAction::Revoke { run_dir, worker, reach } => revoke(&run_dir, &worker, reach.into()).await,
    }?;
    Ok(Exit::Done)
}

async fn rotate(run_dir: &Path, expires: Option<Duration>, plaintext: Plaintext) -> Result<(), Failure> {
    let directory = RunDirectory::existing(run_dir)?;
    let expires_ms = if directory.is_owned() {
        Control::connect(run_dir, Role::Admin, plaintext).await?.rotate_join(expires).await?
    } else {
        let directory = directory.own_to_steer()?;
        let mut store = Store::open(&directory.database())?;
        let keys = CredentialFiles::at_rest(&directory)?;
        let (token, known) = keys.new_join(expires, utc::now_ms());
        store.commit(&[Write::Credential(CredentialWrite::Token { role: Role::Join, token: known })])?;
        keys.write(Role::Join, token, known.expires_ms)?;
        known.expires_ms.unwrap_or_default()
    };
    super::print(&format!(
        "{} is new and valid until {}; the old join file is not valid any more; enrolled workers stay connected\n",
        RunDirectory::new(run_dir).join_file().display(),
        utc::format(expires_ms)
    ))
}

async fn revoke(run_dir: &Path, wanted: &str, plaintext: Plaintext) -> Result<(), Failure> {
    let directory = RunDirectory::existing(run_dir)?;
    let worker = find(&Store::open_to_read(&directory.database())?, wanted)?;
    let taken_back = if directory.is_owned() {
        Control::connect(run_dir, Role::Admin, plaintext).await?.revoke(&worker).await?
    } else {
        let directory = directory.own_to_steer()?;
        let mut store = Store::open(&directory.database())?;
        let held = store.units()?.into_iter().filter(|(_, unit)| unit.holder.as_deref() == Some(&worker.to_string()));
        let ended = held.map(|(unit, known)| Write::Ended {
            unit,
            attempt: known.attempts,
            // No coordinator runs, so the time of the attempt's end is unknown.
            at_ms: None,
            ending: AttemptEnding::Preempted,
            detail: "its worker was revoked".to_owned(),
            train_seconds: None,
        });
        let mut writes: Vec<Write> = ended.collect();
        let taken_back = writes.len() as u32;
        let revoked = CredentialWrite::Revoked { worker, at_ms: utc::now_ms() };
        writes.push(Write::Credential(revoked));
        store.commit(&writes)?;
        taken_back
    };
    let units = count(taken_back as usize, "unit");
    super::print(&format!("worker {worker} stays out from now on; taken back from it: {units}\n"))
}

/// The only worker with this id prefix.
fn find(store: &Store, wanted: &str) -> Result<WorkerId, Failure> {
    let prefix = wanted.to_ascii_lowercase();
    let book = CredentialRegistry::read(store)?;
    let matching: Vec<&WorkerId> =
        book.workers().map(|(id, _)| id).filter(|id| id.to_string().starts_with(&prefix)).collect();
    match matching[..] {
        [worker] if !prefix.is_empty() => Ok(*worker),
        [] => Err(Failure::NoSuchWorker(wanted.to_owned())),
        _ => Err(Failure::ManyWorkers { prefix: wanted.to_owned(), count: matching.len() }),
    }
}

/// The schema of `seedgrid credentials list --format json`, described in docs/cli.md. Times are milliseconds since the Unix epoch.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Listing {
    schema: &'static str,
    /// The current tokens.
    tokens: Vec<Token>,
    /// The workers that have enrolled.
    workers: Vec<Worker>,
}

/// A token of a credential file.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Token {
    /// `join`, `admin` or `view`.
    role: &'static str,
    /// The time at which the token was made.
    made_ms: i64,
    /// The time at which the token expires; null if it does not expire.
    expires_ms: Option<i64>,
}

/// A worker with a credential of its own.
#[derive(Debug, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Worker {
    /// The worker's id.
    id: String,
    /// The worker's machine; null if the worker has enrolled and never registered.
    host: Option<String>,
    /// The worker's place on that machine, such as a batch job; null if the worker has never registered.
    place: Option<String>,
    /// The time at which the worker enrolled.
    enrolled_ms: i64,
    /// The time at which the worker's credential was revoked; null if it is valid.
    revoked_ms: Option<i64>,
}

fn list(run_dir: &Path, format: Format) -> Result<(), Failure> {
    let store = Store::open_to_read(&RunDirectory::existing(run_dir)?.database())?;
    let book = CredentialRegistry::read(&store)?;
    let known: BTreeMap<String, _> =
        store.workers()?.into_iter().map(|worker| (worker.worker_id, worker.info)).collect();
    let worker = |(id, enrolled): (&WorkerId, &Enrolled)| {
        let info = known.get(&id.to_string());
        Worker {
            id: id.to_string(),
            host: info.map(|info| info.host.clone()),
            place: info.map(|info| info.place.clone()),
            enrolled_ms: enrolled.enrolled_ms,
            revoked_ms: enrolled.revoked_ms,
        }
    };
    let token = |role: Role| {
        let known = book.token(role)?;
        Some(Token { role: role.name(), made_ms: known.made_ms, expires_ms: known.expires_ms })
    };
    let listing = Listing {
        schema: "seedgrid.credentials/1",
        tokens: Role::ALL.into_iter().filter_map(token).collect(),
        workers: book.workers().map(worker).collect(),
    };
    match format {
        Format::Text => super::print(&listing.text()),
        Format::Json => super::print_json(&listing),
    }
}

impl Listing {
    fn text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for token in &self.tokens {
            let until = token.expires_ms.map_or("never expires".to_owned(), |at| format!("until {}", utc::format(at)));
            lines.push(format!("{}.toml: made {}, {until}", token.role, utc::format(token.made_ms)));
        }
        for worker in &self.workers {
            let revoked = worker.revoked_ms.map(|at| format!(", revoked {}", utc::format(at))).unwrap_or_default();
            let host = worker.host.as_deref().unwrap_or("(never registered)");
            lines.push(format!("worker {} {host}: enrolled {}{revoked}", worker.id, utc::format(worker.enrolled_ms)));
        }
        lines.join("\n") + "\n"
    }
}
