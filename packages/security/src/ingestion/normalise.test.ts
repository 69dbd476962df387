import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { normalise } from './normalise.ts'
import type { EventHeader, SecurityRecord } from './record.ts'

function records(name: string, payload: JsonObject[], overrides: Partial<EventHeader> = {}) {
  return normalise({ header: { ...header, name, ...overrides }, payload })
}

/** A record without its header, which is the event's. */
function facts(name: string, ...payload: JsonObject[]): object[] {
  return records(name, payload).map((record: SecurityRecord) => {
    const { header: own, ...rest } = record
    assert.equal(own.name, name)
    return rest
  })
}

const header: EventHeader = {
  ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
  era: 'legacy',
  agentVersion: '0.0.6',
  agentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
  eventId: '4f7e2b1a-30a1-4c6d-8e52-9d1f6a7b0c11',
  name: '',
  category: 'Triggered',
  eventType: 'Security',
  isEmpty: false,
  timeMs: 1,
  timestampLocal: '',
  receivedMs: 2,
  sequence: 3,
  deviations: [],
}

/** A header of a message of schema 2.0. */
const micro = { era: 'micro' } as const

const process = { Executable: '/bin/sh', ProcessId: 2, ParentProcessId: 1, CommandLine: 'sh -c id' }
const connection = {
  ...{ RemoteAddress: '198.51.100.7', RemotePort: '80', Direction: 'Out', Protocol: 'TCP' },
  ...{ ProcessId: 2, Executable: '/usr/bin/curl' },
}
const login = {
  ProcessId: 1,
  Operation: 'login',
  Executable: '/sbin/sshd',
  Result: 'Fail',
  UserId: '0',
}

test('ProcessCreate: one record for each element', () => {
  assert.deepEqual(facts('ProcessCreate', { ...process, UserId: '0', UserName: 'root' }, process), [
    {
      ...{ kind: 'proc', hits: 1, type: 'exec', exe: '/bin/sh', cmd: 'sh -c id', pid: 2, ppid: 1 },
      ...{ uid: '0', user: 'root' },
    },
    {
      ...{ kind: 'proc', hits: 1, type: 'exec', exe: '/bin/sh', cmd: 'sh -c id', pid: 2, ppid: 1 },
      ...{ uid: '', user: '' },
    },
  ])
})

test('ProcessCreate: the hash is taken from where either agent puts it, and never empty', () => {
  const hash = (element: JsonObject) => {
    const [record] = records('ProcessCreate', [{ ...process, ...element }])
    return record?.kind === 'proc' ? record.hash : 'no process'
  }
  assert.equal(hash({ Hash: 'aa' }), 'aa')
  assert.equal(hash({ ExtraDetails: { Hash: 'bb' } }), 'bb')
  assert.equal(hash({ ExtraDetails: { Hash: '' } }), undefined)
})

test('ProcessTerminate: a process of type exit', () => {
  assert.deepEqual(
    facts('ProcessTerminate', { Executable: '/bin/sh', ProcessId: 9, ExitStatus: 1 }),
    [
      {
        ...{ kind: 'proc', hits: 1, type: 'exit', exe: '/bin/sh', cmd: '', pid: 9, ppid: 0 },
        ...{ uid: '', user: '', exitStatus: 1 },
      },
    ],
  )
})

test('ConnectionCreate: direction and protocol in lower case, unknown ports empty', () => {
  const element = { ...connection, Protocol: 'Tcp6', RemotePort: 0, LocalPort: '' }
  assert.deepEqual(facts('ConnectionCreate', element), [
    {
      ...{ kind: 'conn', hits: 1, direction: 'out', protocol: 'tcp', localAddress: '' },
      ...{ localPort: '', remoteAddress: '198.51.100.7', remotePort: '' },
      ...{ exe: '/usr/bin/curl', cmd: '', uid: '' },
    },
  ])
})

test('hits: a number or its text, else 1', () => {
  const hits = (HitCount: string | number) =>
    records('ConnectionCreate', [{ ...connection, ExtraDetails: { HitCount } }])[0]?.hits
  assert.equal(hits(14), 14)
  assert.equal(hits('14'), 14)
  for (const odd of [0, -3, '', 'many', '1e999', Number.MAX_VALUE]) assert.equal(hits(odd) ?? 0, 1)
})

test('Login: result, and no address when it is this machine', () => {
  const remote = (RemoteAddress: string) => {
    const [record] = records('Login', [{ ...login, RemoteAddress }])
    return record?.kind === 'login' && record.remoteAddress
  }
  assert.equal(remote('192.0.2.9'), '192.0.2.9')
  for (const local of ['127.0.0.1', '0.0.0.0', '::1', '::', '']) assert.equal(remote(local), '')
  const [failed, succeeded] = records('Login', [login, { ...login, Result: 'Success' }])
  assert.equal(failed?.kind === 'login' && failed.result, 'fail')
  assert.equal(succeeded?.kind === 'login' && succeeded.result, 'success')
})

test('ListeningPorts: one record with the sockets that listen, not those that are connected', () => {
  const socket = { Protocol: 'tcp', LocalAddress: '0.0.0.0', LocalPort: '22' }
  const payload: JsonObject[] = [
    { ...socket, LocalPort: '1', RemoteAddress: '0.0.0.0', RemotePort: '*' },
    { ...socket, LocalPort: '2', RemotePort: 0 },
    { ...socket, LocalPort: '3', RemotePort: '' },
    { ...socket, LocalPort: '4', RemotePort: '0' },
    { ...socket, LocalPort: '5', Protocol: 'UDP6', ExtraDetails: { Pid: '77' } },
    { ...socket, LocalPort: 6, RemoteAddress: '::', RemotePort: '9' },
    { ...socket, LocalPort: '7', RemoteAddress: '10.0.0.5', RemotePort: '40000' },
    { ...socket, LocalPort: '8', RemotePort: '40000' },
  ]
  const address = '0.0.0.0'
  assert.deepEqual(facts('ListeningPorts', ...payload), [
    {
      kind: 'ports',
      hits: 1,
      ports: [
        { protocol: 'tcp', address, port: '1' },
        { protocol: 'tcp', address, port: '2' },
        { protocol: 'tcp', address, port: '3' },
        { protocol: 'tcp', address, port: '4' },
        { protocol: 'udp', address, port: '5', pid: '77' },
        { protocol: 'tcp', address, port: '6' },
      ],
    },
  ])
})

test('FirewallConfiguration: the last rule of a chain without addresses is its policy', () => {
  const drop = { Enabled: true, Action: 'Deny', ChainName: 'INPUT', Direction: 'In' }
  const [record] = records('FirewallConfiguration', [
    { ...drop, Priority: 5, SourceAddress: '10.0.0.0/8', DestinationPort: '22', Protocol: 'TCP' },
    { ...drop, Enabled: false, Action: 'Allow' },
    { ...drop, ChainName: 'FORWARD', DestinationPort: '*' },
    { Enabled: false, Action: 'Other' },
  ])
  assert.ok(record?.kind === 'fw')
  assert.deepEqual(record.rules[0], {
    ...{ chain: 'INPUT', direction: 'in', priority: 5, action: 'deny', enabled: true },
    ...{ sourceAddress: '10.0.0.0/8', sourcePort: '', destinationAddress: '' },
    ...{ destinationPort: '22', protocol: 'tcp', isPolicy: false },
  })
  assert.deepEqual(
    record.rules.map(({ isPolicy }) => isPolicy),
    [false, true, false, false],
  )
  // A policy cannot be switched off; the C# agent leaves its flag at false.
  assert.deepEqual(
    record.rules.map(({ enabled }) => enabled),
    [true, true, true, false],
  )
  assert.deepEqual(
    record.rules.map(({ action }) => action),
    ['deny', 'allow', 'deny', 'other'],
  )
})

test('an empty snapshot is an empty list, which is not the same as no snapshot', () => {
  const [ports] = records('ListeningPorts', [], { isEmpty: true })
  assert.deepEqual(ports?.kind === 'ports' && ports.ports, [])
  const [firewall] = records('FirewallConfiguration', [], { isEmpty: true })
  assert.deepEqual(firewall?.kind === 'fw' && firewall.rules, [])
})

test('what the agent says about itself is one agent record', () => {
  const payload = [{ a: 1 }, { b: 2 }]
  for (const [name, type] of [
    ['Heartbeat', 'heartbeat'],
    ['ConfigurationError', 'configError'],
    ['DroppedEventsStatistics', 'dropped'],
    ['MessageStatistics', 'messageStatistics'],
    ['Diagnostic', 'log'],
  ] as const) {
    assert.deepEqual(facts(name, ...payload), [{ kind: 'agent', hits: 1, type, payload }])
  }
})

test('a name that its schema does not have is kept as it was sent, whatever it says', () => {
  const payload = [{ UserId: '0' }, { checkId: 3 }]
  for (const name of ['Baseline', 'Sbom', 'Process', 'Unknown', 'constructor', 'acme.DoorOpened']) {
    assert.deepEqual(facts(name, ...payload), [{ kind: 'other', hits: 1, payload }])
  }
})

test('LocalUsers: one record, groups in their order', () => {
  const users = [
    { UserId: '0', UserName: 'root', GroupIds: '0;27', GroupNames: 'root;sudo' },
    { UserId: '7', UserName: 'x', GroupIds: '', GroupNames: '' },
  ]
  assert.deepEqual(facts('LocalUsers', ...users), [
    {
      kind: 'users',
      hits: 1,
      users: [
        { uid: '0', name: 'root', groups: ['root', 'sudo'] },
        { uid: '7', name: 'x', groups: [] },
      ],
    },
  ])
})

test('OSBaseline: every spelling of a result is one of four, and a check always has an id', () => {
  const check = { Description: 'd', CceId: 'CCE-1', Error: 'e', Severity: 'Critical' }
  const resultOf = (Result: string) => {
    const [record] = records('OSBaseline', [{ ...check, Result }])
    return record?.kind === 'baseline' && record.checks[0]?.result
  }
  for (const [spelling, result] of [
    ['Pass', 'pass'],
    ['FAIL', 'fail'],
    ['Err', 'error'],
    ['ERROR', 'error'],
    ['SKIP', 'skip'],
  ] as const) {
    assert.equal(resultOf(spelling), result)
  }
  const [record] = records('OSBaseline', [{ ...check, CceId: '', Result: 'Fail' }])
  assert.ok(record?.kind === 'baseline')
  assert.match(record.checks[0]?.id ?? '', /^desc:[0-9a-f]{16}$/)
  const [first] = record.checks
  assert.deepEqual(
    { ...first, id: '' },
    {
      ...{ benchmark: '', id: '', group: '', result: 'fail', severity: 'critical', error: 'e' },
      ...{ description: 'd', remediation: '' },
    },
  )
})

test('Baseline of schema 2.0: the same record, with its benchmark and group', () => {
  const check = { benchmark: 'cis', checkId: '1.1', group: 'Filesystem', result: 'MISS' }
  const [record] = records('Baseline', [{ ...check, remediation: 'r'.repeat(5_000) }], micro)
  assert.ok(record?.kind === 'baseline')
  const [first] = record.checks
  assert.equal(first?.result, 'error')
  assert.equal(first?.severity, 'informational')
  assert.deepEqual([first?.benchmark, first?.id, first?.group], ['cis', '1.1', 'Filesystem'])
  assert.equal(first?.remediation.length, 2_048)
})

test('an interval that no agent can have collected over says nothing', () => {
  for (const interval of [1e300, 1.7e308, 4_294_967_295]) {
    const [record] = records('DnsActivity', [{ name: 'a.example', interval }], micro)
    assert.deepEqual([record?.windowStartMs, record?.windowEndMs], [undefined, undefined])
  }
})

test('snapshots of information, hardware and packages are one record each', () => {
  for (const [name, kind] of [
    ['SystemInformation', 'sysinfo'],
    ['ConnectedHardware', 'hw'],
  ] as const) {
    const payload = [{ HostName: 'a' }]
    assert.deepEqual(facts(name, ...payload), [{ kind, hits: 1, payload }])
  }
  const [sbom] = records('Sbom', [{ packages: [] }], micro)
  assert.equal(sbom?.kind, 'sbom')
})

test('events of schema 2.0 become the records of the legacy ones', () => {
  const [process] = records(
    'Process',
    [{ type: 'Exit', pid: 4, uid: 1000, exe: '/bin/ls', hits: 2, sha256: 'ab', interval: 60 }],
    { ...micro, timeMs: 100_000 },
  )
  assert.ok(process?.kind === 'proc')
  assert.deepEqual(
    [process.type, process.uid, process.hits, process.hash],
    ['exit', '1000', 2, 'ab'],
  )
  assert.deepEqual([process.windowStartMs, process.windowEndMs], [40_000, 100_000])
  const [activity] = records(
    'NetworkActivity',
    [{ remoteAddr: '192.0.2.7', remotePort: 443, transport: 'TCP', bytesIn: 5, host: 'a' }],
    micro,
  )
  assert.ok(activity?.kind === 'conn')
  assert.deepEqual(
    [activity.direction, activity.protocol, activity.remotePort, activity.bytesIn, activity.host],
    ['unknown', 'tcp', '443', 5, 'a'],
  )
  const logins = records(
    'Login',
    ['Login', 'Logout', 'LoginFailed'].map((operation) => ({
      ...{ operation, user: 'ops', terminal: 'tty1', remoteAddr: '127.0.0.1' },
    })),
    micro,
  )
  assert.deepEqual(
    logins.map((login) => login.kind === 'login' && [login.result, login.remoteAddress]),
    [
      ['success', ''],
      ['logout', ''],
      ['fail', ''],
    ],
  )
  const [dns] = records('DnsActivity', [{ name: 'a.example', hits: 3 }], micro)
  assert.ok(dns?.kind === 'dns' && dns.name === 'a.example' && dns.hits === 3)
  const [file] = records(
    'FileSystem',
    [{ path: '/etc/passwd', mask: ['Modified'], hits: 9 }],
    micro,
  )
  assert.ok(file?.kind === 'file' && file.hits === 9 && file.detail.path === '/etc/passwd')
  const [peripheral] = records('Peripheral', [{ action: 'connect', kind: 'usb' }], micro)
  assert.ok(peripheral?.kind === 'periph' && peripheral.detail.kind === 'usb')
})

test('an aggregate says when it was counted, in either way of writing a time', () => {
  const windowOf = (StartTimeUtc: string, EndTimeUtc: string) => {
    const details = { HitCount: '2', StartTimeUtc, EndTimeUtc }
    const [record] = records('ProcessCreate', [{ ...process, ExtraDetails: details }])
    return [record?.windowStartMs, record?.windowEndMs]
  }
  const eight = Date.UTC(2019, 10, 2, 8)
  const nine = eight + 3_600_000
  assert.deepEqual(windowOf('11/02/2019 08:00:00', '11/02/2019 09:00:00'), [eight, nine])
  assert.deepEqual(windowOf('2019-11-02T08:00:00', '2019-11-02T09:00:00Z'), [eight, nine])
  assert.deepEqual(windowOf('13/41/2019 08:00:00', '11/02/2019 09:00:00'), [undefined, undefined])
  assert.deepEqual(windowOf('11/02/2019 10:00:00', '11/02/2019 09:00:00'), [undefined, undefined])
})
