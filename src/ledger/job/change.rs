//! What is different between a job and what a run is asked to do, in words that name the option, the table or the file. Pure;
//! what follows from it is [`decide`](super::decide)'s.

use std::path::PathBuf;

use super::{JobPlan, NOT_SET};

impl JobPlan {
    /// What is different in `now`, in words; the inputs' content aside.
    pub(crate) fn settings_change(&self, now: &JobPlan) -> Option<String> {
        let options = self.meaning.keys().chain(now.meaning.keys());
        let value = |plan: &JobPlan, option: &str| {
            plan.meaning.get(option).map_or(NOT_SET, String::as_str).to_owned()
        };
        let changed = |option: &&String| self.meaning.get(*option) != now.meaning.get(*option);
        options
            .into_iter()
            .find(changed)
            .map(|option| format!("--{option} was {} and is {} now", value(self, option), value(now, option)))
    }

    pub(super) fn table_change(&self, now: &JobPlan) -> Option<String> {
        if self.cluster != now.cluster {
            return Some(format!("it writes to cluster {:?}, and this is {:?}", self.cluster, now.cluster));
        }
        if self.table != now.table {
            return Some(format!("it writes to {}, not to {}", self.table, now.table));
        }
        if self.table_id != now.table_id {
            return Some(format!("{} was dropped and created again since", self.table));
        }
        None
    }

    pub(super) fn columns_change(&self, now: &JobPlan) -> Option<String> {
        (self.row_plan != now.row_plan)
            .then(|| format!("the columns of {} that are loaded have changed since", self.table))
    }

    /// Whether the inputs are at other paths, in words.
    pub(crate) fn paths_change(&self, now: &JobPlan) -> Option<String> {
        let paths = |plan: &JobPlan| plan.inputs.iter().map(|input| input.path.clone()).collect::<Vec<_>>();
        if paths(self) != paths(now) {
            let shown = |paths: Vec<PathBuf>| {
                let shown: Vec<String> =
                    paths.iter().take(3).map(|path| path.display().to_string()).collect();
                format!("{}{}", shown.join(", "), if paths.len() > 3 { ", ..." } else { "" })
            };
            return Some(format!(
                "its inputs are {}, and these are {}",
                shown(paths(self)),
                shown(paths(now))
            ));
        }
        None
    }

    pub(super) fn input_change(&self, now: &JobPlan) -> Option<String> {
        let paths = self.paths_change(now);
        if paths.is_some() {
            return paths;
        }
        for (was, is) in self.inputs.iter().zip(&now.inputs) {
            if let Some(change) = was.fingerprint.change(&is.fingerprint) {
                return Some(format!("{}: {change}", was.path.display()));
            }
        }
        (self.mappings != now.mappings).then(|| "the headers of the inputs have changed".to_owned())
    }

    /// An input that was written to and may hold the same, in words, where nothing else has changed.
    pub(super) fn touched(&self, now: &JobPlan) -> Option<String> {
        let mut alike = now.clone();
        for (was, is) in self.inputs.iter().zip(&mut alike.inputs) {
            is.fingerprint.modified = was.fingerprint.modified;
        }
        let is_only_that = self.table_change(&alike).is_none()
            && self.settings_change(&alike).is_none()
            && self.columns_change(&alike).is_none()
            && self.input_change(&alike).is_none();
        is_only_that.then(|| self.input_change(now)).flatten()
    }
}
