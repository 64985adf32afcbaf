//! Answers of history as clients read them; commands that read files themselves say them in the same words.

use procyon_history::why::{self, Item, Metric};
use procyon_history::{Event, EventKind, GroupBy, Top, TopEntry};
use procyon_model::catalogue::PROCESS;
use procyon_model::frame::{EndedProcess, Exit};
use procyon_units::Wall;
use procyon_wire::history as wire;
use procyon_wire::series::{Other, TopAnswer, TopItem};

use crate::access::Sight;
use crate::rows::{self, readable};
use crate::table;
use crate::v1::signal_name;

/// A ranking, for those who may see everything.
pub fn top(top: &Top, at: Wall) -> TopAnswer {
    top_for(top, GroupBy::Process, Sight::All, at)
}

/// A ranking, as somebody with this sight sees it.
pub(crate) fn top_for(top: &Top, group: GroupBy, sight: Sight, at: Wall) -> TopAnswer {
    let sees = |id: &str| table::figure(id, PROCESS, sight).is_ok();
    let by_label = matches!(group, GroupBy::Process | GroupBy::Label);
    let item = |entry: &TopEntry| TopItem {
        key: entry.key.to_string(),
        label: readable(rows::label(sight, &entry.label, &entry.descriptor.title)),
        name: readable(&entry.descriptor.name),
        value: entry.mean,
        group: readable(if by_label { rows::past_label(sight, &entry.group) } else { &entry.group }),
        processes: entry.processes,
        user: sees("user").then(|| readable(&entry.descriptor.user)),
        cmd: sees("cmd").then(|| readable(&entry.descriptor.cmd)),
        first: Some(entry.first.unix_ms()),
        last: Some(entry.last.unix_ms()),
    };
    TopAnswer {
        at: at.unix_ms(),
        items: top.entries.iter().map(item).collect(),
        other: Other { count: top.other_count, value: top.other_mean },
        covered_s: top.covered.as_secs_f64(),
    }
}

/// Something that happened.
pub(crate) fn event(event: &Event) -> wire::Event {
    let row = event.process.as_ref().map(|process| &process.row);
    let dead = event.process.as_deref().filter(|_| event.kind == EventKind::Death);
    wire::Event {
        at: event.at.unix_ms(),
        kind: event.kind.word().to_owned(),
        key: row.map(|row| row.key.to_string()),
        name: row.map(|row| readable(&row.descriptor.name)),
        label: row.map(|row| readable(&row.label)),
        cmd: row.map(|row| readable(&row.descriptor.cmd)),
        user: row.map(|row| readable(&row.descriptor.user)),
        ending: dead.map(ending).unwrap_or_default(),
        since: event.since.map(Wall::unix_ms),
    }
}

/// How a process ended, for those who may see everything.
pub fn ending(process: &EndedProcess) -> wire::Ending {
    let exit = process.exit.get().map(|exit| match exit {
        Exit::Code(code) => wire::Exit { code: Some(*code), signal: None },
        Exit::Signal(number) => wire::Exit { code: None, signal: Some(signal_name(*number)) },
    });
    let death = &process.death;
    let sender = death.sender.as_ref();
    wire::Ending {
        exit,
        sender: sender.map(|sender| wire::Sender { pid: sender.pid, uid: sender.uid, name: readable(&sender.name) }),
        oom: Some(death.oom),
        core: Some(death.core_dumped),
        is_final: Some(death.is_final),
    }
}

/// How a process ended, as far as a caller may see it: the kernel tells that to the parent alone.
pub(crate) fn ending_for(process: &EndedProcess, sight: Sight) -> wire::Ending {
    match sight {
        Sight::All => ending(process),
        Sight::Public => wire::Ending { is_final: Some(process.death.is_final), ..wire::Ending::default() },
    }
}

/// What changed the most.
pub fn why(why: &why::Why, metric: Metric) -> wire::Why {
    wire::Why {
        at: why.at.unix_ms(),
        from: why.around.0.unix_ms(),
        before: wire::Span { from: why.before.0.unix_ms(), to: why.before.1.unix_ms() },
        known_before: why.known_before,
        metric: metric.word().to_owned(),
        items: why.items.iter().map(item).collect(),
        events: why.events.iter().map(event).collect(),
    }
}

fn item(item: &Item) -> wire::WhyItem {
    wire::WhyItem {
        kind: if item.group.is_some() { "group" } else { "process" }.to_owned(),
        group: item.group.map(|group| group.word().to_owned()),
        key: item.key.to_string(),
        label: readable(&item.label),
        name: readable(&item.name),
        user: readable(&item.user),
        processes: item.processes,
        now: item.now,
        before: item.before,
        change: item.change(),
        share: item.share,
        born: item.born,
        ended: item.ended,
        restarted: item.restarted,
        text: item.text.clone(),
    }
}
