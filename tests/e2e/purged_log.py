#!/usr/bin/env python3
"""The server throws its binary logs away while the child is down, with edits and deletes in them: it heals by itself."""
import sys

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle, wait_until


def throw_logs_away(node):
    """The server keeps what it believes to be still read: a dump connection ends when it is written to in vain."""
    def thrown():
        node.sql('FLUSH BINARY LOGS')
        newest = node.sql('SHOW BINARY LOGS')[-1][0]
        node.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return node.sql('SHOW BINARY LOGS')[0][0] == newest
    wait_until(thrown, 'the server throws its logs away', 60, every=0.5)


def scenario(scene):
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 10)).serve().await_running()
    b = scene.child(hq, 'lodwar').serve().await_running()
    settle(hq, [a, b])
    a.kill9()
    for transaction in scene.source.workload('KIT', 10, 40):
        a.sql(transaction)
    a.sql('DELETE FROM person_attribute ORDER BY person_attribute_id LIMIT 3')
    gone = a.value('SELECT uuid FROM obs WHERE obs_id = (SELECT MAX(obs_id) FROM obs)')
    a.sql(f"DELETE FROM obs WHERE uuid = '{gone}'")
    throw_logs_away(a)
    say('40 transactions and deletes made, the log purged')
    a.serve().await_running()
    left = f"SELECT COUNT(*) FROM obs WHERE uuid = '{gone}'"
    # The comparison goes table by table: what refers to a row that is not found yet is held until then.
    wait_until(lambda: settle(hq, [a, b], 300, held=True) or all(n.value(left) == '0' for n in (hq, b)), 'the deletes arrive', 120)
    settle(hq, [a, b], 300)
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    say('healed')
    # and it goes on from the log
    a.sql("UPDATE person_name SET given_name = 'After'")
    settle(hq, [a, b])
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    check(not hq.conflicts(), 'conflicts though only one clinic wrote')
    audits_whole([hq, a, b])


if __name__ == '__main__':
    sys.exit(play('purged binary logs', scenario, arguments(__doc__)))
