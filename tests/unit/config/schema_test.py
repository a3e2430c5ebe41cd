"""`synward check --schema` beside `synward check -c FILE`: a schema that takes what synward takes, and refuses what it refuses,
but for what no schema can say, listed below."""

import json
import os
import pathlib
import subprocess
import tomllib

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SYNWARD = os.environ.get("SYNWARD", str(ROOT / "build" / "release" / "synward"))
SAMPLES = sorted((ROOT / "config").glob("*.toml"))

OUTSIDE = '[[port]]\nname = "outside"\ndevice = "net_null0"\n'
INSIDE = '[[port]]\nname = "inside"\ndevice = "net_null1"\n'
SERVICE = '[[service]]\nname = "web"\naddress = "198.18.0.10"\nport = 443\n'
ONE, TWO = OUTSIDE + SERVICE, INSIDE + OUTSIDE + SERVICE

# What stands behind a config of one port, and of two: each value alone. synward says which of them are right.
VALUES = {
    "[workers]\nlcores": ['"auto"', '"1"', '"1-3,6"', '"0,126"', '""', '"Auto"', '"1,"', '"1-"', '"-1"', '"1 2"', '"a"', "1"],
    "[workers]\nlcore": ['"1"'],
    "[workers]\npoll": ['"adaptive"', '"busy"', '"lazy"', '""', "true"],
    "then": ['"accept"', '"proxy"', '"reset"', '""', "1"],
    "idle_timeout": ["1", "604800", "0", "604801", "-1", '"1"', "true", "1.5"],
    "close_after": ["1", "604800", "0", "604801", '"1s"'],
    "[cookie]\nkey_file": ['"/k"', '"/etc/synward/keys.toml"', '"/a\\nb"', '"keys.toml"', '"/etc/"', '"/"', '""', "1"],
    "[drop_list]\nsources": ["[]", '["203.0.113.0/24", "2001:db8::/32", "::1"]', '"198.18.0.1"', '["198.18.0"]', "[7]", '[""]'],
    "[drop_list]\nfiles": ["[]", '["drop.txt"]', "[7]", '"/etc/drop.txt"'],
    "[table]\nconnections_per_core": ["1024", "67108864", "1023", "67108865", '"1024"'],
    "[accept]\nbacklog": ["1", "1048576", "0", "1048577"],
    "[accept]\nback_log": ["1"],
    "[inline]\npropagate_link": ["true", "false", '"true"', "1"],
    "[control]\nsocket": ['"/run/s"', f'"/{"s" * 106}"', f'"/{"s" * 107}"', '"s"', '"/run/"', '""', "7"],
    "[control]\nmetrics": [
        '"127.0.0.1:9464"', '"[::1]:65535"', '"0.0.0.0:1"', '"127.0.0.1"', '":9464"', '"127.0.0.1:0"', '"localhost:9464"', '"::1:9464"',
        '"[::1:9464"', '"127.0.0.1:9464/"', "9464",
    ],
    "[control]\ntelemetry": ["true", "false", '"true"', "1"],
    "nonsense": ["1"],
    "[nonsense]\nkey": ["1"],
    "[service]\nname": ['"web"'],  # after [[service]]: no TOML
}
PORTS = {
    "device": [
        "net_null0", "net_af_packet0,iface=eth0", "0000:3b:00.7", "3B:00.0", "52:54:00:AB:cd:0f,rxq=1", "enp59s0f0np0",
        "Eth0.5,a=b", "", "sixteen-letters_", "../eth0", "eth 0", "52:54:00:ab:cd", "0000:3b:00",
        "0000:3g:00.0", "0000:3b:00.8", "000:3b:00.0",
    ],
    "name": ["a", "inside", "two words", ""],
    "take_default_route": ["eth0", "a.b-c", "eth0,1", "", "sixteen-letters_", "a b", "a/b"],
    "mtu": [1280, 9600, 1279, 9601, "1500"],
}
SERVICES = {
    "name": ["a", "two words", ""],
    "address": [
        "198.18.0.10", "198.18.0.0/15", "2001:2::10", "2001:2::/48", "::198.18.0.1", "1.2.3.4/032",
        "", "198.18.0", "198.18.0.0/", "/24", "198.18.0.0/24/8", "198.18.0.1 ", "host.example", "a.b.c.d", "cafe",
    ],
    "port": [1, 65535, 0, 65536, -1, "443"],
}
WHOLE = {
    "nothing": "",
    "no port": SERVICE,
    "no service": OUTSIDE,
    "two ports": TWO,
    "three ports": OUTSIDE + INSIDE + INSIDE + SERVICE,
    "two ports outside": OUTSIDE + OUTSIDE.replace("null0", "null1") + SERVICE,
    "two ports, one of another name": OUTSIDE + INSIDE.replace("inside", "in") + SERVICE,
    "a port that is no array": OUTSIDE.replace("[[port]]", "[port]") + SERVICE,
    "a port without a name": OUTSIDE.replace('name = "outside"\n', "") + SERVICE,
    "a port without a device": OUTSIDE.replace('device = "net_null0"\n', "") + SERVICE,
    "a port with what nobody knows": OUTSIDE + "mut = 1500\n" + SERVICE,
    "a service without an address": ONE.replace('address = "198.18.0.10"\n', ""),
    "a service without a port": ONE.replace("port = 443\n", ""),
    "two services": ONE + SERVICE.replace("web", "b").replace("443", "80"),
    "a table that is a number": "workers = 3\n" + ONE,
}
# Right for all that a schema can say.
BEYOND_A_SCHEMA = {
    "an lcore that DPDK has not": '[workers]\nlcores = "127"\n' + ONE,
    "an lcore named twice": '[workers]\nlcores = "1,1"\n' + ONE,
    "a range backwards": '[workers]\nlcores = "3-1"\n' + ONE,
    "host bits": ONE.replace(".10", ".10/24"),
    "multicast": ONE.replace("198.18.0.10", "224.0.0.1"),
    "no such number in an address": ONE.replace("198.", "298."),
    "two services of one name": ONE + SERVICE.replace("443", "80"),
    "two ports of one device": (OUTSIDE + INSIDE).replace("null1", "null0") + SERVICE,
    "two ports of different mtu": OUTSIDE + "mtu = 1500\n" + INSIDE + "mtu = 9000\n" + SERVICE,
    "an integer written as a float": ONE + "idle_timeout = 5.0\n",
    "a folder for a file": ONE + '[control]\nsocket = "/run/.."\n',
    "half a device": ONE.replace("net_null0", "net_"),
}


def configs() -> dict[str, str]:
    """By what is special about each."""
    found = dict(WHOLE)
    for line, values in VALUES.items():
        for base, ports in ((ONE, "one"), (TWO, "two")):
            found |= {f"{ports}: {line} = {value}": f"{base}{line} = {value}\n" for value in values}
    for table, keys in ((OUTSIDE, PORTS), (SERVICE, SERVICES)):
        for key, values in keys.items():
            lines = [line for line in table.splitlines() if not line.startswith(key + " ")]
            for value in values:
                special = "\n".join([*lines, f"{key} = {json.dumps(value)}"]) + "\n"
                found[f"{lines[0]} {key} = {value!r}"] = ONE.replace(table, special)
    return found


CONFIGS = configs()


def check(path: pathlib.Path) -> subprocess.CompletedProcess:
    return subprocess.run([SYNWARD, "check", "-c", str(path)], capture_output=True, text=True, timeout=10)


def synward_takes(text: str, folder: pathlib.Path) -> bool:
    path = folder / "config.toml"
    path.write_text(text)
    done = check(path)
    assert done.returncode in (0, 2) and (done.returncode == 2) == done.stderr.startswith(str(path)), done.stderr
    return done.returncode == 0


@pytest.fixture(scope="session")
def schema() -> jsonschema.Draft202012Validator:
    done = subprocess.run([SYNWARD, "check", "--schema"], capture_output=True, check=True, timeout=10)
    return jsonschema.Draft202012Validator(json.loads(done.stdout))


def schema_takes(schema: jsonschema.Draft202012Validator, text: str) -> bool:
    try:
        return schema.is_valid(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return False


def test_it_is_a_schema(schema: jsonschema.Draft202012Validator) -> None:
    assert schema.schema["$schema"] == schema.META_SCHEMA["$schema"]
    schema.check_schema(schema.schema)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_samples_are_right(schema: jsonschema.Draft202012Validator, sample: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert synward_takes(sample.read_text(), tmp_path)
    schema.validate(tomllib.loads(sample.read_text()))


def test_what_check_prints_is_right(schema: jsonschema.Draft202012Validator) -> None:
    for sample in SAMPLES:
        schema.validate(tomllib.loads(check(sample).stdout))


@pytest.mark.parametrize("text", CONFIGS.values(), ids=[name.encode("unicode_escape").decode() for name in CONFIGS])
def test_both_say_the_same(schema: jsonschema.Draft202012Validator, text: str, tmp_path: pathlib.Path) -> None:
    assert schema_takes(schema, text) == synward_takes(text, tmp_path), text


def test_both_verdicts_occur(schema: jsonschema.Draft202012Validator) -> None:
    verdicts = [schema_takes(schema, text) for text in CONFIGS.values()]
    assert verdicts.count(True) >= 50 and verdicts.count(False) >= 100


@pytest.mark.parametrize("text", BEYOND_A_SCHEMA.values(), ids=list(BEYOND_A_SCHEMA))
def test_synward_alone_knows_that_it_is_wrong(schema: jsonschema.Draft202012Validator, text: str, tmp_path: pathlib.Path) -> None:
    assert schema_takes(schema, text) and not synward_takes(text, tmp_path), text
