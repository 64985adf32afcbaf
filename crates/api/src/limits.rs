//! A limit on everything that outside can grow. What a limit cuts off is counted (see [`crate::Counters`]).

use std::time::Duration;

/// Connections open at one time over TCP; more are closed at once and counted.
pub const MAX_CONNECTIONS: usize = 1024;
/// Connections open at one time over the local socket, which are counted apart, so that no flood over TCP takes them.
pub const MAX_LOCAL_CONNECTIONS: usize = 128;
/// How many of these may be open before users other than root and our own are turned away.
pub const MAX_OTHER_USERS_CONNECTIONS: usize = 96;
/// Live WebSockets open at one time over TCP; more are answered with 503.
pub const MAX_LIVE: usize = 512;
/// Live WebSockets open at one time over the local socket.
pub const MAX_LOCAL_LIVE: usize = 64;
/// Bytes of a request's head.
pub const MAX_HEAD: usize = 32 * 1024;
/// Headers of a request.
pub const MAX_HEADERS: usize = 64;
/// Bytes of a request's body.
pub const MAX_BODY: usize = 64 * 1024;
/// Bytes of a message from a WebSocket client.
pub const MAX_MESSAGE: usize = 64 * 1024;
/// Bytes of a filter expression.
pub const MAX_FILTER: usize = 8 * 1024;
/// Time in which the head of a request must arrive.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Time in which the body of a request must arrive; else 408.
pub const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// Time in which a request must be answered.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// Time in which a TLS handshake must end.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// Time in which a client must take something of what waits for it; else it is cut off.
pub const READ_DEADLINE: Duration = Duration::from_secs(10);
/// How long a client that we turn away may go on sending until it has read why.
pub const PARTING: Duration = Duration::from_secs(1);
/// Bytes that the kernel holds for a client that is slow to read.
pub const SEND_BUFFER: usize = 256 * 1024;
/// Bytes that are read at once from a live client, who says little.
pub const LIVE_READ: usize = 4 * 1024;
/// Frames that wait for a live client; a slower one gets a gap.
pub const LIVE_QUEUE: usize = 4;
/// Distinct live subscriptions at one time.
pub const MAX_CHANNELS: usize = 256;
/// Rows of a list without `limit`.
pub const DEFAULT_ROWS: usize = 100;
/// Rows of a list at most.
pub const MAX_ROWS: usize = 100_000;
/// Lines of a series answer at most.
pub const MAX_LINES: usize = 5000;
/// Instants of a series answer at most.
pub const MAX_POINTS: usize = 100_000;
/// Instants of a series answer when no step is named.
pub const USUAL_POINTS: usize = 600;
/// Values of a series answer at most, all lines and columns together.
pub const MAX_VALUES: usize = 2_000_000;
/// Items of `top` and `why` at most.
pub const MAX_TOP: usize = 100;
/// Processes of `search` at most.
pub const MAX_FOUND: usize = 1000;
/// Events at most.
pub const MAX_EVENTS: usize = 10_000;
/// Questions about the past that are answered at one time; more wait.
pub const HISTORY_QUESTIONS: usize = 3;
/// Of these, about long ranges.
pub const LONG_QUESTIONS: usize = 2;
/// Of these, by callers without a token; one about a long range counts as two.
pub const PUBLIC_QUESTIONS: usize = 2;
/// How long a question about the past waits for its turn; then it is answered with 503.
pub const TURN_DEADLINE: Duration = Duration::from_secs(10);
/// After how long such a question may be asked again.
pub const TURN_AGAIN: Duration = Duration::from_secs(3);
/// Objects of `/monitor/process/status` at most; more frames are thinned out.
pub const MAX_STATUS: u64 = 120;
/// Minutes of `/monitor/process/status` at most.
pub const MAX_STATUS_MINUTES: usize = 1440;
/// Threads that answer what may take longer than async code may.
pub const BLOCKING_THREADS: usize = 4;
/// Wrong tokens from one address before it has to wait.
pub const FREE_ATTEMPTS: u32 = 5;
/// Addresses whose wrong tokens are remembered; the oldest are forgotten.
pub const REMEMBERED_ADDRESSES: usize = 1024;
/// How long a session cookie is good.
pub const SESSION_LIFE: Duration = Duration::from_hours(7 * 24);
/// How soon a live client whose token was taken back is cut off.
pub const TOKEN_CHECK: Duration = Duration::from_secs(2);
/// Bytes of one text in a live row; the process by itself has the whole.
pub const LIVE_TEXT: usize = 4096;
/// Frame rate of a live client whose screen is hidden.
pub const PAUSED_INTERVAL: Duration = Duration::from_secs(10);
/// Requests that stopping waits for.
pub const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// Traces of system calls that go on at one time; viewers of one share it.
pub const MAX_TRACES: usize = 8;
/// How long a trace goes on when nobody says.
pub const TRACE_TIME: Duration = Duration::from_mins(5);
/// The longest that a trace goes on, so that a forgotten one ends.
pub const MAX_TRACE_TIME: Duration = Duration::from_hours(1);
/// Lines after which a trace ends.
pub const MAX_TRACE_LINES: u64 = 1_000_000;
/// Bytes of text after which a trace ends.
pub const MAX_TRACE_BYTES: u64 = 256 << 20;
/// Bytes of strings and data that are told when nobody says.
pub const TRACE_SIZE: usize = 32;
/// Most of them.
pub const MAX_TRACE_SIZE: usize = 4096;
/// The most calls that a viewer may want to be told a second, where it says how many.
pub const MAX_TRACE_RATE: usize = 100_000;
/// Lines after which a trace ends whose viewer says how many it wants a second: more than happen in the longest time.
pub const MAX_PACED_LINES: u64 = 1_000_000_000;
/// The same in bytes of text.
pub const MAX_PACED_BYTES: u64 = 1 << 40;
/// Letters of a file's name that are told.
pub const TRACE_NAME: usize = 240;
/// Calls in one message.
pub const TRACE_BATCH: usize = 500;
/// Bytes of a message to a viewer of a trace; only one call that is longer by itself makes a longer one.
pub const TRACE_MESSAGE: usize = 64 * 1024;
/// Messages that wait for a viewer of a trace; of more, it misses some and is told so.
pub const TRACE_QUEUE: usize = 64;
/// How often tracing by ptrace is tried again where another tracer has the process.
pub const TRACER_ATTEMPTS: u32 = 8;
/// Time between two such attempts.
pub const TRACER_PAUSE: Duration = Duration::from_millis(50);
