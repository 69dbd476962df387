import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
let folder: string
before(async () => {
  server = await startProgram()
  folder = await mkdtemp(join(tmpdir(), 'baseline-commands-'))
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const XML = `<baseline BaselineId="mine"><audits>
<audit msid="1" severity="Warning" description="no motd">
<check distro="*" command="CheckNoMatchingLines" path="/etc/motd" regex="(?=a)"/>
</audit></audits></baseline>`

function baseline(): string {
  const now = new Date().toISOString()
  const check = { CceId: 'CCE-14027-7', Severity: 'Warning', Result: 'FAIL', Error: '' }
  const event = {
    ...{ EventType: 'Security', Category: 'Periodic', Name: 'OSBaseline', IsEmpty: false },
    ...{ PayloadSchemaVersion: '1.0', Id: randomUUID(), TimestampLocal: now, TimestampUTC: now },
    Payload: [{ ...check, Description: 'RDS can be loaded' }],
  }
  const envelope = { AgentVersion: '0.0.6', AgentId: randomUUID(), MessageSchemaVersion: '1.0' }
  return JSON.stringify({ ...envelope, Events: [event] })
}

test('security baseline and score: nothing is said plainly, then what fails and what it costs', async () => {
  await server.run(['device', 'create', 'pump-1'])
  const empty = await server.run(['security', 'baseline', 'show', 'pump-1'])
  assert.equal(empty.code, 0)
  assert.match(empty.stderr, /pump-1 has not sent a baseline/)
  assert.match((await server.run(['security', 'baseline', 'summary'])).stderr, /No device has sent/)
  const words = [
    'send',
    'pump-1',
    '--module',
    'azureiotsecurity',
    '--security',
    '--data',
    baseline(),
  ]
  const sent = await server.run(words)
  assert.equal(sent.code, 0, sent.stderr)
  const shown = await until(async () => {
    const { stdout } = await server.run(['security', 'baseline', 'show', 'pump-1'])
    return stdout.includes('RDS can be loaded') && stdout
  })
  assert.match(shown, /oms-linux-1, .* passed/)
  assert.match(shown, /CCE-14027-7 +warning +fail/)
  const failures = await server.run(['security', 'baseline', 'failures', '--check', 'CCE-14027-7'])
  assert.match(failures.stdout, /pump-1 +fail/)
  const all = await server.run(['security', 'baseline', 'failures'])
  assert.match(all.stdout, /pump-1 +oms-linux-1 .*CCE-14027-7/)
  const summary = await server.run(['security', 'baseline', 'summary'])
  assert.match(summary.stdout, /CCE-14027-7 +1 +0 +The RDS module cannot be loaded/)

  const score = await server.run(['security', 'score', 'pump-1'])
  assert.match(score.stdout, /^Score \d+\n/)
  assert.match(score.stdout, /baseline +\d+\.\d\d +warning +CCE-14027-7 +RDS can be loaded/)
  const fleet = await server.json<{ devices: number; items: { group: string }[] }>(
    'security',
    'score',
  )
  assert.deepEqual([fleet.devices, fleet.items[0]?.group], [1, 'default'])
  const history = await server.run(['security', 'score', '--group', 'default', '--days', '3'])
  assert.match(history.stdout, /^DAY +SCORE\n\d{4}-\d\d-\d\d +\d+/)
  const both = await server.run(['security', 'score', 'pump-1', '--group', 'default'])
  assert.equal(both.code, 2)
})

test('security baseline import: a file is stored, written, listed, shown and forgotten', async () => {
  const [xml, json] = [join(folder, 'checks.xml'), join(folder, 'checks.json')]
  await writeFile(xml, XML)
  const words = ['security', 'baseline', 'import', xml, '--output', json]
  const imported = await server.run(words)
  assert.equal(imported.code, 0, imported.stderr)
  assert.match(imported.stdout, /^Imported 1 checks\.\nSHA-256 +[0-9a-f]{64}\n/)
  assert.match(imported.stderr, /line 3 <check>: regex has a lookahead at 1/)
  const again = await server.run(['security', 'baseline', 'import', json, '--json'])
  const { sha256 } = JSON.parse(again.stdout)
  assert.ok(imported.stdout.includes(sha256))
  assert.equal(JSON.parse(await readFile(json, 'utf8')).checks[0].msid, '1')
  const base = ['security', 'baseline', 'custom-checks']
  assert.ok((await server.run([...base, 'list'])).stdout.includes(sha256))
  const shown = await server.run([...base, 'show', sha256])
  assert.match(shown.stdout, /1 +warning +\* +CheckNoMatchingLines +no motd/)
  assert.equal((await server.run([...base, 'delete', sha256])).code, 0)
  assert.match((await server.run([...base, 'list'])).stderr, /No custom checks/)
  assert.equal((await server.run([...base, 'delete', sha256])).code, 1)
  await writeFile(xml, XML.replace('Warning', 'Loud'))
  const wrong = await server.run(['security', 'baseline', 'import', xml])
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /line 2 <audit>: severity must be one of/)
})

/** Asks again until there is an answer. */
async function until<T>(ask: () => Promise<T | false>): Promise<T> {
  const deadlineMs = Date.now() + 20_000
  for (;;) {
    const answer = await ask()
    if (answer !== false) return answer
    assert.ok(Date.now() < deadlineMs, 'in time')
    await setTimeout(50)
  }
}
