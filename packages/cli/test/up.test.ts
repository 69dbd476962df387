import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runProgram, startProgram } from './program.ts'

test('up --json: the first line on standard output is the ready event', async () => {
  await using server = await startProgram(['--hostname', 'hub.test', '--hostname', 'b.test'])
  const ready = JSON.parse(server.firstLine)
  assert.equal(ready.event, 'ready')
  assert.equal(ready.hostName, 'hub.test')
  assert.equal(ready.listen, '127.0.0.1')
  assert.ok(ready.mqttPort > 0 && ready.httpsPort > 0)
  assert.ok(ready.amqpPort > 0)
  assert.ok(existsSync(ready.caFile))
  assert.equal(ready.dataDir, server.dataDir)
  assert.ok(ready.pid > 0)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`up: ${signal} stops it cleanly with 0 and withdraws what it announced`, async () => {
    await using server = await startProgram()
    assert.ok(existsSync(join(server.dataDir, 'server.json')))
    assert.equal(await server.stop(signal), 0)
    assert.ok(!existsSync(join(server.dataDir, 'server.json')))
    const { code, stdout, stderr } = await server.run(['device', 'list'])
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /^No server runs on .* Start one: twinward up --data-dir /)
  })
}

test('up: what cannot start says why in one sentence and ends with 1', async () => {
  await using server = await startProgram()
  const { dataDir, ready } = server
  const ports = ['--mqtt-port', '0', '--amqp-port', '0', '--https-port', '0']
  const again = await runProgram(['up', '--data-dir', dataDir, ...ports])
  assert.equal(again.code, 1)
  assert.equal(again.stdout, '')
  assert.match(again.stderr, /^Another Twinward uses the data directory .*\n$/)

  const options = ['--data-dir', join(dataDir, 'other'), '--mqtt-port', String(ready.mqttPort)]
  const taken = await runProgram(['up', ...options, '--https-port', '0'])
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /MQTT cannot listen on port \d+ .* choose a port with --mqtt-port/)
})

test('up: settings that do not fit together are refused with their names', async () => {
  const { code, stdout, stderr } = await runProgram(['up', '--tls-cert', 'a.pem'])
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /tlsCert and tlsKey go together/)
})
