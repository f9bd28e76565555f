"""What network tests share: an instance with a CNI list of the test's own, and a plugin that writes down what it is told."""

import json
import os

from instance import Instance

# Passes on what the plugin before it answered, or answers itself; fails or hangs when a file in the test's root says so.
PROBE = r"""#!/usr/bin/python3
import json, os, sys, time
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
verb = os.environ["CNI_COMMAND"]
config = json.load(sys.stdin)
with open(root + "/calls", "a") as calls:
    calls.write(json.dumps({"plugin": os.path.basename(__file__), "verb": verb, "config": config,
                            "environment": dict(os.environ)}) + "\n")
if os.path.exists(root + "/hang-" + verb):
    sys.stderr.write("waiting for the agent\n")
    sys.stderr.flush()
    time.sleep(1000)
if os.path.exists(root + "/fail-" + verb):
    sys.stderr.write("the agent said \x1b[31mno\n")
    json.dump({"cniVersion": config["cniVersion"], "code": 100, "msg": "not now"}, sys.stdout)
    sys.exit(1)
if verb == "ADD":
    answer = {"cniVersion": config["cniVersion"], "ips": [{"version": "4", "address": "10.99.0.9/24"}]}
    json.dump(config.get("prevResult", answer), sys.stdout)
"""


def bridge(instance, **more):
    """Debian's bridge, with an IPv4 and an IPv6 address for each pod."""
    return {"type": "bridge", "bridge": "bh-test1", "isGateway": True, "hairpinMode": True,
            "ipam": {"type": "host-local", "dataDir": instance.ipam,
                     "ranges": [[{"subnet": "10.112.0.0/16"}], [{"subnet": "fd00:112::/64"}]]}, **more}


GATEWAY, GATEWAY6 = "10.112.0.1", "fd00:112::1"


def instance(ceiling="", network="", **more):
    """Not started. Its CNI directory is ROOT/net/cni.d, and empty; its first plugin directory ROOT/plugins."""
    made = Instance(ceiling=ceiling, **more)
    with open(made.ceiling_file, "a") as file:
        file.write(f'log_roots = ["{made.root}/logs"]\n')
    made.plugins = os.path.join(made.root, "plugins")
    made.cni = os.path.join(made.root, "net", "cni.d")
    os.makedirs(made.cni)
    os.mkdir(made.plugins)
    with open(made.config_file) as file:
        text = file.read()
    text = text.replace(f'config_dir = "{made.root}/cni"', f'config_dir = "{made.cni}"\n{network}')
    text = text.replace('plugin_dirs = [', f'plugin_dirs = ["{made.plugins}", ')
    with open(made.config_file, "w") as file:
        file.write(text)
    return made


def write_list(made, name, plugins, version="1.0.0", network="test", **more):
    text = json.dumps({"cniVersion": version, "name": network, "plugins": plugins, **more})
    write(os.path.join(made.cni, name), text)


def write_plugin(made, name, text=PROBE):
    write(os.path.join(made.plugins, name), text, 0o755)


def write(path, text, mode=0o644):
    """Under another name first: nobody reads half of it."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)


def calls(made, verb=None, plugin=None):
    """What PROBE was told, oldest first."""
    try:
        with open(os.path.join(made.root, "calls")) as file:
            lines = [json.loads(line) for line in file]
    except FileNotFoundError:
        return []
    return [call for call in lines if verb in (None, call["verb"]) and plugin in (None, call["plugin"])]


def forget_calls(made):
    write(os.path.join(made.root, "calls"), "")
