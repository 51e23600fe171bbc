//! The credential files of the run directory for workers and commands: join.toml, admin.toml and view.toml.

use std::{path::Path, time::Duration};

use seedgrid_common::{
    join::{JoinError, JoinFile, Role, Token},
    study_id::StudyId,
};

use super::{
    CredentialRegistry,
    join_file_expiry::{JOIN_EXPIRES_AFTER, expires_ms},
};
use crate::{
    run_directory::RunDirectory,
    store::{CredentialWrite, KnownToken, Store, StoreError, Write},
};

/// The content of the files besides their secrets.
#[derive(Clone, Debug)]
pub struct Place {
    /// The study's name.
    pub study: String,
    /// The study's id.
    pub study_id: StudyId,
    /// The name of this machine.
    pub host: Option<String>,
    /// The coordinator's addresses.
    pub addresses: Vec<String>,
    /// The coordinator's certificate, as PEM; None for plaintext.
    pub certificate: Option<String>,
}

/// The writer of a run directory's credential files.
#[derive(Clone, Debug)]
pub struct CredentialFiles {
    directory: RunDirectory,
    place: Place,
    join_expires: Duration,
}

/// The reason for missing credential files.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CredentialFilesError {
    /// The store returned an error.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),
    /// The files cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] JoinError),
}

impl CredentialFiles {
    /// The study to which the credentials belong.
    pub fn study(&self) -> StudyId {
        self.place.study_id
    }

    /// The run directory of the files.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// Ensures that each file exists and that the store has its token's digest. A restart keeps valid tokens, so that
    /// copies of the files stay valid; `join_expires`, if given, counts from now.
    ///
    /// # Errors
    /// When store or files cannot be written.
    pub fn open(
        directory: &RunDirectory,
        place: Place,
        join_expires: Option<Duration>,
        store: &mut Store,
        now_ms: i64,
    ) -> Result<Self, CredentialFilesError> {
        let keys =
            Self { directory: directory.clone(), place, join_expires: join_expires.unwrap_or(JOIN_EXPIRES_AFTER) };
        let registry = CredentialRegistry::read(store)?;
        let mut writes = Vec::new();
        let mut files = Vec::new();
        let mut shown = false;
        for role in Role::ALL {
            let path = directory.key_file(role);
            let (token, mut known, mut is_new) = match kept(&path, &keys.place, &registry, role, now_ms) {
                Ok((token, known)) => (token, known, false),
                Err(flaw) => {
                    flaw.tell(&path);
                    // Workers have sent their credentials in plaintext, too.
                    shown |= flaw == Flaw::Shown;
                    let token = Token::generate();
                    let known = KnownToken { digest: token.digest(), made_ms: now_ms, expires_ms: None };
                    (token, known, true)
                }
            };
            if role == Role::Join && (is_new || join_expires.is_some()) {
                known.expires_ms = Some(expires_ms(now_ms, keys.join_expires));
                is_new = true;
            }
            if is_new {
                writes.push(Write::Credential(CredentialWrite::Token { role, token: known }));
            }
            files.push((role, token, known.expires_ms));
        }
        if shown {
            writes.push(Write::Credential(CredentialWrite::AllRevoked { at_ms: now_ms }));
        }
        // The store comes first: a file with a token unknown to the store is replaced at the next start.
        store.commit(&writes)?;
        for (role, token, expires_ms) in files {
            keys.write(role, token, expires_ms)?;
        }
        Ok(keys)
    }

    /// Reads the settings of a run without a coordinator from its join file.
    ///
    /// # Errors
    /// When the join file cannot be read.
    pub fn at_rest(directory: &RunDirectory) -> Result<Self, JoinError> {
        let file = JoinFile::read(&directory.key_file(Role::Join))?;
        let JoinFile { study, study_id, host, addresses, certificate, .. } = file;
        let place = Place { study, study_id, host, addresses, certificate };
        Ok(Self { directory: directory.clone(), place, join_expires: JOIN_EXPIRES_AFTER })
    }

    /// Makes a new join token and its entry for the store. `after` is its lifetime, if given.
    pub fn new_join(&self, after: Option<Duration>, now_ms: i64) -> (Token, KnownToken) {
        let token = Token::generate();
        let known = KnownToken {
            digest: token.digest(),
            made_ms: now_ms,
            expires_ms: Some(expires_ms(now_ms, after.unwrap_or(self.join_expires))),
        };
        (token, known)
    }

    /// Writes a role's file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, role: Role, token: Token, expires_ms: Option<i64>) -> Result<(), JoinError> {
        let Place { study, study_id, host, addresses, certificate } = self.place.clone();
        let file = JoinFile { role, study, study_id, host, addresses, token, expires_ms, certificate };
        file.write(&self.directory.key_file(role))
    }
}

/// The reason for which a file's token is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Flaw {
    /// The file does not exist.
    Missing,
    /// The file cannot be read, with the cause.
    Unreadable(String),
    /// The file belongs to another role or to another study.
    Foreign,
    /// The token was sent without encryption, and the study now uses encryption.
    Shown,
    /// The token has expired.
    Expired,
}

impl Flaw {
    /// Logs that the file at `path` is replaced, if a file existed.
    fn tell(&self, path: &Path) {
        let why = match self {
            Self::Missing => return,
            Self::Unreadable(problem) => problem,
            Self::Foreign => "it is not the one that this study made",
            Self::Shown => "its secret has been sent without encryption",
            Self::Expired => "it has expired",
        };
        let path = path.display();
        tracing::warn!(
            "{path} is written anew, with another secret: {why}. Copies of the old one are of no use any more"
        );
    }
}

/// The token in a role's file, if it is still valid.
fn kept(
    path: &Path,
    place: &Place,
    registry: &CredentialRegistry,
    role: Role,
    now_ms: i64,
) -> Result<(Token, KnownToken), Flaw> {
    let file = JoinFile::read(path).map_err(|error| match error {
        JoinError::Missing { .. } => Flaw::Missing,
        error => Flaw::Unreadable(error.flaw()),
    })?;
    let known = registry
        .token(role)
        .filter(|known| (file.role, file.study_id) == (role, place.study_id) && file.token.digest() == known.digest);
    let known = known.ok_or(Flaw::Foreign)?;
    if place.certificate.is_some() && file.certificate.is_none() {
        return Err(Flaw::Shown);
    }
    if known.has_expired(now_ms) {
        return Err(Flaw::Expired);
    }
    Ok((file.token, known))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::scheduler::queue::WorkerId;

    /// A run directory and its store.
    fn run() -> (tempfile::TempDir, RunDirectory, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("study.db")).unwrap();
        let directory = RunDirectory::new(folder.path());
        (folder, directory, store)
    }

    fn open(directory: &RunDirectory, store: &mut Store, expires: Option<u64>, now_ms: i64) -> [JoinFile; 3] {
        let place = Place {
            study: "a".to_owned(),
            study_id: store.study_id().unwrap(),
            host: None,
            addresses: vec!["http://127.0.0.1:1".to_owned()],
            certificate: None,
        };
        open_at(directory, place, store, expires, now_ms)
    }

    fn open_at(
        directory: &RunDirectory,
        place: Place,
        store: &mut Store,
        expires: Option<u64>,
        now_ms: i64,
    ) -> [JoinFile; 3] {
        CredentialFiles::open(directory, place, expires.map(Duration::from_secs), store, now_ms).unwrap();
        let registry = CredentialRegistry::read(store).unwrap();
        Role::ALL.map(|role| {
            let file = JoinFile::read(&directory.key_file(role)).unwrap();
            let known = registry.token(role).unwrap();
            assert_eq!((file.role, file.token.digest(), file.expires_ms), (role, known.digest, known.expires_ms));
            file
        })
    }

    #[test]
    fn a_restart_keeps_what_is_still_good() {
        let (_folder, directory, mut store) = run();
        let first = open(&directory, &mut store, None, 5_000);
        let month = 1000 * JOIN_EXPIRES_AFTER.as_secs() as i64;
        assert_eq!(first.each_ref().map(|file| file.expires_ms), [Some(5_000 + month), None, None]);
        assert_eq!(open(&directory, &mut store, None, 9_000), first, "not even the expiry changes");
        let longer = open(&directory, &mut store, Some(60), 9_999);
        assert_eq!((&longer[0].token, longer[0].expires_ms), (&first[0].token, Some(69_000)), "counted from now");
        let late = open(&directory, &mut store, None, 69_000);
        assert_ne!(late[0].token, first[0].token, "it had expired");
        assert_eq!(late[0].expires_ms, Some(69_000 + month));
        assert_eq!(late[1..], first[1..]);
    }

    #[test]
    fn a_file_that_is_lost_or_open_to_others_gets_a_new_secret() {
        let (_folder, directory, mut store) = run();
        let first = open(&directory, &mut store, None, 5_000);
        let [join, admin, view] = Role::ALL.map(|role| directory.key_file(role));
        fs::remove_file(&view).unwrap();
        fs::set_permissions(&admin, fs::Permissions::from_mode(0o644)).unwrap();
        let second = open(&directory, &mut store, None, 5_000);
        assert_eq!(second[0], first[0]);
        assert!(second[1].token != first[1].token && second[2].token != first[2].token);
        assert_eq!(fs::metadata(&admin).unwrap().permissions().mode() & 0o777, 0o600);
        // A file of another role is not accepted.
        fs::copy(&admin, &join).unwrap();
        assert_ne!(open(&directory, &mut store, None, 5_000)[0].token, second[1].token);
    }

    #[test]
    fn what_was_sent_without_encryption_is_no_secret_any_more() {
        let (_folder, directory, mut store) = run();
        let plain = open(&directory, &mut store, None, 5_000);
        let enrolls = |store: &mut Store, number: u8| {
            let worker: WorkerId = format!("{number:032x}").parse().unwrap();
            let enrolled = CredentialWrite::Enrolled { worker, digest: [number; 32], at_ms: 5_000 };
            store.commit(&[Write::Credential(enrolled)]).unwrap();
            worker
        };
        let of_then = enrolls(&mut store, 1);
        let encrypted = Place {
            study: "a".to_owned(),
            study_id: store.study_id().unwrap(),
            host: None,
            addresses: vec!["https://127.0.0.1:1".to_owned()],
            certificate: Some(include_str!("../../../common/src/join/example.pem").to_owned()),
        };
        let first = open_at(&directory, encrypted.clone(), &mut store, None, 5_000);
        assert!(plain.iter().zip(&first).all(|(plain, first)| plain.token != first.token));
        assert!(CredentialRegistry::read(&store).unwrap().is_revoked(&of_then), "its own secret was sent, too");
        let of_now = enrolls(&mut store, 2);
        let second = open_at(&directory, encrypted, &mut store, None, 5_000);
        assert_eq!(second, first, "not at every start");
        assert!(!CredentialRegistry::read(&store).unwrap().is_revoked(&of_now));
    }
}
