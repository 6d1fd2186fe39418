#!/usr/bin/env python3
"""A clinic whose line is down exchanges everything with the centre by stick: the first load, changes, receipts and the other
clinic's changes; twice, out of order, mixed with the line, altered, for somebody else. In the end all is equal everywhere
and nothing was applied twice. Every command of docs/usb.md is run as it stands there."""
import re
import shutil
import subprocess
import sys

from harness import ROOT, arguments, audits_whole, check, nothing_twice, play, same_everywhere, say, settle, wait_until


def packages(stick):
    return sorted(f for f in stick.iterdir() if f.name.startswith('omrs-sync-'))


def drained(node):
    wait_until(lambda: node.status()['inbox']['waiting'] == 0, f'{node.name} applied what came', 60)


def export(node, stick, *options, codes=(0,)):
    done = node.run('usb', 'export', stick, '--json', *options, codes=codes)
    for file in stick.rglob('*'):
        check(not file.is_file() or b'PRIVATE' not in file.read_bytes(), f'a private key is on the stick: {file.name}')
    return done


def take(node, stick):
    """What became of the package for this node; the way back is on the same stick."""
    rows = [row for row in node.run('usb', 'import', stick, '--json').lines if row['state'] != 'for another node']
    check(len(rows) == 1, f'not one package for {node.name}: {rows}')
    drained(node)
    return rows[0]


def somebody(node):
    """The name that is written over and over."""
    return node.value('SELECT n.uuid FROM person_name n JOIN patient p ON p.patient_id = n.person_id ORDER BY n.uuid LIMIT 1')


def rename(node, name):
    node.sql(f"UPDATE person_name SET given_name = '{name}', changed_by = 1, date_changed = NOW() WHERE uuid = '{somebody(node)}'")


def name_at(node, uuid):
    return node.value(f"SELECT given_name FROM person_name WHERE uuid = '{uuid}'")


def first_load_by_stick(scene, hq, a, stick):
    """The clinic has never reached its parent: what its card says is enough."""
    told = export(a, stick, '--volume-size', '64KiB').json
    check(told['schema'] == 'omrsync/usb/1' and told['first'] == 1 and told['state'] == 'written', f'export: {told}')
    check(told['volumes'] == len(list(stick.glob('*/vol-*.age'))) and told['volumes'] > 1, f'volumes: {told}')
    for file in stick.rglob('*'):
        check(re.fullmatch(r'[a-z0-9.-]+', file.name), f'a name that FAT32 may not like: {file.name}')
    check(hq.run('usb', 'verify', stick, '--json').json['state'] == 'whole', 'verify at the centre')
    check(a.run('usb', 'verify', stick, '--json').json['state'] == 'whole', 'verify at the writer')
    a_stick_that_breaks(scene, a, stick)
    took = take(hq, stick)
    check(took['taken'] == told['last'] and took['duplicates'] == 0, f'import: {took}')
    again = take(hq, stick)
    check(again['taken'] == 0 and again['state'] == 'duplicate', f'import again: {again}')
    say(f"first load: {told['last']} change sets in {told['volumes']} volumes")


def a_stick_that_breaks(scene, a, stick):
    """The third volume cannot be written; what was whole by then is kept when the export goes on."""
    broken = scene.folder / 'broken'
    name = packages(stick)[0].name + '.partial'
    (broken / name / 'vol-0003.age' / 'in the way').mkdir(parents=True)
    torn = a.run('usb', 'export', broken, '--volume-size', '64KiB', '--json', codes=(5,))
    check('SYNC-4013' in torn.err, f'a write that fails: {torn.err}')
    check('SYNC-4002' in a.run('usb', 'verify', broken, '--json', codes=(10,)).err, 'a torn export is not recognised')
    check(a.run('usb', 'status', '--json').json['unfinished'], 'the torn export is forgotten')
    shutil.rmtree(broken / name / 'vol-0003.age')
    kept = {f.name: f.read_bytes() for f in (broken / name).glob('vol-*.age')}
    check(len(kept) == 2, f'not two volumes were whole: {sorted(kept)}')
    told = export(a, broken, '--resume', '--volume-size', '64KiB').json
    whole = packages(broken)[0]
    check(told['state'] == 'written' and all((whole / f).read_bytes() == data for f, data in kept.items()), f'resume: {told}')
    check(a.run('usb', 'verify', broken, '--json').json['state'] == 'whole', 'a resumed export')
    shutil.rmtree(stick)
    broken.rename(stick)
    say('a torn export went on')


def receipts_come_back(hq, a, stick):
    before = a.status()['outbox']['change_sets']
    check(before > 0, 'nothing waits for a receipt')
    told = export(hq, stick, '--to', a.name).json
    check(told['recipient']['name'] == a.name, f'export down: {told}')
    check(a.run('usb', 'inspect', stick, '--json').lines[-1]['state'] == 'signed', 'inspect')
    take(a, stick)
    left = a.status()['outbox']
    check(left['change_sets'] == 0 and left['bytes'] == 0, f'the receipt did not empty the outbox: {left}')
    say('receipts came back')


def out_of_order(scene, hq, a):
    """Two sticks, the second one first: what is missing is named, nothing behind it is lost."""
    one, two = scene.folder / 'stick-one', scene.folder / 'stick-two'
    for stick in (one, two):
        stick.mkdir()
    rename(a, 'Zawadi')
    first = export(a, one).json
    rename(a, 'Neema')
    second = export(a, two, '--from', first['last'] + 1).json
    check(second['first'] == first['last'] + 1, f'the second stick does not go on: {second}')
    gap = hq.run('usb', 'import', two, '--json', codes=(11,))
    missing = gap.json['missing']
    check((missing['first'], missing['last']) == (first['first'], first['last']), f'not what is missing: {gap.out}')
    check(f"{first['first']}" in gap.err and 'SYNC-4008' in gap.err, f'the gap is not named: {gap.err}')
    waits = next(link for link in hq.run('usb', 'status', '--json').lines if link['name'] == a.name)
    check(waits['missing'] is not None, f'the wait is not recorded: {waits}')
    uuid = somebody(a)
    check(name_at(hq, uuid) not in ('Zawadi', 'Neema'), 'something behind a gap was applied')
    take(hq, one)
    check(take(hq, two)['taken'] == second['last'] - second['first'] + 1, 'the second stick after the first')
    wait_until(lambda: name_at(hq, uuid) == 'Neema', 'both sticks were applied', 30)
    waits = next(link for link in hq.run('usb', 'status', '--json').lines if link['name'] == a.name)
    check(waits['missing'] is None, f'the wait is not over: {waits}')
    say('out of order: named, then taken')


def with_the_line(hq, a, b, stick):
    """The same changes by stick and by line; the line is back before the stick arrives."""
    rename(a, 'Baraka')
    export(a, stick)
    rename(a, 'Imani')
    a.line.unblock()
    settle(hq, [a, b])
    took = take(hq, stick)
    check(took['taken'] == 0, f'what came by line was taken again: {took}')
    say('mixed with the line')


def hostile(scene, hq, a, b, stick):
    """Altered, torn, swapped, incomplete, for somebody else, of another network: refused, nothing taken."""
    rename(a, 'Tumaini')
    shutil.rmtree(stick)
    stick.mkdir()
    export(a, stick, '--volume-size', '64KiB')
    whole = packages(stick)[0]
    stored = hq.run('usb', 'status', '--json').out

    def refused(what, change, code, sync):
        bad = scene.folder / 'bad'
        shutil.rmtree(bad, ignore_errors=True)
        shutil.copytree(stick, bad)
        change(bad / whole.name)
        answer = hq.run('usb', 'import', bad, '--json', codes=(code,))
        check(sync in answer.err, f'{what}: {answer.err}')
        check(hq.run('usb', 'status', '--json').out == stored, f'{what}: something was taken')

    def flip(name, place=0.5):
        def change(folder):
            file = folder / name
            data = bytearray(file.read_bytes())
            data[int(len(data) * place)] ^= 1
            file.write_bytes(data)
        return change

    def truncate(folder):
        file = folder / 'vol-0001.age'
        file.write_bytes(file.read_bytes()[:-1])

    def swap(folder):
        (folder / 'vol-0001.age').write_bytes((folder / 'vol-0001.age').read_bytes()[::-1])

    for place in (0.0, 0.3, 0.9):
        refused('a volume altered', flip('vol-0001.age', place), 10, 'SYNC-4004')
    refused('a manifest altered', flip('manifest.json'), 10, 'SYNC-4003')
    refused('a signature altered', flip('manifest.sig'), 10, 'SYNC-4003')
    refused('a certificate altered', flip('sender.crt'), 10, 'SYNC-4003')
    refused('a volume cut', truncate, 10, 'SYNC-4004')
    refused('another volume', swap, 10, 'SYNC-4004')
    refused('a volume missing', lambda f: (f / 'vol-0001.age').unlink(), 10, 'SYNC-4005')
    refused('no signature', lambda f: (f / 'manifest.sig').unlink(), 10, 'SYNC-4002')
    refused('not finished', lambda f: f.rename(f.with_name(f.name + '.partial')), 10, 'SYNC-4002')
    other = b.run('usb', 'import', stick, '--json', codes=(8,))
    check('SYNC-4006' in other.err, f'for somebody else: {other.err}')
    check(b.run('usb', 'verify', stick, '--json', codes=(8,)).json['state'] == 'for another node', 'verify by somebody else')
    foreign = scene.repository('elsewhere')
    check(foreign.run('usb', 'import', stick, '--json', codes=(8,)), 'of another network')
    empty = scene.folder / 'empty'
    empty.mkdir()
    hq.run('usb', 'import', empty, codes=(4,))
    took = take(hq, stick)
    check(took['taken'] > 0, f'the whole one after all that: {took}')
    say('damaged and foreign sticks refused')


def the_page(scene, hq, a, stick):
    """Every command of docs/usb.md, word for word but for the folder; those of age and openssl inside the package."""
    text, ran = (ROOT / 'docs' / 'usb.md').read_text(), 0
    package = None
    for line in ''.join(re.findall(r'^```sh\n(.*?)^```', text, re.M | re.S)).splitlines():
        where = re.match(r'(hq|kitale)\$ omrsync (.*)', line)
        if where:
            node = {'hq': hq, 'kitale': a}[where[1]]
            node.run(*where[2].replace('/media/stick', str(stick)).split())
            package = next((p for p in packages(stick) if p.name.startswith('omrs-sync-kitale')), package)
        else:
            if not (package / 'state').exists():
                (package / 'state').symlink_to(hq.folder / 'state')
            done = subprocess.run(line, shell=True, cwd=package, capture_output=True, text=True)
            check(done.returncode == 0, f'{line}\n{done.stdout}{done.stderr}')
        ran += 1
    check((package / 'volume').stat().st_size > 0, 'age found nothing in the volume')
    check(ran == 10, f'{ran} commands on the page')
    say(f'{ran} commands of the page ran, age and openssl among them')


def scenario(scene):
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 80))
    b = scene.child(hq, 'lodwar').serve().await_running()
    a.line.block()
    stick = scene.folder / 'stick'
    stick.mkdir()
    first_load_by_stick(scene, hq, a, stick)  # the daemon of the clinic does not run yet
    a.serve().await_running()
    receipts_come_back(hq, a, stick)
    settle(hq, [b])
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    rename(a, 'Asante')
    shutil.rmtree(stick)
    stick.mkdir()
    the_page(scene, hq, a, stick)
    out_of_order(scene, hq, a)
    with_the_line(hq, a, b, stick)
    a.line.block()
    hostile(scene, hq, a, b, stick)
    a.line.unblock()
    settle(hq, [a, b])
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    audits_whole([hq, a, b])
    nothing_twice([hq, a, b])


if __name__ == '__main__':
    sys.exit(play('by stick', scenario, arguments(__doc__)))
