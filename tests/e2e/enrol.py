#!/usr/bin/env python3
"""Who is who: a clinic joins with a code and works while its certificate is renewed again and again; stolen, foreign, expired,
replaced and revoked certificates, replayed and altered requests are each refused by their code and audited; a machine that was
set up anew takes over; a class that a clinic may not write stays out and delays nothing."""
import json
import shutil
import signal
import socket
import ssl
import sys
import urllib.error
import urllib.request

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle, wait_until

LIFE = 30  # seconds that a certificate is good for


def joined(scene, hq, name, fill=None):
    """A clinic that joined with a one-time code."""
    node = scene.node(name)
    if fill:
        node.database.feed(fill)
    code = hq.run('node', 'add', name, '--json').json['code']
    join(node, hq, code)
    return node


def join(node, hq, code):
    node.init('child', '--parent', f'https://localhost:{hq.port}', '--code', code)


def listening(hq):
    """A daemon runs a moment before it listens."""
    hq.serve().await_running()

    def takes_calls():
        with socket.socket() as caller:
            return caller.connect_ex(('127.0.0.1', hq.port)) == 0
    wait_until(takes_calls, 'the parent listens', 30)


def audited(hq, act):
    return [r for r in hq.run('audit', 'ls', '--limit', 100000, '--json').lines if r['act'] == act]


def refused(hq):
    return {r['code'] for r in audited(hq, 'peer.refused')}


def fails(node, code, what):
    answer = node.sync(timeout=5, codes=None)
    told = json.loads(answer.err.splitlines()[-1])
    check(answer.code not in (0, 6) and told['code'] == code, f'{what}: {answer.code} {told}')
    say(f'{what}: {code}')


def identity(node):
    return node.folder / 'state' / 'card' / 'client.pem'


class Certificate:
    """Puts another certificate in a node's place for a while."""

    def __init__(self, node, pem):
        self.file, self.pem = identity(node), pem

    def __enter__(self):
        self.own = self.file.read_text()
        self.file.write_text(self.pem)

    def __exit__(self, *_):
        self.file.write_text(self.own)


def works_through_renewals(hq, a, b):
    expiry = a.status()['certificate']['expires']
    since = len(audited(hq, 'certificate.taken_over'))
    log = a.log()
    written = 0

    def renewed():
        nonlocal written
        written += 1
        a.sql(f"UPDATE person SET birthdate = '1970-01-{written % 28 + 1:02}' ORDER BY person_id LIMIT 1")
        return len({r['fingerprint'] for r in audited(hq, 'certificate.taken_over')[since:]}) >= 6
    wait_until(renewed, 'the certificates are renewed and used', 4 * LIFE, 0.3)
    check(a.status()['certificate']['expires'] > expiry, 'status shows the old expiry')
    troubles = [line for line in a.log()[len(log):].splitlines() if 'line.failed' in line or 'not_renewed' in line]
    check(not troubles, f'the line was interrupted: {troubles}')
    settle(hq, [a, b])
    same_everywhere([a, b])
    say(f'{written} writes through {len(audited(hq, "certificate.taken_over"))} renewals')


def raw(hq, node, path, body):
    """A request of whoever has the node's certificate; the status and the code of the refusal."""
    context = ssl.create_default_context(cafile=str(node.folder / 'state' / 'card' / 'parent-ca.crt'))
    context.load_cert_chain(identity(node))
    try:
        with urllib.request.urlopen(f'https://localhost:{hq.port}{path}', body, 20, context=context) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        said = error.read()  # Refusal: field 1, a varint
        check(said[:1] == b'\x08', f'{path}: {error.code} {said}')
        return error.code, said[1] & 0x7f | said[2] << 7


def varint(number):
    out = b''
    while number > 127:
        out, number = out + bytes([number & 0x7f | 0x80]), number >> 7
    return out + bytes([number])


def replayed_and_altered(hq, a, b):
    hq.daemon.send_signal(signal.SIGSTOP)  # takes nothing any more, and the clinic does not know
    person = a.value('SELECT MIN(uuid) FROM person')
    a.sql(f"UPDATE person SET birthdate = '1980-05-05' WHERE uuid = '{person}'")
    frozen = wait_until(lambda: a.stored('SELECT value FROM frozen_blob'), 'a batch is frozen', 30)[0][0]
    a.kill9()
    hq.kill9()
    listening(hq)
    push = b'\x0a' + varint(len(frozen)) + frozen
    altered = push[:-20] + bytes([push[-20] ^ 1]) + push[-19:]
    before = hq.stored('SELECT COUNT(*) FROM inbox')
    check(raw(hq, a, '/sync/v1/batches', altered) == (400, 2003), 'an altered batch')
    check(raw(hq, b, '/sync/v1/batches', push) == (403, 1102), "another node's batch")
    check(raw(hq, a, '/sync/v1/batches', b'nonsense') == (400, 2001), 'nonsense')
    check(hq.stored('SELECT COUNT(*) FROM inbox') == before, 'something was taken')
    stored = len(audited(hq, 'stored'))
    check(raw(hq, a, '/sync/v1/batches', push) == (200, None), 'the batch itself')
    check(raw(hq, a, '/sync/v1/batches', push) == (200, None), 'and again')
    check(len(audited(hq, 'stored')) == stored + 1, 'a batch that comes twice was taken twice')
    check({'SYNC-2003', 'SYNC-1102', 'SYNC-2001'} <= refused(hq), f'audited: {refused(hq)}')
    a.serve().await_running()
    settle(hq, [a, b])
    check(b.value(f"SELECT birthdate FROM person WHERE uuid = '{person}'") == '1980-05-05', 'the change did not arrive')
    say('replayed: no second effect; altered: refused')


def other_peoples_certificates(scene, hq, a, b):
    a.stop()
    with Certificate(a, identity(b).read_text()):
        fails(a, 'SYNC-1102', "another node's certificate")
    stranger = scene.repository('stranger')
    card = scene.folder / 'stranger.card'
    stranger.run('node', 'add', 'kitale', '--card', card)
    made = json.loads(card.read_text())
    with Certificate(a, made['key'] + made['certificate']):
        fails(a, 'SYNC-1101', "another authority's certificate")
    a.serve().await_running()
    settle(hq, [a, b])


def grants(hq, a, b):
    hq.run('node', 'allow', 'kitale', '--up', 'clinical')
    check(hq.run('node', 'show', 'kitale', '--json').json['grants']['up']['classes'] == ['clinical'], 'node show')
    uuid = '9e1f4a0c-0000-4000-8000-00000000e0e0'
    a.sql(f"INSERT INTO location (name, creator, date_created, uuid) VALUES ('forbidden ward', 1, NOW(), '{uuid}')")
    person = a.value('SELECT MIN(uuid) FROM person')
    a.sql(f"UPDATE person SET birthdate = '1981-06-06' WHERE uuid = '{person}'")
    there = f"SELECT COUNT(*) FROM location WHERE uuid = '{uuid}'"
    wait_until(lambda: b.value(f"SELECT birthdate FROM person WHERE uuid = '{person}'") == '1981-06-06', 'what it may write', 60)
    told = wait_until(lambda: [q for q in a.queue() if q['code'] == 'SYNC-2303'], 'the clinic is told', 60)
    check(told[0]['resources'] == [f'Location/{uuid}'], f'what is told: {told}')
    check(b.value(there) == '0', 'it was handed on')
    hq.run('queue', 'retry', '--all', codes=None)
    settle(hq, [a, b], held=True)
    check(b.value(there) == '0', 'a retry went around the grant')
    hq.run('node', 'allow', 'kitale', '--up', 'all')
    hq.run('queue', 'retry', '--all')
    wait_until(lambda: b.value(there) == '1', 'what it may write now', 60)
    settle(hq, [a, b])
    say('a class that may not be written stays out, and delays nothing')


def a_new_machine(scene, hq, a, b):
    """The same clinic with an empty state folder; then the old folder again."""
    a.stop()
    old = scene.folder / 'old-state'
    shutil.move(a.folder / 'state', old)
    a.config.unlink()
    code = hq.run('node', 'token', 'kitale', '--json').json['code']
    join(a, hq, code)
    a.serve().await_running()
    settle(hq, [a, b])
    same_everywhere([a, b])
    a.stop()
    with Certificate(a, (old / 'card' / 'client.pem').read_text()):
        fails(a, 'SYNC-1106', 'the certificate of the old machine')
    a.serve().await_running()
    settle(hq, [a, b])


def expired_then_anew(hq, a, b):
    a.stop()
    wait_until(lambda: a.run('doctor', '--json', codes=None).out.count('has expired') > 0, 'it has expired', 2 * LIFE, 1)
    fails(a, 'SYNC-1103', 'an expired certificate')
    check('SYNC-1103' in refused(hq), f'audited: {refused(hq)}')
    a.sql("UPDATE person SET birthdate = '1982-07-07' ORDER BY person_id LIMIT 1")
    a.run('enrol', 'code', hq.run('node', 'token', 'kitale', '--json').json['code'])
    a.serve().await_running()
    settle(hq, [a, b])
    same_everywhere([a, b])


def scenario(scene):
    hq = scene.repository()
    hq.edit('[listen]\n', f'[listen]\ncertificate_life = "{LIFE}s"\n')
    check(f'"{LIFE}s"' in hq.config.read_text(), 'the life is not set')
    listening(hq)
    a = joined(scene, hq, 'kitale', scene.source.data('KIT', 5))
    b = joined(scene, hq, 'lodwar')
    for node in (a, b):
        node.serve().await_running()
    settle(hq, [a, b])
    same_everywhere([a, b])
    works_through_renewals(hq, a, b)
    replayed_and_altered(hq, a, b)
    other_peoples_certificates(scene, hq, a, b)
    grants(hq, a, b)
    a_new_machine(scene, hq, a, b)
    expired_then_anew(hq, a, b)
    hq.run('node', 'revoke', 'kitale', '--yes')
    fails(a, 'SYNC-1104', 'a revoked node')
    hq.run('node', 'token', 'kitale', codes=(2,))
    wanted = {'SYNC-1101', 'SYNC-1102', 'SYNC-1103', 'SYNC-1104', 'SYNC-1106'}
    check(wanted <= refused(hq), f'audited: {refused(hq)}')
    audits_whole([hq, a, b])
    for node in (hq, a, b):
        node.stop()


if __name__ == '__main__':
    sys.exit(play('who is who', scenario, arguments(__doc__)))
