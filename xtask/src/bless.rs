//! Rewriting what is generated: the tests that compare a checked-in file with what the code makes
//! write that file instead when `BLESS=1` is set.

use anyhow::Result;

use crate::place::Place;
use crate::{notices, step, web};

/// What is generated, and the tests that make it: package and a part of the tests' names.
const GENERATED: &[(&str, &str, &str)] = &[("docs/metrics.md", "xtask", "metrics_doc")];

/// Rewrites all of it. Read the diff before you commit it.
pub fn bless(place: &Place, _: &[String]) -> Result<()> {
    web::build(place)?;
    for (what, package, tests) in GENERATED {
        step::run(
            what,
            step::cargo(place).args(["test", "--quiet", "--locked", "--package", package, tests]).env("BLESS", "1"),
        )?;
    }
    notices::notices(place, &[])?;
    step::say("    now read `git diff`");
    Ok(())
}
