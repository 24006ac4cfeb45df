//! A configuration linter and troubleshooting doctor for rsync daemons.
//!
//! The rooms, from the ground up: [`terms`] holds rsync's own words; [`syntax`] turns bytes into trees;
//! [`model`] turns trees into the configuration that the daemon really uses. Imports point downwards only.

pub mod model;
pub mod syntax;
pub mod terms;
