//! `procyon doctor`: what procyon can see and do here, each line from an attempt.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use procyon_diag::{Kind, Tone};
use procyon_linux::privilege::attempt::Attempt;
use procyon_linux::privilege::facts::{self, Facts};
use procyon_linux::privilege::held::{self, Capability};
use procyon_model::frame::FeatureHealth;
use procyon_units::Reading;
use serde_json::json;

use crate::cli::Common;
use crate::output::Output;
use crate::privilege::{self, Finding};
use crate::probe;

/// What procyon can see and do here, what is missing, and how to grant it
///
/// Every line comes from an attempt. Exit code 0 when nothing is missing that can be granted, 1 otherwise. What this
/// kernel does not have is no failure.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        let settings = common.settings()?;
        let root = probe::root(&settings);
        let mut findings = privilege::findings(&root);
        let features = procyon_collect::attempt(&root);
        privilege::settle(&mut findings, &features);
        let facts = facts::read(&root, &mut Vec::new());
        let mut out = Output::new();
        if self.json {
            out.pretty_json(&as_json(&findings, &features, &facts))?;
        } else {
            print(&mut out, &findings, &features, &facts, &privilege::missing(&findings))?;
        }
        out.flush()?;
        let refused = findings.iter().any(Finding::is_refused);
        Ok(if refused { ExitCode::from(Kind::Finding.exit_code()) } else { ExitCode::SUCCESS })
    }
}

/// The order in which people read it: what works, what is missing, and what nobody can tell.
const fn place(attempt: Attempt) -> u8 {
    match attempt {
        Attempt::Granted => 0,
        Attempt::Refused { .. } => 1,
        Attempt::Unsupported => 2,
        Attempt::NoSubject => 3,
    }
}

/// Glyph, word and tone of an outcome.
const fn outcome(attempt: Attempt) -> (&'static str, &'static str, Tone) {
    match attempt {
        Attempt::Granted => ("✓", "ok", Tone::Good),
        Attempt::Refused { .. } => ("✗", "refused", Tone::Bad),
        Attempt::Unsupported => ("–", "not here", Tone::Faint),
        Attempt::NoSubject => ("?", "untried", Tone::Faint),
    }
}

const NOT_HERE: &str = "this kernel does not have it";

fn print(
    out: &mut Output,
    findings: &[Finding],
    features: &[FeatureHealth],
    facts: &Facts,
    missing: &[Capability],
) -> Result<()> {
    let user = rustix::process::geteuid().as_raw();
    writeln!(out, "{}\n", out.palette.paint(Tone::Strong, format!("procyon as user {user} on this machine")))?;
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| place(finding.attempt));
    for finding in &findings {
        let (glyph, word, tone) = outcome(finding.attempt);
        let mark = out.palette.paint(tone, format!("{glyph} {word:<8}"));
        writeln!(out, "{mark}  {}", finding.gives)?;
        let faint = |out: &Output, text: String| out.palette.paint(Tone::Faint, text);
        match finding.attempt {
            Attempt::Refused { .. } => {
                let said = finding.attempt.message().unwrap_or_default();
                writeln!(out, "            {}", faint(out, format!("tried to {}: {said}", finding.what)))?;
                match finding.needs() {
                    [] => writeln!(
                        out,
                        "            no capability helps: a container, seccomp or a security module forbids it"
                    )?,
                    needs => {
                        let names: Vec<&str> = needs.iter().map(|capability| capability.name()).collect();
                        writeln!(out, "            needs {}: {}", names.join(" and "), privilege::grant(needs))?;
                    }
                }
            }
            Attempt::Unsupported => writeln!(
                out,
                "            {}",
                faint(out, format!("tried to {}: {}", finding.what, finding.why.as_deref().unwrap_or(NOT_HERE)))
            )?,
            Attempt::Granted | Attempt::NoSubject => {}
        }
    }
    if findings.iter().any(|finding| finding.attempt == Attempt::NoSubject) {
        let why = "to try it on, a process of another user would have to run";
        writeln!(out, "            {}", out.palette.paint(Tone::Faint, why))?;
    }
    writeln!(out, "\n{}", out.palette.paint(Tone::Strong, "sources"))?;
    for feature in features {
        writeln!(out, "  {:<28} {}", feature.id, feature.source)?;
        if let Some(reason) = &feature.reason {
            let text = format!("not eBPF: {reason}");
            writeln!(out, "            {}", out.palette.paint(Tone::Faint, text))?;
        }
    }
    writeln!(out, "\n{}", out.palette.paint(Tone::Strong, "kernel"))?;
    for (name, value) in describe(facts) {
        writeln!(out, "  {name:<28} {value}")?;
    }
    if missing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{} all of it at once, then start procyon again:", out.palette.paint(Tone::Hint, "grant"))?;
    writeln!(out, "  {}", privilege::grant(missing))?;
    let names: Vec<&str> = missing.iter().map(|capability| capability.name()).collect();
    writeln!(out, "or, in a systemd unit:\n  AmbientCapabilities={}", names.join(" "))?;
    Ok(())
}

fn describe(facts: &Facts) -> Vec<(&'static str, String)> {
    let number = |reading: &Reading<u64>| reading.get().map_or_else(|| "not here".to_owned(), u64::to_string);
    let kernel = facts.kernel.get().map_or_else(
        || "unknown".to_owned(),
        |version| format!("{}.{}.{}", version.major, version.minor, version.patch),
    );
    let hidepid = facts.hidepid.get().map_or_else(
        || "unknown".to_owned(),
        |value| match value {
            0 => "0 (all processes are visible)".to_owned(),
            1 => "1 (files of other users' processes are hidden)".to_owned(),
            other => format!("{other} (other users' processes are hidden)"),
        },
    );
    let files = held::limits().open_files;
    let limit = |value: Option<u64>| value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string());
    vec![
        ("version", kernel),
        ("type information (BTF)", if facts.btf { "yes" } else { "no" }.to_owned()),
        ("hidepid of /proc", hidepid),
        ("lockdown", facts.lockdown.get().map_or_else(|| "not here".to_owned(), ToString::to_string)),
        ("ptrace_scope (Yama)", number(&facts.yama)),
        ("unprivileged_bpf_disabled", number(&facts.unprivileged_bpf_disabled)),
        ("open files", format!("{} (may be raised to {})", limit(files.soft), limit(files.hard))),
    ]
}

fn as_json(findings: &[Finding], features: &[FeatureHealth], facts: &Facts) -> serde_json::Value {
    let items: Vec<_> = findings
        .iter()
        .map(|finding| {
            let needs = finding.needs();
            let names: Vec<&str> = needs.iter().map(|capability| capability.name()).collect();
            let (_, word, _) = outcome(finding.attempt);
            json!({
                "id": finding.id, "tried": finding.what, "gives": finding.gives, "outcome": word,
                "said": finding.attempt.message().or_else(|| finding.why.as_deref().map(str::to_owned)), "needs": names,
                "grant": (!needs.is_empty()).then(|| privilege::grant(needs)),
            })
        })
        .collect();
    let features: Vec<_> = features
        .iter()
        .map(|feature| json!({"id": feature.id, "source": feature.source, "reason": feature.reason.as_deref()}))
        .collect();
    let missing: Vec<&str> = privilege::missing(findings).iter().map(|capability| capability.name()).collect();
    let kernel: serde_json::Map<String, serde_json::Value> =
        describe(facts).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({"uid": rustix::process::geteuid().as_raw(), "findings": items, "features": features, "missing": missing, "kernel": kernel})
}
