#!/bin/sh
# Records why the kernel drops packets: makes two network namespaces of its own, sends packets that nobody
# wants from one to the other, and saves what ftrace prints of them, with the formats and symbols that are
# needed to read it again.
#
# Usage, as root: ./record.sh [folder]      (default: the folder that this file is in)
#
# It touches nothing that was there before: namespaces, mounts and the tracefs instance are its own and go
# when it ends, and only its own processes are traced. Needs a kernel with tracefs, veth and the event
# skb:kfree_skb, and the Debian packages iproute2, util-linux and python3; with nftables it records drops of a
# packet filter as well.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here}

fail() {
  echo "record.sh: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "expected to run as root"
for tool in ip tc unshare /usr/bin/python3; do
  command -v "$tool" >/dev/null || fail "expected $tool (packages iproute2, util-linux, python3)"
done

# Once more, in namespaces of our own: mounts, network.
if [ "${TRACEBEE_RECORDING:-}" = "" ]; then
  TRACEBEE_RECORDING=1 exec unshare --mount --net --propagation private "$0" "$output"
fi

work=$(mktemp -d)
instance=
cleanup() {
  [ -z "$instance" ] || {
    echo 0 >"$instance/tracing_on"
    echo 0 >"$instance/events/enable"
    rmdir "$instance"
  }
  rm -rf "$work"
}
export PYTHONDONTWRITEBYTECODE=1
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# ---- two hosts with a wire, and a second wire that a router has -----------------------------------

mount -t tmpfs tmpfs /run
mkdir -p /run/netns
ip netns add drops
ip link set lo up
ip link add wire0 address 02:00:00:00:00:01 type veth peer name wire1 address 02:00:00:00:00:02 netns drops
ip addr add 10.1.0.1/24 dev wire0
ip addr add fd00:1::1/64 dev wire0 nodad
ip link set wire0 up
ip route add default via 10.1.0.2
ip -6 route add default via fd00:1::2

in_drops() {
  ip netns exec drops "$@"
}
in_drops ip link set lo up
in_drops ip addr add 10.1.0.2/24 dev wire1
in_drops ip addr add fd00:1::2/64 dev wire1 nodad
in_drops ip link set wire1 up
in_drops ip link add far0 mtu 1280 type veth peer name far1
in_drops ip addr add 10.2.0.1/24 dev far0
in_drops ip link set far0 up
in_drops ip link set far1 up
in_drops ip route add blackhole 10.3.0.0/24
in_drops ip route add prohibit 10.4.0.0/24
in_drops sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
                echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 1 >/proc/sys/net/ipv4/conf/wire1/rp_filter'
if command -v nft >/dev/null; then
  in_drops nft -f - <<'RULES'
table ip filter {
  chain input {
    type filter hook input priority 0; policy accept;
    udp dport 4000-4009 drop
  }
}
RULES
fi

# ---- record ---------------------------------------------------------------------------------------

mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null || fail "expected tracefs in the kernel"
instance=/sys/kernel/tracing/instances/tracebee-$$
mkdir "$instance"
echo 0 >"$instance/tracing_on"
echo 16384 >"$instance/buffer_size_kb"
echo mono >"$instance/trace_clock"
echo 1 >"$instance/options/event-fork"
echo $$ >"$instance/set_event_pid"
events="skb/kfree_skb net/net_dev_queue net/netif_receive_skb sched/sched_switch"
# Of every packet its start or its arrival is enough.
echo 'name != "lo"' >"$instance/events/net/net_dev_queue/filter"
echo 'name == "lo"' >"$instance/events/net/netif_receive_skb/filter"
for event in $events; do
  echo 1 >"$instance/events/$event/enable" || fail "expected the event $event in the kernel"
done
echo 1 >"$instance/tracing_on"
/usr/bin/python3 "$here/packets.py"
echo 0 >"$instance/tracing_on"

# ---- save -----------------------------------------------------------------------------------------

cat "$instance/trace" >"$work/trace"
for event in $events; do
  mkdir -p "$work/events/$event"
  cat "$instance/events/$event/format" >"$work/events/$event/format"
done
cat /proc/kallsyms >"$work/kallsyms"
/usr/bin/python3 "$here/collect.py" "$work" "$output"
