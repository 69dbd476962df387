import assert from 'node:assert/strict'
import { test } from 'node:test'
import { analyse } from '../command/analyse.ts'
import { baseName } from './base-name.ts'
import { minerIn } from './miners.ts'
import { outputsOf } from './outputs.ts'
import { FIREWALL_UNITS, stopsService } from './services.ts'
import { isTemporary } from './temporary-paths.ts'

test('baseName: of both systems, lower case, without .exe', () => {
  const names = ['/usr/bin/Bash', 'C:\\Windows\\NETSH.EXE', 'sh', './x', '/bin/', ''].map(baseName)
  assert.deepEqual(names, ['bash', 'netsh', 'sh', 'x', '', ''])
})

test('minerIn: names with a variant, version or platform; not words that only begin alike', () => {
  const miners = ['/tmp/xmrig', 'XMRIG.exe', 'xmrig-6.21.0-linux-static-x64.tar.gz', 'minerd64']
  assert.ok([...miners, '--name=t-rex', 'xmr-stak_v2', 'kinsing_aarch64'].every(minerIn))
  const others = ['mineral', 'claymore.pdf', 't-rex-drawing.png', 'xmrigger', 'x=y', '', '/']
  assert.deepEqual(others.filter(minerIn), [])
})

test('isTemporary: whole path components, after .. and cd', () => {
  const inside = ['/tmp', '/tmp/a', '//tmp//a', '/var/tmp/../tmp/a', '/dev/shm/x', `\${TMPDIR}/x`]
  assert.deepEqual(
    inside.filter((path) => !isTemporary(path)),
    [],
  )
  const outside = ['/tmpfiles', '/tmp/../etc/x', '/home/tmp/x', 'tmp/x', '', '/', '/dev/shmem']
  assert.deepEqual(
    outside.filter((path) => isTemporary(path)),
    [],
  )
  assert.ok(isTemporary('a', '/tmp'))
  assert.ok(!isTemporary('../a', '/tmp'))
  assert.ok(!isTemporary('/a', '/tmp'))
})

test('stopsService: only the named units, only to stop them', () => {
  const stops = (line: string) =>
    analyse(line).segments.some((s) => stopsService(s, FIREWALL_UNITS))
  assert.ok(stops('systemctl --now disable a.service ufw.service'))
  assert.ok(stops('/etc/init.d/nftables stop'))
  assert.ok(!stops('systemctl stop ufw-helper'))
  assert.ok(!stops('/opt/etc/init.d/nftables stop'))
  assert.ok(!stops('systemctl ufw'))
})

test('outputsOf: redirections, options, tee and dd', () => {
  const outputs = (line: string) => analyse(line).segments.flatMap(outputsOf)
  assert.deepEqual(outputs('a > b 2>> c >&2 < d'), ['b', 'c'])
  assert.deepEqual(outputs('wget -O x u && curl --output=y u | tee -a z'), ['x', 'y', 'z'])
  assert.deepEqual(outputs('dd if=a of=/b'), ['/b'])
})
