import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readMatcher } from '../src/suppression.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram()
  await server.run(['device', 'create', 'pump-1'])
})
after(() => server[Symbol.asyncDispose]())

interface AlertView {
  readonly id: string
  readonly alertType: string
  readonly status: string
  readonly assignee: string
}

async function alerts(type: string): Promise<readonly AlertView[]> {
  const list = await server.json<{ items: AlertView[] }>('security', 'alerts', '--type', type)
  return list.items
}

/** Tells of commands as an agent does; returns the id of the last event. */
async function tell(...commands: readonly string[]): Promise<string> {
  let id = ''
  for (const cmdline of commands) {
    const data = JSON.stringify({ cmdline, exe: '/bin/sh', pid: 1, uid: '0' })
    const words = ['security', 'send', 'pump-1', '--name', 'Process', '--data', data]
    id = (await server.json<{ eventId: string }>(...words)).eventId
  }
  return id
}

async function until<T>(look: () => Promise<readonly T[]>, count: number): Promise<readonly T[]> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const found = await look()
    if (found.length >= count) return found
    assert.ok(Date.now() < deadline, `only ${found.length} of ${count}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('security suppression: empty, created, tried, shown, listed and deleted', async () => {
  const empty = await server.run(['security', 'suppression', 'list'])
  assert.match(empty.stderr, /No alerts are suppressed/)
  const meant = ['--type', 'IoT_DisableFirewall', '--match', 'CommandLine^=iptables']
  const rest = ['--until', 'never', '--reason', 'our own']
  const tried = await server.run(['security', 'suppression', 'test', ...meant])
  assert.match(tried.stderr, /none of the open alerts/)
  const words = ['security', 'suppression', 'create', ...meant, ...rest]
  const { id } = await server.json<{ id: string }>(...words)
  const shown = await server.run(['security', 'suppression', 'show', id])
  assert.match(shown.stdout, /IoT_DisableFirewall, CommandLine\^=iptables/)
  assert.match(shown.stdout, /Until +never/)
  const list = await server.run(['security', 'suppression', 'list'])
  assert.match(list.stdout, new RegExp(`${id} +in force +never +0`))
  const event = await tell('iptables -F')
  const why = ['security', 'explain', event, '--device', 'pump-1', '--type', 'IoT_DisableFirewall']
  await until(async () => {
    const answer = await server.run(why)
    return /suppressed/.test(answer.stdout) ? [answer] : []
  }, 1)
  const gone = await server.run(['security', 'suppression', 'delete', id])
  assert.match(gone.stdout, /raised again/)
})

test('security suppression create: says what is missing', async () => {
  const create = (...words: readonly string[]) =>
    server.run(['security', 'suppression', 'create', ...words])
  assert.match((await create('--type', 'IoT_WebShell')).stderr, /--until TIME/)
  assert.match((await create('--type', 'x', '--until', 'never')).stderr, /--reason TEXT/)
  const all = await create('--until', 'never', '--reason', 'r')
  assert.deepEqual([all.code, /alertType is \*/.test(all.stderr)], [1, true])
  assert.throws(() => readMatcher('=x'), /is no condition/)
  assert.deepEqual(readMatcher('ip.address@=10.0.0.0/8'), {
    ...{ name: 'ip.address', operator: 'cidr', value: '10.0.0.0/8' },
  })
  assert.deepEqual(readMatcher('User Name=a=b'), {
    ...{ name: 'User Name', operator: 'equals', value: 'a=b' },
  })
})

test('security alerts update --all: counts, asks, and changes what was meant', async () => {
  const type = 'IoT_PrivilegedContainer'
  await tell('docker run --privileged one', 'docker run --privileged two')
  await until(() => alerts(type), 2)
  const all = ['security', 'alerts', 'update', '--all', '--type', type]
  const asked = await server.run([...all, '--status', 'Dismissed'], 'no\n')
  assert.deepEqual([asked.code, /Change 2 alerts\?/.test(asked.stderr)], [1, true])
  assert.deepEqual(
    (await alerts(type)).map(({ status }) => status),
    ['Active', 'Active'],
  )
  const agreed = await server.run([...all, '--assignee', 'robin'], 'yes\n')
  assert.deepEqual([agreed.code, agreed.stdout], [0, 'Changed 2 alerts; 0 were so already.\n'])
  const sure = await server.run([...all, '--now', 'Active', '--status', 'Dismissed', '--yes'])
  assert.match(sure.stdout, /Changed 2 alerts/)
  const refused = await server.run([...all, '--status', 'Resolved', '--yes'])
  assert.match(refused.stderr, /Refused: 2.*\n.*can become Active, not Resolved/)
  const nothing = await server.run([...all, '--now', 'Active', '--status', 'Resolved', '--yes'])
  assert.match(nothing.stderr, /No such alerts/)
  const unsaid = await server.run(['security', 'alerts', 'update', '--all', '--status', 'Active'])
  assert.deepEqual([unsaid.code, /--all of what/.test(unsaid.stderr)], [2, true])
})

test('security alerts aggregated, dismiss and suppress', async () => {
  const event = await tell('history -c')
  const [alert] = await until(() => alerts('IoT_ClearHistoryFile'), 1)
  assert.ok(alert)
  const day = new Date().toISOString().slice(0, 10)
  const table = await server.run(['security', 'alerts', 'aggregated'])
  assert.match(table.stdout, /IoT_ClearHistoryFile +Low +1 +1 +new/)
  const why = await server.run(['security', 'explain', event, '--device', 'pump-1'])
  assert.match(why.stdout, /IoT_ClearHistoryFile +raised an alert/)
  assert.match(why.stdout, /IoT_FairwareMalware +quiet +not: rm is called/)
  const words = ['security', 'alerts', 'suppress', alert.id, '--until', 'never', '--reason', 'job']
  const suppressed = await server.run(words)
  assert.match(suppressed.stdout, /device pump-1, CommandLine=history -c/)
  assert.match(suppressed.stderr, /Dismissed 1 open alerts/)
  const dismiss = await server.run(['security', 'alerts', 'dismiss', 'IoT_ClearHistoryFile', day])
  assert.match(dismiss.stdout, /Dismissed 0 alerts/)
  const wrong = await server.run(['security', 'alerts', 'dismiss', 'IoT_ClearHistoryFile', 'today'])
  assert.deepEqual([wrong.code, /2026-01-31/.test(wrong.stderr)], [1, true])
})

test('security suppression proposals: a group that never learned has none', async () => {
  const found = await server.run(['security', 'suppression', 'proposals', 'plant'])
  assert.match(found.stderr, /Nothing is usual in plant yet; 0 devices were heard/)
})
