//! A private ssh server on the loopback interface, which accepts only the test's own key.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    machine::{free_ports, is_root},
    process::{finish, until},
};

/// Host name of the server in the client configuration.
pub const LAB: &str = "lab";
/// Host name at which nothing listens.
pub const GONE: &str = "gone";

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Sshd {
    keeper: Child,
    folder: PathBuf,
}

impl Sshd {
    /// Starts a server with its files in `folder`; logins get `environment` (NAME=VALUE). None, with a printed reason,
    /// where that is not possible.
    ///
    /// # Panics
    /// When it is possible and fails.
    pub fn start(folder: &Path, environment: &str) -> Option<Self> {
        let Some(sshd) = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
            .into_iter()
            .find(|path| Path::new(path).is_file())
        else {
            println!("skipped: sshd is not installed (Debian: apt install openssh-server)");
            return None;
        };
        if is_root() && fs::create_dir_all("/run/sshd").is_err() {
            println!("skipped: sshd needs the folder /run/sshd, and it cannot be made");
            return None;
        }
        for key in ["host", "user"] {
            let made =
                finish(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(key)));
            assert!(made.status.success(), "{}", made.stderr);
        }
        let ports = free_ports(2);
        let (port, closed) = (&ports[0], &ports[1]);
        let at = folder.display();
        let server = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nPidFile none\nStrictModes no\nUsePAM \
             no\nPasswordAuthentication no\nPermitRootLogin yes\nSetEnv {environment}\n"
        );
        fs::write(folder.join("server.conf"), server).unwrap();
        let client = format!(
            "Host *\n  HostName 127.0.0.1\n  IdentityFile {at}/user\n  IdentitiesOnly yes\n  BatchMode yes\n  ConnectTimeout 10\n  \
             StrictHostKeyChecking no\n  UserKnownHostsFile {at}/known\n  LogLevel ERROR\nHost {LAB}\n  Port {port}\nHost {GONE}\n  Port \
             {closed}\n"
        );
        fs::write(folder.join("client.conf"), client).unwrap();
        // The keeper stops the server when its stdin closes, so also when the test is killed.
        let keeper = Command::new("sh")
            .args(["-c", "\"$@\" & pid=$!; cat >/dev/null; kill $pid", "sh", sshd, "-D", "-E"])
            .arg(folder.join("server.log"))
            .arg("-f")
            .arg(folder.join("server.conf"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh can be started");
        let sshd = Self { keeper, folder: folder.to_owned() };
        until("the ssh server listens", || std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
        let entered = finish(Command::new("ssh").arg("-F").arg(sshd.client()).args([LAB, "true"]));
        if !entered.status.success() {
            println!("skipped: the loopback ssh server lets nobody in: {}", entered.stderr.trim());
            return None;
        }
        Some(sshd)
    }

    /// The client's configuration file.
    pub fn client(&self) -> PathBuf {
        self.folder.join("client.conf")
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // A failure has no remedy here.
        let _ = self.keeper.wait();
    }
}
