//! Which programs take which secrets in short options and plain arguments.

/// How a secret stands in an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Only in the same word: `-pX`. `-p` alone asks for it.
    Glued,
    /// In the same word or in the next: `-aX`, `-a X`.
    Value,
    /// Only in the next word, for programs whose long options have one dash: `-k X`, but `-key file`.
    Next,
    /// In either, behind a separator: `-u name:X`.
    After(u8),
    /// In either, as `NAME=value`: read as an assignment.
    Header,
    /// openssl: `pass:X`, while `file:…` and `env:…` name where it is.
    PassArgument,
    /// In either, and no secret: so that the value is not taken for an argument.
    Open,
    /// A switch, although its name looks like an option with a secret: `psql --password`.
    Switch,
}

/// An option of a command: a letter (`p`), or a name with or without dashes (`user`).
pub(super) type Opt = (&'static str, Form);

/// What is known of a command.
#[derive(Debug)]
pub(super) struct Command {
    names: &'static [&'static str],
    /// Its options that hold secrets.
    pub(super) options: &'static [Opt],
    /// Letters that take a value, so that a cluster is read up to there: in `-sSu a:b` the `u`, in `-ou` not.
    pub(super) valued: &'static str,
    /// The options count only behind this word: `docker login -p`.
    pub(super) only_after: &'static str,
    /// Plain arguments that are secrets.
    pub(super) plain: Plain,
    /// It runs another command, which stands somewhere behind.
    pub(super) runs: bool,
}

/// Plain arguments that are secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// None.
    None,
    /// `htpasswd -b [-n] [file] user X`.
    Htpasswd,
    /// `user/X@db` of Oracle.
    Slash,
    /// `user:X@host` without a scheme.
    Userinfo,
    /// The argument so many places behind two words; any word may stand first where the first is empty. `mc alias set name URL
    /// user X`. Right behind the second may also stand `name=value` pairs, which are read by name.
    Later(&'static [(&'static str, &'static str, u8)]),
    /// The word behind one of these: `nmcli device wifi connect SSID password X`.
    Behind(&'static [&'static str]),
    /// The argument of this number, counted from 1.
    Nth(u8),
    /// None, but an argument with blanks is a command line for a shell: `ssh host '…'`.
    Script,
}

const NONE: Command = Command { names: &[], options: &[], valued: "", only_after: "", plain: Plain::None, runs: false };

const fn takes(names: &'static [&'static str], options: &'static [Opt]) -> Command {
    Command { names, options, ..NONE }
}

const fn runs(names: &'static [&'static str]) -> Command {
    Command { names, runs: true, ..NONE }
}

const CURL_VALUED: &str = "AbcCdDeEFhHKmoPQrtTuUwxXyYz";

/// A name that ends in `*` is a beginning. The first that fits counts.
const COMMANDS: &[Command] = &[
    takes(&["mysqld", "mysqld_safe", "mysqld_multi", "mariadbd", "mariadbd-safe", "mongod", "mongos"], &[]),
    Command { plain: Plain::Userinfo, ..takes(&["mysqlsh"], &[("p", Form::Glued)]) },
    takes(
        &[
            "mysql*",
            "mariadb*",
            "mycli",
            "mytop",
            "xtrabackup",
            "mariabackup",
            "innobackupex",
            "mydumper",
            "myloader",
            "7z",
            "7za",
            "7zr",
            "7zz",
        ],
        &[("p", Form::Glued)],
    ),
    takes(&["rar", "unrar"], &[("p", Form::Glued), ("hp", Form::Glued)]),
    Command { plain: Plain::Userinfo, ..takes(&["mongo*"], &[("p", Form::Value)]) },
    takes(
        &[
            "psql",
            "pg_*",
            "createdb",
            "dropdb",
            "createuser",
            "dropuser",
            "reindexdb",
            "vacuumdb",
            "clusterdb",
            "pgbench",
        ],
        &[("password", Form::Switch)],
    ),
    Command { runs: true, ..takes(&["sshpass"], &[("p", Form::Value)]) },
    Command {
        valued: CURL_VALUED,
        plain: Plain::Userinfo,
        ..takes(
            &["curl"],
            &[
                ("u", Form::After(b':')),
                ("U", Form::After(b':')),
                ("user", Form::After(b':')),
                ("proxy-user", Form::After(b':')),
                ("x", Form::After(b'@')),
                ("E", Form::After(b':')),
                ("cert", Form::After(b':')),
                ("H", Form::Header),
                ("b", Form::After(b'=')),
                ("cookie", Form::After(b'=')),
            ],
        )
    },
    Command { plain: Plain::Userinfo, ..takes(&["wget", "ftp", "aria2c"], &[]) },
    takes(&["http", "https", "xh", "xhs", "httpie"], &[("a", Form::After(b':')), ("auth", Form::After(b':'))]),
    takes(
        &["hey", "wrk", "ab", "vegeta"],
        &[("a", Form::After(b':')), ("A", Form::After(b':')), ("P", Form::After(b':')), ("H", Form::Header)],
    ),
    Command {
        plain: Plain::Behind(&["auth", "AUTH"]),
        ..takes(&["redis-cli", "valkey-cli", "keydb-cli"], &[("a", Form::Value)])
    },
    Command { plain: Plain::Behind(&["obscure"]), ..takes(&["rclone"], &[]) },
    Command { plain: Plain::Nth(2), ..takes(&["wpa_passphrase"], &[]) },
    takes(&["consul"], &[("encrypt", Form::Value)]),
    takes(&["cqlsh", "beeline", "dsbulk", "impala-shell"], &[("p", Form::Value)]),
    takes(&["openvpn"], &[("auth-user-pass", Form::Switch), ("secret", Form::Switch)]),
    takes(&["ldap*"], &[("w", Form::Value)]),
    takes(
        &["smbclient", "smbget", "rpcclient", "net", "smbcacls", "smbtree", "winexe", "wmic"],
        &[("U", Form::After(b'%')), ("user", Form::After(b'%'))],
    ),
    takes(&["smbmap", "crackmapexec", "netexec"], &[("p", Form::Value)]),
    Command { plain: Plain::Htpasswd, ..takes(&["htpasswd"], &[]) },
    takes(
        &["openssl"],
        &[
            ("passin", Form::PassArgument),
            ("passout", Form::PassArgument),
            ("pass", Form::PassArgument),
            ("k", Form::Next),
            ("K", Form::Next),
        ],
    ),
    takes(&["ssh-keygen"], &[("N", Form::Value), ("P", Form::Value)]),
    takes(&["plink", "pscp", "psftp"], &[("pw", Form::Value)]),
    takes(&["snmp*"], &[("c", Form::Value), ("A", Form::Value), ("X", Form::Value)]),
    takes(
        &["ipmitool", "zip", "unzip", "sqlcmd", "bcp", "osql", "tsql", "isql", "mosquitto_pub", "mosquitto_sub"],
        &[("P", Form::Value)],
    ),
    takes(&["rdesktop", "rabbitmqadmin", "ncftpget", "ncftpput", "ncftp"], &[("p", Form::Value)]),
    takes(&["xfreerdp", "xfreerdp3", "wlfreerdp"], &[("/p:", Form::Glued)]),
    takes(&["x11vnc"], &[("passwd", Form::Value)]),
    takes(&["lftp"], &[("u", Form::After(b','))]),
    takes(&["etcdctl"], &[("user", Form::After(b':'))]),
    takes(&["useradd", "usermod"], &[("p", Form::Value)]),
    Command { plain: Plain::Slash, ..takes(&["sqlplus", "impdp", "expdp", "exp", "imp", "sqlldr", "rman"], &[]) },
    Command {
        plain: Plain::Later(&[("", "add_user", 2), ("", "change_password", 2), ("", "authenticate_user", 2)]),
        ..takes(&["rabbitmqctl"], &[])
    },
    Command {
        plain: Plain::Later(&[("", "login", 1), ("", "unwrap", 1), ("operator", "unseal", 1)]),
        ..takes(&["vault", "bao"], &[("method", Form::Open), ("path", Form::Open)])
    },
    Command {
        plain: Plain::Later(&[("alias", "set", 4), ("host", "add", 4), ("user", "add", 3)]),
        ..takes(&["mc", "mcli"], &[])
    },
    Command {
        plain: Plain::Behind(&["password", "wifi-sec.psk", "802-11-wireless-security.psk"]),
        ..takes(&["nmcli"], &[])
    },
    Command {
        only_after: "login",
        runs: true,
        ..takes(
            &["docker", "podman", "nerdctl", "helm", "buildah", "skopeo", "oc", "az", "cf", "crane", "oras"],
            &[("p", Form::Value)],
        )
    },
    Command {
        plain: Plain::Script,
        ..runs(&["ssh", "autossh", "mosh", "watch", "su", "runuser", "script", "screen", "tmux", "at", "batch"])
    },
    runs(&[
        "do",
        "then",
        "else",
        "if",
        "elif",
        "while",
        "until",
        "!",
        "eval",
        "builtin",
        "sh",
        "bash",
        "dash",
        "ash",
        "zsh",
        "ksh",
        "fish",
        "busybox",
        "sudo",
        "doas",
        "env",
        "nice",
        "ionice",
        "chrt",
        "taskset",
        "timeout",
        "nohup",
        "setsid",
        "stdbuf",
        "time",
        "exec",
        "command",
        "strace",
        "ltrace",
        "gdb",
        "valgrind",
        "xargs",
        "parallel",
        "flock",
        "chroot",
        "nsenter",
        "unshare",
        "setpriv",
        "gosu",
        "su-exec",
        "tini",
        "dumb-init",
        "s6-setuidgid",
        "systemd-run",
        "kubectl",
        "k3s",
        "crictl",
        "ctr",
        "lxc",
        "lxc-attach",
        "machinectl",
        "proxychains*",
        "torsocks",
        "unbuffer",
        "expect",
        "python*",
        "perl",
        "ruby",
        "node",
        "php",
        "cron",
        "crond",
        "CRON",
        "find",
        "docker-compose",
        "faketime",
        "numactl",
        "cgexec",
        "start-stop-daemon",
        "daemonize",
        "supervise",
        "chpst",
        "catchsegv",
        "rr",
        "perf",
        "hyperfine",
        "entr",
    ]),
];

/// What is known of the program in this word: a path, a name, a login shell's `-bash`.
pub(super) fn lookup(word: &[u8]) -> Option<&'static Command> {
    let name = word.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let name = name.strip_suffix(b":").unwrap_or(name);
    let named = |known: &str| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start.as_bytes()),
        None => name == known.as_bytes(),
    };
    COMMANDS.iter().find(|command| command.names.iter().any(|known| named(known)))
}
