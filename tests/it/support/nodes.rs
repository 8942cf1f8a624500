//! Nodes that a test starts for itself with `scripts/cassandra`, because it needs a special kind or ends some of them.

use std::collections::BTreeMap;
use std::process::Command;

/// Running nodes; those that did not run before are stopped when the test ends.
pub(crate) struct Nodes {
    options: Vec<String>,
    ran_before: bool,
    env: BTreeMap<String, String>,
}

impl Nodes {
    /// Starts nodes with these options of `scripts/cassandra start`, unless they run.
    #[track_caller]
    pub(crate) fn start(options: &[&str]) -> Nodes {
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let mut nodes = Nodes { options, ran_before: false, env: BTreeMap::new() };
        nodes.ran_before = script("pid", &nodes.options).is_ok();
        let env = script("start", &nodes.options).expect("the nodes start");
        let pairs = env.lines().filter_map(|line| line.split_once('='));
        nodes.env = pairs.map(|(key, value)| (key.to_string(), value.to_string())).collect();
        nodes
    }

    /// What the script says of them: `contact_points`, `tls_dir`, ...
    #[track_caller]
    pub(crate) fn get(&self, key: &str) -> &str {
        self.env.get(key).unwrap_or_else(|| panic!("no {key} in {:?}", self.env))
    }

    /// Ends a node at once, as a crash does.
    #[track_caller]
    pub(crate) fn kill(&self, node: u32) {
        self.tell(&["kill-node", &node.to_string()]);
    }

    #[track_caller]
    fn tell(&self, command: &[&str]) {
        let (command, arguments) = command.split_first().expect("a command");
        let options = self.options.iter().cloned().chain(arguments.iter().map(ToString::to_string));
        script(command, &options.collect::<Vec<_>>()).expect("the script does it");
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if !self.ran_before
            && let Err(said) = script("stop", &self.options)
        {
            eprintln!("nodes are left running: {said}");
        }
    }
}

/// Runs the script; what it prints, or what it says where it fails.
fn script(command: &str, arguments: &[String]) -> Result<String, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/cassandra");
    let output = Command::new(script).arg(command).args(arguments).output().expect("scripts/cassandra runs");
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
