import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '@twinward/protocol'
import fc from 'fast-check'
import { connectionRecord, emptyMemory, header, processRecord } from '../../test/records.ts'
import { DEFAULT_GROUP_SETTINGS } from '../groups/group-settings.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import { analyse } from './command/analyse.ts'
import type { Command } from './command/command.ts'
import { MAX_COMMAND_CHARACTERS } from './command/limits.ts'
import { evaluateRecords } from './evaluate.ts'
import { IndicatorIndex } from './indicators/lookup.ts'
import { builtInRules } from './rules/index.ts'

/**
 * Steps of the analysis per character: up to four levels of scripts, each of which reads it once.
 */
const STEPS_PER_CHARACTER = 12

/** Reads of a command's tokens and characters per rule and character of the line. */
const READS_PER_CHARACTER = 60

/** All rules, one line. */
const MAX_MS = 25
const MOST_RUNS = 20

/** Pieces that, repeated, have brought analysers and pattern matchers down. */
const pieces = [
  ...[
    'bash -c sh -c ',
    'sh -c "',
    "sh -c '",
    'eval ',
    'eval "eval \'',
    'bash <<<',
    'echo a | sh | ',
  ],
  ...['"', "'", '`', '\\', '$(', '$((', '"$(', '<(', '>(', '(', ')', '()', '{', '${', '$IFS', "$'"],
  ...[';', '&', '|', '&&', '||', '\n', '>', '>>', '<', '<<<', '>&', '2>&1 ', '> /tmp/x ', '0<&1'],
  ...[
    ' ',
    'a',
    '-',
    '=',
    '/',
    '../',
    '/tmp/',
    'A=',
    'a ',
    'a;',
    '-c ',
    '--',
    '\0',
    '\0a',
    '\ud800',
  ],
  ...[
    '💥',
    '\u202e',
    '０',
    '\\x7f',
    '\\\\x',
    "echo '\\x41' > a;",
    'echo f0VMR',
    'base64 -d|',
    ' -F',
  ],
  ...[
    'sudo ',
    'env A=b ',
    'timeout 1 ',
    'sudo -u ',
    'nohup busybox ',
    'xargs -I ',
    'cd /tmp;',
    'cd a;',
  ],
  ...['python -c socket ', 'python -c a;', 'awk a;', "perl -e '", 'nc -e ', 'nc|sh|', 'mkfifo a;'],
  ...[
    'xmrig-x64-',
    'xmrig-',
    'systemctl stop ',
    'iptables -',
    'history -',
    '.bash_history ',
    'rm ',
  ],
  ...[
    'echo $(',
    'printf `',
    "echo '$(",
    'su -c ',
    'powershell -c ',
    'find -exec rm -name ',
    'unset ',
  ],
  ...['nohup sh a;', 'ssh -L a:b:c ', 'rm -rf / ', 'wget a.b;./x;', 'curl|sh|', 'cat|nc a|'],
  ...[
    '$(curl x) ',
    'useradd -G a,',
    'docker run -e a ',
    '/a/../',
    'a.b.c.d.',
    '/var/log/a ',
    'tar|',
  ],
  ...['cd /tmp;gcc a;', 'http://a.b ', '--cap-add ', 'find -exec openssl enc ', 'mv a.locked '],
  ...['busybox AAAA;', 'id;', 'cat /etc/passwd;', 'python a.sh;', 'adduser --a b ', 'scp a b:'],
  ...['socat tcp-l:1 tcp:2 ', 'iptables DNAT --to-destination ', 'a@b:', '"a.b "', '=/', '/./'],
  ...['grep -r password /etc ', 'curl -F x=@y ', 'thc-', 'history;', '<?php eval(', '.htaccess '],
]

const lines = pieces.map((piece) =>
  piece.repeat(MAX_COMMAND_CHARACTERS / piece.length + 1).slice(0, MAX_COMMAND_CHARACTERS),
)

/** An entry of each kind, so that rules do look. */
const lists = new IndicatorIndex(
  (
    [
      ['address', '203.0.113.0/24'],
      ['address', '2001:db8::/32'],
      ['domain', 'evil.example'],
      ['url', 'http://evil.example/x'],
      ['hash', 'd41d8cd98f00b204e9800998ecf8427e'],
      ['minerPool', '*:3333'],
    ] as const
  ).map(([kind, value]) => ({
    ...{ kind, value, source: '', confidence: 100, expiresMs: 0, note: '' },
  })),
)

/** Everything after a first half that leaves something open. */
const mixed = ['"', "'", '$(', '`', 'sh -c ', "echo '"].flatMap((open) =>
  ['a;', '\\', '$(', 'sh -c ', '>&', '\\x41'].map((piece) =>
    (open.repeat(4096 / open.length) + piece.repeat(4096 / piece.length)).slice(0, 8192),
  ),
)

test('hostile lines: steps are in proportion to the length, whatever is repeated', () => {
  assert.ok(lines.length + mixed.length >= 35)
  for (const line of [...lines, ...mixed]) {
    const { steps } = analyse(line)
    assert.ok(steps <= STEPS_PER_CHARACTER * line.length, `${steps} for ${show(line)}`)
  }
})

test('hostile lines: twice the length takes at most about twice the steps', () => {
  for (const piece of pieces) {
    const half = analyse(piece.repeat(1024 / piece.length)).steps
    const whole = analyse(piece.repeat(2048 / piece.length)).steps
    assert.ok(whole <= 2.5 * half + 64, `${half}, then ${whole} for ${show(piece)}`)
  }
})

test('hostile lines: every rule reads tokens and text in proportion to the length', () => {
  const rules = builtInRules()
  // What grows faster than its line shows in a part of it, and counting takes its time.
  const middle = (line: string) => line.slice(line.length / 2 - 1024, line.length / 2 + 1024)
  for (const line of [...lines, ...mixed].map(middle)) {
    for (const rule of rules) {
      for (const record of [processRecord({ cmd: line }), connectionRecord({ cmd: line })]) {
        if (!rule.kinds.includes(record.kind)) continue
        const { command, reads } = counted(analyse(line))
        rule.evaluate({ record, command }, emptyMemory(), DEFAULT_GROUP_SETTINGS)
        const most = READS_PER_CHARACTER * line.length
        assert.ok(reads() <= most, `${rule.type.alertType}: ${reads()} for ${show(line)}`)
      }
    }
  }
})

test('hostile lines: all rules together take less than 25 ms for 8 KiB of anything', () => {
  const rules = builtInRules(lists)
  // Once for the compiler, and then the quickest of some runs: others use this machine as well.
  for (const line of lines) evaluateRecords([processRecord({ cmd: line })], rules, emptyMemory())
  for (const line of [...lines, ...mixed]) {
    const record = processRecord({ cmd: line, exe: line, user: line, uid: line })
    let best = Number.POSITIVE_INFINITY
    for (let run = 0; run < MOST_RUNS && best >= MAX_MS; run++) {
      const startMs = performance.now()
      evaluateRecords([record], rules, emptyMemory())
      best = Math.min(best, performance.now() - startMs)
    }
    assert.ok(best < MAX_MS, `${best} ms for ${show(line)}`)
  }
})

test('hostile lines: matches stay within their limits and print harmlessly', () => {
  const seeds = ['iptables -F ', 'nc -e sh \x1b[2J', 'history -c \u202e', '/tmp/xmrig \0\ud800']
  for (const cmd of seeds.map((seed) => seed.repeat(1000))) {
    const record = processRecord({ cmd, exe: cmd, user: cmd, uid: cmd })
    const findings = evaluateRecords([record], builtInRules(), emptyMemory())
    assert.ok(findings.length > 0)
    for (const { match } of findings) {
      assert.ok(match.summary.length <= 512)
      const values = [
        ...match.entities.flatMap(Object.values),
        ...Object.values(match.extendedProperties),
      ]
      assert.ok(values.every((value) => value.length <= 2048))
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
      const unprintable = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\p{Surrogate}]/u
      assert.ok(![match.summary, ...values].some((value) => unprintable.test(value)))
    }
  }
})

test('rules: none throws, for any command line and program', () => {
  const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 8 }))
  const text = fc.array(piece, { maxLength: 60 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, text, (cmd, exe) => {
      const records = [
        processRecord({ cmd, exe }),
        connectionRecord({ cmd, exe, remoteAddress: exe }),
      ]
      evaluateRecords(records, builtInRules(), emptyMemory())
    }),
    { numRuns: 1000 },
  )
})

test('rules: none throws, for any record of any kind', () => {
  const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>
  const text = fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 40 }))
  const detail = fc.dictionary(
    fc.constantFrom('mask', 'path', 'kind', 'action', 'bus', 'class', 'interface', 'x'),
    value,
  )
  const base = fc.record({
    hits: fc.integer({ min: 1, max: 1e9 }),
    header: fc.integer({ min: 0, max: 4e12 }).map((timeMs) => header({ timeMs })),
  })
  const kinds = [
    fc.record({ kind: fc.constantFrom('file', 'periph'), detail }),
    fc.record({ kind: fc.constant('dns'), name: text }),
    fc.record({
      kind: fc.constant('agent'),
      type: fc.constant('configError'),
      payload: fc.array(detail),
    }),
    fc.record({
      ...{ kind: fc.constant('login'), result: fc.constantFrom('success', 'fail', 'logout') },
      ...{ user: text, uid: text, remoteAddress: text, operation: text, exe: text, terminal: text },
    }),
    fc.record({
      kind: fc.constant('users'),
      users: fc.array(fc.record({ uid: text, name: text, groups: fc.array(text) })),
    }),
  ]
  const record = fc
    .tuple(base, fc.oneof(...kinds))
    .map(([shared, own]) => ({ ...shared, ...own }) as unknown as SecurityRecord)
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (records) => {
      evaluateRecords(records, builtInRules(lists), emptyMemory())
    }),
    { numRuns: 500 },
  )
})

function show(line: string): string {
  return JSON.stringify(line.slice(0, 40))
}

/** The command, counting what is read of it: each element of a list, each character of a text. */
function counted(command: Command): { command: Command; reads: () => number } {
  let reads = 0
  const wrappers = new WeakMap<object, object>()
  const wrap = <T>(value: T): T => {
    if (typeof value === 'string') reads += value.length + 1
    if (typeof value !== 'object' || value === null) return value
    const known = wrappers.get(value)
    if (known) return known as T
    const wrapper = new Proxy(value, {
      get(target, name) {
        reads++
        // Methods of arrays run on the wrapper, so that they are counted as well.
        return wrap(Reflect.get(target, name) as unknown)
      },
    })
    wrappers.set(value, wrapper)
    return wrapper as T
  }
  return { command: wrap(command), reads: () => reads }
}
