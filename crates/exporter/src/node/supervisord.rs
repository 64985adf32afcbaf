//! `supervisord`: processes that supervisord keeps, by its XML-RPC interface over HTTP or a Unix socket.

mod http;
mod xml_rpc;

use super::{CollectError, Collector, FlagError, Flags, Outcome, Places, flag};
use crate::flags::Flag;
use crate::metric::{Kind, Metrics};
use http::Endpoint;
use xml_rpc::Value;

const URL: &str = "collector.supervisord.url";

pub(super) const FLAGS: &[Flag] = &[Flag::word(URL, "http://localhost:9001/RPC2", "XML RPC endpoint.")];

/// The most processes that are served.
const MOST_PROCESSES: usize = 10_000;

struct Supervisord {
    endpoint: Endpoint,
}

pub(super) fn make(flags: &Flags, _: &Places) -> Result<Box<dyn Collector>, FlagError> {
    let url = flags.text(URL);
    let endpoint = Endpoint::parse(url).map_err(|problem| FlagError::value(URL, url, problem))?;
    Ok(Box::new(Supervisord { endpoint }))
}

impl Collector for Supervisord {
    fn update(&self, _: &Places, out: &mut Metrics) -> Outcome {
        let failed = |source| CollectError::Call { call: "supervisor.getAllProcessInfo", source };
        let answer = self.endpoint.post(xml_rpc::GET_ALL_PROCESS_INFO).map_err(failed)?;
        let value = xml_rpc::parse(&answer).map_err(|error| failed(std::io::Error::other(error)))?;
        let Value::Array(processes) = value else {
            return Err(failed(std::io::Error::other("the answer is no list of processes")));
        };
        processes.iter().take(MOST_PROCESSES).for_each(|process| serve(process, out));
        Ok(())
    }
}

/// States of a process (supervisord.org, "Process States") in which there is one.
const STARTING: i64 = 10;
const RUNNING: i64 = 20;
const STOPPING: i64 = 40;

fn serve(process: &Value, out: &mut Metrics) {
    let labels = [("name", process.text("name")), ("group", process.text("group"))];
    let state = process.number("state");
    let up = matches!(state, STARTING | RUNNING | STOPPING);
    let all = [
        (Kind::Gauge, "state", "Process State", number(state)),
        (Kind::Gauge, "exit_status", "Process Exit Status", number(process.number("exitstatus"))),
        (Kind::Gauge, "up", "Process Up", flag(up)),
    ];
    // A counter, as upstream has it.
    let start = (Kind::Counter, "start_time_seconds", "Process start time", number(process.number("start")));
    for (kind, name, help, value) in all.into_iter().chain(up.then_some(start)) {
        out.add(kind, format!("node_supervisord_{name}").into(), help.into(), &labels, value);
    }
}

#[expect(clippy::cast_precision_loss, reason = "samples are 64-bit floats")]
const fn number(value: i64) -> f64 {
    value as f64
}
