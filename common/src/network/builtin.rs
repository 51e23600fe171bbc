//! The networks that ship with Seedgrid: files in the language of networks, built into both programs.

use std::sync::LazyLock;

use super::{definition::Definition, read::parse};

/// A network that ships with Seedgrid.
#[derive(Debug)]
pub struct Builtin {
    /// The name in specs.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
    /// The definition in the file.
    pub definition: Definition,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("builtin/", $name, ".toml")))),*]
    };
}

const FILES: &[(&str, &str)] =
    files!["cnn", "cnn-shared", "cnn-shared-aux", "fc", "fc-aux", "lenet-5", "resnet-small", "mlp", "cnn-1d",];

static BUILTINS: LazyLock<Vec<Builtin>> = LazyLock::new(|| {
    let read = |&(name, text): &(&'static str, &'static str)| Builtin {
        name,
        text,
        definition: parse(&format!("{name}.toml"), text).unwrap_or_else(|errors| panic!("{errors}")),
    };
    FILES.iter().map(read).collect()
});

/// Every network that ships with Seedgrid, in the order in which listings show them.
pub fn all() -> &'static [Builtin] {
    &BUILTINS
}

/// The network with this name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    all().iter().find(|builtin| builtin.name == name)
}
