//! `sks pkcs11`: where the PKCS#11 module is, and how programs are told of it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::args::Common;
use crate::exit::Failure;
use crate::output;

/// The module's file.
const FILE: &str = "libsks_pkcs11.so";
/// The name of its registration with p11-kit.
const REGISTRATION: &str = "sks.module";
/// What to paste where; `{module}` is the module's path.
const SETTINGS: &str = include_str!("pkcs11/settings.txt");

/// Its own arguments.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Register the module with p11-kit for this user, in ~/.config/pkcs11/modules, instead of showing settings
    #[arg(value_parser = ["install"])]
    action: Option<String>,
    /// The module [default: beside this program, else in the lib folder beside its folder]
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
}

/// Runs it.
pub(crate) fn run(common: &Common, args: Args) -> Result<(), Failure> {
    let module = find(args.module)?;
    let registration = Registration::of(&module)?;
    if args.action.is_some() {
        return registration.install(common);
    }
    let settings = SETTINGS.replace("{module}", &module.to_string_lossy());
    if common.json {
        return output::json(&json!({
            "module": module.to_string_lossy(),
            "p11_kit_file": registration.file.to_string_lossy(),
            "p11_kit_content": registration.content,
            "settings": settings,
        }));
    }
    output::line(&format!(
        "module: {}\n\np11-kit module file (sks pkcs11 install writes it): {}\n{}\n{settings}",
        module.display(),
        registration.file.display(),
        registration.content
    ))
}

/// The module by its option, or where a build or an installation puts it.
fn find(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let candidates = match given {
        Some(module) => vec![module],
        None => {
            let program = std::env::current_exe().map_err(Failure::doing("finding this program's folder"))?;
            let folder = program.parent().unwrap_or(Path::new("/"));
            let beside = folder.parent().unwrap_or(folder);
            vec![folder.join(FILE), beside.join("lib").join(FILE), beside.join("lib/pkcs11").join(FILE)]
        }
    };
    let found = candidates.iter().find_map(|candidate| candidate.canonicalize().ok());
    found.ok_or_else(|| {
        let looked: Vec<_> = candidates.iter().map(|candidate| candidate.display().to_string()).collect();
        let text = format!(
            "the module is not there: {}; cargo build --release builds it, or name it with --module",
            looked.join(", ")
        );
        Failure::text(text)
    })
}

/// How p11-kit learns of the module.
struct Registration {
    file: PathBuf,
    content: String,
}

impl Registration {
    fn of(module: &Path) -> Result<Self, Failure> {
        let file = folder(|name| std::env::var_os(name))
            .ok_or_else(|| Failure::usage("HOME is not set, so the folder of p11-kit's modules is not known"))?
            .join(REGISTRATION);
        // p11-kit reads a line as it is: a path with a line's end in it could say anything.
        let path = module.to_str().filter(|path| !path.contains(['\n', '\r']));
        let path = path.ok_or_else(|| Failure::usage("p11-kit cannot be told of a module with such a path"))?;
        Ok(Self { file, content: format!("module: {path}\n") })
    }

    fn install(&self, common: &Common) -> Result<(), Failure> {
        let doing = || format!("writing {}", self.file.display());
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).map_err(Failure::doing(doing()))?;
        }
        fs::write(&self.file, &self.content).map_err(Failure::doing(doing()))?;
        if common.json {
            return output::json(&json!({ "p11_kit_file": self.file.to_string_lossy() }));
        }
        output::line(&format!("registered in {}; p11-kit list-modules shows it", self.file.display()))
    }
}

/// p11-kit's folder of a user's modules: it looks below `~/.config` whatever XDG says.
fn folder(lookup: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = lookup("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home).join(".config/pkcs11/modules"))
}
