#!/usr/bin/env bash
# A SYN flood, a web server and its clients, first without synward and then with it between them, for whoever watches:
# `./dev demo` builds what it needs and runs it.
#
# As root: nginx, synward and the clients each have a network namespace, with veth cables between them. All of it lives in a
# PID and a mount namespace of the demo's own, with its own /run: whatever ends the demo, the kernel then ends every
# process and forgets every interface, name, socket and file of it. Nothing reaches the machine's own network.
# Elsewhere: `synward-load lab`, synward alone with a flood and clients in one process, over in-process rings.
#
# usage: demo.sh TREE [OPTION...]     TREE holds the two programs; OPTIONs are those of `synward-load lab`
set -euo pipefail

port=443                       # without TLS: what is shown is the handshake
shielded=(198.18.0.10 2001:2::10)  # through synward
bare=198.18.1.10               # the same server by a cable of its own

die() {
  echo "demo: $*" >&2
  exit 1
}

in_clients() { ip netns exec synward-clients "$@"; }
in_server() { ip netns exec synward-server "$@"; }

# A cable: interface $2 of namespace $1 to interface $4 of namespace $3; whole segments with their checksums, as on copper.
cable() {
  ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
  local end
  for end in "$1 $2" "$3 $4"; do
    ip netns exec "${end% *}" ethtool -K "${end#* }" tx off tso off gso off gro off >/dev/null
  done
}

# Brings interface $2 of namespace $1 up, with the addresses that follow.
configure() {
  local namespace=$1 interface=$2 address
  shift 2
  ip netns exec "$namespace" sh -c "echo 0 >/proc/sys/net/ipv6/conf/$interface/accept_dad"  # nobody else is there
  for address in "$@"; do ip -n "$namespace" address add "$address" dev "$interface"; done
  ip -n "$namespace" link set "$interface" up
}

serve_web() {
  # A server with no defence of its own: a queue of 128, as many have, and no SYN cookies. Its kernel keeps a quarter of the
  # queue for clients that it remembers; here every client is a new one.
  in_server sh -c 'cd /proc/sys/net/ipv4; echo 0 >tcp_syncookies; echo 128 >tcp_max_syn_backlog; echo 1 >tcp_no_metrics_save'
  mkdir /run/web
  echo 'Hello from behind synward.' >/run/web/index.html
  cat >/run/nginx.conf <<END
daemon off;
user root;
pid /run/nginx.pid;
error_log /run/nginx.log crit;
events { worker_connections 4096; }
http {
  access_log off;
  $(for path in client_body proxy fastcgi uwsgi scgi; do echo "${path}_temp_path /run/$path;"; done)
  server {
    listen $bare:$port backlog=128;
    listen ${shielded[0]}:$port backlog=128;
    listen [${shielded[1]}]:$port backlog=128;
    root /run/web;
  }
}
END
  in_server nginx -c /run/nginx.conf &
}

# Fetches the page from $1 up to $2 times; prints how often, and how long it took at the median.
fetch() {
  local times=$2 n seconds all=()
  for ((n = 0; n < times; ++n)); do
    seconds=$(in_clients curl -s -o /dev/null -m 1 -w '%{time_total}' "http://$1:$port/") && all+=("$seconds")
    sleep 0.1
  done
  printf 'curl got its page %d times of %d' "${#all[@]}" "$times"
  ((${#all[@]} == 0)) || printf ', in %s ms at the median' \
    "$(printf '%s\n' "${all[@]}" | sort -n | awk '{v[NR] = $1} END {printf "%.1f", 1000 * v[int((NR + 1) / 2)]}')"
  echo .
}

# What the demo is made of. Runs inside the namespaces, as their process 1.
inside() {
  local tree=$1 log=/run/synward.log
  shift
  mount -t tmpfs demo /run

  local name
  for name in clients wire server; do ip netns add "synward-$name"; done
  cable synward-clients near synward-wire outside
  cable synward-wire inside synward-server back
  cable synward-clients bare synward-server door
  configure synward-clients near 198.18.0.1/24 2001:2::1/64
  configure synward-server back "${shielded[0]}/24" "${shielded[1]}/64"
  configure synward-clients bare 198.18.1.1/24
  configure synward-server door "$bare/24"
  # Who the flood claims to be: what is said to them ends in silence, and the server does not know that.
  ip -n synward-clients route add blackhole 198.19.0.0/16
  ip -n synward-clients route add blackhole 2001:2:0:8000::/49
  ip -n synward-server route add 198.19.0.0/16 via 198.18.1.1
  ip -n synward-server route add 2001:2:0:8000::/49 via 2001:2::1
  for name in outside inside; do  # the interfaces are synward's: the kernel says nothing on them
    ip netns exec synward-wire sh -c "echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6"
    ip -n synward-wire link set "$name" arp off up
  done
  serve_web
  until in_clients curl -s -o /dev/null -m 1 "http://$bare:$port/"; do sleep 0.05; done

  echo "nginx without synward, quiet:  $(fetch "$bare" 5)"
  in_clients "$tree/synward-load" flood --interface bare --target "$bare:$port" --rate 20000 --seconds 6 >/dev/null &
  local flood=$!
  sleep 1
  echo "the same, 20,000 SYNs/s:       $(fetch "$bare" 4)"
  wait "$flood"
  cat >/run/demo.toml <<'END'
[workers]
lcores = "1"
[[port]]
name = "outside"
device = "net_af_packet0,iface=outside,framecnt=8192"  # bridges the 0.4 s in which a busy machine may look away
[[port]]
name = "inside"
device = "net_af_packet1,iface=inside,framecnt=8192"
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
  ip netns exec synward-wire "$tree/synward" run -c /run/demo.toml -- \
    --no-huge --lcores "0@${cpus%%[-,]*},1@${cpus##*[-,]}" --main-lcore 0 >"$log" 2>&1 &
  local synward=$!
  until "$tree/synward" stats --socket /run/control.sock >/dev/null 2>&1; do
    if ((SECONDS > limit)) || ! kill -0 "$synward" 2>/dev/null; then
      cat "$log" >&2
      die 'synward does not start'
    fi
    sleep 0.05
  done

  local page
  for page in "${shielded[0]}" "[${shielded[1]}]"; do in_clients curl -s -o /dev/null -m 2 "http://$page:$port/"; done
  echo "nginx behind synward, quiet:   $(fetch "${shielded[0]}" 5)"
  fetch "${shielded[0]}" 20 >/run/fetched &
  local fetching=$!
  in_clients "$tree/synward-load" demo --socket /run/control.sock --interface near \
    "--target=${shielded[0]}:$port" "--target=[${shielded[1]}]:$port" "$@" || code=$?
  wait "$fetching"
  echo "nginx behind synward, flooded: $(cat /run/fetched)"
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
"$tree/synward-load" lab --dry-run "$@"  # the demo proper comes after ten seconds of contrast: too late to be told of a wrong option
own=(unshare --mount --pid --fork --kill-child --mount-proc)
if "${own[@]}" -- unshare --net true 2>/dev/null; then
  echo 'nginx, synward and real Linux clients, each in a network namespace of its own'
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
