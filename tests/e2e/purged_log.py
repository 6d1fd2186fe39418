#!/usr/bin/env python3
"""The server throws its binary logs away while the child is down, with edits and deletes in them: it heals by itself."""
import sys

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle


def scenario(scene):
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 10)).serve().await_running()
    b = scene.child(hq, 'lodwar').serve().await_running()
    settle(hq, [a, b])
    a.stop()
    for transaction in scene.source.workload('KIT', 10, 40):
        a.sql(transaction)
    a.sql('DELETE FROM person_attribute ORDER BY person_attribute_id LIMIT 3')
    a.sql('FLUSH BINARY LOGS; FLUSH BINARY LOGS')
    newest = a.sql('SHOW BINARY LOGS')[-1][0]
    a.sql(f"PURGE BINARY LOGS TO '{newest}'")
    check(a.sql('SHOW BINARY LOGS')[0][0] == newest, 'the logs are still there')
    say('40 transactions made, the log purged')
    a.serve().await_running()
    settle(hq, [a, b], 300)
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    # and it goes on from the log
    a.sql("UPDATE person_name SET given_name = 'After'")
    settle(hq, [a, b])
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    audits_whole([hq, a, b])


if __name__ == '__main__':
    sys.exit(play('purged binary logs', scenario, arguments(__doc__)))
