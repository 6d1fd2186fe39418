#!/usr/bin/env python3
"""Every command of docs/conflicts.md is run, word for word but for the id, where it makes sense; every rule on the page is
read as a policy."""
import re
import shlex
import subprocess
import sys
import tomllib

from harness import ROOT, arguments, check, play, say, settle

PAGE = ROOT / 'docs' / 'conflicts.md'


def blocks(language):
    return re.findall(rf'^```{language}\n(.*?)^```', PAGE.read_text(), re.M | re.S)


def edit(node, person, change):
    node.sql(f"UPDATE person SET {change}, changed_by = 1, date_changed = NOW() WHERE uuid = '{person}'")


def scenario(scene):
    hq = scene.parent()
    rules = '\n'.join(block for block in blocks('toml') if '[[rule]]' in block)
    program = ROOT / 'examples' / 'policies' / 'stopped_order_wins.py'
    (hq.folder / program.name).write_bytes(program.read_bytes())
    (hq.folder / program.name).chmod(0o755)
    # The page has two rules for one field on purpose: each stands alone there.
    kept, seen = [], set()
    for rule in tomllib.loads(rules)['rule']:
        what = (rule['type'], rule.get('group', '*'))
        if what not in seen and what != ('Patient', 'birthdate'):
            kept.append(rule)
        seen.add(what)
    check(len(seen) >= 7, f'the page has only {len(seen)} rules')
    text = 'name = "page"\nversion = 1\n' + ''.join(
        '[[rule]]\n' + ''.join(f'{key} = "{value}"\n' for key, value in rule.items()) for rule in kept)
    (hq.folder / 'policy.toml').write_text(text)
    named = [block for block in blocks('toml') if block.startswith('[policy]')]
    check(len(named) == 1, 'the page does not say how to name the file')
    hq.config.write_text(hq.config.read_text() + '\n' + named[0])
    hq.serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 5)).serve().await_running()
    b = scene.child(hq, 'lodwar').serve().await_running()
    settle(hq, [a, b])
    people = [row[0] for row in a.sql('SELECT p.uuid FROM person p JOIN patient t ON t.patient_id = p.person_id ORDER BY 1')]

    def conflict(year=[1960]):
        """A new open conflict; its id."""
        year[0] += 1
        person = people[year[0] % len(people)]
        for node in (a, b):
            node.line.block()
        edit(a, person, f"birthdate = '{year[0]}-01-01'")
        edit(b, person, f"birthdate = '{year[0]}-02-02'")
        for node in (a, b):
            node.line.unblock()
        settle(hq, [a, b])
        return hq.conflicts()[-1]['id']
    current, ran = conflict(), 0
    for block in blocks('sh'):
        for line in block.strip().splitlines():
            if 'conflict resolve' in line and not hq.conflicts():
                current = conflict()
            words = [current if word == '3f2a' else word for word in shlex.split(line)]
            check(words[0] == 'omrsync', f'no command of ours: {line}')
            if words[2] == 'undo':
                current = hq.conflicts('decided')[-1]['id'] if hq.conflicts() == [] else current
                newest = conflict()
                hq.run('conflict', 'resolve', newest, '--take', 'lodwar')
                words[3] = newest
            done = subprocess.run([str(scene.binary), '--config', str(hq.config), *words[1:]], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=60)
            check(done.returncode == 0, f'{line}\nended with {done.returncode}: {done.stdout}{done.stderr}')
            ran += 1
    check(ran >= 15, f'only {ran} commands on the page')
    say(f'{ran} commands of the page ran')


if __name__ == '__main__':
    sys.exit(play('the page about conflicts', scenario, arguments(__doc__)))
