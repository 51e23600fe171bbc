use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;
use tempfile::tempdir;

use super::*;
use crate::error_chain::with_hint;

/// A certificate that nobody uses: its key was deleted.
const CERTIFICATE: &str = include_str!("example.pem");
const ID: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &str = "0123456789abcdef-the-secret";

fn example() -> JoinFile {
    JoinFile {
        role: Role::Join,
        study: "table3".to_owned(),
        study_id: StudyId([7; 16]),
        host: Some("login1".to_owned()),
        addresses: vec!["https://127.0.0.1:7700".to_owned(), "https://[fe80::1]:7700".to_owned()],
        token: Token::parse(SECRET).unwrap(),
        expires_ms: Some(1_800_000_000_000),
        certificate: Some(CERTIFICATE.to_owned()),
    }
}

fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Writes `text` as a join file of mode 0600 and reads it.
fn read_text(text: &str) -> Result<JoinFile, JoinError> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("join.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    JoinFile::read(&path)
}

fn problem_of(text: &str) -> String {
    match read_text(text).unwrap_err() {
        JoinError::Malformed { problem, .. } => problem,
        other => panic!("expected a malformed file, got {other:?}"),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("join.toml");
    example().write(&path).unwrap();
    assert_eq!(mode_of(&path), 0o600);
    assert_eq!(JoinFile::read(&path).unwrap(), example());
    let addresses = vec!["http://127.0.0.1:7700".to_owned()];
    let plain = JoinFile { role: Role::View, host: None, addresses, expires_ms: None, certificate: None, ..example() };
    plain.write(&path).unwrap();
    assert_eq!(JoinFile::read(&path).unwrap(), plain);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["join.toml"], "no temporary file is left");
}

#[test]
fn writing_over_an_open_file_closes_it_to_others() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("join.toml");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    example().write(&path).unwrap();
    assert_eq!(mode_of(&path), 0o600);
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("join.toml");
    example().write(&path).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o644, 0o777] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = JoinFile::read(&path).unwrap_err();
        assert!(matches!(error, JoinError::TooOpen { mode: found, .. } if found == mode), "{mode:o}: {error}");
        assert!(with_hint(&error).contains("hint: run `chmod 600"), "{error}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert!(JoinFile::read(&path).is_ok(), "narrower is fine");
}

#[test]
fn a_copy_that_went_through_windows_is_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("join.toml");
    example().write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    let read = JoinFile::read(&path).unwrap();
    let certificate = read.certificate.map(|pem| pem.replace("\r\n", "\n"));
    assert_eq!(JoinFile { certificate, ..read }, example());
}

#[test]
fn each_problem_has_its_own_error() {
    let folder = tempdir().unwrap();
    assert!(matches!(JoinFile::read(&folder.path().join("none")), Err(JoinError::Missing { .. })));
    assert!(matches!(JoinFile::read(folder.path()), Err(JoinError::Unreadable { .. })));
    assert!(matches!(example().write(&folder.path().join("no/folder")), Err(JoinError::Unwritable { .. })));
    assert!(matches!(read_text("version = 4\nshape = 'unknown'"), Err(JoinError::OtherVersion { found: 4, .. })));
    assert!(problem_of("").contains("version"));
    assert!(problem_of("version = 3\nrole = \"join\"\nstudy = \"a\"\nstudy_id = \"{ID}\"").contains("addresses"));
    assert!(problem_of(&"#".repeat(70_000)).contains("64 KiB"));
    for address in ["host:7700", "http://host", "ftp://host:1", "http://host:1/x", "http://:1", "http://me@host:1"] {
        let text = format!(
            "version = 3\nrole = \"join\"\nstudy = \"a\"\nstudy_id = \"{ID}\"\naddresses = [\"{address}\"]\ntoken = \"{SECRET}\"\n"
        );
        assert!(problem_of(&text).contains("address"), "{address}");
    }
    let short = "version = 3\nrole = \"join\"\nstudy = \"a\"\nstudy_id = \"{ID}\"\naddresses = [\"http://a:1\"]\ntoken = \"short\"\n";
    assert!(problem_of(short).contains("token"));
}

#[test]
fn the_token_is_never_shown() {
    assert!(!format!("{:?}", example()).contains(SECRET));
    // Broken in ways that make the parser quote the token's line or value.
    for line in [format!("token = \"{SECRET}"), format!("token = {SECRET}"), format!("token = [\"{SECRET}\"]")] {
        let problem = problem_of(&format!(
            "version = 3\nrole = \"join\"\nstudy = \"a\"\nstudy_id = \"{ID}\"\naddresses = []\n{line}\n"
        ));
        assert!(!problem.contains("0123456789"), "{problem}");
    }
    let swapped = format!(
        "version = 3\nrole = \"join\"\nstudy = \"a\"\nstudy_id = \"{ID}\"\naddresses = \"{SECRET}\"\ntoken = \"{SECRET}\"\n"
    );
    assert!(!problem_of(&swapped).contains("0123456789"));
}

#[test]
fn tokens_differ_and_fit() {
    let (first, second) = (Token::generate(), Token::generate());
    assert_ne!(first, second);
    assert_eq!(first.expose().len(), 64);
    assert_eq!(Token::parse(first.expose()), Some(first.clone()));
    assert_eq!(Token::parse("with a blank in it"), None);
}

mod fuzz {
    use std::sync::LazyLock;

    use super::*;

    /// The text of a good file.
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let folder = tempdir().unwrap();
        let path = folder.path().join("join.toml");
        example().write(&path).unwrap();
        std::fs::read_to_string(&path).unwrap()
    });

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = JoinFile::parse(&bytes);
        }

        /// A file with any part replaced by anything, such as the secret, is refused or read, and the secret is not
        /// shown.
        #[test]
        fn any_damage_is_refused_or_read_without_a_panic(at in 0_usize..600, to in 0_usize..80, by in "\\PC{0,12}", secret in any::<bool>()) {
            let mut text = TEXT.clone().into_bytes();
            let at = at.min(text.len());
            let to = (at + to).min(text.len());
            let by = if secret { format!("{by}{SECRET}{by}") } else { by };
            text.splice(at..to, by.into_bytes());
            if let Err(Problem::Content(problem)) = JoinFile::parse(&text) {
                prop_assert!(!problem.contains("456789abcdef"), "{problem}");
            }
        }
    }
}

#[test]
fn encryption_is_what_both_sides_say() {
    let encrypted = example();
    let plain = JoinFile { addresses: vec!["http://a:1".to_owned()], certificate: None, ..example() };
    assert!(
        matches!(encrypted.transport(Plaintext::Refused), Ok(Transport::Tls(pem)) if pem.starts_with("-----BEGIN"))
    );
    assert_eq!(plain.transport(Plaintext::Wanted), Ok(Transport::Plaintext));
    assert_eq!(encrypted.transport(Plaintext::Wanted), Err(TransportError::FileIsTls));
    let refused = plain.transport(Plaintext::Refused).unwrap_err();
    assert!(with_hint(&refused).contains("give --plaintext here as well"), "{refused}");
}

#[test]
fn addresses_and_certificate_must_fit() {
    let text = |addresses: &str, more: &str| {
        format!(
            "version = 3\nrole = \"join\"\nstudy = \"a\"\nstudy_id = \"{ID}\"\naddresses = [{addresses}]\ntoken = \"{SECRET}\"\n{more}\n"
        )
    };
    assert!(problem_of(&text("\"https://a:1\"", "")).contains("no certificate"));
    assert!(problem_of(&text("\"http://a:1\"", "certificate = \"PEM\"")).contains("has a certificate"));
    assert!(
        problem_of(&text("\"https://a:1\", \"http://a:1\"", "certificate = \"PEM\"")).contains("some of its addresses")
    );
    assert!(problem_of(&text("\"http://a:1\"", "expires = \"tomorrow\"")).contains("`expires`"));
    assert!(read_text(&text("\"http://a:1\"", "expires = \"2030-01-01T00:00:00Z\"")).unwrap().expires_ms.is_some());
    let role = text("\"http://a:1\"", "").replace("\"join\"", &format!("\"{SECRET}\""));
    assert_eq!(problem_of(&role), "`role` is none of join, admin and view");
}
