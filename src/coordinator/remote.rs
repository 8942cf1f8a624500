//! What a run settles about its inputs at URLs once it knows how many workers it has: who reads them, and what cannot be known of
//! them. Asks nobody.

use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::remote::object::Cut;
use crate::report::event::RunEvent;

/// Says of each object how it comes to the workers: in parts where it is to be split; as it is proved where one worker reads everything
/// anyway; else as a whole, to one of them. Warns of objects by which nobody can see that they have changed.
pub(super) fn settle(
    inputs: &mut [(InputFile, Header)],
    split: bool,
    workers: usize,
    report: &mut dyn FnMut(RunEvent),
) {
    let cut = match (split, workers) {
        (true, _) => Cut::Parts,
        (false, 0 | 1) => Cut::Forwards,
        (false, _) => Cut::Whole,
    };
    for (file, header) in inputs.iter_mut() {
        if let Some(object) = &mut file.remote {
            // A Parquet file's parts are known from its end: no byte comes twice because of them.
            object.cut = if header.columns.is_some() { Cut::Parts } else { cut };
        }
    }
    let is_unversioned = |file: &&InputFile| file.remote.as_ref().is_some_and(|object| !object.has_version());
    let mut unversioned = inputs.iter().map(|(file, _)| file).filter(is_unversioned);
    let Some(first) = unversioned.next() else { return };
    let others = match unversioned.count() {
        0 => String::new(),
        count => format!(" (and {count} others)"),
    };
    report(RunEvent::Warning(format!(
        "{}{others}: the server tells neither an ETag nor a time of change, so that only another size would show that it has changed: \
         see to it that nobody writes to it until the load is done, also where the load is cut short and goes on later",
        first.path.display()
    )));
}
