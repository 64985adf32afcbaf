//! What the path of a control group tells.

/// Where a process belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// systemd unit: the innermost service or scope; empty where there is none.
    pub(crate) unit: &'a [u8],
    /// Container.
    pub(crate) container: Option<Found<'a>>,
}

/// A container in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// Its id or, for engines without ids, its name.
    pub(crate) id: &'a [u8],
    /// What runs it.
    pub(crate) engine: &'static str,
}

/// Prefixes of the scopes that engines make under systemd: `docker-<id>.scope`.
const SCOPES: &[(&[u8], &str)] = &[
    (b"docker-", "docker"),
    (b"libpod-", "podman"),
    (b"cri-containerd-", "containerd"),
    (b"crio-", "cri-o"),
    (b"nerdctl-", "containerd"),
];

/// Takes unit and container from a path such as `/system.slice/docker-3f9a….scope`.
pub(crate) fn place(path: &[u8]) -> Place<'_> {
    let mut place = Place::default();
    let mut parent: &[u8] = b"";
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        if let Some(container) = container(parent, part, path) {
            // What is known so far is about the engine, as the service of containerd.
            place = Place { unit: b"", container: Some(container) };
        } else if part.ends_with(b".service") || part.ends_with(b".scope") {
            place.unit = part;
        }
        parent = part;
    }
    place
}

fn container<'a>(parent: &[u8], part: &'a [u8], path: &[u8]) -> Option<Found<'a>> {
    if let Some(scope) = part.strip_suffix(b".scope") {
        for (prefix, engine) in SCOPES {
            if let Some(id) = scope.strip_prefix(*prefix).filter(|id| is_id(id)) {
                return Some(Found { id, engine });
            }
        }
        // libvirt registers its virtual machines the same way; those are no containers.
        if let Some(name) = scope.strip_prefix(b"machine-").filter(|name| !name.starts_with(br"qemu\x2d")) {
            return Some(Found { id: name, engine: "nspawn" });
        }
    }
    if let Some(name) = part.strip_prefix(b"systemd-nspawn@").and_then(|name| name.strip_suffix(b".service")) {
        return Some(Found { id: name, engine: "nspawn" });
    }
    // containerd's own driver: `…/cri-containerd:<id>` or `:cri-containerd:<id>`.
    if let Some(at) = part.iter().rposition(|byte| *byte == b':')
        && let (before, [_, id @ ..]) = part.split_at(at)
        && is_id(id)
    {
        let engine = if before.ends_with(b"crio") { "cri-o" } else { "containerd" };
        return Some(Found { id, engine });
    }
    // The cgroupfs driver: `/docker/<id>`, `/libpod_parent/libpod-<id>`, `/kubepods/…/pod<uid>/<id>`, `/lxc/<name>`.
    if is_id(part) {
        let kubernetes = path.windows(8).any(|window| window == b"kubepods");
        return match parent {
            b"docker" => Some(Found { id: part, engine: "docker" }),
            _ if kubernetes => Some(Found { id: part, engine: "kubernetes" }),
            b"containerd" | b"default" | b"k8s.io" => Some(Found { id: part, engine: "containerd" }),
            // Below a parent that somebody chose (`--cgroup-parent`, ECS); nothing else has such names.
            _ => Some(Found { id: part, engine: "docker" }),
        };
    }
    for (prefix, engine) in SCOPES {
        if let Some(id) = part.strip_prefix(*prefix).filter(|id| is_id(id)) {
            return Some(Found { id, engine });
        }
    }
    if let Some(name) = part.strip_prefix(b"lxc.payload.") {
        return Some(Found { id: name, engine: "lxc" });
    }
    matches!(parent, b"lxc" | b"lxc.payload").then_some(Found { id: part, engine: "lxc" })
}

/// Engines name containers by 64 hexadecimal digits.
fn is_id(word: &[u8]) -> bool {
    word.len() == 64 && word.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f9a1c07b81d022f3f9a1c07b81d022f3f9a1c07b81d022f3f9a1c07b81d022f";

    fn check(path: &str, unit: &str, container: Option<(&str, &str)>) {
        let path = path.replace("ID", ID);
        let found = place(path.as_bytes());
        assert_eq!(found.unit, unit.replace("ID", ID).as_bytes(), "{path}");
        let container = container.map(|(id, engine)| (id.replace("ID", ID), engine));
        let seen = found.container.map(|found| (String::from_utf8_lossy(found.id).into_owned(), found.engine));
        assert_eq!(seen, container, "{path}");
    }

    #[test]
    fn engines_are_told_by_their_paths() {
        check("/system.slice/docker-ID.scope", "", Some(("ID", "docker")));
        check("/docker/ID", "", Some(("ID", "docker")));
        check("/docker/ID/init.scope", "init.scope", Some(("ID", "docker")));
        check("/machine.slice/libpod-ID.scope", "", Some(("ID", "podman")));
        check("/libpod_parent/libpod-ID", "", Some(("ID", "podman")));
        check(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podaa.slice/cri-containerd-ID.scope",
            "",
            Some(("ID", "containerd")),
        );
        check("/kubepods/besteffort/pod4a0f/ID", "", Some(("ID", "kubernetes")));
        check("/kubepods.slice/x.slice/crio-ID.scope/container", "", Some(("ID", "cri-o")));
        check(
            "/system.slice/containerd.service/kubepods-podaa.slice:cri-containerd:ID",
            "",
            Some(("ID", "containerd")),
        );
        check("/lxc/web1", "", Some(("web1", "lxc")));
        check("/lxc.payload.web1/system.slice/nginx.service", "nginx.service", Some(("web1", "lxc")));
        check("/machine.slice/machine-build.scope", "", Some(("build", "nspawn")));
        check("/machine.slice/systemd-nspawn@build.service/payload", "", Some(("build", "nspawn")));
        check("/lxc.payload/web1", "", Some(("web1", "lxc")));
        check("/lxc/101/ns/system.slice/nginx.service", "nginx.service", Some(("101", "lxc")));
        check("/ecs/prod/4f1c/ID", "", Some(("ID", "docker")));
        check("/batch/ID", "", Some(("ID", "docker")));
        check("/kubepods/burstable/pod4a0f/crio-ID", "", Some(("ID", "cri-o")));
        check("/kubepods.slice/kubepods-pod4a0f.slice/docker-ID.scope", "", Some(("ID", "docker")));
        check("/default/ID", "", Some(("ID", "containerd")));
        check("/system.slice/nerdctl-ID.scope", "", Some(("ID", "containerd")));
        check(
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
            "",
            Some(("ID", "podman")),
        );
        check("/machine.slice/machine-libpod_pod_ID.slice/libpod-ID.scope", "", Some(("ID", "podman")));
        check("/../../docker/ID", "", Some(("ID", "docker")));
    }

    #[test]
    fn what_watches_a_container_is_not_inside() {
        check("/machine.slice/libpod-conmon-ID.scope", "libpod-conmon-ID.scope", None);
        check("/kubepods.slice/crio-conmon-ID.scope", "crio-conmon-ID.scope", None);
        check("/lxc.monitor.web1", "", None);
        check(r"/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt", r"machine-qemu\x2d1\x2dvm.scope", None);
        check("/system.slice/docker.service", "docker.service", None);
        check("/docker-IDx.scope", "docker-IDx.scope", None);
    }

    #[test]
    fn units_are_the_innermost_service_or_scope() {
        check("/system.slice/system-mysql.slice/mysql@3309.service", "mysql@3309.service", None);
        check("/user.slice/user-1000.slice/user@1000.service/app.slice/app-code.service", "app-code.service", None);
        check("/user.slice/user-1000.slice/session-3.scope", "session-3.scope", None);
        check("/", "", None);
        check("", "", None);
        check("/docker/buildkit/abc", "", None);
    }
}
