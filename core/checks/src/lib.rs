//! Checks of a table, whatever engine runs their queries: what a file says about them, what is wrong with it before
//! anything runs, their queries, and what the answers mean.
//!
//! A hook embeds [`Check`]s and [`OnFailure`] in its config, calls [`validate`], runs [`Check::query`] or a [`Combined`]
//! one in its [`Dialect`], and has the texts of the [`Answer`] judged by [`Check::judge`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod answer;
mod combined;
mod config;
mod files;
mod judge;
mod parse;
mod query;
mod validate;

pub use answer::Answer;
pub use combined::Combined;
pub use config::{Between, Check, ColumnList, Freshness, OnFailure, RowCount, SqlQuery, Value};
pub use files::FilesCounted;
pub use parse::{grouped_aliases, parse_query, parser_reason};
pub use query::{Dialect, quoted, quoted_text};
pub use validate::{check_name, validate, validate_dataset};
