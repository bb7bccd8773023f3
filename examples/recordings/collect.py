"""Turns what record.sh recorded into the files that are kept: python3 collect.py WORK OUTPUT

Writes kfree_skb.trace, kfree_skb.symbols and events/, and prints how many there are of what. Names of
processes that the recording did not start become other-1, other-2 and so on.
"""

import collections
import os
import re
import shutil
import sys

import packets

# What the recording starts, and threads of the kernel, whose names are the same everywhere.
OWN = {"record.sh", "sh", "cat", "python3", "ip", "tc", *(name for name, _ in packets.PHASES)}
KERNEL = re.compile(r"swapper/\d+|(?:ksoftirqd|migration)/\d+|kworker/[\w:]+|rcu_\w+|<\.\.\.>|<idle>")
HEADER = re.compile(r"^( *)(.+?)-(\d+) +\[(?=\d{3}\] )")
SWITCH = re.compile(r"(prev|next)_comm=(.+?) \1_pid=(\d+) ")
LOCATION = re.compile(r"location=([^+\s]+)\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?")


class Renamer:
    """Gives foreign processes other names."""

    def __init__(self):
        self.names = {}

    def name(self, name, pid):
        if name in OWN or KERNEL.fullmatch(name):
            return name
        return self.names.setdefault((name, pid), f"other-{len(self.names) + 1}")

    def line(self, line):
        # The columns are those of the kernel: a name of 16 characters, a number of 7.
        line = HEADER.sub(lambda at: f"{self.name(at[2], at[3]):>16}-{at[3]:<7} [", line)
        return SWITCH.sub(lambda at: f"{at[1]}_comm={self.name(at[2], at[3])} {at[1]}_pid={at[3]} ", line)


def symbol_lines(lines, kallsyms):
    """The lines of kallsyms for the symbols that occur, each with the next one, which tells where it ends."""
    wanted = set()
    for line in lines:
        wanted.update(LOCATION.findall(line))
    symbols = []
    with open(kallsyms) as file:
        for line in file:
            address, kind, name, *module = line.split()
            symbols.append((int(address, 16), name, module[0][1:-1] if module else "", line.rstrip()))
    symbols.sort(key=lambda symbol: symbol[0])
    kept = []
    for index, (address, name, module, line) in enumerate(symbols):
        if (name, module) not in wanted:
            continue
        after = next((symbol for symbol in symbols[index:] if symbol[0] > address), None)
        kept += [line] + ([after[3]] if after else [])
    return list(dict.fromkeys(kept))


def main():
    work, output = sys.argv[1:]
    with open(os.path.join(work, "trace")) as file:
        lines = file.read().splitlines()
    events = [line for line in lines if not line.startswith("#")]
    renamer = Renamer()
    lines = [line if line.startswith("#") else renamer.line(line) for line in lines]
    with open(os.path.join(output, "kfree_skb.trace"), "w") as file:
        file.write("\n".join(lines) + "\n")
    with open(os.path.join(output, "kfree_skb.symbols"), "w") as file:
        file.write("\n".join(symbol_lines(lines, os.path.join(work, "kallsyms"))) + "\n")
    shutil.copytree(os.path.join(work, "events"), os.path.join(output, "events"), dirs_exist_ok=True)
    report(events)


def report(events):
    """Prints how many events there are of each kind, and drops by place and reason."""
    counts = collections.Counter(re.search(r"\d: (\w+): ", line)[1] for line in events)
    for name, count in counts.most_common():
        print(f"{count:6} {name}")
    drop = re.compile(r"location=(\S+(?: \[\w+\])?) reason: (\w+)")
    drops = collections.Counter(match.groups() for line in events if (match := drop.search(line)))
    for (place, reason), count in drops.most_common():
        print(f"{count:6} {place} {reason}")


if __name__ == "__main__":
    main()
