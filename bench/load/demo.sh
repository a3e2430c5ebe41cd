#!/usr/bin/env bash
# A SYN flood and real clients against synward, for whoever watches: `./dev demo` builds what it needs and runs it.
#
# As root: synward and the clients each have a network namespace, and a veth cable between them. All of it lives in a
# PID and a mount namespace of the demo's own, with its own /run: whatever ends the demo, the kernel then ends every
# process and forgets every interface, name, socket and file of it. Nothing reaches the machine's own network.
# Elsewhere: `synward-load lab`, the same in one process over in-process rings.
#
# usage: demo.sh TREE [OPTION...]     TREE holds the two programs; OPTIONs are those of `synward-load lab`
set -euo pipefail

services=(198.18.0.10:443 '[2001:2::10]:443')

die() {
  echo "demo: $*" >&2
  exit 1
}

# What the demo is made of. Runs inside the namespaces, as their process 1.
inside() {
  local tree=$1 log=/run/synward.log
  shift
  mount -t tmpfs demo /run

  ip netns add synward-server
  ip netns add synward-clients
  ip link add near netns synward-clients type veth peer name far netns synward-server
  ip netns exec synward-clients bash -eu <<'END'
    echo 0 >/proc/sys/net/ipv6/conf/near/accept_dad  # nobody else is there: no second's wait for the link-local address
    ethtool -K near tx off tso off gso off gro off >/dev/null  # whole segments with their checksums, as on a cable
    ip address add 198.18.0.1/24 dev near
    ip address add 2001:2::1/64 dev near nodad
    ip link set near up
    ip route add blackhole 198.19.0.0/16  # who the flood claims to be: what is said to them ends here in silence
    ip route add blackhole 2001:2:0:8000::/49
END
  ip netns exec synward-server bash -eu <<'END'
    echo 1 >/proc/sys/net/ipv6/conf/far/disable_ipv6  # the interface is synward's: the kernel says nothing on it
    ethtool -K far tx off tso off gso off gro off >/dev/null
    ip link set far arp off up
END

  cat >/run/demo.toml <<'END'
[workers]
lcores = "1"
[[port]]
name = "outside"
device = "net_af_packet0,iface=far,framecnt=8192"  # bridges the 0.4 s in which a busy machine may look away
[[service]]
name = "web"
address = "198.18.0.10"
port = 443
[[service]]
name = "web6"
address = "2001:2::10"
port = 443
[table]
connections_per_core = 65536
[control]
socket = "/run/control.sock"
END
  local cpus code=0 limit=$((SECONDS + 30))
  cpus=$(taskset -cp $$)  # "... affinity list: 0-3,6": synward's worker has the last, the rest shares the others
  cpus=${cpus##*: }
  ip netns exec synward-server "$tree/synward" run -c /run/demo.toml -- \
    --no-huge --lcores "0@${cpus%%[-,]*},1@${cpus##*[-,]}" --main-lcore 0 >"$log" 2>&1 &
  local synward=$!
  until "$tree/synward" stats --socket /run/control.sock >/dev/null 2>&1; do
    if ((SECONDS > limit)) || ! kill -0 "$synward" 2>/dev/null; then
      cat "$log" >&2
      die 'synward does not start'
    fi
    sleep 0.05
  done

  ip netns exec synward-clients "$tree/synward-load" demo --socket /run/control.sock --interface near \
    "${services[@]/#/--target=}" "$@" || code=$?
  kill -TERM "$synward"
  wait "$synward" || { cat "$log" >&2; die 'synward does not end in order'; }
  return "$code"
}

# Ends `child` when the demo is to end, and knows how it went.
finish() {
  kill -KILL "$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || true
  exit "$1"
}

if [[ ${1:-} == --inside ]]; then
  inside "${@:2}"
  exit
fi

(($# > 0)) || die 'usage: demo.sh TREE [OPTION...]'
tree=$(realpath "$1")
shift
[[ -x $tree/synward && -x $tree/synward-load ]] || die "$tree holds no synward and synward-load: run ./dev build"
if [[ " $* " == *' --help '* || " $* " == *' -h '* ]]; then
  echo 'usage: ./dev demo [OPTION...]'
  "$tree/synward-load" lab --help | sed -n '/^Options:/,$p'
  exit
fi
own=(unshare --mount --pid --fork --kill-child --mount-proc)
if "${own[@]}" -- unshare --net true 2>/dev/null; then
  echo 'synward and real Linux clients, each in a network namespace of its own'
  "${own[@]}" -- "$0" --inside "$tree" "$@" &
else
  echo 'No right to make network namespaces: synward, the flood and clients in one process.'
  RUNTIME_DIRECTORY=$(mktemp -d)  # DPDK's, while it runs
  export RUNTIME_DIRECTORY
  trap 'rm -rf "$RUNTIME_DIRECTORY"' EXIT
  "$tree/synward-load" lab "$@" &
fi
child=$!
trap 'finish 130' INT
trap 'finish 143' TERM HUP
wait "$child"
