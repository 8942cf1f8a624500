//! The only module that prints. It consumes [`event::RunEvent`]s and never influences the run.

pub mod event;
