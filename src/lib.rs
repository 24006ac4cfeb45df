//! A configuration linter and troubleshooting doctor for rsync daemons.
//!
//! The rooms, from the ground up: [`terms`] holds rsync's own words; [`host`] answers for a machine; [`syntax`] turns
//! bytes into trees; [`model`] turns trees into the configuration that the daemon really uses; [`catalog`] holds the
//! pages of `rules/`; [`diagnosis`] what is reported; [`lint`] checks; [`rsync`] is a client as a library, and [`sync`] its
//! command line; [`probe`] joins that client with what explains; [`doctor`] joins all that on a
//! failing server; [`render`] writes; [`cli`] knows the command line
//! and the environment. Imports point downwards only.

pub mod catalog;
pub mod cli;
pub mod diagnosis;
pub mod doctor;
pub mod explain;
pub mod host;
pub mod lint;
pub mod model;
pub mod probe;
pub mod render;
pub mod rsync;
pub mod sync;
pub mod syntax;
pub mod terms;
