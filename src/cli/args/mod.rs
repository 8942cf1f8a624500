//! The options in groups, as typed: text with its default, not yet understood. Each command is made of the groups it
//! needs, so that an option is spelled and explained the same everywhere. Their meaning is in
//! [`resolve`](super::resolve()).

mod checking;
mod connecting;
mod forms;
mod gathering;
mod input;
mod job;
mod layering;
mod proposing;
mod reading_back;
mod remote;
mod requests;
mod safety;
mod target;
mod watching;
mod working;
mod writing;

pub use checking::CheckingArgs;
pub use connecting::ConnectingArgs;
pub use forms::FormArgs;
pub use gathering::GatheringArgs;
pub use input::InputArgs;
pub use job::JobArgs;
pub use layering::LayeringArgs;
pub use proposing::ProposingArgs;
pub use reading_back::ReadingBackArgs;
pub use remote::RemoteArgs;
pub use requests::RequestArgs;
pub use safety::SafetyArgs;
pub use target::TargetArgs;
pub use watching::WatchingArgs;
pub use working::WorkingArgs;
pub use writing::WritingArgs;
