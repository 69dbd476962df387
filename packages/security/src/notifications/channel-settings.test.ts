import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Channel, MASK } from './channel.ts'
import { readChannel } from './channel-settings.ts'

function channel(kind: Channel['kind'], settings: object): Channel {
  return readChannel({ id: 'soar', kind, settings: { ...settings } })
}

function changed(before: Channel, settings: object): Channel['settings'] {
  return readChannel({ id: before.id, kind: before.kind, settings: { ...settings } }, before)
    .settings
}

const webhook = channel('webhook', { url: 'https://a.example/x', authorization: 's', secret: 'k' })
const mail = channel('email', {
  ...{ host: 'smtp.example', from: 'a@x.org', to: ['b@x.org'], username: 'u', password: 'p' },
})
const nats = channel('nats', { servers: ['tls://n:4222'], token: 't' })

test('a secret that is sent goes nowhere else than where it was given for', () => {
  const elsewhere: readonly (readonly [Channel, object, string])[] = [
    [webhook, { url: 'https://evil.example/x' }, 'authorization'],
    [webhook, { url: 'http://a.example/x' }, 'authorization'],
    [webhook, { url: 'https://evil.example/x', authorization: MASK }, 'authorization'],
    [mail, { host: 'evil.example' }, 'password'],
    [mail, { port: 2525 }, 'password'],
    [nats, { servers: ['nats://n:4222'] }, 'token'],
  ]
  for (const [before, settings, name] of elsewhere) {
    const refused = new RegExp(`settings\\.${name} must be given again`)
    assert.throws(() => changed(before, settings), refused, JSON.stringify(settings))
  }
  // The key of a signature never leaves, so it may stay.
  const moved = changed(webhook, { url: 'https://b.example/', authorization: 'new' })
  assert.deepEqual(moved, { url: 'https://b.example/', authorization: 'new', secret: 'k' })
  const without = changed(webhook, { url: 'https://b.example/', authorization: null })
  assert.deepEqual(without, { url: 'https://b.example/', secret: 'k' })
  assert.deepEqual(changed(webhook, { url: 'https://a.example/x' }), webhook.settings)
  assert.deepEqual(changed(nats, { token: MASK, subject: 'a.b' }), {
    ...nats.settings,
    subject: 'a.b',
  })
})

test('a mask stands for a secret that is there, else it is refused', () => {
  assert.throws(
    () => channel('webhook', { url: 'https://a.example', secret: MASK }),
    /settings\.secret is masked/,
  )
  assert.deepEqual(changed(webhook, { secret: MASK }), webhook.settings)
})

test('a member that every object has is none of the settings', () => {
  const settings = JSON.parse('{"__proto__": {"url": "https://a.example"}}')
  assert.throws(() => readChannel({ id: 'soar', kind: 'webhook', settings }), /settings/)
})
