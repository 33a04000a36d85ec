//! Programs from PyPI, for tests (features `aws` and `kafka`).

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What cargo leaves in a target folder.
const MARK: &str = "CACHEDIR.TAG";

/// A virtual environment with what these requirements name, in a folder of this name below the target folder. It is made once, and
/// made anew when the requirements are others. Several processes may ask at once: one makes it, and the others wait.
///
/// Panics with what is missing on this machine, or with what pip has to say.
pub fn environment(name: &str, requirements: &str) -> PathBuf {
    let folder = target().join(name);
    fs::create_dir_all(target()).expect("a target folder");
    let lock = File::create(folder.with_extension("lock")).expect("a file in the target folder");
    lock.lock().expect("a lock");
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == requirements) {
        return folder;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    succeeded("python3 -m venv", venv.output());
    let wanted = folder.join("wanted.txt");
    fs::write(&wanted, requirements).expect("a file in the new environment");
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted);
    succeeded("pip install", pip.output());
    // Only what is whole has its name.
    fs::rename(&wanted, &stamp).expect("a file in the new environment");
    folder
}

/// The target folder in which this program lies; that of the workspace if it does not lie in one.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let found = program.ancestors().find(|folder| folder.join(MARK).is_file()).map(Path::to_owned);
    found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

fn succeeded(command: &str, output: io::Result<Output>) {
    const MISSING: &str =
        "Python 3 with venv is missing; Debian: apt-get install python3-venv; macOS: brew install python";
    let output = output.unwrap_or_else(|error| panic!("{command} does not run: {error}; if {MISSING}"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains("No module named venv") && !said.contains("ensurepip"), "{MISSING}: {said}");
    assert!(output.status.success(), "{command} fails, {}:\n{said}", output.status);
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn an_environment_is_made_once_and_anew_when_its_requirements_are_others() {
        let name = format!("environment-{}", std::process::id());
        let environments = [(); 2].map(|()| {
            let name = name.clone();
            thread::spawn(move || environment(&name, "# one\n"))
        });
        let [folder, same] = environments.map(|environment| environment.join().unwrap());
        assert_eq!(folder, same);
        assert!(folder.join("bin/python").is_file());
        let mark = folder.join("mark");
        fs::write(&mark, "").unwrap();
        environment(&name, "# one\n");
        assert!(mark.is_file());
        environment(&name, "# two\n");
        assert!(!mark.exists() && folder.join("bin/python").is_file());
        fs::remove_dir_all(&folder).unwrap();
        fs::remove_file(folder.with_extension("lock")).unwrap();
    }
}
