#!/usr/bin/env python3
"""Two clinics write one field while apart; a person at the centre decides, and takes the decision back. Then each policy in
turn decides by itself. Each time one value is in all three databases, and the conflict is closed, with one id, everywhere."""
import os
import pty
import signal
import sys
import uuid

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle, wait_until

POLICY = 'name = "trial"\nversion = {version}\n[[rule]]\ntype = "Patient"\ngroup = "{group}"\npolicy = "{word}"\nelse = "{other}"\n'
PROGRAM = '#!/bin/sh\n/bin/cat > /dev/null\n{said}\n'


def edit(node, person, change):
    node.sql(f"UPDATE person SET {change}, changed_by = 1, date_changed = NOW() WHERE uuid = '{person}'")


class Trial:
    def __init__(self, scene):
        self.scene = scene
        self.hq = scene.parent()
        self.hq.config.write_text(self.hq.config.read_text() + '\n[policy]\nfile = "policy.toml"\n')
        self.version = 0
        self.write_policy('birthdate', 'manual')
        self.hq.serve().await_running()
        self.a = scene.child(self.hq, 'kitale', fill=scene.source.data('KIT', 5)).serve().await_running()
        self.b = scene.child(self.hq, 'lodwar').serve().await_running()
        self.nodes = [self.hq, self.a, self.b]
        self.settle()
        self.people = [row[0] for row in self.a.sql(
            'SELECT p.uuid FROM person p JOIN patient t ON t.patient_id = p.person_id ORDER BY 1')]
        self.done = 0

    def settle(self):
        settle(self.hq, [self.a, self.b])

    def write_policy(self, group, word, other='manual', more=''):
        self.version += 1
        (self.hq.folder / 'policy.toml').write_text(
            POLICY.format(version=self.version, group=group, word=word, other=other) + more)
        if self.hq.daemon:
            reloads = self.hq.log().count('config.reloaded')
            self.hq.daemon.send_signal(signal.SIGHUP)
            wait_until(lambda: self.hq.log().count('config.reloaded') > reloads, 'the policy is reloaded', 20)

    def meet(self, at_a, at_b, at_hq=None):
        """Both clinics write while apart; kitale's change is at the centre first."""
        for node in (self.a, self.b):
            node.line.block()
        for node, change in ((self.a, at_a), (self.b, at_b), (self.hq, at_hq)):
            if change:
                change(node)
        self.a.line.unblock()
        self.a.sync()
        self.b.line.unblock()
        self.settle()

    def shown(self, person, column='birthdate'):
        return {node.value(f"SELECT {column} FROM person WHERE uuid = '{person}'") for node in self.nodes}

    def decided(self, resource, group, wanted_rule):
        """The newest decision about it, the same at all nodes."""
        found = []
        for node in self.nodes:
            check(not node.conflicts(), f'{node.name} still has open conflicts: {node.conflicts()}')
            mine = [c for c in node.conflicts('decided') if c['resource'] == resource and c['group'].startswith(group)]
            check(mine, f'{node.name} does not list the decision about {resource}')
            found.append(mine[-1])
        check(len({c['id'] for c in found}) == 1, f'the ids differ: {found}')
        check(all(c['decision']['rule'] == wanted_rule for c in found), f'not by {wanted_rule}: {found}')
        check(all(c['decision']['reason'] for c in found), f'no reason: {found}')
        return found[0]


def by_people(trial):
    hq, a, b, person = trial.hq, trial.a, trial.b, trial.people[0]
    trial.meet(lambda n: edit(n, person, "birthdate = '1961-01-01'"), lambda n: edit(n, person, "birthdate = '1962-02-02'"))
    one, = hq.conflicts()
    check(one['policy'] == 'trial', f'not left to people by the policy: {one}')
    check(hq.run('conflict', 'resolve', one['id'], '--take', 'nowhere', codes=None).code == 2, 'an unknown side is taken')
    check(hq.run('conflict', 'resolve', one['id'], codes=None).code == 2, 'nothing is decided')
    screen = hq.run('conflict', 'show', one['id'], '--reveal').out
    check(max(map(len, screen.splitlines())) <= 80, f'wider than 80 columns:\n{screen}')
    check(all(text in screen for text in ('1961-01-01', '1962-02-02', 'kitale', 'lodwar')), f'not all is shown:\n{screen}')
    told = hq.run('conflict', 'resolve', one['id'], '--take', 'lodwar', '--reason', 'as on the paper form', '--json').json
    check(told['state'] == 'decided' and told['decision']['by'] == 'user', f'not decided at once: {told}')
    trial.settle()
    check(trial.shown(person) == {'1962-02-02'}, f'not the value that was taken: {trial.shown(person)}')
    trial.decided(person, 'birthdate', 'take lodwar')
    check(a.conflicts('decided')[-1]['decision']['reason'] == 'as on the paper form', 'the reason did not travel')
    check(hq.run('conflict', 'resolve', one['id'], '--take', 'kitale', codes=None).code == 8, 'decided twice')
    say('taken at the centre: one value everywhere')
    undone = hq.run('conflict', 'undo', one['id'], '--reason', 'the form was of another patient', '--json').json
    check(undone['decision']['undone'], f'not undone: {undone}')
    trial.settle()
    check(trial.shown(person) == {'1961-01-01'}, f'the earlier value is not back: {trial.shown(person)}')
    for node in trial.nodes:
        check(node.conflicts('decided')[-1]['decision']['undone'], f'{node.name} does not know that it was undone')
    say('undone: the earlier value everywhere')
    by_keys(trial)
    without_daemon(trial)


def by_keys(trial):
    """--interactive on a terminal: what is written is shown first."""
    hq, person = trial.hq, trial.people[1]
    trial.meet(lambda n: edit(n, person, "birthdate = '1971-01-01'"), lambda n: edit(n, person, "birthdate = '1972-02-02'"))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(str(hq.scene.binary), ['omrsync', '--config', str(hq.config), 'conflict', 'resolve', '--interactive'])
    said = b''

    def until(text, key):
        nonlocal said
        while text not in said:
            said += os.read(terminal, 4096)
        said = b''
        os.write(terminal, key)
    until(b'q quit: ', b'1')
    until(b'any other key back: ', b'n')
    until(b'q quit: ', b'2')
    while b'any other key back: ' not in said:
        said += os.read(terminal, 4096)
    check(b'birthdate = 197' in said, f'what is written is not shown: {said}')
    os.write(terminal, b'y')
    rest = b''
    try:
        while chunk := os.read(terminal, 4096):
            rest += chunk
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    check(os.waitstatus_to_exitcode(status) == 0 and b'Written.' in rest, f'not written: {rest}')
    trial.settle()
    check(len(trial.shown(person)) == 1 and not hq.conflicts(), f'not decided by keys: {trial.shown(person)}')
    say('decided by single keys')


def without_daemon(trial):
    """A decision that is given while the node does not run is written with the next round; many at once, by a rule."""
    hq, people = trial.hq, trial.people[2:4]

    def both(year):
        return lambda n: [edit(n, p, f"birthdate = '{year}-01-01'") for p in people]
    trial.meet(both(1981), both(1982))
    check(len(hq.conflicts()) == 2, f'not two conflicts: {hq.conflicts()}')
    hq.stop()
    tried = hq.run('conflict', 'resolve', '--rule', 'shown-wins', '--type', 'Patient', '--dry-run', '--json').lines
    check(len(tried) == 2 and all(t['would_take'] for t in tried), f'a dry run: {tried}')
    check(len(hq.conflicts()) == 2 and not any(c['decision_waits'] for c in hq.conflicts()), 'a dry run wrote')
    hq.run('conflict', 'resolve', '--rule', 'shown-wins', '--type', 'Patient', '--reason', 'as agreed')
    check(all(c['decision_waits'] for c in hq.conflicts()), 'the decisions are not put down')
    hq.serve().await_running()
    wait_until(lambda: not hq.conflicts(), 'the decisions are written', 30)
    trial.settle()
    for person in people:
        check(trial.shown(person) == {'1981-01-01'}, f'not what was shown: {trial.shown(person)}')
        trial.decided(person, 'birthdate', 'shown-wins')
    say('decided while the node stood still')


def register(node, name):
    """A patient who is new at this clinic."""
    person = str(uuid.uuid4())
    node.sql(f"INSERT INTO person (gender, birthdate, creator, date_created, uuid) VALUES ('F', '1950-01-01', 1, NOW(), '{person}');"
             f"INSERT INTO patient (patient_id, creator, date_created) SELECT person_id, 1, NOW() FROM person WHERE uuid = '{person}';"
             f"INSERT INTO person_address (person_id, preferred, address1, creator, date_created, uuid) SELECT person_id, 1, '{name}', 1, NOW(), "
             f"'{uuid.uuid4()}' FROM person WHERE uuid = '{person}'")
    return person


def by_policy(trial, word, wanted, rule=None, other='manual', at_hq=None, said=None):
    hq, a, person = trial.hq, trial.a, register(trial.a, word)
    trial.settle()
    more = ''
    if said:
        (hq.folder / 'ask').write_text(PROGRAM.format(said=said))
        (hq.folder / 'ask').chmod(0o700)
        more = 'program = "ask"\n'
    trial.write_policy('birthdate', word, other, more)
    hq.run('policy', 'check')
    explained = hq.run('policy', 'explain', 'Patient', 'birthdate').out
    check(word in explained, f'policy explain: {explained}')
    trial.meet(lambda n: edit(n, person, "birthdate = '1991-01-01'"), lambda n: edit(n, person, "birthdate = '1992-02-02'"),
               (lambda n: edit(n, person, f"birthdate = '{at_hq}'")) if at_hq else None)
    if wanted is None:
        one, = hq.conflicts()
        check(one['policy'] == 'trial' and one['why'], f'{word}: nobody says why people decide: {one}')
        hq.run('policy', 'try', '--history')
        hq.run('conflict', 'resolve', one['id'], '--take', 'kitale', '--reason', 'done with')
        trial.settle()
        check(trial.shown(person) == {'1991-01-01'}, f'{word}: {trial.shown(person)}')
        say(f'{word}: left to people')
        return
    wait_until(lambda: not hq.conflicts(), f'{word} decides', 30)
    trial.settle()
    check(trial.shown(person) == {wanted}, f'{word}: {trial.shown(person)}, not {wanted}')
    one = trial.decided(person, 'birthdate', rule or word)
    check(one['decision']['policy'] == f'trial/{trial.version}', f'{word}: by {one["decision"]}')
    say(f'{word}: decided as it should, everywhere')


def by_union(trial):
    """One clinic removes an address, the other corrects it: it stays, corrected."""
    person = register(trial.a, 'union')
    trial.settle()
    trial.write_policy('person_address*', 'union')
    where = f"person_id = (SELECT person_id FROM person WHERE uuid = '{person}')"
    trial.meet(lambda n: n.sql(f'DELETE FROM person_address WHERE {where}'),
               lambda n: n.sql(f"UPDATE person_address SET address1 = 'corrected' WHERE {where}"))
    for node in trial.nodes:
        value = node.value(f'SELECT address1 FROM person_address WHERE {where}')
        check(value == 'corrected', f'union: {node.name} has {value}')
    trial.decided(person, 'person_address', 'union')
    say('union: what one removed and another corrected stays')


def scenario(scene):
    trial = Trial(scene)
    by_people(trial)
    by_policy(trial, 'parent-wins', '1993-03-03', at_hq='1993-03-03')
    by_policy(trial, 'child-wins', None, at_hq='1993-03-03')  # two children are equally far from the root
    by_policy(trial, 'newest-wins', '1991-01-01', rule='newest-wins, else shown-wins', other='shown-wins')
    by_policy(trial, 'owner-site-wins', '1991-01-01')
    by_policy(trial, 'field-merge', None)
    by_policy(trial, 'manual', None)
    by_policy(trial, 'program', '1992-02-02', said="""echo '{"value": {"birthdate": "1992-02-02"}, "why": "it says so"}'""")
    by_policy(trial, 'program', None, said='echo nonsense')
    by_policy(trial, 'program', None, said='exit 3')
    by_union(trial)
    bad_policy(trial)
    same_everywhere(trial.nodes, reveal=scene.given.reveal)
    audits_whole(trial.nodes)


def bad_policy(trial):
    """A file with a mistake: config check names the line; the policy that counted before stays."""
    hq = trial.hq
    (hq.folder / 'policy.toml').write_text('name = "trial"\nversion = 99\n[[rule]]\npolicy = "last-wins"\n')
    answer = hq.run('config', 'check', codes=None)
    check(answer.code == 3 and 'policy.toml:4' in answer.err, f'config check: {answer.code} {answer.err}')
    hq.daemon.send_signal(signal.SIGHUP)
    wait_until(lambda: 'config.reload_refused' in hq.log(), 'the mistake is refused', 20)
    check(hq.daemon.poll() is None, 'the node ended over a mistake in its policy')
    say('a policy with a mistake changes nothing')


if __name__ == '__main__':
    sys.exit(play('conflicts decided by people and by policies', scenario, arguments(__doc__)))
