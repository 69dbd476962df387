import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { sampleDelivery } from '../../../test/deliveries.ts'
import { selfSigned } from '../../../test/self-signed.ts'
import { type ParsedSyslog, parseSyslog } from '../../../test/syslog-parser.ts'
import { until } from '../../../test/until.ts'
import { SyslogTransport } from './syslog.ts'

const RSYSLOGD = '/usr/sbin/rsyslogd'
const settings = { host: '127.0.0.1', facility: 16 }
const texts = { displayName: 'a|b\\c', deviceId: 'pump=1', description: 'two\nlines' }

/** Messages of a stream, by the lengths before them (RFC 6587 §3.4.1). */
function messagesIn(stream: Buffer): ParsedSyslog[] {
  const messages: ParsedSyslog[] = []
  for (let at = 0; at < stream.length; ) {
    const [, digits = ''] = /^([1-9]\d*) /.exec(stream.subarray(at, at + 10).toString()) ?? []
    assert.notEqual(digits, '', 'no length before a message')
    const start = at + digits.length + 1
    if (start + Number(digits) > stream.length) break
    messages.push(parseSyslog(stream.subarray(start, start + Number(digits))))
    at = start + Number(digits)
  }
  return messages
}

test('syslog over UDP: one datagram a message', async () => {
  const socket = createSocket('udp4')
  const received: Buffer[] = []
  socket.on('message', (message) => received.push(message))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const transport = new SyslogTransport(
    { ...settings, protocol: 'udp', port: socket.address().port },
    '0.1.0',
  )
  const long = { CommandLine: 'ü'.repeat(5_000) }
  const alerts = [sampleDelivery(texts), sampleDelivery({ extendedProperties: long })]
  assert.deepEqual(await transport.send(alerts), [undefined, undefined])
  await until(() => received.length === 2)
  const [first] = received.map(parseSyslog)
  assert.equal(first?.facility, 16)
  assert.equal(first?.severity, 2)
  assert.equal(first?.app, 'twinward')
  assert.equal(first?.messageId, 'alert-opened')
  assert.equal(first?.cef.header[5], 'a|b\\c')
  assert.equal(first?.cef.extension.dhost, 'pump=1')
  assert.equal(first?.cef.extension.msg, 'two\nlines')
  assert.ok((received[1]?.length ?? 0) <= 2_048)
  socket.close()
})

test('syslog over UDP: a receiver that is not there is a failure', async () => {
  const transport = new SyslogTransport({ ...settings, protocol: 'udp', port: 9 }, '0.1.0')
  const many = Array.from({ length: 5 }, () => sampleDelivery())
  const failures = await transport.send(many)
  assert.match(failures[0]?.reason ?? '', /ECONNREFUSED/)
})

test('syslog over TCP: with lengths, on one connection, which is made anew when it broke', async () => {
  await streamTest({ protocol: 'tcp' }, (accept) => createServer(accept))
})

test('syslog over TLS: only to whom the CA vouches for', async () => {
  const { cert, key } = await selfSigned()
  const accepting = (accept: (socket: Socket) => void) => createTlsServer({ cert, key }, accept)
  await streamTest({ protocol: 'tls', ca: cert }, accepting)
  const server = accepting(() => {})
  const port = await listen(server)
  const transport = new SyslogTransport({ ...settings, protocol: 'tls', port }, '0.1.0')
  const [failure] = await transport.send([sampleDelivery()])
  assert.match(failure?.reason ?? '', /self-signed/)
  server.close()
})

async function streamTest(
  how: { protocol: 'tcp' | 'tls'; ca?: string },
  create: (accept: (socket: Socket) => void) => Server,
): Promise<void> {
  const sockets: Socket[] = []
  const chunks: Buffer[] = []
  const server = create((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {})
  })
  const port = await listen(server)
  const transport = new SyslogTransport({ ...settings, ...how, port }, '0.1.0')
  const received = () => messagesIn(Buffer.concat(chunks))
  await transport.send([sampleDelivery(texts), sampleDelivery()])
  await transport.send([sampleDelivery()])
  await until(() => received().length === 3)
  assert.equal(sockets.length, 1)
  assert.equal(received()[0]?.cef.extension.dhost, 'pump=1')
  sockets[0]?.destroy()
  chunks.splice(0)
  // What was written before the break was known is sent again by the outbox.
  await until(async () => (await transport.send([sampleDelivery()]))[0] === undefined && sockets[1])
  await until(() => received().length > 0)
  await transport.close()
  for (const socket of sockets) socket.destroy()
  server.close()
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

test('syslog: rsyslogd of Debian takes the messages and reads the same header', {
  skip: !existsSync(RSYSLOGD) && 'rsyslogd is not installed',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rsyslog-'))
  const probe = createServer()
  const port = await listen(probe)
  await new Promise((resolve) => probe.close(resolve))
  const output = join(folder, 'out')
  const config = `module(load="imtcp")
module(load="imudp")
global(workDirectory="${folder}" parser.escapeControlCharactersOnReceive="off")
template(name="t" type="string" string="%syslogfacility-text%|%syslogseverity-text%|%app-name%|%msgid%|%msg%\\n")
ruleset(name="r") { action(type="omfile" file="${output}" template="t" asyncWriting="off") }
input(type="imtcp" port="${port}" address="127.0.0.1" ruleset="r" SupportOctetCountedFraming="on")
input(type="imudp" port="${port}" address="127.0.0.1" ruleset="r")
`
  writeFileSync(join(folder, 'conf'), config)
  const args = ['-n', '-f', join(folder, 'conf'), '-i', join(folder, 'pid'), '-C']
  const daemon = spawn(RSYSLOGD, args, { stdio: 'ignore' })
  try {
    await until(() => isListening(port))
    for (const protocol of ['tcp', 'udp'] as const) {
      const transport = new SyslogTransport({ ...settings, protocol, port }, '0.1.0')
      assert.deepEqual(await transport.send([sampleDelivery(texts)]), [undefined])
      await transport.close()
    }
    const lines = await until(() => {
      const text = existsSync(output) ? readFileSync(output, 'utf8').trim().split('\n') : []
      return text.length === 2 && text
    })
    for (const line of lines) {
      assert.match(line, /^local0\|crit\|twinward\|alert-opened\| ?CEF:0\|Twinward\|/)
      assert.match(line, /dhost=pump\\=1 /)
    }
  } finally {
    const ended = new Promise((resolve) => daemon.once('exit', resolve))
    daemon.kill()
    await ended
    rmSync(folder, { recursive: true })
  }
})

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
