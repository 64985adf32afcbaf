//! Collectors of the network, in a network of the test's own: a pair of interfaces joined by a cable, and some routes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::exposition::scrape;

/// A process that holds a network namespace open.
struct Network(Child);

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

const SETUP: &str = "set -e
ip link set lo up
ip link add one type veth peer name other
ip address add 192.0.2.1/24 dev one
ip link set one up
ip link set other up
ip route add 198.51.100.0/24 via 192.0.2.9 proto dhcp metric 50
ip route add default nexthop via 192.0.2.8 weight 1 nexthop via 192.0.2.9 weight 5
ip route add blackhole 203.0.113.0/24
ip route add 198.51.100.0/24 via 192.0.2.9 proto dhcp metric 50 table 7
ip -6 route add 2001:db8::/32 dev other proto static metric 9
cat /sys/class/net/other/ifindex 2>/dev/null || true
echo ready
exec sleep 600";

/// None where this user may not make networks.
fn network() -> Option<Network> {
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", SETUP]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let output = child.stdout.take().unwrap();
    let network = Network(child);
    BufReader::new(output).lines().map_while(Result::ok).any(|line| line == "ready").then_some(network)
}

/// A scrape by a thread in that network: what it starts is there, too.
fn scrape_in(network: &Network, arguments: &'static [&'static str]) -> String {
    let path = format!("/proc/{}/ns/net", network.0.id());
    let scrape = move || {
        let namespace = std::fs::File::open(path).unwrap();
        let kind = Some(rustix::thread::LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), kind).unwrap();
        scrape(arguments)
    };
    std::thread::spawn(scrape).join().unwrap()
}

fn lines<'a>(text: &'a str, beginning: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.starts_with(beginning)).collect()
}

#[test]
fn routes_are_told_by_interface_and_way() {
    let Some(network) = network() else {
        println!("skipped: this user may not make a network");
        return;
    };
    let text = scrape_in(&network, &["--collector.disable-defaults", "--collector.network_route"]);
    let told = lines(&text, "node_network_route_info{");
    for series in [
        "dest=\"192.0.2.0/24\",device=\"one\",gw=\"\",priority=\"0\",proto=\"kernel\",src=\"192.0.2.1\",weight=\"\"",
        "dest=\"198.51.100.0/24\",device=\"one\",gw=\"192.0.2.9\",priority=\"50\",proto=\"dhcp\",src=\"\",weight=\"\"",
        "dest=\"default\",device=\"one\",gw=\"192.0.2.8\",priority=\"0\",proto=\"boot\",src=\"\",weight=\"1\"",
        "dest=\"default\",device=\"one\",gw=\"192.0.2.9\",priority=\"0\",proto=\"boot\",src=\"\",weight=\"5\"",
        "dest=\"2001:db8::/32\",device=\"other\",gw=\"\",priority=\"9\",proto=\"static\",src=\"\",weight=\"\"",
    ] {
        assert!(told.contains(&&*format!("node_network_route_info{{{series}}} 1")), "{series} is missing in\n{text}");
    }
    assert!(!text.contains("203.0.113.0"), "a route that refuses leads nowhere");
    // Four of IPv4, one of them in two tables, and the link-local one of IPv6 where there is IPv6 at all.
    let one = lines(&text, "node_network_routes{device=\"one\"}");
    assert!(matches!(*one, [line] if line.ends_with(" 5") || line.ends_with(" 6")), "{text}");
}

#[test]
fn drivers_tell_their_names_and_counters() {
    let Some(network) = network() else {
        println!("skipped: this user may not make a network");
        return;
    };
    let text = scrape_in(
        &network,
        &["--collector.disable-defaults", "--collector.ethtool", "--collector.ethtool.device-exclude=other"],
    );
    let info = lines(&text, "node_ethtool_info{");
    assert!(matches!(*info, [line] if line.contains("device=\"one\",driver=\"veth\"")), "{text}");
    // The one counter whose value is known: the number of the other end.
    let pid = network.0.id().to_string();
    let other = Command::new("nsenter")
        .args(["--net", "--target", &pid, "ip", "-o", "link", "show", "other"])
        .output()
        .unwrap()
        .stdout;
    let index = String::from_utf8(other).unwrap().split(':').next().unwrap().to_owned();
    let line = format!("node_ethtool_peer_ifindex{{device=\"one\"}} {index}");
    assert!(text.lines().any(|own| own == line), "{line} is missing in\n{text}");
    assert!(text.contains("# HELP node_ethtool_peer_ifindex Network interface peer_ifindex\n"), "{text}");
    assert!(text.contains("# TYPE node_ethtool_peer_ifindex untyped\n"), "{text}");
    assert_eq!(lines(&text, "node_network_autonegotiate{").len(), 1, "{text}");
    assert!(!text.contains("device=\"other\"") && !text.contains("device=\"lo\""), "{text}");
    let few = scrape_in(
        &network,
        &["--collector.disable-defaults", "--collector.ethtool", "--collector.ethtool.metrics-include=^peer"],
    );
    assert_eq!(lines(&few, "node_ethtool_").len(), 4, "two interfaces, each with info and one counter:\n{few}");
}
