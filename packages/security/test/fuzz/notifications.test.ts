import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { CHANNEL_KINDS, readChannel } from '../../src/notifications/channel-settings.ts'
import { emailText } from '../../src/notifications/email-text.ts'
import { matchesGlob } from '../../src/notifications/glob.ts'
import { natsSubject } from '../../src/notifications/nats-subject.ts'
import { syslogLine } from '../../src/notifications/syslog-line.ts'
import { sampleDelivery } from '../deliveries.ts'
import { parseSyslog } from '../syslog-parser.ts'

/** Texts as hostile devices make them. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('a|b\\c=d', '\r\nBcc: x@example.org', ' cs1=x', '\ud800', '</h3><script>', '*.>'),
)
const options = { facility: 16, hostName: 'hub', processId: 1, version: '0.1.0', maxBytes: 2_048 }

test('syslog: whatever a device says, each message is one of RFC 5424 with CEF that says the same', () => {
  fc.assert(
    fc.property(text, text, text, text, (deviceId, displayName, summary, commandLine) => {
      const delivery = sampleDelivery({
        ...{ deviceId, displayName, alertType: displayName },
        evidence: [{ eventId: 'e', timeMs: 1, summary }],
        extendedProperties: { CommandLine: commandLine, 'User Name': summary },
      })
      const bytes = Buffer.from(syslogLine(delivery, options))
      assert.ok(bytes.byteLength <= options.maxBytes)
      const { cef } = parseSyslog(bytes)
      assert.equal(cef.extension.externalId, 'alert-1')
      assert.equal(cef.extension.cs1, delivery.id)
      const plain = (value: string) =>
        value
          .replace(/(?![\r\n])\p{Cc}|\u2028|\u2029/gu, ' ')
          .replace(/\p{Surrogate}/gu, '\ufffd')
          .replace(/\r\n/g, '\n')
      assert.equal(cef.extension.dhost ?? '', plain(deviceId))
      assert.equal(cef.extension.cs5 ?? '', plain(commandLine))
    }),
    fuzzRuns(300),
  )
})

test('e-mail: whatever a device says, the subject is one line and the HTML holds no element of it', () => {
  fc.assert(
    fc.property(text, text, text, (deviceId, displayName, summary) => {
      const evidence = [{ eventId: 'e', timeMs: 1, summary }]
      const {
        subject,
        html,
        text: body,
      } = emailText([sampleDelivery({ deviceId, displayName, evidence })])
      assert.doesNotMatch(subject, /[\p{Cc}\p{Surrogate}]/u)
      assert.ok(subject.length <= 150)
      assert.doesNotMatch(body, /\r|\p{Surrogate}/u)
      const elements = Array.from(html.matchAll(/<\/?([a-z0-9]*)/gi), ([, name]) => name)
      assert.deepEqual([...new Set(elements)].sort(), ['br', 'h3', 'p'])
    }),
    fuzzRuns(300),
  )
})

test('NATS: whatever a device says, the subject has as many plain tokens as its template', () => {
  const template = 'a.{kind}.{severity}.{type}.{device}'
  fc.assert(
    fc.property(text, text, (deviceId, alertType) => {
      const subject = natsSubject(template, sampleDelivery({ deviceId, alertType }))
      assert.match(subject, /^a\.alert-opened\.High\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/)
    }),
    fuzzRuns(300),
  )
})

test('channels: whatever is given is a channel or refused with a HubError', () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), text, fc.constant('https://a.example'))
  const names = ['url', 'secret', 'host', 'port', 'to', 'from', 'servers', 'subject', 'password']
  const given = fc.record({
    id: fc.oneof(text, fc.constant('soar')),
    kind: fc.constantFrom(...CHANNEL_KINDS),
    settings: fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5 }),
  })
  fc.assert(
    fc.property(given, (channel) => {
      try {
        const read = readChannel(channel)
        assert.deepEqual(readChannel({ id: read.id, kind: read.kind, settings: {} }, read), read)
      } catch (error) {
        assert.ok(error instanceof HubError, String(error))
      }
    }),
    fuzzRuns(300),
  )
})

test('patterns: as a regular expression says, and in bounded time', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
  const plain = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })
  fc.assert(
    fc.property(letters, plain, (pattern, subject) => {
      const same = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
      assert.equal(matchesGlob(pattern, subject), same.test(subject))
    }),
    fuzzRuns(500),
  )
  const startedMs = performance.now()
  assert.equal(matchesGlob('*a'.repeat(128), 'a'.repeat(5_000).concat('b')), false)
  assert.ok(performance.now() - startedMs < 500)
})
