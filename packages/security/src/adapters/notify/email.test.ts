import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { sampleDelivery } from '../../../test/deliveries.ts'
import { selfSigned } from '../../../test/self-signed.ts'
import { until } from '../../../test/until.ts'
import { EmailTransport } from './email.ts'

const OPENSMTPD = '/usr/sbin/smtpd'
const base = {
  host: '127.0.0.1',
  from: 'hub@example.org',
  to: ['soc@example.org'],
  digestSeconds: 60,
}

interface Mail {
  readonly text: string
  readonly to: readonly string[]
  readonly isSecure: boolean
  readonly user: unknown
}

async function startSmtp(options: SMTPServerOptions) {
  const mails: Mail[] = []
  const server = new SMTPServer({
    ...options,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        mails.push({
          text: Buffer.concat(chunks).toString(),
          to: session.envelope.rcptTo.map(({ address }) => address),
          isSecure: session.secure,
          user: session.user,
        })
        done()
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  const close = () => new Promise<void>((resolve) => server.close(resolve))
  return { mails, port, close }
}

test('e-mail over STARTTLS with a password: one message tells of all', async () => {
  const { cert, key } = await selfSigned()
  const smtp = await startSmtp({
    ...{ cert, key, secure: false },
    onAuth: ({ username, password }, _, done) =>
      password === 'right' ? done(null, { user: username }) : done(new Error('wrong password')),
  })
  const login = { port: smtp.port, security: 'starttls', username: 'hub', ca: cert } as const
  const transport = new EmailTransport({ ...base, ...login, password: 'right' })
  assert.equal(transport.pauseMs, 60_000)
  const hostile = { deviceId: 'x\r\nBcc: thief@example.org', displayName: '<script>' }
  const sent = await transport.send([sampleDelivery(hostile), sampleDelivery({ id: 'b' })])
  assert.deepEqual(sent, [undefined, undefined])
  const one = await transport.send([sampleDelivery(hostile)])
  assert.deepEqual(one, [undefined])
  const [digest, single] = smtp.mails
  assert.deepEqual(digest?.to, ['soc@example.org'])
  assert.equal(digest?.isSecure, true)
  assert.equal(digest?.user, 'hub')
  assert.match(digest?.text ?? '', /^Subject: \[Twinward\] High: 2 notifications\r$/m)
  assert.doesNotMatch(single?.text ?? '', /^Bcc/im)
  assert.match(single?.text ?? '', /^Auto-Submitted: auto-generated\r$/m)
  assert.match(single?.text ?? '', /&lt;script&gt;/)

  const wrong = new EmailTransport({ ...base, ...login, password: 'wrong' })
  const [failure] = await wrong.send([sampleDelivery()])
  assert.match(failure?.reason ?? '', /EAUTH/)
  assert.doesNotMatch(failure?.reason ?? '', /wrong$/)
  const { ca: _, ...untrusting } = login
  const [refused] = await new EmailTransport({ ...base, ...untrusting, password: 'x' }).send([
    sampleDelivery(),
  ])
  assert.match(refused?.reason ?? '', /self-signed/)
  assert.equal(smtp.mails.length, 2)
  await smtp.close()
})

test('e-mail: TLS from the first byte, and no fall-back where STARTTLS is not offered', async () => {
  const { cert, key } = await selfSigned()
  const tls = await startSmtp({ cert, key, secure: true, authOptional: true })
  const settings = { ...base, port: tls.port, security: 'tls', ca: cert } as const
  assert.deepEqual(await new EmailTransport(settings).send([sampleDelivery()]), [undefined])
  assert.equal(tls.mails[0]?.isSecure, true)
  await tls.close()
  const plain = await startSmtp({ authOptional: true, disabledCommands: ['STARTTLS'] })
  const strict = { ...base, port: plain.port, security: 'starttls' } as const
  const [failure] = await new EmailTransport(strict).send([sampleDelivery()])
  assert.match(failure?.reason ?? '', /STARTTLS|ETLS/)
  assert.deepEqual(
    await new EmailTransport({ ...strict, security: 'none' }).send([sampleDelivery()]),
    [undefined],
  )
  await plain.close()
  const [gone] = await new EmailTransport({ ...strict, security: 'none' }).send([sampleDelivery()])
  assert.match(gone?.reason ?? '', /ECONNREFUSED/)
})

test('e-mail: OpenSMTPD of Debian takes a message and puts it into a maildir', {
  skip:
    (!existsSync(OPENSMTPD) && 'OpenSMTPD is not installed') ||
    (process.getuid?.() !== 0 && 'OpenSMTPD starts as root only'),
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'smtpd-'))
  const maildir = join(folder, 'mail')
  const port = await freePort()
  const config = `listen on 127.0.0.1 port ${port}
action "keep" maildir "${maildir}" virtual { "@" = nobody }
match from local for any action "keep"
`
  writeFileSync(join(folder, 'smtpd.conf'), config)
  // It delivers as the user nobody, who must reach the maildir.
  mkdirSync(maildir)
  chmodSync(folder, 0o755)
  chmodSync(maildir, 0o777)
  const args = ['-d', '-f', join(folder, 'smtpd.conf')]
  let log = ''
  const daemon = spawn(OPENSMTPD, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [daemon.stdout, daemon.stderr]) {
    stream.on('data', (chunk) => {
      log += chunk
    })
  }
  try {
    await until(() => isListening(port))
    const settings = { ...base, port, security: 'none' } as const
    assert.deepEqual(await new EmailTransport(settings).send([sampleDelivery()]), [undefined])
    const file = await until(() => {
      const box = join(maildir, 'new')
      const [name] = existsSync(box) ? readdirSync(box) : []
      return name !== undefined && join(box, name)
    })
    const mail = readFileSync(file, 'utf8')
    assert.match(mail, /^Subject: \[Twinward\] High: Successful brute force attempt on pump-1$/m)
    assert.match(mail, /^X-Twinward-Delivery: 6f3c0a52-/m)
  } catch (error) {
    throw new Error(`OpenSMTPD said: ${log}`, { cause: error })
  } finally {
    const ended = new Promise((resolve) => daemon.once('exit', resolve))
    daemon.kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
